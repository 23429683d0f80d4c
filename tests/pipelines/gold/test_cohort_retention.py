from __future__ import annotations

from datetime import date

from pyspark.sql import SparkSession

from pipelines.gold.cohort_retention import cohort_retention
from pipelines.gold.contracts import COHORT_RETENTION
from tests.pipelines.gold.frames import ACTIVITY, frame, rows

# 2024-01-01 is a Monday.
ACTIVE = """
    student_id | language | active_at
    ana        | spanish  | 2024-01-01 00:00
    ana        | french   | 2024-01-07 23:59
    ana        | spanish  | 2024-01-15 10:00
    bob        | spanish  | 2024-01-03 10:00
    eve        | spanish  | 2024-01-14 10:00
"""


def test_a_cohort_is_followed_week_by_week_to_the_day(spark: SparkSession) -> None:
    made = cohort_retention(frame(spark, ACTIVITY, ACTIVE), date(2024, 1, 16))
    assert rows(made, *COHORT_RETENTION.column_names()) == [
        (date(2024, 1, 1), 0, 2, 2, 1.0),
        (date(2024, 1, 1), 1, 2, 0, 0.0),
        (date(2024, 1, 1), 2, 2, 1, 0.5),
        (date(2024, 1, 8), 0, 1, 1, 1.0),
        (date(2024, 1, 8), 1, 1, 0, 0.0),
    ]


def test_a_week_beginning_on_the_day_is_not_there_yet(spark: SparkSession) -> None:
    active = frame(spark, ACTIVITY, ACTIVE).where("active_at < '2024-01-15'")
    made = cohort_retention(active, date(2024, 1, 15))
    assert rows(made, "cohort_week", "week_number") == [
        (date(2024, 1, 1), 0),
        (date(2024, 1, 1), 1),
        (date(2024, 1, 8), 0),
    ]


def test_no_cohorts(spark: SparkSession) -> None:
    assert COHORT_RETENTION.conform(cohort_retention(frame(spark, ACTIVITY), date(2024, 1, 15))).count() == 0
