"""Rows between Python and Spark."""

from __future__ import annotations

from pyspark.sql import SparkSession

from lakehouse.rows import to_pandas


def test_nothing_is_attached_to_a_frame_that_pandas_would_copy(spark: SparkSession) -> None:
    counted = spark.range(3).groupBy().sum("id")
    assert counted.toPandas().attrs != {}
    found = to_pandas(counted)
    assert found.attrs == {}
    assert found["sum(id)"].tolist() == [3]
