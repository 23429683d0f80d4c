"""The silver tables from typed versions: pure functions, a table each."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial, reduce

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

from pipelines.silver.version_tables import RECORD
from pipelines.silver.versions import age, good, lasting, newest


def messages(versions: DataFrame, conversation_versions: DataFrame) -> DataFrame:
    """silver.messages with whose conversation each belongs to."""
    owners = newest(conversation_versions).select("conversation_id", "student_id")
    mine = newest(versions).join(owners, "conversation_id")
    return mine.withColumn("error_count", errors())


def errors() -> Column:
    """The number of corrections of a message, 0 when there are none."""
    return F.coalesce(F.size("corrections"), F.lit(0))


def errors_of(kind: str) -> Column:
    """The number of corrections of one type, 0 when there are none."""
    return F.coalesce(F.size(F.filter("corrections", lambda found: F.lower(found["type"]) == kind)), F.lit(0))


def conversations(versions: DataFrame, messages: DataFrame) -> DataFrame:
    """silver.conversations from its versions and silver.messages."""
    return with_messages(newest(versions), messages)


def with_messages(conversations: DataFrame, messages: DataFrame) -> DataFrame:
    """Conversations with what their messages tell: counts, error_rate, ended_at and duration_minutes. One without
    messages ends when it begins.
    """
    said = F.col("role") == "user"
    per = messages.groupBy("conversation_id").agg(
        F.count("*").alias("message_count"),
        F.count_if(said).alias("student_messages"),
        F.count_if(said & (F.col("error_count") > 0)).alias("messages_with_errors"),
        F.max("sent_at").alias("_last"),
    )
    joined = conversations.join(per, "conversation_id", "left")
    counted = joined.withColumns(_none_is_0("message_count", "student_messages", "messages_with_errors"))
    ended = F.greatest("started_at", F.coalesce("_last", "started_at"))
    rate = F.coalesce(F.try_divide("messages_with_errors", "student_messages"), F.lit(0.0))
    return counted.withColumns(
        {"ended_at": ended, "error_rate": rate, "duration_minutes": minutes(F.col("started_at"), ended)}
    )


def lesson_progress(versions: DataFrame, lesson_versions: DataFrame) -> DataFrame:
    """silver.lesson_progress with the catalogue's words beside it."""
    catalogue = newest(lesson_versions).select(
        "lesson_id", "lesson_type", "subject", "title", F.col("cefr_level").alias("lesson_level")
    )
    hours = minutes(F.col("started_at"), F.col("completed_at")) / 60
    return newest(versions).join(catalogue, "lesson_id").withColumn("hours_to_complete", hours)


def assessment_attempts(versions: DataFrame, assessment_versions: DataFrame) -> DataFrame:
    """silver.assessment_attempts, each completed one against the student's previous in the language."""
    catalogue = newest(assessment_versions).select(
        "assessment_id", "assessment_type", F.col("cefr_level").alias("assessment_level")
    )
    done = F.col("completed_at").isNotNull()
    in_order = Window.partitionBy("student_id", "language", done).orderBy("completed_at", "attempt_id")
    return (
        newest(versions)
        .join(catalogue, "assessment_id")
        .withColumns(
            {
                "duration_minutes": minutes(F.col("started_at"), F.col("completed_at")),
                "attempt_number": F.when(done, F.row_number().over(in_order)),
                "score_change": F.when(done, F.col("score") - F.lag("score").over(in_order)),
            }
        )
    )


def student_levels(versions: DataFrame) -> DataFrame:
    """silver.student_levels: every level received, once for each time it became known."""
    return newest(versions)


def closures(versions: DataFrame) -> DataFrame:
    """silver.closures: what was known of each closure from when to when, since features of a day stand on what was
    known then. Of one that is called off the row ends, and there is none after it.
    """
    told = lasting(versions.withColumn("_closure", F.struct(*RECORD["closures"])), "_closure")
    of_closure = Window.partitionBy("_closure").orderBy(*age())
    last_day = F.when(~called_off(), F.col("closed_to"))
    said = told.withColumn("_last_day", last_day).withColumn("_before", F.lag("_last_day").over(of_closure))
    changes = said.where("NOT (_before <=> _last_day)")
    return changes.withColumn("superseded_at", F.lead("known_at").over(of_closure)).where("_last_day IS NOT NULL")


def called_off() -> Column:
    """Whether a version of a closure calls it off."""
    return F.coalesce("cancelled", F.lit(False))


def interventions(versions: DataFrame) -> DataFrame:
    """silver.interventions: a contact is known since it was first told of, whatever was corrected since, and no earlier
    than it was made.
    """
    first = F.min("known_at").over(Window.partitionBy(*RECORD["interventions"]))
    told = good(versions).withColumn("_first", first)
    return newest(told).withColumn("known_at", F.greatest("_first", "contacted_at"))


def student_profiles(
    conversations: DataFrame, progress: DataFrame, attempts: DataFrame, levels: DataFrame
) -> DataFrame:
    """silver.student_profiles: one row a student and language with any record at all."""
    begun = F.col("started_at").isNotNull() & (F.col("status") != "not_started")
    started = F.when(begun, F.col("started_at"))
    completed = F.when(begun & (F.col("status") == "completed"), F.col("completed_at"))
    done = F.col("completed_at").isNotNull()
    talk = {
        "conversations": F.count("*"), "student_messages": F.sum("student_messages"),
        "_first_talk": F.min("started_at"), "_last_talk": F.max("started_at"),
    }  # fmt: skip
    study = {
        "lessons_started": F.count(started), "lessons_completed": F.count(completed),
        "_first_study": F.min(started), "_last_study": F.max(F.coalesce(completed, started)),
    }  # fmt: skip
    tested = {
        "attempts": F.count_if(done), "avg_score": F.avg(F.when(done, F.col("score"))),
        "avg_score_change": F.avg(F.when(done, F.col("score_change"))),
        "_first_test": F.min("completed_at"), "_last_test": F.max("completed_at"),
    }  # fmt: skip
    parts = [_of_each(conversations, talk), _of_each(progress, study), _of_each(attempts, tested)]
    together = reduce(partial(DataFrame.unionByName, allowMissingColumns=True), [*parts, current_levels(levels)])
    # In each column at most one row of a student and language has a value.
    names = [*talk, *study, *tested, "current_level", "proficiency_score"]
    profiles = _of_each(together, {name: F.max(name) for name in names})
    counts = _none_is_0("conversations", "student_messages", "lessons_started", "lessons_completed", "attempts")
    return profiles.withColumns(
        {
            **counts,
            "first_activity_at": F.least("_first_talk", "_first_study", "_first_test"),
            "last_activity_at": F.greatest("_last_talk", "_last_study", "_last_test"),
        }
    )


def _of_each(records: DataFrame, told: Mapping[str, Column]) -> DataFrame:
    """One row a student and language, with these aggregates."""
    return records.groupBy("student_id", "language").agg(*[column.alias(name) for name, column in told.items()])


def current_levels(levels: DataFrame) -> DataFrame:
    """The newest level of each student and language by assessed_at, then known_at."""
    newest_given = F.struct("assessed_at", "known_at")
    given = {"current_level": "cefr_level", "proficiency_score": "proficiency_score"}
    return _of_each(levels, {name: F.max_by(column, newest_given) for name, column in given.items()})


def _none_is_0(*counts: str) -> dict[str, Column]:
    return {name: F.coalesce(name, F.lit(0)) for name in counts}


def minutes(start: Column, end: Column) -> Column:
    """Minutes from start to end."""
    return (F.unix_micros(end) - F.unix_micros(start)) / 60e6
