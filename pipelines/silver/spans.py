"""How much a batch looks at: few numbers about its versions, in one query."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import reduce

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

TIMES = {
    "conversations": ("started_at",),
    "messages": ("sent_at",),
    "lesson_progress": ("started_at", "completed_at", "last_accessed_at"),
    "assessment_attempts": ("started_at", "completed_at"),
    "user_levels": ("assessed_at",),
}


@dataclass(frozen=True)
class Span:
    """Of one raw table's versions in a batch.

    Attributes:
        rows: versions looked at.
        fresh: of those, the new ones.
        low, high: the earliest and latest time in any of them; None where there is none.
        first_bad: the earliest intake of a new row that is set aside; None when there is none.
    """

    rows: int
    fresh: int
    low: datetime | None
    high: datetime | None
    first_bad: datetime | None


def spans(versions: Mapping[str, DataFrame]) -> dict[str, Span]:
    """The span of each raw table's ranked versions."""
    found = reduce(DataFrame.unionByName, [_span(frame, table) for table, frame in versions.items()]).collect()
    return {row.table: Span(row.rows, row.fresh, row.low, row.high, row.first_bad) for row in found}


def _span(versions: DataFrame, table: str) -> DataFrame:
    none = F.lit(None).cast("timestamp")
    times = [none, none, *[F.col(name) for name in TIMES.get(table, ())]]
    sound = F.col("newest").isNotNull()
    return versions.agg(
        F.lit(table).alias("table"),
        F.count("*").alias("rows"),
        F.count_if("fresh").alias("fresh"),
        F.min(F.when(sound, F.least(*times))).alias("low"),
        F.max(F.when(sound, F.greatest(*times))).alias("high"),
        F.min(F.when(~sound & F.col("fresh"), F.col("_ingested_at"))).alias("first_bad"),
    )
