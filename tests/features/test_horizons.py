"""Labels of another horizon than 14 days."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from feature_frames import AS_OF, SHAPE, event
from pyspark.sql import SparkSession

from features.horizons import relabelled


@pytest.mark.parametrize(
    ("horizon", "days_after", "own_outcome", "told"),
    [
        (7, 16, None, (True, None)),
        (7, 17, False, (True, True)),
        (7, 17, None, None),
        (28, 17, False, (True, None)),
        (28, 31, False, (True, False)),
    ],
)
def test_a_shorter_horizon_waits_for_what_closures_say_of_the_tables_own_outcome(
    spark: SparkSession, horizon: int, days_after: int, own_outcome: bool | None, told: tuple[bool, bool] | None
) -> None:
    """The student is away for ten days; the table has no outcome of its own where it has not ripened or was closed."""
    labels = spark.createDataFrame(
        [("1", AS_OF, True, own_outcome)], "student_id string, as_of date, eligible boolean, dropped_out boolean"
    )
    events = spark.createDataFrame([event("conversation", 3), event("conversation", -10)], SHAPE)
    day: date = AS_OF + timedelta(days=days_after)
    found = relabelled(labels, events, None, horizon, day).collect()
    assert [(row.eligible, row.dropped_out) for row in found] == ([told] if told else [])
