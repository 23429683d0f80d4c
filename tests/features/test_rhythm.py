"""Rhythm and progress on a student or three, by hand."""

from __future__ import annotations

from math import log, sqrt

import pytest
from pyspark.sql import Row, SparkSession

from features.views.student_progress import student_progress
from features.views.student_rhythm import student_rhythm
from tests.features.feature_frames import event, known


def rhythm(spark: SparkSession, *events: Row) -> dict[str, Row]:
    _, at_hand, students = known(spark, list(events))
    return {row.student_id: row for row in student_rhythm(at_hand, students).collect()}


def progress(spark: SparkSession, *events: Row) -> dict[str, Row]:
    _, at_hand, students = known(spark, list(events))
    return {row.student_id: row for row in student_progress(at_hand, students).collect()}


def talks(who: str, *days: int) -> list[Row]:
    return [event("conversation", day, student_id=who) for day in days]


def test_silence_beside_the_own_gaps(spark: SparkSession) -> None:
    row = rhythm(spark, *talks("1", 3, 5, 9, 10, 30))["1"]  # gaps 1, 2, 4 and 20
    assert row.silence_percentile == pytest.approx((2 + 0.5) / (4 + 1))
    assert row.silence_over_long_gap == pytest.approx(3 / ((4 + 14) / 2))  # third of four: 0.9 of the way, rounded down
    assert row.missed_days == pytest.approx(2 / 4)  # active 9 and 30 days ago, as 2 days ago would be, in 4 weeks
    assert row.returns_from_silence == 2
    assert row.silent_fortnights == pytest.approx(6 / 27)  # 6 of the dates within the gap of 20 begin 14 silent days
    assert row.decayed_7 == pytest.approx(sum(0.5 ** (ago / 7) for ago in (3, 5, 9, 10, 30)))
    assert row.trend_break == pytest.approx((4 - 0.5) / (1 + 0.5))  # fortnights before: 0 and 1
    assert row.streak_lost == 0  # both runs are of two weeks at most
    assert (row.activity_rank, row.platform_break, row.platform_lost) == (0.0, pytest.approx(0.0), None)


def test_one_active_day_says_little(spark: SparkSession) -> None:
    row = rhythm(spark, *talks("1", 4))["1"]
    assert (row.silence_percentile, row.missed_days, row.returns_from_silence) == (0.5, 0.0, 0)
    assert row.silence_over_long_gap == pytest.approx(4 / 14)
    assert (row.silent_fortnights, row.trend_break, row.platform_break, row.session_change) == (None,) * 4


def test_a_free_weekend_is_no_alarm_and_a_free_practice_day_is(spark: SparkSession) -> None:
    # As of a Monday: Fridays are 3 days ago, Saturdays 2, Sundays 1.
    fridays = rhythm(spark, *talks("1", 3, 10, 17, 24))["1"]
    saturdays = rhythm(spark, *talks("1", 3, 9, 16, 23))["1"]
    assert fridays.missed_days == 0
    assert saturdays.missed_days == pytest.approx(3 / 3)


def test_a_run_of_weeks_that_broke(spark: SparkSession) -> None:
    assert rhythm(spark, *talks("1", 2, 22, 29, 36))["1"].streak_lost == 3 - 1
    assert rhythm(spark, *talks("1", *range(1, 180, 7)))["1"].streak_lost == 0


def test_sessions_grow_shorter(spark: SparkSession) -> None:
    said = {"messages_with_errors": 0, "minutes": 1.0}
    events = [event("message", 2, messages=5, **said), event("message", 20, messages=11, **said)]
    row = rhythm(spark, *talks("1", 2, 20), *events)["1"]
    assert row.session_change == pytest.approx(log((1 + 5) / (1 + 11)))


def test_beside_the_platform(spark: SparkSession) -> None:
    found = rhythm(spark, *talks("new", 2), *talks("gone", 20, 25), *talks("there", 3, 16))
    assert {who: row.activity_rank for who, row in found.items()} == {"new": 0.0, "gone": 0.5, "there": 1.0}
    assert {row.platform_lost for row in found.values()} == {0.5}  # of two active 15 to 28 days ago one is silent
    # Active days now 1, 0, 1 (mean 2/3), before none, 2, 1 (mean 3/2).
    assert found["new"].platform_break is None
    assert found["gone"].platform_break == pytest.approx(log((1 + 0) / (1 + 2 / 3)) - log((1 + 2) / (1 + 3 / 2)))
    assert found["there"].platform_break == pytest.approx(log((1 + 1) / (1 + 2 / 3)) - log((1 + 1) / (1 + 3 / 2)))


def test_a_holiday_of_everybody_is_no_break(spark: SparkSession) -> None:
    found = rhythm(spark, *talks("1", 10, 18, 20, 22), *talks("2", 11, 17, 19, 21))
    assert [row.platform_break for row in found.values()] == [pytest.approx(0.0)] * 2
    assert all(row.trend_break < 0 for row in found.values())


def test_own_pace_and_struggle(spark: SparkSession) -> None:
    row = progress(
        spark, event("lesson_started", 40), event("lesson_completed", 35), event("lesson_started", 10),
        event("lesson_completed", 9), event("lesson_started", 4), event("attempt", 3, score=80.0, cefr_level="A2"),
        event("message", 20, messages=10, messages_with_errors=1, minutes=1.0),
        event("message", 3, messages=10, messages_with_errors=4, minutes=1.0),
    )["1"]  # fmt: skip
    assert row.lesson_overdue == pytest.approx(4 / ((9 + 7) / 2))  # 36 days between five lesson days: 9 each
    assert row.lesson_pace_change == pytest.approx(log((1 + 1) / (1 + 28 * 1 / 28)))
    assert row.error_break == pytest.approx((4 - 10 * 0.1) / sqrt(10 * 0.1 * 0.9 + 1))
    assert (row.failed_then_silent, row.score_beside_level, row.error_beside_level) == (0, 0.0, 0.0)
    assert (row.lessons_rank, row.attempts_behind, row.platform_attempts, row.attempt_missed) == (0.0, 0.0, 1.0, 0.0)


def test_beside_peers_and_level(spark: SparkSession) -> None:
    talked = {"messages": 10, "minutes": 1.0, "cefr_level": "A1"}
    found = progress(
        spark, event("attempt", 10, student_id="on", score=40.0, cefr_level="A1"),
        event("lesson_completed", 8, student_id="on"),
        event("message", 8, student_id="on", messages_with_errors=1, **talked),
        event("attempt", 5, student_id="failed", score=45.0, cefr_level="A1"), *talks("failed", 12),
        event("message", 12, student_id="failed", messages_with_errors=4, **talked),
        *talks("idle", 6, 12), *talks("gone", 40),
    )  # fmt: skip
    assert {who: row.failed_then_silent for who, row in found.items()} == {"on": 0, "failed": 1, "idle": 0, "gone": 0}
    assert (found["on"].score_beside_level, found["failed"].score_beside_level) == (-2.5, 2.5)
    assert found["on"].error_beside_level == pytest.approx(0.1 - 0.25)
    assert found["idle"].score_beside_level is None
    assert {who: found[who].lessons_rank for who in ("on", "failed", "idle")} == {"on": 1.0, "failed": 0.0, "idle": 0.0}
    assert (found["idle"].attempts_behind, found["idle"].lesson_overdue) == (1.0, None)
    assert found["idle"].attempt_missed == pytest.approx(2 / 3)
    assert found["on"].attempt_missed == pytest.approx(2 / 3 - 1)
    assert [row.platform_attempts for row in found.values()] == [pytest.approx(2 / 3)] * 4
    assert (found["gone"].lessons_rank, found["gone"].attempts_behind, found["gone"].attempt_missed) == (None,) * 3
