"""Hundreds of random lookups: the local store, Databricks' own code and pandas agree."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

from pyspark.sql import SparkSession

from soak.conftest import Report
from tests.conftest import spark as spark
from tests.features.store.cases import random_case
from tests.features.store.test_client import agree

FIRST, CASES, SIDE_BY_SIDE = 1_000, 200, 3


def test_random_lookups(spark: SparkSession, report: Report) -> None:
    with ThreadPoolExecutor(SIDE_BY_SIDE) as pool:
        list(pool.map(lambda seed: agree(random_case(spark, seed)), range(FIRST, FIRST + CASES)))
    report(f"{CASES} random cases (seeds from {FIRST}): the local store, the client's own code and pandas agree")
