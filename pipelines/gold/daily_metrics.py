"""gold.daily_metrics: activity per day and language."""

from __future__ import annotations

from pyspark.sql import DataFrame
from pyspark.sql import functions as F


def daily_metrics(conversations: DataFrame, activity: DataFrame) -> DataFrame:
    """Activity per UTC date and language, a row for each date with an active student.

    Args:
        conversations: silver conversations as known.
        activity: student_id, language, active_at of everything that makes a day active, conversations included.

    Returns:
        activity_date, language, active_students, conversations, total_messages (both sides), avg_session_minutes,
        avg_error_rate; the means are over the conversations begun on that date and null without one.
    """
    acts = activity.select(F.to_date("active_at").alias("activity_date"), "language", "student_id")
    talks = conversations.select(
        F.to_date("started_at").alias("activity_date"),
        "language",
        "conversation_id",
        "message_count",
        "duration_minutes",
        "error_rate",
    )
    days = acts.unionByName(talks, allowMissingColumns=True).groupBy("activity_date", "language")
    return days.agg(
        F.count_distinct("student_id").alias("active_students"),
        F.count("conversation_id").alias("conversations"),
        F.coalesce(F.sum("message_count"), F.lit(0)).alias("total_messages"),
        F.avg("duration_minutes").alias("avg_session_minutes"),
        F.avg("error_rate").alias("avg_error_rate"),
    )
