"""Closures: closed days make no silence older, and a horizon that holds one is neither labelled nor scored."""

from __future__ import annotations

from datetime import date, datetime, timedelta

import pytest
from pyspark.sql import DataFrame, SparkSession

from features.closures import by_all, closed_before, closed_dates, closed_days, closed_for, open_days, touched
from features.days import dates_frame, students_at
from features.student_labels import MATURITY_DAYS, student_labels
from features.views.student_activity import student_activity
from features.views.student_learning import student_learning
from tests.features.feature_frames import AS_OF, event, known

Closure = tuple[str, date, date, datetime] | tuple[str, date, date, datetime, datetime]
LONG_AGO = datetime(2000, 1, 1)


def before(days: int) -> date:
    return AS_OF - timedelta(days=days)


def closures(spark: SparkSession, *rows: Closure) -> DataFrame:
    """Rows of silver.closures; the last of a row may be missing, when nothing has replaced it."""
    shape = "language string, closed_from date, closed_to date, known_at timestamp, superseded_at timestamp"
    return spark.createDataFrame([(*row, None)[:5] for row in rows], shape)


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


def test_of_a_closure_without_an_end_the_days_that_matter_are_looked_at(spark: SparkSession) -> None:
    """A course that ended is closed until the last day there is."""
    ended = closures(spark, ("all", date(2000, 1, 1), date(9999, 12, 31), LONG_AGO))
    over = closures(spark, ("all", date(2000, 1, 1), before(181), LONG_AGO))
    (row,) = closed_days(ended.union(over), dates_frame(spark, [AS_OF])).collect()
    assert sorted(row.closed) == [before(180 - n) for n in range(180 + 14)]


def test_what_is_announced_later_was_not_known(spark: SparkSession) -> None:
    announced = datetime.combine(AS_OF + timedelta(days=1), datetime.min.time())
    assert opened(spark, [("all", before(5), before(4), announced)], 12) == [12]


def test_closed_dates_are_those_known_before_the_day(spark: SparkSession) -> None:
    shorter = datetime.combine(AS_OF, datetime.min.time())
    rows: list[Closure] = [
        ("all", before(3), before(-5), LONG_AGO, shorter), ("all", before(3), before(2), shorter),
        ("french", before(1), before(-5), LONG_AGO), ("dutch", before(0), before(-5), LONG_AGO),
        ("greek", before(9), before(8), shorter + timedelta(days=1)),
    ]  # fmt: skip
    assert closed_dates(closures(spark, *rows), AS_OF) == {"all": {before(3), before(2)}, "french": {before(1)}}


def test_a_day_closed_for_each_language_is_closed_for_everybody() -> None:
    """A school of one language may write its name."""
    closed = {"all": {before(9)}, "french": {before(3), before(2)}, "spanish": {before(3), before(1)}}
    assert by_all(closed, ["french", "spanish"]) == {
        "all": {before(9), before(3)}, "french": {before(2)}, "spanish": {before(1)},
    }  # fmt: skip
    assert by_all({"spanish": {before(3)}}, ["spanish"]) == {"all": {before(3)}, "spanish": set()}
    assert by_all({"french": {before(3)}}, ["french", "greek"]) == {"all": set(), "french": {before(3)}}
    assert by_all({}, []) == {"all": set()}


def test_a_horizon_that_a_closure_touches_is_neither_labelled_nor_scored(spark: SparkSession) -> None:
    days, at_hand, students = known(spark, [event("conversation", 3)])
    asked = dates_frame(spark, [AS_OF])
    for first, told in ((13, (False, None)), (14, (True, True))):
        shut = ("all", AS_OF + timedelta(days=first), AS_OF + timedelta(days=first + 5), LONG_AGO)
        mine = closed_for(at_hand, closed_days(closures(spark, shut), asked))
        (row,) = student_labels(days, students, touched(mine), touched(mine), AS_OF + timedelta(days=30)).collect()
        assert (row.eligible, row.dropped_out) == told


def test_a_corrected_closure_was_what_it_was_until_the_correction_came(spark: SparkSession) -> None:
    """Two days longer, as was told the day after AS_OF, or the day before it."""
    for day, open_since in ((AS_OF + timedelta(days=1), 11), (before(1), 9)):
        told = datetime.combine(day, datetime.min.time())
        old = ("all", before(5), before(5), LONG_AGO, told)
        assert opened(spark, [old, ("all", before(5), before(3), told)], 12) == [open_since]


@pytest.mark.parametrize(
    ("active", "first_closed", "last_closed", "tenure", "share"),
    [
        ([*range(1, 15), *range(43, 57)], 42, 15, 56, 1.0),
        ([*range(1, 9)], 23, 8, 8, 8 / 14),
        ([*range(1, 15), 16, 180], 180, 15, 180, 1.0),
    ],
    ids=["four closed weeks in between", "begun on the last day of a closure", "closed for half a year"],
)
def test_who_was_there_on_every_open_day_is_as_regular_as_without_a_closure(
    spark: SparkSession, active: list[int], first_closed: int, last_closed: int, tenure: int, share: float
) -> None:
    _, at_hand, students = known(spark, [event("lesson_started", n) for n in active])
    shut = ("all", before(first_closed), before(last_closed), LONG_AGO)
    mine = closed_for(at_hand, closed_days(closures(spark, shut), dates_frame(spark, [AS_OF])))
    at_hand = open_days(at_hand, mine)
    firsts = students.select("student_id", "as_of", "first_day")
    (row,) = student_activity(at_hand, closed_before(students_at(at_hand, firsts), mine)).collect()
    assert (row.tenure_days, row.weekly_rhythm) == (tenure, 1.0)
    assert row.active_share == pytest.approx(share)


def test_of_the_days_of_a_closure_the_latest_score_counts(spark: SparkSession) -> None:
    scored = [event("attempt", 4, score=40.0, cefr_level="A1"), event("attempt", 2, score=80.0, cefr_level="B1")]
    _, at_hand, students = known(spark, [*scored, event("conversation", 1)])
    mine = closed_for(
        at_hand, closed_days(closures(spark, ("all", before(6), before(1), LONG_AGO)), dates_frame(spark, [AS_OF]))
    )
    at_hand = open_days(at_hand, mine)
    (learnt,) = student_learning(at_hand, students).collect()
    assert (learnt.score_latest, learnt.level_index) == (80.0, 3)


@pytest.mark.parametrize(("days_after", "told"), [(17, (True, None)), (18, (True, True))])
def test_who_was_scored_before_a_closure_was_announced_is_not_labelled(
    spark: SparkSession, days_after: int, told: tuple[bool, bool | None]
) -> None:
    """Announced until the outcome is settled, 17 days after AS_OF; what comes later takes no outcome back."""
    days, at_hand, students = known(spark, [event("conversation", 3)])
    asked, announced = dates_frame(spark, [AS_OF]), datetime.combine(before(-days_after), datetime.min.time())
    shut = closures(spark, ("all", before(-5), before(-9), announced))
    then, since = (touched(closed_for(at_hand, closed_days(shut, asked, after))) for after in (0, MATURITY_DAYS))
    (row,) = student_labels(days, students, then, since, before(-30)).collect()
    assert (row.eligible, row.dropped_out) == told
