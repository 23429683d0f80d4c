from __future__ import annotations

from datetime import date

import pytest
from pyspark.sql import SparkSession

from pipelines.gold.contracts import TOPIC_ENGAGEMENT
from pipelines.gold.topic_engagement import topic_engagement
from pipelines.silver.contracts import CONVERSATIONS
from tests.pipelines.gold.frames import frame, rows

AS_OF = date(2024, 1, 20)


def test_a_topic_counts_its_conversations_and_who_came_back(spark: SparkSession) -> None:
    talks = frame(
        spark,
        CONVERSATIONS,
        """
        conversation_id | student_id | language | topic  | started_at | message_count | duration_minutes | error_rate
        c1              | ana        | spanish  | food   | 2024-01-01 | 4             | 10               | 0.5
        c2              | ana        | french   | travel | 2024-01-08 | 2             | 20               | 0.0
        c3              | ana        | spanish  | food   | 2024-01-16 | 6             | 30               | 0.1
        c4              | bob        | spanish  | food   | 2024-01-13 | 8             | 40               | 0.2
        c5              | bob        | spanish  |        | 2024-01-14 | 1             | 0                | 0.0
        """,
    )
    # Returned to: c1, seven days later, and c4. Not: c2. Too young to tell: c3, c5.
    made = topic_engagement(talks, AS_OF)
    assert rows(made, *TOPIC_ENGAGEMENT.column_names()) == [
        ("(none)", "spanish", 1, 1, 1.0, 0.0, 0.0, 0, None),
        ("food", "spanish", 3, 2, 6.0, pytest.approx(80 / 3), pytest.approx(0.8 / 3), 2, 1.0),
        ("travel", "french", 1, 1, 2.0, 20.0, 0.0, 1, 0.0),
    ]


def test_two_conversations_of_one_moment_do_not_follow_each_other(spark: SparkSession) -> None:
    talks = frame(
        spark,
        CONVERSATIONS,
        """
        conversation_id | student_id | language | topic | started_at
        c1              | ana        | spanish  | food  | 2024-01-01
        c2              | ana        | spanish  | food  | 2024-01-01
        c3              | ana        | spanish  | food  | 2024-01-08 00:00:01
        """,
    )
    assert rows(topic_engagement(talks, AS_OF), "topic", "return_rate_7d") == [("food", 0.0)]


def test_no_conversations(spark: SparkSession) -> None:
    assert TOPIC_ENGAGEMENT.conform(topic_engagement(frame(spark, CONVERSATIONS), AS_OF)).count() == 0
