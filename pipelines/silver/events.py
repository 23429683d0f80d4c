"""silver.learning_events: every record as events at their own times; corrections close an event and open another."""

from __future__ import annotations

from collections.abc import Mapping
from functools import reduce

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

from pipelines.silver.tables import errors, minutes
from pipelines.silver.versions import age, good, newest

MEASURES = {
    "cefr_level": "string", "messages": "int", "messages_with_errors": "int", "minutes": "double", "score": "double",
    "mastery": "double", "topic": "string",
}  # fmt: skip
CONTENT = ["student_id", "language", "event_at", *MEASURES]
VERSION = ["live", "known_at", "event_time", "_ingested_at", "_file_hash", "row_hash"]


def learning_events(
    conversations: DataFrame,
    messages: DataFrame,
    progress: DataFrame,
    attempts: DataFrame,
    levels: DataFrame,
    lessons: DataFrame,
    assessments: DataFrame,
) -> DataFrame:
    """The whole log from all good versions of the five record tables and the two catalogues.

    Args:
        conversations: versions (`typed` + `known`) of bronze.conversations; likewise the next four.
        messages: versions of bronze.messages.
        progress: versions of bronze.lesson_progress.
        attempts: versions of bronze.assessment_attempts.
        levels: versions of bronze.user_levels.
        lessons: silver.lessons.
        assessments: silver.assessments.
    """
    lesson = lessons.select("lesson_id", F.col("cefr_level").alias("_level"), F.col("subject").alias("_topic"))
    test = assessments.select(
        "assessment_id", F.col("cefr_level").alias("_level"), F.col("assessment_type").alias("_topic")
    )
    study = good(progress).join(lesson, "lesson_id")
    taken = good(attempts).join(test, "assessment_id")
    catalogue = {"cefr_level": F.col("_level"), "topic": F.col("_topic")}
    begun = F.when(F.col("status") != "not_started", F.col("started_at"))
    finished = F.when(F.col("status") == "completed", F.col("completed_at"))
    duration = minutes(F.col("started_at"), F.col("completed_at"))
    revised = [
        _events(good(conversations), "conversation", "conversation_id", F.col("started_at"),
                {"cefr_level": F.col("cefr_level"), "topic": F.col("topic")}),
        _events(study, "lesson_started", "progress_id", begun, catalogue),
        _events(study, "lesson_completed", "progress_id", finished, catalogue | {"mastery": F.col("mastery_score")}),
        _events(taken, "attempt", "attempt_id", F.col("completed_at"),
                catalogue | {"score": F.col("score"), "minutes": duration}),
        _events(good(levels).where("live"), "level", F.concat_ws("|", "student_id", "language"), F.col("assessed_at"),
                {"cefr_level": F.col("cefr_level"), "score": F.col("proficiency_score")}),
        _events(study.where("live AND last_accessed_at IS NOT NULL"), "lesson_accessed",
                F.concat_ws("@", "progress_id", "last_accessed_at"), F.col("last_accessed_at"), catalogue),
    ]  # fmt: skip
    parts = [history(reduce(DataFrame.unionByName, revised)), message_days(messages, conversations)]
    return reduce(DataFrame.unionByName, parts)


def history(events: DataFrame) -> DataFrame:
    """Close each event where a later version of its record says otherwise.

    Args:
        events: one row a version, with a null `event_at` where that version tells of no event.

    Returns:
        Rows whose content is new, each with `superseded_at`: when the next version became known; for a backfill
        replaced by a backfill its own `known_at`, since it was never true.
    """
    same_moment = Window.partitionBy("event_type", "ref_id", "known_at").orderBy(*age())
    later = Window.partitionBy("event_type", "ref_id").orderBy(*age())
    last_word = F.lead("row_hash").over(same_moment).isNull()
    settled = events.withColumn("_last", last_word).where("_last").withColumn("_content", F.struct(*CONTENT))
    changed = settled.withColumn("_before", F.lag("_content").over(later)).where("NOT (_before <=> _content)")
    replaced = F.lead("live").over(later)
    until = F.when(replaced, F.lead("known_at").over(later)).when(~replaced, F.col("known_at"))
    closed = changed.withColumn("superseded_at", until).where("event_at IS NOT NULL")
    return closed.select("event_type", "ref_id", *CONTENT, "known_at", "superseded_at")


def message_days(messages: DataFrame, conversations: DataFrame) -> DataFrame:
    """Message events: per conversation and UTC day the running counts, a row for each time they became known.

    A later version of a message takes back what the earlier one added. Backfilled messages of a day are known from the
    last of them.
    """
    owners = newest(conversations).select("conversation_id", "student_id", "language", "cefr_level", "topic")
    day: list[str | Column] = ["conversation_id", F.to_date("sent_at").alias("_day")]
    backfill_last = Window.partitionBy("message_id", "live").orderBy(*age())
    lived = good(messages).withColumn("_replaced", ~F.col("live") & F.lead("row_hash").over(backfill_last).isNotNull())
    valid = lived.where("NOT _replaced").withColumn("_until", F.lead("known_at").over(
        Window.partitionBy("message_id").orderBy(*age())
    ))  # fmt: skip
    said = (F.col("role") == "user").cast("int")
    wrong = F.when(errors() > 0, said).otherwise(0)
    added = valid.select(
        *day, "live", "known_at", "sent_at", said.alias("messages"), wrong.alias("messages_with_errors")
    )
    nothing = F.lit(None).cast("timestamp")
    taken = valid.where("_until IS NOT NULL AND _until > known_at").select(
        *day, F.lit(True).alias("live"), F.col("_until").alias("known_at"), nothing.alias("sent_at"),
        (-said).alias("messages"), (-wrong).alias("messages_with_errors"),
    )  # fmt: skip
    whole = Window.partitionBy("conversation_id", "_day")
    backfilled = F.max(F.when(~F.col("live"), F.col("known_at"))).over(whole)
    steps = (
        added.unionByName(taken)
        .withColumn("known_at", F.when(F.col("live"), F.col("known_at")).otherwise(backfilled))
        .groupBy("conversation_id", "_day", "known_at")
        .agg(
            F.sum("messages").alias("messages"), F.sum("messages_with_errors").alias("messages_with_errors"),
            F.min("sent_at").alias("_first"), F.max("sent_at").alias("_last"),
        )
    )  # fmt: skip
    so_far = whole.orderBy("known_at").rowsBetween(Window.unboundedPreceding, Window.currentRow)
    running = steps.withColumns(
        {
            "messages": F.sum("messages").over(so_far).cast("int"),
            "messages_with_errors": F.sum("messages_with_errors").over(so_far).cast("int"),
            "event_at": F.min("_first").over(so_far),
            "minutes": minutes(F.min("_first").over(so_far), F.max("_last").over(so_far)),
            "superseded_at": F.lead("known_at").over(whole.orderBy("known_at")),
        }
    ).join(owners, "conversation_id")
    return _shaped(running, "message", F.concat_ws("@", "conversation_id", "_day")).select(
        "event_type", "ref_id", *CONTENT, "known_at", "superseded_at"
    )


def _events(
    versions: DataFrame, kind: str, ref: str | Column, event_at: Column, measures: Mapping[str, Column]
) -> DataFrame:
    reference = F.col(ref) if isinstance(ref, str) else ref
    timed = versions.withColumns({"event_at": event_at, **measures})
    arrived = F.when(F.col("live"), F.greatest("known_at", "event_at"))
    known = timed.withColumn("known_at", F.coalesce(arrived, "event_at", "known_at"))
    return _shaped(known, kind, reference).select("event_type", "ref_id", *CONTENT, *VERSION)


def _shaped(frame: DataFrame, kind: str, ref: Column) -> DataFrame:
    absent = {name: F.lit(None).cast(t) for name, t in MEASURES.items() if name not in frame.columns}
    return frame.withColumns({"event_type": F.lit(kind), "ref_id": ref, **absent})
