"""What a batch looks at, in numbers: one query over its versions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from datetime import datetime
from functools import reduce

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from pipelines.silver.tables import called_off

CLOSURES = "closures"
TIMES = {
    "conversations": ("started_at",),
    "messages": ("sent_at",),
    "lesson_progress": ("started_at", "completed_at", "last_accessed_at"),
    "assessment_attempts": ("started_at", "completed_at"),
    "user_levels": ("assessed_at",),
}


@dataclass(frozen=True)
class Seen:
    """Of one raw table's versions in a batch.

    Attributes:
        rows: versions looked at.
        fresh: of those, the new ones.
        again: of these, the ones that had been refused before.
        superseded: versions, old and new, that another one of the record replaced or repeats.
        called_off: newest versions that call their record off, so that none stands.
        waiting: old versions that still wait for their parent.
        refused: new rows that a rule refused.
        new_accepted, new_superseded, new_set_aside: what became of the new ones.
        low, high: the earliest and latest time in any good version, as Spark writes it; None where there is none.
        first_bad: the earliest intake of a new row that is set aside; None when there is none.
    """

    rows: int
    fresh: int
    again: int
    superseded: int
    called_off: int
    waiting: int
    refused: int
    new_accepted: int
    new_superseded: int
    new_set_aside: int
    low: str | None
    high: str | None
    first_bad: datetime | None


def seen(versions: Mapping[str, DataFrame]) -> dict[str, Seen]:
    """Each raw table's ranked versions, counted."""
    found = reduce(DataFrame.unionByName, [_counted(frame, table) for table, frame in versions.items()]).collect()
    return {row["raw_table"]: Seen(**{f.name: row[f.name] for f in fields(Seen)}) for row in found}


def _counted(versions: DataFrame, table: str) -> DataFrame:
    none = F.lit(None).cast("timestamp")
    times = [none, none, *[F.col(name) for name in TIMES.get(table, ())]]
    sound, fresh = F.col("newest").isNotNull(), F.col("fresh")
    counts = {
        "fresh": fresh,
        "again": fresh & F.col("again"),
        "superseded": ~F.col("newest"),
        "called_off": F.col("newest") & (called_off() if table == CLOSURES else F.lit(False)),
        "waiting": ~sound & ~fresh,
        "refused": fresh & (F.size("reasons") > 0),
        "new_accepted": fresh & F.col("newest"),
        "new_superseded": fresh & ~F.col("newest"),
        "new_set_aside": fresh & ~sound,
    }
    return versions.agg(
        F.lit(table).alias("raw_table"),
        F.count("*").alias("rows"),
        *[F.count_if(condition).alias(name) for name, condition in counts.items()],
        F.min(F.when(sound, F.least(*times))).cast("string").alias("low"),
        F.max(F.when(sound, F.greatest(*times))).cast("string").alias("high"),
        F.min(F.when(~sound & fresh, F.col("_ingested_at"))).alias("first_bad"),
    )
