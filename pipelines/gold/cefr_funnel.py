"""gold.cefr_funnel: how many students stand at each level, and how many ever did."""

from __future__ import annotations

from pyspark.sql import DataFrame, Window
from pyspark.sql import functions as F


def cefr_funnel(levels: DataFrame, attempts: DataFrame) -> DataFrame:
    """A row for each language and level that was given to a student or assessed.

    Args:
        levels: silver student levels as known; the current one is the newest by assessed_at, then by known_at.
        attempts: silver attempts as known.

    Returns:
        language, cefr_level, students_at_level, students_ever_at_level; avg_score (0 to 100) and attempts count what
        was handed in at assessments of that level.
    """
    given_at = F.struct("assessed_at", "known_at")
    newest = given_at == F.max(given_at).over(Window.partitionBy("student_id", "language"))
    given = levels.select(
        "language", "cefr_level", F.col("student_id").alias("ever"), F.when(newest, F.col("student_id")).alias("now")
    )
    assessed = attempts.where("completed_at IS NOT NULL AND assessment_level IS NOT NULL").select(
        "language", F.col("assessment_level").alias("cefr_level"), "attempt_id", "score"
    )
    return (
        given.unionByName(assessed, allowMissingColumns=True)
        .groupBy("language", "cefr_level")
        .agg(
            F.count_distinct("now").alias("students_at_level"),
            F.count_distinct("ever").alias("students_ever_at_level"),
            F.avg("score").alias("avg_score"),
            F.count("attempt_id").alias("attempts"),
        )
    )
