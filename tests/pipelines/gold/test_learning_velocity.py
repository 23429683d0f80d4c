from __future__ import annotations

from datetime import date, datetime

import pytest
from pyspark.sql import SparkSession

from pipelines.gold.contracts import LEARNING_VELOCITY, LEVEL_DURATIONS
from pipelines.gold.kaplan_meier import kaplan_meier
from pipelines.gold.learning_velocity import learning_velocity, level_durations, levels_known
from pipelines.silver.contracts import ASSESSMENT_ATTEMPTS, STUDENT_LEVELS
from tests.pipelines.gold.frames import ACTIVITY, LEVELS_KNOWN, frame, rows

AS_OF = date(2024, 3, 1)
SPELLS = {"group": "STRING", "days": "DOUBLE", "ended": "BOOLEAN"}
KNOWN = """
    student_id | language | level_at   | cefr_level
    ana        | spanish  | 2024-01-01 | A1
    ana        | spanish  | 2024-01-11 | A2
    ana        | spanish  | 2024-01-21 | A1
    ana        | spanish  | 2024-01-31 | B1
    bob        | spanish  | 2024-01-11 | A1
    eve        | spanish  | 2024-02-20 | B1
    eve        | spanish  | 2024-02-21 | A2
"""


def test_a_level_given_goes_before_one_recommended_at_the_same_moment(spark: SparkSession) -> None:
    levels = """
        student_id | language | cefr_level | assessed_at
        ana        | spanish  | A1         | 2024-01-01
        bob        | spanish  | A1         | 2024-01-01
    """
    attempts = """
        student_id | language | recommended_level | completed_at
        ana        | spanish  | B1                | 2024-01-01
        ana        | spanish  | A2                | 2024-01-05
        ana        | spanish  | C1                |
        ana        | spanish  |                   | 2024-01-06
    """
    known = levels_known(frame(spark, STUDENT_LEVELS, levels), frame(spark, ASSESSMENT_ATTEMPTS, attempts))
    assert rows(known, *LEVELS_KNOWN) == [
        ("ana", "spanish", datetime(2024, 1, 1), "A1"),
        ("ana", "spanish", datetime(2024, 1, 5), "A2"),
        ("bob", "spanish", datetime(2024, 1, 1), "A1"),
    ]


def test_velocity_runs_from_the_first_sign_of_life_to_the_day(spark: SparkSession) -> None:
    active = """
        student_id | language | active_at
        bob        | spanish  | 2024-01-01
        bob        | french   | 2023-01-01
    """
    made = learning_velocity(frame(spark, LEVELS_KNOWN, KNOWN), frame(spark, ACTIVITY, active), AS_OF)
    assert rows(made, *LEARNING_VELOCITY.column_names()) == [
        ("ana", "spanish", "A1", "B1", 2, 60.0, 1.0),
        ("bob", "spanish", "A1", "A1", 0, 60.0, 0.0),
        ("eve", "spanish", "B1", "A2", -1, 10.0, None),
    ]


def test_a_level_lasts_until_a_higher_one_or_is_censored(spark: SparkSession) -> None:
    made = level_durations(frame(spark, LEVELS_KNOWN, KNOWN), AS_OF)
    # A1: ana left after 10 days, bob is still there after 50. A2: ana left after 20, eve is there after 9.
    # B1: nobody left; eve stayed 10 days so far, falling to A2 is no way up, ana 30.
    assert rows(made, *LEVEL_DURATIONS.column_names()) == [
        ("spanish", "A1", 2, 1, 10.0, 10 + 0.5 * 40),
        ("spanish", "A2", 2, 1, 20.0, 20.0),
        ("spanish", "B1", 2, 0, None, 30.0),
    ]


def test_the_highest_level_is_not_left(spark: SparkSession) -> None:
    known = """
        student_id | language | level_at   | cefr_level
        ana        | spanish  | 2024-01-01 | C2
    """
    assert level_durations(frame(spark, LEVELS_KNOWN, known), AS_OF).count() == 0


def test_kaplan_meier_by_hand(spark: SparkSession) -> None:
    spells = """
        group | days | ended
        five  | 1    | true
        five  | 2    | false
        five  | 3    | true
        five  | 3    | true
        five  | 5    | false
        half  | 1    | true
        half  | 2    | true
        half  | 3    | false
        half  | 4    | false
        none  | 4    | false
    """
    made = kaplan_meier(frame(spark, SPELLS, spells), ["group"])
    # five: S = 4/5 from day 1, 4/15 from day 3. half: 3/4, then 3/4 · 2/3, which is a half.
    assert rows(made, "group", "spells", "ended", "median_days", "restricted_mean_days") == [
        ("five", 5, 3, 3.0, pytest.approx(1 + 2 * 4 / 5 + 2 * 4 / 15)),
        ("half", 4, 2, 2.0, pytest.approx(1 + 3 / 4 + 2 * 1 / 2)),
        ("none", 1, 0, None, 4.0),
    ]


def test_nobody_on_the_way(spark: SparkSession) -> None:
    nobody = levels_known(frame(spark, STUDENT_LEVELS), frame(spark, ASSESSMENT_ATTEMPTS))
    assert LEARNING_VELOCITY.conform(learning_velocity(nobody, frame(spark, ACTIVITY), AS_OF)).count() == 0
    assert LEVEL_DURATIONS.conform(level_durations(nobody, AS_OF)).count() == 0
