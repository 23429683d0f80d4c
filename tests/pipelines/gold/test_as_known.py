from __future__ import annotations

from datetime import date, datetime

import pytest
from pyspark.sql import SparkSession

from pipelines.gold import as_known
from pipelines.silver.contracts import ASSESSMENT_ATTEMPTS, CONVERSATIONS, LESSON_PROGRESS, MESSAGES, STUDENT_LEVELS
from tests.pipelines.gold.frames import frame, rows

AS_OF = date(2024, 1, 10)


def test_a_conversation_counts_what_was_sent_and_heard_of_before_the_day(spark: SparkSession) -> None:
    talks = frame(
        spark,
        CONVERSATIONS,
        """
        conversation_id | started_at       | known_at         | message_count | duration_minutes
        cut             | 2024-01-09 23:50 | 2024-01-09 23:50 | 5             | 30
        silent          | 2024-01-09 10:00 | 2024-01-10 00:00 | 0             | 0
        today           | 2024-01-10 00:00 | 2024-01-10 00:00 | 0             | 0
        unheard         | 2024-01-08 10:00 | 2024-01-11 00:00 | 0             | 0
        """,
    )
    messages = frame(
        spark,
        MESSAGES,
        """
        message_id | conversation_id | role      | error_count | sent_at          | known_at
        m1         | cut             | user      | 1           | 2024-01-09 23:50 | 2024-01-09 23:50
        m2         | cut             | assistant | 0           | 2024-01-09 23:51 | 2024-01-09 23:51
        m3         | cut             | user      | 0           | 2024-01-09 23:55 | 2024-01-09 23:55
        late       | cut             | user      | 2           | 2024-01-09 23:57 | 2024-01-12 00:00
        after      | cut             | user      | 3           | 2024-01-10 00:00 | 2024-01-10 00:00
        """,
    )
    known = as_known.conversations(talks, messages, AS_OF)
    assert known.columns == CONVERSATIONS.column_names()
    assert rows(
        known, "conversation_id", "message_count", "student_messages", "messages_with_errors", "error_rate",
        "duration_minutes", "ended_at",
    ) == [
        ("cut", 3, 2, 1, 0.5, 5.0, datetime(2024, 1, 9, 23, 55)),
        ("silent", 0, 0, 0, 0.0, 0.0, datetime(2024, 1, 9, 10)),
    ]  # fmt: skip


def test_a_lesson_completed_later_is_still_in_progress(spark: SparkSession) -> None:
    progress = frame(
        spark,
        LESSON_PROGRESS,
        """
        progress_id | status      | mastery_score | hours_to_complete | started_at | completed_at | known_at
        done        | completed   | 0.8           | 24                | 2024-01-02 | 2024-01-03   | 2024-01-03
        later       | completed   | 0.9           | 24                | 2024-01-09 | 2024-01-10   | 2024-01-10
        much_later  | completed   | 0.9           | 264               | 2024-01-09 | 2024-01-20   | 2024-01-20
        begun       | in_progress |               |                   | 2024-01-05 |              | 2024-01-05
        live        | in_progress |               |                   | 2024-01-05 |              | 2024-01-10
        unheard     | in_progress |               |                   | 2024-01-05 |              | 2024-01-11
        today       | in_progress |               |                   | 2024-01-10 |              | 2024-01-10
        never       | not_started |               |                   | 2024-01-01 |              | 2024-01-01
        """,
    )
    known = as_known.lesson_progress(progress, AS_OF)
    assert known.columns == LESSON_PROGRESS.column_names()
    assert rows(known, "progress_id", "status", "mastery_score", "hours_to_complete", "completed_at") == [
        ("begun", "in_progress", None, None, None),
        ("done", "completed", 0.8, 24.0, datetime(2024, 1, 3)),
        ("later", "in_progress", None, None, None),
        ("live", "in_progress", None, None, None),
        ("much_later", "in_progress", None, None, None),
    ]


def test_the_last_access_is_kept_only_when_it_was_before_the_day(spark: SparkSession) -> None:
    progress = frame(
        spark,
        LESSON_PROGRESS,
        """
        progress_id | status      | completion_percentage | started_at | last_accessed_at | known_at
        before      | in_progress | 40                    | 2024-01-02 | 2024-01-09       | 2024-01-02
        after       | in_progress | 60                    | 2024-01-02 | 2024-01-10       | 2024-01-02
        """,
    )
    known = as_known.lesson_progress(progress, AS_OF)
    assert rows(known, "progress_id", "last_accessed_at", "completion_percentage") == [
        ("after", None, None),
        ("before", datetime(2024, 1, 9), None),
    ]


def test_an_attempt_handed_in_later_has_no_result(spark: SparkSession) -> None:
    attempts = frame(
        spark,
        ASSESSMENT_ATTEMPTS,
        """
        attempt_id | score | recommended_level | attempt_number | started_at       | completed_at     | known_at
        done       | 60    | A2                | 1              | 2024-01-02       | 2024-01-03       | 2024-01-03
        overnight  | 70    | B1                | 2              | 2024-01-09 23:50 | 2024-01-10 00:10 | 2024-01-10 00:10
        today      | 80    | B2                | 3              | 2024-01-10       | 2024-01-10 01:00 | 2024-01-10 01:00
        unheard    | 90    | C1                | 4              | 2024-01-02       | 2024-01-02 01:00 | 2024-01-15
        """,
    )
    known = as_known.assessment_attempts(attempts, AS_OF)
    assert rows(known, "attempt_id", "score", "recommended_level", "attempt_number", "completed_at") == [
        ("done", 60.0, "A2", 1, datetime(2024, 1, 3)),
        ("overnight", None, None, None, None),
    ]


def test_a_level_is_what_was_heard_of_it_by_then(spark: SparkSession) -> None:
    levels = frame(
        spark,
        STUDENT_LEVELS,
        """
        student_id | language | cefr_level | assessed_at | known_at
        ana        | spanish  | A1         | 2024-01-02  | 2024-01-03
        ana        | spanish  | A2         | 2024-01-02  | 2024-01-05
        ana        | spanish  | B1         | 2024-01-02  | 2024-01-11
        bob        | spanish  | B1         | 2024-01-10  | 2024-01-10
        eve        | spanish  | C1         | 2024-01-09  | 2024-01-10
        """,
    )
    assert rows(as_known.student_levels(levels, AS_OF), "student_id", "cefr_level") == [("ana", "A2"), ("eve", "C1")]


@pytest.mark.parametrize(
    ("mask", "contract"),
    [
        (as_known.lesson_progress, LESSON_PROGRESS),
        (as_known.assessment_attempts, ASSESSMENT_ATTEMPTS),
        (as_known.student_levels, STUDENT_LEVELS),
    ],
)
def test_nothing_known_of_nothing(spark: SparkSession, mask, contract) -> None:
    known = mask(frame(spark, contract), AS_OF)
    assert known.columns == contract.column_names()
    assert known.count() == 0
