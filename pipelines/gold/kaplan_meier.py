"""How long spells last when some have not ended yet."""

from __future__ import annotations

from collections.abc import Sequence

from pyspark.sql import DataFrame, Window
from pyspark.sql import functions as F

HALF = 0.5 + 1e-9
"""Half, and what rounding adds to a product of fractions that is half on paper."""


def kaplan_meier(spells: DataFrame, by: Sequence[str]) -> DataFrame:
    """The product-limit estimate of Kaplan & Meier (1958, JASA 53:457-481) in each group.

    S(t) is the product over times up to t of 1 - ended / at risk; a spell cut off at t is at risk at t. The median is
    the first time at which S is no more than a half; the restricted mean is the area under S up to the longest spell.

    Args:
        spells: the columns `by`, days (length so far), ended (false where the spell was still going on).
        by: columns that make the groups.

    Returns:
        the columns `by`, spells, ended, median_days (null when S stays above a half), restricted_mean_days.
    """
    onwards = Window.partitionBy(*by).orderBy("days")
    so_far = onwards.rowsBetween(Window.unboundedPreceding, Window.currentRow)
    from_here = onwards.rowsBetween(Window.currentRow, Window.unboundedFollowing)
    times = spells.groupBy(*by, "days").agg(F.count("*").alias("spells"), F.count_if("ended").alias("ended"))
    at_risk = times.withColumn("at_risk", F.sum("spells").over(from_here))
    curve = at_risk.withColumn("survival", F.product(1 - F.col("ended") / F.col("at_risk")).over(so_far))
    width = F.col("days") - F.lag("days", 1, 0.0).over(onwards)
    steps = curve.withColumn("area", width * F.lag("survival", 1, 1.0).over(onwards))
    return steps.groupBy(*by).agg(
        F.sum("spells").alias("spells"),
        F.sum("ended").alias("ended"),
        F.min(F.when(F.col("survival") <= HALF, F.col("days"))).alias("median_days"),
        F.sum("area").alias("restricted_mean_days"),
    )
