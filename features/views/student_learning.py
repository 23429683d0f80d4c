"""features.student_learning: what a student gets done, how well, and how that changes."""

from __future__ import annotations

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from features.days import total
from features.feature_view import FeatureView
from lakehouse.contracts import Contract, Publish, between, columns, rows

CONTRACT = Contract(
    "features.student_learning",
    "Progress, results and struggle of a student as known at midnight of as_of.",
    columns("""
        student_id | STRING NOT NULL | who
        as_of | DATE NOT NULL | the day asked about, midnight UTC
        lessons_started_28 | INT | lessons begun in the 28 days before
        lessons_completed_28 | INT | lessons completed in the 28 days before
        lessons_completed_180 | INT | lessons completed in the 180 days before
        lessons_open | INT | lessons begun less lessons completed in the 180 days before, 0 at least
        days_since_lesson | INT | days since a lesson was begun or completed; null without one in 180 days
        mastery_mean | DOUBLE | mean over days of the 180 before of the mastery of lessons completed on each, 0 to 1
        mastery_recent | DOUBLE | the same over 28 days
        attempts_28 | INT | assessments handed in in the 28 days before
        attempts_180 | INT | assessments handed in in the 180 days before
        days_since_attempt | INT | days since an assessment was handed in; null without one in 180 days
        score_latest | DOUBLE | score of the latest assessment, 0 to 100
        score_mean | DOUBLE | mean over days of the 180 before of the score of assessments on each
        score_slope | DOUBLE | change of score per 30 days by least squares; null under two days with an assessment
        score_drop | DOUBLE | score_latest less score_mean
        level_index | DOUBLE | level of the latest event that has one: 1 for A1 to 6 for C2
        level_velocity | DOUBLE | change of that level per 30 days over the 180 days before, by least squares
        error_rate_14 | DOUBLE | corrected share of the student's messages in the 14 days before; null without messages
        error_rate_28 | DOUBLE | the same over 28 days
        error_rate_180 | DOUBLE | the same over 180 days
        error_rate_change | DOUBLE | error_rate_14 less that of 15 to 180 days before
    """),
    key=("student_id", "as_of"),
    expectations=(
        rows(1),
        between("mastery_mean", 0, 1),
        between("score_latest", 0, 100),
        between("level_index", 1, 6),
        between("error_rate_28", 0, 1),
        between("lessons_completed_28", 0, None),
    ),
    publish=Publish.REPLACE_AS_OF,
    timeseries="as_of",
    clustered="as_of",
)


def student_learning(known: DataFrame, students: DataFrame) -> DataFrame:
    """What a student learns: lessons, mastery, assessments, level and mistakes.

    Args:
        known: from `days.known_days`.
        students: from `days.students_at`.

    Returns:
        The contract's columns, one row for each of the students.
    """
    # Slopes are over open days; by day where order counts, since the days of a closure lie equally far back.
    when, day = -F.col("ago"), F.col("day")
    per = known.groupBy("student_id", "as_of").agg(
        total("lessons_started", 28), total("lessons_completed", 28), total("lessons_completed", 180),
        total("lessons_started", 180), total("attempts", 28), total("attempts", 180),
        F.min(F.when(F.expr("lessons_started + lessons_completed > 0"), F.col("ago"))).alias("days_since_lesson"),
        F.min(F.when(F.col("attempts") > 0, F.col("ago"))).alias("days_since_attempt"),
        _mean(F.col("mastery")).alias("mastery_mean"),
        _mean(F.when(F.col("ago") <= 28, F.col("mastery"))).alias("mastery_recent"),
        F.max_by("last_score", F.when(F.col("last_score").isNotNull(), day)).alias("score_latest"),
        _mean(F.col("score")).alias("score_mean"),
        _slope("score", when).alias("score_slope"),
        F.max_by("level_index", F.when(F.col("level_index").isNotNull(), day)).alias("level_index"),
        _slope("level_index", when).alias("level_velocity"),
        _error_rate(1, 14).alias("error_rate_14"), _error_rate(1, 28).alias("error_rate_28"),
        _error_rate(1, 180).alias("error_rate_180"), _error_rate(15, 180).alias("_error_rate_before"),
    )  # fmt: skip
    compared = per.withColumns(
        {
            "lessons_open": F.greatest(F.lit(0), F.expr("lessons_started_180 - lessons_completed_180")),
            "score_drop": F.expr("score_latest - score_mean"),
            "error_rate_change": F.expr("error_rate_14 - _error_rate_before"),
        }
    )
    return students.join(compared, ["student_id", "as_of"])


def _slope(name: str, when: Column) -> Column:
    """Change in 30 days, rounded: its last digits hang on the order in which rows come."""
    return F.round(30 * F.regr_slope(name, when.cast("double")), 9)


def _mean(of_day: Column) -> Column:
    """The mean to the ninth digit, which is as far as days tell a number, see `days.summable`."""
    return F.round(F.avg(of_day), 9)


def _error_rate(nearest: int, farthest: int) -> Column:
    near = F.col("ago").between(nearest, farthest)
    return F.try_divide(F.sum(F.when(near, F.col("messages_with_errors"))), F.sum(F.when(near, F.col("messages"))))


VIEW = FeatureView(CONTRACT, lambda known: student_learning(known.days, known.students))
