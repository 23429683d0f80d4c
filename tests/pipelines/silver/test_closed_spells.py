"""silver.closures: what was known of each closure from when to when."""

from __future__ import annotations

from datetime import date

from pyspark.sql import SparkSession

from pipelines.silver.tables import closures
from tests.pipelines.gold.frames import rows
from tests.pipelines.silver.frames import at, standing

ALWAYS = at(1).replace(2000, 1)


def test_a_correction_closes_the_row_of_before_and_a_repetition_says_nothing(spark: SparkSession) -> None:
    told = closures(standing(spark, "closures", """
        language | closed_from | closed_to  | arrived
        all      | 2024-12-21  | 2025-01-05 | 2024-11-01
        all      | 2024-12-21  | 2025-01-05 | 2024-11-04
        all      | 2024-12-21  | 2025-01-08 | 2024-11-10
        french   | 2024-11-11  | 2024-11-11 |
    """))  # fmt: skip
    assert rows(told, "language", "closed_to", "known_at", "superseded_at") == [
        ("all", date(2025, 1, 5), at(2), at(11)),
        ("all", date(2025, 1, 8), at(11), None),
        ("french", date(2024, 11, 11), ALWAYS, None),
    ]


def test_a_backfill_that_a_backfill_replaces_never_was(spark: SparkSession) -> None:
    told = closures(standing(spark, "closures", """
        language | closed_from | closed_to  | arrived | taken_in
        all      | 2024-12-21  | 2025-01-05 |         | 2024-11-01
        all      | 2024-12-21  | 2025-01-08 |         | 2024-11-02
    """))  # fmt: skip
    assert rows(told, "closed_to", "known_at", "superseded_at") == [(date(2025, 1, 8), ALWAYS, None)]
