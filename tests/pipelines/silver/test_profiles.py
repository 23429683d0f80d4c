"""silver.student_profiles: one row a student and language, from whatever records there are."""

from __future__ import annotations

from pyspark.sql import DataFrame, SparkSession

from pipelines.silver import contracts as c
from pipelines.silver.tables import student_profiles
from tests.pipelines.gold.frames import frame, rows
from tests.pipelines.silver.frames import at


def profiles(spark: SparkSession, **text: str) -> DataFrame:
    """The profiles from rows of silver tables by the columns that the text names; the others are null."""
    of = (c.CONVERSATIONS, c.LESSON_PROGRESS, c.ASSESSMENT_ATTEMPTS, c.STUDENT_LEVELS)
    return student_profiles(*[frame(spark, k, text.get(k.name.removeprefix("silver."), "")) for k in of])


def test_every_record_counts_in_the_language_it_is_of(spark: SparkSession) -> None:
    told = profiles(
        spark,
        conversations="""
            student_id | language | started_at          | student_messages
            1          | french   | 2024-11-04 10:00:00 | 3
            1          | french   | 2024-11-02 10:00:00 | 4
            1          | german   | 2024-11-20 10:00:00 | 1
        """,
        lesson_progress="""
            student_id | language | status      | started_at          | completed_at
            1          | french   | completed   | 2024-11-01 10:00:00 | 2024-11-09 10:00:00
            1          | french   | in_progress | 2024-11-08 10:00:00 |
            1          | french   | not_started |                     |
        """,
        assessment_attempts="""
            student_id | language | completed_at        | score | score_change
            1          | french   | 2024-11-05 10:00:00 | 40    |
            1          | french   | 2024-11-06 10:00:00 | 60    | 20
            1          | french   |                     | 99    |
        """,
    )
    counts = ("conversations", "student_messages", "lessons_started", "lessons_completed", "attempts")
    assert rows(told, "language", *counts, "avg_score", "avg_score_change") == [
        ("french", 2, 7, 2, 1, 2, 50.0, 20.0),
        ("german", 1, 1, 0, 0, 0, None, None),
    ]
    assert rows(told, "language", "first_activity_at", "last_activity_at") == [
        ("french", at(1, 10), at(9, 10)),
        ("german", at(20, 10), at(20, 10)),
    ]


def test_a_record_that_tells_of_no_activity_makes_a_profile_all_the_same(spark: SparkSession) -> None:
    told = profiles(
        spark,
        lesson_progress="""
            student_id | language | status
            1          | french   | not_started
        """,
        assessment_attempts="""
            student_id | language | score
            2          | french   | 40
        """,
        student_levels="""
            student_id | language | cefr_level | proficiency_score | assessed_at         | known_at
            3          | french   | B1         | 55                | 2024-11-08 10:00:00 | 2024-11-09 00:00:00
            3          | french   | A2         | 35                | 2024-11-01 10:00:00 | 2024-11-10 00:00:00
            3          | german   | A1         | 10                | 2024-11-01 10:00:00 | 2024-11-02 00:00:00
            3          | german   | A2         | 20                | 2024-11-01 10:00:00 | 2024-11-03 00:00:00
        """,
    )
    names = ("student_id", "language", "current_level", "proficiency_score", "lessons_started", "attempts")
    assert rows(told, *names) == [
        ("1", "french", None, None, 0, 0),
        ("2", "french", None, None, 0, 0),
        ("3", "french", "B1", 55.0, 0, 0),
        ("3", "german", "A2", 20.0, 0, 0),
    ]
    assert rows(told.where("first_activity_at IS NOT NULL OR last_activity_at IS NOT NULL"), "student_id") == []
