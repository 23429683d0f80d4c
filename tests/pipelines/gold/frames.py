"""Small frames written as text, and read back as tuples."""

from __future__ import annotations

from typing import Any

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from lakehouse.contracts import Contract

ACTIVITY = {"student_id": "STRING", "language": "STRING", "active_at": "TIMESTAMP"}
LEVELS_KNOWN = {"student_id": "STRING", "language": "STRING", "level_at": "TIMESTAMP", "cefr_level": "STRING"}


def frame(spark: SparkSession, types: Contract | dict[str, str], text: str = "") -> DataFrame:
    """A frame from lines of cells parted by `|`, the first naming columns; empty and absent cells are null."""
    if isinstance(types, Contract):
        types = {column.name: column.type for column in types.columns}
    lines = [[cell.strip() or None for cell in line.split("|")] for line in text.splitlines() if line.strip()]
    given = lines[0] if lines else []
    cells = spark.createDataFrame(lines[1:], ", ".join(f"`{n}` STRING" for n in given)) if lines else spark.range(0)
    return cells.select(*[(F.col(n) if n in given else F.lit(None)).cast(t).alias(n) for n, t in types.items()])


def rows(made: DataFrame, *names: str) -> list[tuple[Any, ...]]:
    """The rows' values of `names`, sorted by the first of them."""
    return sorted((tuple(row) for row in made.select(*names).collect()), key=lambda row: [str(value) for value in row])
