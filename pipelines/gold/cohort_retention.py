"""gold.cohort_retention: of the students who began in a week, the share active in each week after."""

from __future__ import annotations

from datetime import date

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F


def cohort_retention(activity: DataFrame, as_of: date) -> DataFrame:
    """A row for each cohort and each week that began before `as_of`, weeks without activity included.

    Args:
        activity: student_id, active_at of everything that makes a day active, in any language.
        as_of: midnight UTC; the week it cuts through is counted as far as it goes.

    Returns:
        cohort_week (Monday of the students' first activity), week_number (0 for that week), students, active, retention
        (active / students).
    """
    weeks = activity.select("student_id", _monday(F.col("active_at")).alias("week")).distinct()
    begun = weeks.groupBy("student_id").agg(F.min("week").alias("cohort_week"))
    week_number = (F.datediff("week", "cohort_week") / 7).cast("int").alias("week_number")
    seen = weeks.join(begun, "student_id").groupBy("cohort_week", week_number).agg(F.count("*").alias("active"))
    last = F.floor((F.datediff(F.lit(as_of), "cohort_week") - 1) / 7).cast("int")
    cohorts = begun.groupBy("cohort_week").agg(F.count("*").alias("students"))
    grid = cohorts.withColumn("week_number", F.explode(F.sequence(F.lit(0), last)))
    counted = grid.join(seen, ["cohort_week", "week_number"], "left").fillna(0, ["active"])
    return counted.withColumn("retention", F.col("active") / F.col("students"))


def _monday(moment: Column) -> Column:
    return F.to_date(F.date_trunc("week", moment))
