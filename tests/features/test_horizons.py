"""Labels of another horizon than 14 days."""

from __future__ import annotations

from datetime import date, datetime, timedelta

import pytest
from pyspark.sql import SparkSession

from features.horizons import relabelled
from tests.features.feature_frames import AS_OF, SHAPE, event


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


@pytest.mark.parametrize(
    ("language", "first", "known", "told"),
    [
        ("all", 20, 0, False),
        ("spanish", 20, 31, False),
        ("spanish", 20, 32, True),
        ("spanish", 28, 0, True),
        ("french", 20, 0, True),
    ],
)
def test_a_longer_horizon_has_no_label_where_it_is_closed_for_the_student(
    spark: SparkSession, language: str, first: int, known: int, told: bool
) -> None:
    """A week that is closed so many days after as_of, and told of so many days after it: a student of Spanish."""
    labels = spark.createDataFrame(
        [("1", AS_OF, True, True)], "student_id string, as_of date, eligible boolean, dropped_out boolean"
    )
    closed = spark.createDataFrame(
        [(language, AS_OF + timedelta(first), AS_OF + timedelta(first + 6), datetime(2024, 12, 2) + timedelta(known))],
        "language string, closed_from date, closed_to date, known_at timestamp",
    )
    events = spark.createDataFrame([event("conversation", 3)], SHAPE)
    found = relabelled(labels, events, closed, 28, AS_OF + timedelta(60)).collect()
    assert [row.dropped_out for row in found] == ([True] if told else [])
