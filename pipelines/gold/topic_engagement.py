"""gold.topic_engagement: which topics are talked about, and whether students come back after them."""

from __future__ import annotations

from datetime import date, timedelta

from pyspark.sql import DataFrame, Window
from pyspark.sql import functions as F

RETURN = timedelta(days=7)
NO_TOPIC = "(none)"


def topic_engagement(conversations: DataFrame, as_of: date) -> DataFrame:
    """A row for each topic and language.

    Args:
        conversations: silver conversations as known at `as_of`.
        as_of: decides which conversations are old enough to have been returned from.

    Returns:
        topic, language, conversations, students, avg_messages (both sides), avg_duration_minutes, avg_error_rate;
        judged: conversations begun at least seven days before `as_of`; return_rate_7d: the share of those followed by a
        later one of the same student, on any topic and in any language, at most seven days after its beginning.
    """
    micros = RETURN // timedelta(microseconds=1)
    later = Window.partitionBy("student_id").orderBy(F.unix_micros("started_at")).rangeBetween(1, micros)
    old_enough = F.col("started_at") <= F.lit(as_of - RETURN)
    returned = F.when(old_enough, (F.count("*").over(later) > 0).cast("double"))
    followed = conversations.select("*", returned.alias("returned"))
    return followed.groupBy(F.coalesce("topic", F.lit(NO_TOPIC)).alias("topic"), "language").agg(
        F.count("*").alias("conversations"),
        F.count_distinct("student_id").alias("students"),
        F.avg("message_count").alias("avg_messages"),
        F.avg("duration_minutes").alias("avg_duration_minutes"),
        F.avg("error_rate").alias("avg_error_rate"),
        F.count("returned").alias("judged"),
        F.avg("returned").alias("return_rate_7d"),
    )
