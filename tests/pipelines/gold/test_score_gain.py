from __future__ import annotations

from math import sqrt

import pytest
from pyspark.sql import DataFrame, SparkSession

from pipelines.gold.score_gain import Z_95, score_gains, shrunk_gains
from pipelines.silver.contracts import ASSESSMENT_ATTEMPTS, LESSON_PROGRESS
from tests.pipelines.gold.frames import frame, rows

GAINS = {"lesson_id": "STRING", "language": "STRING", "student_id": "STRING", "gain": "DOUBLE"}
ESTIMATE = ("lesson_id", "students_with_gain", "mean_score_gain", "gain_low", "gain_high")


def gained(spark: SparkSession, completed: str, attempts: str) -> DataFrame:
    return score_gains(frame(spark, LESSON_PROGRESS, completed), frame(spark, ASSESSMENT_ATTEMPTS, attempts))


def test_a_gain_spans_the_attempts_next_to_the_completion(spark: SparkSession) -> None:
    completed = """
        lesson_id | language | student_id | completed_at
        l1        | spanish  | ana        | 2024-01-10
        l1        | spanish  | bob        | 2024-01-10
        l2        | spanish  | ana        | 2024-01-20
    """
    attempts = """
        attempt_id | student_id | language | score | completed_at
        a1         | ana        | spanish  | 60    | 2024-01-01
        a2         | ana        | spanish  | 70    | 2024-01-05
        a3         | ana        | french   | 10    | 2024-01-11
        a4         | ana        | spanish  | 90    | 2024-01-20
        a5         | ana        | spanish  | 65    | 2024-01-25
        b1         | bob        | spanish  | 50    | 2024-01-01
        b2         | bob        | spanish  |       | 2024-01-12
    """
    gains = gained(spark, completed, attempts)
    # The attempt of l2's very moment is neither before nor after it.
    assert rows(gains, "lesson_id", "student_id", "gain") == [("l1", "ana", 20.0), ("l2", "ana", -5.0)]


def test_a_lesson_of_two_spellings_of_a_language_is_one_lesson(spark: SparkSession) -> None:
    completed = """
        lesson_id | language | student_id | completed_at
        l1        | spanish  | ana        | 2024-01-10
        l1        | español  | bob        | 2024-01-10
    """
    attempts = """
        attempt_id | student_id | language | score | completed_at
        a1         | ana        | spanish  | 60    | 2024-01-01
        a2         | ana        | spanish  | 70    | 2024-01-12
        b1         | bob        | español  | 50    | 2024-01-01
        b2         | bob        | español  | 80    | 2024-01-12
    """
    gains = gained(spark, completed, attempts)
    assert rows(gains, "lesson_id", "language", "student_id", "gain") == [
        ("l1", "spanish", "ana", 10.0), ("l1", "spanish", "bob", 30.0),
    ]  # fmt: skip
    assert rows(shrunk_gains(gains), "lesson_id", "students_with_gain") == [("l1", 2)]


def test_gains_are_shrunk_by_the_ratio_of_variances(spark: SparkSession) -> None:
    gains = frame(
        spark,
        GAINS,
        """
        lesson_id | language | student_id | gain
        high      | spanish  | ana        | 10
        high      | spanish  | bob        | 14
        low       | spanish  | ana        | 0
        low       | spanish  | bob        | 4
        """,
    )
    # Within: (8 + 8) / 2 = 8. Between: (100 - 8) / 2 = 46. So k = 4/23, and the weight 2 / (2 + k) = 0.92.
    margin = Z_95 * sqrt(8 / (2 + 4 / 23))
    high, low = rows(shrunk_gains(gains), *ESTIMATE)
    assert high == ("high", 2, *map(pytest.approx, (11.6, 11.6 - margin, 11.6 + margin)))
    assert low == ("low", 2, *map(pytest.approx, (2.4, 2.4 - margin, 2.4 + margin)))


def test_lessons_that_do_not_differ_lean_on_the_language(spark: SparkSession) -> None:
    gains = frame(
        spark,
        GAINS,
        """
        lesson_id | language | student_id | gain
        l1        | spanish  | ana        | 0
        l1        | spanish  | bob        | 10
        l2        | spanish  | ana        | 1
        l2        | spanish  | bob        | 11
        """,
    )
    margin = Z_95 * sqrt(50 / 102)
    first = rows(shrunk_gains(gains), *ESTIMATE)[0]
    mean = 5.5 - 0.5 * 2 / 102
    assert first == ("l1", 2, *map(pytest.approx, (mean, mean - margin, mean + margin)))


def test_too_few_gains_for_a_variance(spark: SparkSession) -> None:
    gains = frame(
        spark,
        GAINS,
        """
        lesson_id | language | student_id | gain
        alone     | french   | ana        | 7
        l1        | spanish  | ana        | 0
        l2        | spanish  | bob        | 10
        """,
    )
    alone, first, _ = rows(shrunk_gains(gains), *ESTIMATE)
    assert alone == ("alone", 1, 7.0, None, None)
    mean, margin = 5 - 5 / 101, Z_95 * sqrt(50 / 101)
    assert first == ("l1", 1, *map(pytest.approx, (mean, mean - margin, mean + margin)))
