"""Closures: closed days make no silence older, and a horizon that holds one is neither labelled nor scored."""

from __future__ import annotations

from datetime import date, datetime, timedelta

from feature_frames import AS_OF, event, known
from pyspark.sql import DataFrame, SparkSession

from features.closures import closed_days, closed_for, open_days, touched
from features.days import dates_frame
from features.student_labels import student_labels

Closure = tuple[str, date, date, datetime]
LONG_AGO = datetime(2000, 1, 1)


def before(days: int) -> date:
    return AS_OF - timedelta(days=days)


def closures(spark: SparkSession, *rows: Closure) -> DataFrame:
    return spark.createDataFrame(
        list(rows), "language string, closed_from date, closed_to date, known_at timestamp"
    )  # fmt: skip


def opened(spark: SparkSession, rows: list[Closure], *days: int) -> list[int]:
    """The open days since each active day of one student of Spanish."""
    _, at_hand, _ = known(spark, [event("conversation", n) for n in days])
    mine = closed_for(at_hand, closed_days(closures(spark, *rows), dates_frame(spark, [AS_OF])))
    return sorted(row.ago for row in open_days(at_hand, mine).collect())


def test_closed_days_between_make_an_active_day_no_older(spark: SparkSession) -> None:
    week = ("all", before(10), before(4), LONG_AGO)
    assert opened(spark, [week], 2, 12, 20) == [2, 5, 13]


def test_a_day_within_a_closure_counts_the_open_days_since(spark: SparkSession) -> None:
    assert opened(spark, [("all", before(10), before(1), LONG_AGO)], 6, 12) == [1, 2]


def test_overlapping_closures_count_once_and_other_languages_not_at_all(spark: SparkSession) -> None:
    rows = [
        ("all", before(5), before(4), LONG_AGO), ("spanish", before(4), before(3), LONG_AGO),
        ("french", before(9), before(8), LONG_AGO),
    ]  # fmt: skip
    assert opened(spark, rows, 12) == [9]


def test_what_is_announced_later_was_not_known(spark: SparkSession) -> None:
    announced = datetime.combine(AS_OF + timedelta(days=1), datetime.min.time())
    assert opened(spark, [("all", before(5), before(4), announced)], 12) == [12]


def test_a_horizon_that_a_closure_touches_is_neither_labelled_nor_scored(spark: SparkSession) -> None:
    days, at_hand, students = known(spark, [event("conversation", 3)])
    asked = dates_frame(spark, [AS_OF])
    for first, told in ((13, (False, None)), (14, (True, True))):
        shut = ("all", AS_OF + timedelta(days=first), AS_OF + timedelta(days=first + 5), LONG_AGO)
        mine = closed_for(at_hand, closed_days(closures(spark, shut), asked))
        (row,) = student_labels(days, students, touched(mine), AS_OF + timedelta(days=30)).collect()
        assert (row.eligible, row.dropped_out) == told
