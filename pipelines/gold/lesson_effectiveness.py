"""gold.lesson_effectiveness: how many complete a lesson, how well, and what scores did around it."""

from __future__ import annotations

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from pipelines.gold.score_gain import score_gains, shrunk_gains

FEWEST_ATTEMPTS = 3
CATALOGUE = ("language", "lesson_type", "subject", "title", "lesson_level")


def lesson_effectiveness(lesson_progress: DataFrame, attempts: DataFrame) -> DataFrame:
    """A row a lesson that was begun.

    Args:
        lesson_progress: silver lesson progress as known, without lessons never begun.
        attempts: silver attempts as known.

    Returns:
        lesson_id and its catalogue columns; attempts and completions (students); completion_rate, avg_mastery (0 to 1,
        missing as 0), avg_hours_to_complete; effectiveness_score = 0.4 completion_rate + 0.6 avg_mastery, a
        lesson without a completion having no mastery to add; null under three attempts; students_with_gain,
        mean_score_gain, gain_low and gain_high (points of 100) as `score_gain.shrunk_gains` says.
    """
    completed = lesson_progress.where("status = 'completed'")
    outcomes = _outcomes(lesson_progress)
    gains = shrunk_gains(score_gains(completed, attempts))
    return outcomes.join(gains, "lesson_id", "left").fillna(0, ["students_with_gain"])


def _outcomes(lesson_progress: DataFrame) -> DataFrame:
    done = F.col("status") == "completed"
    counted = lesson_progress.groupBy("lesson_id").agg(
        *(F.max(name).alias(name) for name in CATALOGUE),
        F.count_distinct("student_id").alias("attempts"),
        F.count_distinct(F.when(done, F.col("student_id"))).alias("completions"),
        F.avg(F.when(done, F.coalesce("mastery_score", F.lit(0.0)))).alias("avg_mastery"),
        F.avg(F.when(done, F.col("hours_to_complete"))).alias("avg_hours_to_complete"),
    )
    rate = F.col("completions") / F.col("attempts")
    score = 0.4 * rate + 0.6 * F.coalesce("avg_mastery", F.lit(0.0))
    return counted.withColumns(
        {"completion_rate": rate, "effectiveness_score": F.when(F.col("attempts") >= FEWEST_ATTEMPTS, score)}
    )
