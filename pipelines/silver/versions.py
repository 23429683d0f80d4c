"""Versions of a record: from when each is known, which is the newest, and what becomes of the rest."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

from lakehouse.ops import QUARANTINE

ALWAYS = "2000-01-01"
# Known time, then event time, then the order of intake.
AGE = ("known_at", "event_time", "_ingested_at", "_file_hash", "row_hash")


@dataclass(frozen=True)
class Parent:
    """A reference that must resolve: `frame` holds the parents' `key` and `known_at`."""

    frame: DataFrame
    key: str
    kind: str


def known(typed: DataFrame, *event_times: str) -> DataFrame:
    """Add `event_time`, `live` and `known_at` to typed rows.

    `event_time` is the latest of the row's event times. `known_at` is midnight after the arrival of a live batch; a
    backfilled row (`live` false) is known when its event happened, one without an event always was.
    """
    none, always = F.lit(None).cast("timestamp"), F.lit(ALWAYS).cast("timestamp")
    latest = F.greatest(none, none, *[F.col(name) for name in event_times])
    arrival = F.date_add("_arrived_at", 1).cast("timestamp")
    stamped = typed.withColumns({"event_time": latest, "live": F.col("_arrived_at").isNotNull()})
    return stamped.withColumn("known_at", F.when(F.col("live"), arrival).otherwise(F.coalesce("event_time", always)))


def resolve(versions: DataFrame, parent: Parent) -> DataFrame:
    """Add a reason to rows whose parent is not there; a live row is known no earlier than its parent."""
    parents = parent.frame.select(F.col(parent.key), F.col("known_at").alias("_parent_known"))
    joined = versions.join(parents, parent.key, "left")
    orphan = F.concat(F.lit(f"{parent.key} "), F.col(parent.key), F.lit(f" is the id of no {parent.kind}"))
    waits = F.col("_parent_known").isNull() & F.col(parent.key).isNotNull()
    reasons = F.when(waits, F.concat("reasons", F.array(orphan))).otherwise(F.col("reasons"))
    since = F.when(F.col("live"), F.greatest("known_at", "_parent_known")).otherwise(F.col("known_at"))
    return joined.withColumns({"reasons": reasons, "known_at": since}).drop("_parent_known")


def ranked(versions: DataFrame, key: Sequence[str]) -> DataFrame:
    """Add `newest`: true for the newest good version of each record, false for superseded ones, null for bad rows."""
    sound = F.size("reasons") == 0
    order = Window.partitionBy(sound, *key).orderBy(*[F.col(name).desc_nulls_last() for name in AGE])
    return versions.withColumn("newest", F.when(sound, F.row_number().over(order) == 1))


def good(versions: DataFrame) -> DataFrame:
    """The rows that broke no rule."""
    return versions.where("newest IS NOT NULL")


def newest(versions: DataFrame) -> DataFrame:
    """The newest good version of each record."""
    return versions.where("newest")


def age() -> list[Column]:
    """The order of versions of one record, oldest first."""
    return [F.col(name).asc_nulls_first() for name in AGE]


def quarantined(versions: DataFrame, table: str) -> DataFrame:
    """The rows that broke a rule, in the shape of ops.quarantine."""
    bad = versions.where("newest IS NULL")
    shaped = bad.select(
        F.lit(table).alias("table_name"),
        F.col("raw_key").alias("row_key"),
        "row_hash",
        F.array_join("reasons", "; ").alias("reason"),
        "row_json",
        F.col("_source_file").alias("source_file"),
        F.col("_arrived_at").alias("arrived_at"),
        F.col("_ingested_at").alias("quarantined_at"),
        F.lit(None).cast("timestamp").alias("released_at"),
    )
    return shaped.dropDuplicates(list(QUARANTINE.key))
