"""Rows between Python and Spark: a few values as a frame of a contract or straight into a log, a frame as pandas'."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from pyspark.sql import DataFrame, SparkSession

from lakehouse.contracts import Contract

if TYPE_CHECKING:
    import pandas as pd

    from lakehouse.lake import Lake


def frame_of(spark: SparkSession, contract: Contract, rows: Sequence[tuple[Any, ...]]) -> DataFrame:
    """Rows in the order of the contract's columns, as a frame."""
    return spark.createDataFrame(list(rows), ", ".join(f"`{c.name}` {c.type}" for c in contract.columns))


def append_rows(lake: Lake, contract: Contract, rows: Sequence[tuple[Any, ...]]) -> None:
    """Append a few rows to a log table, straight."""
    if not rows:
        return
    lake.create(contract)
    frame = contract.conform(frame_of(lake.spark, contract, rows))
    frame.write.mode("append").saveAsTable(lake.name(contract.name))


def to_pandas(frame: DataFrame) -> pd.DataFrame:
    """A frame's rows as pandas', without the query's metrics, which Spark Connect attaches: pandas copies what is
    attached to a frame, deeply, whenever it makes one of it.
    """
    rows = frame.toPandas()
    rows.attrs.clear()
    return rows
