"""gold.learning_velocity and gold.level_durations: how fast students climb, and how long a level takes."""

from __future__ import annotations

from datetime import date

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from pipelines.gold.contracts import LEVELS
from pipelines.gold.kaplan_meier import kaplan_meier

FEWEST_DAYS = 14
HIGHEST = LEVELS[-1]


def levels_known(levels: DataFrame, attempts: DataFrame) -> DataFrame:
    """Levels given, and levels recommended by attempts handed in: student_id, language, level_at, cefr_level.

    One level a moment: a level given goes before one recommended, then the highest.
    """
    given = levels.select(
        "student_id", "language", F.col("assessed_at").alias("level_at"), "cefr_level", F.lit(1).alias("given")
    )
    recommended = attempts.where("completed_at IS NOT NULL AND recommended_level IS NOT NULL").select(
        "student_id",
        "language",
        F.col("completed_at").alias("level_at"),
        F.col("recommended_level").alias("cefr_level"),
        F.lit(0).alias("given"),
    )
    best = F.max_by("cefr_level", F.struct("given", "cefr_level")).alias("cefr_level")
    return given.unionByName(recommended).groupBy("student_id", "language", "level_at").agg(best)


def learning_velocity(levels_known: DataFrame, activity: DataFrame, as_of: date) -> DataFrame:
    """A row for each student and language with a level.

    Args:
        levels_known: what `levels_known` returns.
        activity: student_id, language, active_at of everything that makes a day active.
        as_of: the end of the observation.

    Returns:
        student_id, language, first_level, current_level, levels_gained (steps of CEFR, negative when they fell),
        days_observed (from the first activity or level to `as_of`), levels_per_30_days (null under 14 days).
    """
    climbs = levels_known.groupBy("student_id", "language").agg(
        F.min_by("cefr_level", "level_at").alias("first_level"),
        F.max_by("cefr_level", "level_at").alias("current_level"),
        F.min("level_at").alias("first_level_at"),
    )
    begun = activity.groupBy("student_id", "language").agg(F.min("active_at").alias("first_active_at"))
    gained = _rank("current_level") - _rank("first_level")
    days = _days(F.least("first_level_at", "first_active_at"), F.lit(as_of))
    measured = climbs.join(begun, ["student_id", "language"], "left").withColumns(
        {"levels_gained": gained.cast("int"), "days_observed": days}
    )
    per_month = F.col("levels_gained") * 30 / F.col("days_observed")
    return measured.withColumn("levels_per_30_days", F.when(F.col("days_observed") >= FEWEST_DAYS, per_month))


def level_durations(levels_known: DataFrame, as_of: date) -> DataFrame:
    """How long a level takes, per language and level that has one above it.

    A spell runs from a student's first moment at the level to the first moment at a higher one after that, or to
    `as_of` for those still on their way, who count as censored.

    Args:
        levels_known: what `levels_known` returns.
        as_of: the end of the observation.

    Returns:
        language, cefr_level, students, reached_next, median_days and restricted_mean_days as `kaplan_meier` says.
    """
    durations = kaplan_meier(_spells(levels_known, as_of), ["language", "cefr_level"])
    return durations.withColumnsRenamed({"spells": "students", "ended": "reached_next"})


def _spells(levels_known: DataFrame, as_of: date) -> DataFrame:
    entered = levels_known.where(F.col("cefr_level") != HIGHEST).groupBy("student_id", "language", "cefr_level")
    spells = entered.agg(F.min("level_at").alias("entered_at"))
    climbs = levels_known.select("student_id", "language", "level_at", F.col("cefr_level").alias("reached"))
    higher_later = (_rank("reached") > _rank("cefr_level")) & (F.col("level_at") > F.col("entered_at"))
    left_at = F.min(F.when(higher_later, F.col("level_at"))).alias("left_at")
    ends = spells.join(climbs, ["student_id", "language"]).groupBy(*spells.columns).agg(left_at)
    days = _days(F.col("entered_at"), F.coalesce("left_at", F.lit(as_of).cast("timestamp")))
    return ends.select("language", "cefr_level", days.alias("days"), F.col("left_at").isNotNull().alias("ended"))


def _rank(level: str) -> Column:
    return F.array_position(F.array(*map(F.lit, LEVELS)), F.col(level))


def _days(start: Column, end: Column) -> Column:
    return (F.unix_micros(end.cast("timestamp")) - F.unix_micros(start)) / 86_400e6
