"""Feature groups and labels on a student or two, by hand."""

from __future__ import annotations

from datetime import date, datetime, timedelta

import pytest
from pyspark.sql import Row, SparkSession

from features.days import as_of_dates
from features.student_labels import student_labels
from features.views.student_activity import student_activity
from features.views.student_learning import student_learning
from tests.features.feature_frames import AS_OF, ago, event, known, nobody


def activity(spark: SparkSession, *events: Row) -> Row:
    _, at_hand, students = known(spark, list(events))
    return student_activity(at_hand, students).collect()[0]


def learning(spark: SparkSession, *events: Row) -> Row:
    _, at_hand, students = known(spark, list(events))
    return student_learning(at_hand, students).collect()[0]


def test_as_of_dates_are_every_monday_after_the_first_event_and_the_day_itself() -> None:
    assert as_of_dates(date(2024, 11, 11), date(2024, 11, 27)) == [
        date(2024, 11, 18), date(2024, 11, 25), date(2024, 11, 27),
    ]  # fmt: skip
    assert as_of_dates(date(2024, 11, 12), date(2024, 11, 18)) == [date(2024, 11, 18)]


def test_rhythm(spark: SparkSession) -> None:
    row = activity(spark, *[event("conversation", days) for days in (3, 5, 9, 10, 30)])
    assert (row.days_since_active, row.tenure_days) == (3, 30)
    assert (row.active_days_7, row.active_days_14, row.active_days_28, row.active_days_180) == (2, 4, 4, 5)
    assert (row.usual_gap, row.longest_gap) == (3.0, 20)  # gaps 2, 4, 1, 20: median (2 + 4) / 2
    assert row.gap_ratio == pytest.approx(3 / ((3 + 7) / 2))
    assert row.activity_trend == 4
    assert row.streak_weeks == 2
    assert row.weekly_rhythm == pytest.approx(3 / 5)
    assert row.platform_active_7 == 1


def test_messages_and_minutes_in_their_windows(spark: SparkSession) -> None:
    row = activity(
        spark, event("conversation", 2), event("message", 2, messages=5, messages_with_errors=1, minutes=10.0),
        event("message", 14, messages=3, messages_with_errors=0, minutes=4.0),
        event("message", 20, messages=8, messages_with_errors=0, minutes=6.0),
    )  # fmt: skip
    assert (row.messages_7, row.messages_14, row.messages_28) == (5, 8, 16)
    assert (row.minutes_7, row.minutes_28) == (10.0, 20.0)
    assert row.message_trend == pytest.approx(0.0)  # 8 in 14 days, 8 in the 14 before
    assert row.usual_gap is None
    assert row.gap_ratio == pytest.approx(2 / 7)


def test_the_day_before_counts_and_the_day_itself_does_not(spark: SparkSession) -> None:
    row = activity(spark, event("conversation", 1), event("conversation", 0))
    assert (row.days_since_active, row.active_days_180) == (1, 1)


def test_an_event_counts_from_when_it_was_known_until_it_was_superseded(spark: SparkSession) -> None:
    late = event("conversation", 2, known=datetime(2024, 12, 3))
    corrected = event("attempt", 4, until=datetime(2024, 12, 2), score=10.0)
    row = activity(spark, late, corrected, event("conversation", 6), event("lesson_started", 5, datetime(2024, 12, 2)))
    assert (row.days_since_active, row.active_days_7) == (5, 2)


def test_messages_alone_make_no_active_day(spark: SparkSession) -> None:
    row = activity(
        spark, event("conversation", 9), event("message", 3, messages=2, messages_with_errors=0, minutes=1.0)
    )
    assert row.days_since_active == 9


def test_learning(spark: SparkSession) -> None:
    row = learning(
        spark, event("lesson_started", 40), event("lesson_completed", 35, mastery=0.5),
        event("lesson_started", 10), event("lesson_completed", 9, mastery=0.9), event("lesson_started", 4),
        event("attempt", 33, score=60.0, cefr_level="A1"), event("attempt", 3, score=80.0, cefr_level="A2"),
        event("message", 20, messages=10, messages_with_errors=1, minutes=1.0),
        event("message", 3, messages=10, messages_with_errors=4, minutes=1.0),
    )  # fmt: skip
    assert (row.lessons_started_28, row.lessons_completed_28, row.lessons_completed_180, row.lessons_open) == (
        2,
        1,
        2,
        1,
    )
    assert (row.days_since_lesson, row.attempts_28, row.attempts_180, row.days_since_attempt) == (4, 1, 2, 3)
    assert (row.mastery_mean, row.mastery_recent) == (pytest.approx(0.7), 0.9)
    assert (row.score_latest, row.score_mean, row.score_drop) == (80.0, 70.0, 10.0)
    assert row.score_slope == pytest.approx(20.0)
    assert (row.level_index, row.level_velocity) == (2.0, pytest.approx(1.0))
    assert (row.error_rate_14, row.error_rate_28) == (0.4, 0.25)
    assert row.error_rate_change == pytest.approx(0.3)


def labels(spark: SparkSession, run_as_of: date, *events: Row) -> dict[date, tuple[bool, bool | None]]:
    mondays = [AS_OF - timedelta(weeks=n) for n in range(4)]
    days, _, students = known(spark, list(events), *mondays)
    rows = student_labels(days, students, nobody(spark), nobody(spark), run_as_of).collect()
    return {row.as_of: (row.eligible, row.dropped_out) for row in rows}


@pytest.mark.parametrize("split", [False, True])
def test_of_one_moment_the_latest_does_not_hang_on_the_order_of_rows(spark: SparkSession, split: bool) -> None:
    """A level given comes after an attempt's own, a better score after a worse one, however a day is split."""
    late = {"known": ago(1)} if split else {}
    events = [
        event("level", 2, cefr_level="B1", language="spanish"),
        event("attempt", 2, score=55.0, cefr_level="C2", ref_id="a", language="french"),
        event("attempt", 2, score=70.5, cefr_level="A1", ref_id="b", language="german", **late),
        event("conversation", 2, cefr_level="A2", language="dutch", **late),
    ]
    told = {
        tuple(known(spark, list(order))[1].select("level_index", "last_score", "language").collect()[0])
        for order in (events, events[::-1], events[2:] + events[:2])
    }
    assert {row[:2] for row in told} == {(3, 70.5)}
    assert len(told) == 1


def test_sums_do_not_hang_on_the_order_of_rows(spark: SparkSession) -> None:
    """0.1, 0.2 and 0.3 are 0.6 or 0.6000000000000001 by the order in which they are summed up."""
    mastered = [event("lesson_completed", 2, mastery=mastery, ref_id=str(mastery)) for mastery in (0.1, 0.2, 0.3)]
    days = {known(spark, order)[0].collect()[0].mastery_sum for order in (mastered, mastered[::-1])}
    assert len(days) == 1
    assert days.pop() == pytest.approx(0.6, abs=1e-9)


def test_labels(spark: SparkSession) -> None:
    # Active on Wednesday 13 November and again on Sunday 1 December.
    found = labels(spark, AS_OF, event("conversation", 19), event("conversation", 1))
    assert found[date(2024, 11, 18)] == (True, None)  # matures on 5 December
    assert found[AS_OF] == (True, None)
    later = labels(spark, date(2024, 12, 31), event("conversation", 19), event("conversation", 1))
    assert later[date(2024, 11, 18)] == (True, False)
    assert later[date(2024, 11, 25)] == (True, False)
    assert later[AS_OF] == (True, True)


def test_a_return_that_is_known_too_late_does_not_count(spark: SparkSession) -> None:
    seen = event("conversation", 15)
    in_time = labels(spark, date(2024, 12, 31), seen, event("conversation", 10, known=datetime(2024, 12, 5)))
    too_late = labels(spark, date(2024, 12, 31), seen, event("conversation", 10, known=datetime(2024, 12, 5, 1)))
    assert in_time[date(2024, 11, 18)] == (True, False)
    assert too_late[date(2024, 11, 18)] == (True, True)
