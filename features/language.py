"""The language that a student practises."""

from __future__ import annotations

from datetime import date

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from features.days import RECENT_DAYS, known_at


def main_language(events: DataFrame, as_of: date) -> DataFrame:
    """The language each student practised most in the last 28 days, else the one of the newest event.

    Args:
        events: silver.learning_events.
        as_of: the day, midnight UTC.

    Returns:
        student_id, language.
    """
    known = events.where(known_at(as_of) & F.col("language").isNotNull())
    recent = F.count_if(F.col("event_at") >= F.date_sub(F.lit(as_of), RECENT_DAYS))
    per = known.groupBy("student_id", "language").agg(recent.alias("_recent"), F.max("event_at").alias("_newest"))
    return per.groupBy("student_id").agg(
        F.max_by("language", F.struct("_recent", "_newest", "language")).alias("language")
    )
