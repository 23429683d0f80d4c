"""Labels of another horizon than the table's 14 days, for experiments that ask another question."""

from __future__ import annotations

from datetime import date

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from features.closures import known_at_as_of
from features.days import student_days
from features.student_labels import HORIZON_DAYS, outcomes

LEAST_DAYS, MOST_DAYS = 7, 28


def relabelled(
    labels: DataFrame, events: DataFrame, closures: DataFrame | None, horizon: int, as_of: date
) -> DataFrame:
    """features.student_labels with the outcome of another horizon.

    Eligible is who the table calls eligible; where a closure of any language lies beyond the table's own 14 days and
    within a longer horizon, there is no label.

    Args:
        labels: features.student_labels.
        events: silver.learning_events.
        closures: silver.closures, if there is that table.
        horizon: days looked ahead.
        as_of: the day that outcomes have to have matured by.

    Returns:
        student_id, as_of, eligible, dropped_out.
    """
    told = outcomes(labels.select("student_id", "as_of", "eligible"), student_days(events), horizon, as_of)
    if closures is None or horizon <= HORIZON_DAYS:
        return told
    ahead = (F.col("closed_to") >= F.date_add("as_of", HORIZON_DAYS)) & (
        F.col("closed_from") < F.date_add("as_of", horizon)
    )
    return told.join(F.broadcast(closures), ahead & known_at_as_of(), "left_anti")
