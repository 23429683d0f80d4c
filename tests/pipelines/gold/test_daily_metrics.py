from __future__ import annotations

from datetime import date

from pyspark.sql import SparkSession

from pipelines.gold.active_days import activity
from pipelines.gold.contracts import DAILY_METRICS
from pipelines.gold.daily_metrics import daily_metrics
from pipelines.silver.contracts import ASSESSMENT_ATTEMPTS, CONVERSATIONS, LESSON_PROGRESS
from tests.pipelines.gold.frames import ACTIVITY, frame, rows

TALKS = """
    conversation_id | student_id | language | started_at       | message_count | duration_minutes | error_rate
    c1              | ana        | spanish  | 2024-01-01 10:00 | 4             | 10               | 0.5
    c2              | ana        | spanish  | 2024-01-01 23:59 | 2             | 20               | 0.0
    c3              | bob        | spanish  | 2024-01-02 00:00 | 0             | 0                | 0.0
    c4              | ana        | french   | 2024-01-02 09:00 | 6             | 6                | 1.0
"""
LESSONS = """
    student_id | language | status      | started_at       | completed_at
    eve        | spanish  | completed   | 2024-01-01 08:00 | 2024-01-03 08:00
    bob        | spanish  | in_progress | 2024-01-02 08:00 |
"""
ATTEMPTS = """
    student_id | language | started_at       | completed_at
    ana        | spanish  | 2024-01-03 10:00 | 2024-01-03 11:00
    bob        | spanish  | 2024-01-04 10:00 |
"""


def test_activity_is_what_makes_a_day_active(spark: SparkSession) -> None:
    acts = activity(
        frame(spark, CONVERSATIONS, TALKS),
        frame(spark, LESSON_PROGRESS, LESSONS),
        frame(spark, ASSESSMENT_ATTEMPTS, ATTEMPTS),
    )
    by_student = acts.groupBy("student_id").count()
    assert rows(by_student, "student_id", "count") == [("ana", 4), ("bob", 2), ("eve", 2)]


def test_a_day_counts_its_students_and_the_conversations_begun_on_it(spark: SparkSession) -> None:
    talks = frame(spark, CONVERSATIONS, TALKS)
    acts = activity(talks, frame(spark, LESSON_PROGRESS, LESSONS), frame(spark, ASSESSMENT_ATTEMPTS, ATTEMPTS))
    made = daily_metrics(talks, acts)
    assert rows(made, *DAILY_METRICS.column_names()) == [
        (date(2024, 1, 1), "spanish", 2, 2, 6, 15.0, 0.25),
        (date(2024, 1, 2), "french", 1, 1, 6, 6.0, 1.0),
        (date(2024, 1, 2), "spanish", 1, 1, 0, 0.0, 0.0),
        (date(2024, 1, 3), "spanish", 2, 0, 0, None, None),
    ]


def test_no_activity_no_days(spark: SparkSession) -> None:
    made = daily_metrics(frame(spark, CONVERSATIONS), frame(spark, ACTIVITY))
    assert DAILY_METRICS.conform(made).count() == 0
