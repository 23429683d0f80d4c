from __future__ import annotations

from pyspark.sql import SparkSession

from pipelines.gold.cefr_funnel import cefr_funnel
from pipelines.gold.contracts import CEFR_FUNNEL
from pipelines.silver.contracts import ASSESSMENT_ATTEMPTS, STUDENT_LEVELS
from tests.pipelines.gold.frames import frame, rows


def test_the_current_level_is_the_newest_and_not_the_highest(spark: SparkSession) -> None:
    levels = frame(
        spark,
        STUDENT_LEVELS,
        """
        student_id | language | cefr_level | assessed_at | known_at
        ana        | spanish  | B1         | 2024-01-01  | 2024-01-01
        ana        | spanish  | A2         | 2024-02-01  | 2024-02-01
        bob        | spanish  | A2         | 2024-01-01  | 2024-01-01
        bob        | french   | C1         | 2024-01-01  | 2024-01-05
        bob        | french   | B2         | 2024-01-01  | 2024-01-09
        """,
    )
    attempts = frame(
        spark,
        ASSESSMENT_ATTEMPTS,
        """
        attempt_id | student_id | language | assessment_level | score | completed_at
        a1         | ana        | spanish  | A2               | 60    | 2024-01-01
        a2         | bob        | spanish  | A2               | 80    | 2024-01-02
        a3         | bob        | spanish  | A2               |       |
        a4         | ana        | german   | A1               | 50    | 2024-01-03
        a5         | ana        | german   |                  | 50    | 2024-01-03
        """,
    )
    assert rows(cefr_funnel(levels, attempts), *CEFR_FUNNEL.column_names()) == [
        ("french", "B2", 1, 1, None, 0),
        ("french", "C1", 0, 1, None, 0),
        ("german", "A1", 0, 0, 50.0, 1),
        ("spanish", "A2", 2, 2, 70.0, 2),
        ("spanish", "B1", 0, 1, None, 0),
    ]


def test_nobody_anywhere(spark: SparkSession) -> None:
    made = cefr_funnel(frame(spark, STUDENT_LEVELS), frame(spark, ASSESSMENT_ATTEMPTS))
    assert CEFR_FUNNEL.conform(made).count() == 0
