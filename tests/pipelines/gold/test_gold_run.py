from __future__ import annotations

from pyspark.sql import SparkSession

from lakehouse.contracts import Contract, columns
from pipelines.gold.contracts import COHORT_RETENTION, CONTRACTS
from pipelines.gold.run import TABLES, settled
from tests.pipelines.gold.frames import frame, rows


def test_every_contract_has_its_function() -> None:
    assert set(TABLES) == set(CONTRACTS)


def test_what_is_published_does_not_show_the_order_of_a_sum(spark: SparkSession) -> None:
    sums = frame(spark, COHORT_RETENTION, "cohort_week | retention\n2024-01-01 | 0.30000000000000004\n2024-01-08 | 0.3")
    assert [value for (value,) in rows(settled(sums, COHORT_RETENTION), "retention")] == [0.3, 0.3]


def test_a_table_without_doubles_is_settled_too(spark: SparkSession) -> None:
    counts = Contract(
        "gold.counts", "What is counted.", columns("language | STRING | which\nstudents | BIGINT | how many")
    )
    made = spark.createDataFrame([("spanish", 3)], "language string, students int")
    assert settled(made, counts).dtypes == [("language", "string"), ("students", "bigint")]
