from __future__ import annotations

import pytest
from pyspark.sql import SparkSession

from pipelines.gold.contracts import LESSON_EFFECTIVENESS
from pipelines.gold.lesson_effectiveness import lesson_effectiveness
from pipelines.silver.contracts import ASSESSMENT_ATTEMPTS, LESSON_PROGRESS
from tests.pipelines.gold.frames import frame, rows

PROGRESS = """
    lesson_id | language | student_id | status      | mastery_score | hours_to_complete | completed_at
    known     | spanish  | ana        | completed   | 0.9           | 2                 | 2024-01-02
    known     | spanish  | bob        | completed   |               | 4                 | 2024-01-02
    known     | spanish  | eve        | in_progress |               |                   |
    known     | spanish  | kim        | in_progress |               |                   |
    new       | spanish  | ana        | completed   | 1.0           | 1                 | 2024-01-02
    new       | spanish  | bob        | in_progress |               |                   |
    hard      | spanish  | ana        | in_progress |               |                   |
    hard      | spanish  | bob        | in_progress |               |                   |
    hard      | spanish  | eve        | in_progress |               |                   |
"""


def test_completion_and_mastery_make_the_score(spark: SparkSession) -> None:
    made = lesson_effectiveness(frame(spark, LESSON_PROGRESS, PROGRESS), frame(spark, ASSESSMENT_ATTEMPTS))
    names = ("attempts", "completions", "completion_rate", "avg_mastery", "avg_hours_to_complete")
    assert rows(made, "lesson_id", *names, "effectiveness_score", "students_with_gain", "mean_score_gain") == [
        ("hard", 3, 0, 0.0, None, None, 0.0, 0, None),
        ("known", 4, 2, 0.5, 0.45, 3.0, pytest.approx(0.4 * 0.5 + 0.6 * 0.45), 0, None),
        ("new", 2, 1, 0.5, 1.0, 1.0, None, 0, None),
    ]


def test_gains_stand_beside_the_score(spark: SparkSession) -> None:
    attempts = """
        attempt_id | student_id | language | score | completed_at
        a1         | ana        | spanish  | 60    | 2024-01-01
        a2         | ana        | spanish  | 80    | 2024-01-03
    """
    made = lesson_effectiveness(frame(spark, LESSON_PROGRESS, PROGRESS), frame(spark, ASSESSMENT_ATTEMPTS, attempts))
    assert rows(made, "lesson_id", "students_with_gain", "mean_score_gain") == [
        ("hard", 0, None),
        ("known", 1, 20.0),
        ("new", 1, 20.0),
    ]


def test_no_lessons(spark: SparkSession) -> None:
    made = lesson_effectiveness(frame(spark, LESSON_PROGRESS), frame(spark, ASSESSMENT_ATTEMPTS))
    assert LESSON_EFFECTIVENESS.conform(made).count() == 0
