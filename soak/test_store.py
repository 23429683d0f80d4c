"""Hundreds of random lookups: the local store, Databricks' own code and pandas agree."""

from __future__ import annotations

from pyspark.sql import SparkSession

from soak.conftest import Report
from tests.conftest import spark as spark
from tests.features.store.cases import random_case
from tests.features.store.test_client import agree

FIRST, CASES = 1_000, 300


def test_random_lookups(spark: SparkSession, report: Report) -> None:
    for seed in range(FIRST, FIRST + CASES):
        agree(random_case(spark, seed))
    report(f"{CASES} random cases (seeds from {FIRST}): the local store, the client's own code and pandas agree")
