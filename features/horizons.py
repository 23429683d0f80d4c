"""Labels of another horizon than the table's 14 days, for experiments that ask another question."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from features.closures import closed_days, closed_for, touched
from features.days import known_days, student_days
from features.student_labels import GRACE_DAYS, HORIZON_DAYS, MATURITY_DAYS, outcomes

HORIZON = "horizon_days"
"""What a version's tag and a training's run call it."""
LEAST_DAYS, MOST_DAYS = 7, 28


def asks_as_ever(tags: Mapping[str, object]) -> bool:
    """Whether a model version, by its tags, answers the champion's question; those of before there were others do. So
    for a training by what it wrote of itself.
    """
    return str(tags.get(HORIZON, HORIZON_DAYS)) == str(HORIZON_DAYS)


def relabelled(
    labels: DataFrame, events: DataFrame, closures: DataFrame | None, horizon: int, as_of: date
) -> DataFrame:
    """features.student_labels with the outcome of another horizon.

    Eligible is who the table calls eligible. There is no label where the table has none of its own that has ripened,
    so a shorter horizon waits for that too; nor where a closure of the student's touches a longer one. Like the table's
    own, labels know of what was announced until they ripen.

    Args:
        labels: features.student_labels.
        events: silver.learning_events.
        closures: silver.closures, if there is that table.
        horizon: days looked ahead.
        as_of: the day that outcomes have to have matured by.

    Returns:
        student_id, as_of, eligible, dropped_out.
    """
    key = ["student_id", "as_of"]
    ripe = F.col("as_of") <= F.lit(as_of - timedelta(days=MATURITY_DAYS))
    closed = labels.where(ripe & F.col("dropped_out").isNull()).select(*key)
    present = labels.select(*key, "eligible").join(closed, key, "left_anti")
    days = student_days(events)
    told = outcomes(present, days, horizon, as_of - timedelta(days=max(HORIZON_DAYS - horizon, 0)))
    if closures is None or horizon <= HORIZON_DAYS:
        return told
    asked = labels.select("as_of").distinct()
    closed_by_then = closed_days(closures, asked, horizon + GRACE_DAYS, horizon)
    return told.join(touched(closed_for(known_days(days, asked), closed_by_then)), key, "left_anti")
