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


def test_a_closure_that_is_called_off_was_known_until_then(spark: SparkSession) -> None:
    """One is announced again later, one moved to another first day, one called off that nobody had heard of."""
    told = closures(standing(spark, "closures", """
        language | closed_from | closed_to  | cancelled | arrived
        all      | 2024-12-21  | 2025-01-05 |           | 2024-11-01
        all      | 2024-12-21  | 2025-01-05 | true      | 2024-11-10
        all      | 2024-12-21  | 2025-01-08 | false     | 2024-11-20
        french   | 2024-12-02  | 2024-12-06 | false     | 2024-11-01
        french   | 2024-12-02  | 2024-12-06 | true      | 2024-11-10
        french   | 2024-12-09  | 2024-12-13 |           | 2024-11-10
        german   | 2024-12-02  | 2024-12-06 | true      | 2024-11-10
    """))  # fmt: skip
    assert rows(told, "language", "closed_from", "closed_to", "known_at", "superseded_at") == [
        ("all", date(2024, 12, 21), date(2025, 1, 5), at(2), at(11)),
        ("all", date(2024, 12, 21), date(2025, 1, 8), at(21), None),
        ("french", date(2024, 12, 2), date(2024, 12, 6), at(2), at(11)),
        ("french", date(2024, 12, 9), date(2024, 12, 13), at(11), None),
    ]


def test_not_to_be_called_off_is_nothing_new(spark: SparkSession) -> None:
    told = closures(standing(spark, "closures", """
        language | closed_from | closed_to  | cancelled | arrived
        all      | 2024-12-21  | 2025-01-05 |           | 2024-11-01
        all      | 2024-12-21  | 2025-01-05 | false     | 2024-11-10
    """))  # fmt: skip
    assert rows(told, "closed_to", "known_at", "superseded_at") == [(date(2025, 1, 5), at(2), None)]


def test_a_backfill_that_is_called_off(spark: SparkSession) -> None:
    """By a backfill it never was; a live row calls it off from then on; a backfill calls off nothing that came live."""
    told = closures(standing(spark, "closures", """
        language | closed_from | closed_to  | cancelled | arrived    | taken_in
        all      | 2024-12-21  | 2025-01-05 |           |            | 2024-11-01
        all      | 2024-12-21  | 2025-01-05 | true      |            | 2024-11-02
        french   | 2024-12-21  | 2025-01-05 |           |            | 2024-11-01
        french   | 2024-12-21  | 2025-01-05 | true      | 2024-11-10 |
        german   | 2024-12-21  | 2025-01-05 |           | 2024-11-10 |
        german   | 2024-12-21  | 2025-01-05 | true      |            | 2024-11-20
    """))  # fmt: skip
    assert rows(told, "language", "known_at", "superseded_at") == [
        ("french", ALWAYS, at(11)),
        ("german", at(11), None),
    ]


def test_a_backfill_that_a_backfill_replaces_never_was(spark: SparkSession) -> None:
    told = closures(standing(spark, "closures", """
        language | closed_from | closed_to  | arrived | taken_in
        all      | 2024-12-21  | 2025-01-05 |         | 2024-11-01
        all      | 2024-12-21  | 2025-01-08 |         | 2024-11-02
    """))  # fmt: skip
    assert rows(told, "closed_to", "known_at", "superseded_at") == [(date(2025, 1, 8), ALWAYS, None)]
