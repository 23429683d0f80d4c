"""When a student was active: a conversation begun, a lesson begun or completed, an attempt handed in."""

from __future__ import annotations

from pyspark.sql import DataFrame
from pyspark.sql import functions as F


def activity(conversations: DataFrame, lesson_progress: DataFrame, attempts: DataFrame) -> DataFrame:
    """Every act that makes a day active: student_id, language, active_at (UTC).

    Lessons never begun count for nothing; `as_known.lesson_progress` leaves them out.
    """
    lesson_acts = F.explode(F.array("started_at", "completed_at"))
    acts = (
        conversations.select("student_id", "language", F.col("started_at").alias("active_at")),
        lesson_progress.select("student_id", "language", lesson_acts.alias("active_at")),
        attempts.select("student_id", "language", F.col("completed_at").alias("active_at")),
    )
    return acts[0].unionByName(acts[1]).unionByName(acts[2]).where("active_at IS NOT NULL")
