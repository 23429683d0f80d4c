"""A few rows of Python values as a frame of a contract, and straight into a log."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from pyspark.sql import DataFrame, SparkSession

from lakehouse.contracts import Contract

if TYPE_CHECKING:
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
