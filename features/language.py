"""The language that a student practises."""

from __future__ import annotations

from datetime import date

from pyspark.sql import DataFrame
from pyspark.sql import functions as F


def main_language(events: DataFrame, as_of: date) -> DataFrame:
    """The language each student practised most in the last 28 days, else the one of the newest event.

    Args:
        events: silver.learning_events.
        as_of: the day, midnight UTC.

    Returns:
        student_id, language.
    """
    day = F.lit(as_of).cast("timestamp")
    known = events.where(
        (F.col("event_at") < day) & (F.col("known_at") <= day)
        & (F.col("superseded_at").isNull() | (F.col("superseded_at") > day)) & F.col("language").isNotNull()
    )  # fmt: skip
    recent = F.count_if(F.col("event_at") >= F.date_sub(day, 28))
    per = known.groupBy("student_id", "language").agg(recent.alias("_recent"), F.max("event_at").alias("_newest"))
    return per.groupBy("student_id").agg(
        F.max_by("language", F.struct("_recent", "_newest", "language")).alias("language")
    )
