"""Silver as it was known at one midnight: what had happened before it and had been heard of by then, and nothing else.

Every function takes silver frames and `as_of` and returns a frame of the same columns. Silver keeps the newest version
of a row, so a row that was corrected after `as_of` is left out rather than guessed at.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from pipelines.silver.tables import with_messages

MEASURES = (
    "message_count", "student_messages", "messages_with_errors", "ended_at", "duration_minutes", "error_rate",
)  # fmt: skip
RESULTS = (
    "score", "correct_answers", "completed_at", "duration_minutes", "recommended_level", "skills", "attempt_number",
    "score_change",
)  # fmt: skip
OUTCOME = ("completed_at", "mastery_score", "completion_percentage", "hours_to_complete")


def begun(conversations: DataFrame, as_of: date) -> DataFrame:
    """Conversations begun before `as_of`, without what only their messages tell."""
    return conversations.where(_before("started_at", as_of) & _heard_of(as_of)).drop(*MEASURES)


def conversations(conversations: DataFrame, messages: DataFrame, as_of: date) -> DataFrame:
    """Conversations begun before `as_of`, with counts, error rate and duration from the messages sent before it."""
    sent = messages.where(_before("sent_at", as_of) & _heard_of(as_of))
    return with_messages(begun(conversations, as_of), sent).select(conversations.columns)


def lesson_progress(progress: DataFrame, as_of: date) -> DataFrame:
    """Lessons begun before `as_of`; one completed later is still in progress and has no outcome.

    Rows that were never begun (status not_started) are left out, and so is an access at or after `as_of`.
    """
    done = (F.col("status") == "completed") & _before("completed_at", as_of)
    return progress.where((F.col("status") != "not_started") & _begun(as_of)).withColumns(
        {
            "last_accessed_at": F.when(_before("last_accessed_at", as_of), F.col("last_accessed_at")),
            **_only_when(done, OUTCOME),
            "status": F.when(done, F.lit("completed")).otherwise(F.lit("in_progress")),
        }
    )


def assessment_attempts(attempts: DataFrame, as_of: date) -> DataFrame:
    """Attempts begun before `as_of`; one handed in later is unfinished and has no result."""
    return attempts.where(_begun(as_of)).withColumns(_only_when(_before("completed_at", as_of), RESULTS))


def student_levels(levels: DataFrame, as_of: date) -> DataFrame:
    """Levels given before `as_of`; of several values for one moment, the one heard of last by then."""
    moment = ("student_id", "language", "assessed_at")
    values = [name for name in levels.columns if name not in moment]
    known = levels.where(_before("assessed_at", as_of) & _heard_of(as_of))
    newest = known.groupBy(*moment).agg(F.max_by(F.struct(*values), "known_at").alias("newest"))
    return newest.select(*moment, "newest.*").select(levels.columns)


def _before(event: str, as_of: date) -> Column:
    return F.col(event) < F.lit(as_of)


def _heard_of(as_of: date) -> Column:
    return F.col("known_at") <= F.lit(as_of)


def _begun(as_of: date) -> Column:
    """Begun before `as_of` and heard of by then; in a backfill each event of a row was heard of when it happened."""
    backfilled = F.col("known_at") == F.greatest("started_at", "completed_at")
    return (F.least("started_at", "completed_at") < F.lit(as_of)) & (_heard_of(as_of) | backfilled)


def _only_when(condition: Column, names: Iterable[str]) -> dict[str, Column]:
    return {name: F.when(condition, F.col(name)) for name in names}
