"""Versions of a record: from when each is known, which is the newest, and what becomes of the rest."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

ALWAYS = "2000-01-01"
KNOWN_BY = ("received_at", "known_from")
"""What tells from when a version is known by itself."""


@dataclass(frozen=True)
class Parent:
    """A reference that must resolve: `versions` are the parents' ranked versions, `key` their id."""

    versions: DataFrame
    key: str
    kind: str


def received(typed: DataFrame, event_times: Sequence[str]) -> DataFrame:
    """Add `event_time`, `live`, `received_at` and an empty `known_from` to typed rows.

    `event_time` is the latest of the row's event times. `received_at` is midnight after the arrival of a live batch; a
    backfilled row (`live` false) counts as received when its event happened, one without an event always was.
    """
    none, always = F.lit(None).cast("timestamp"), F.lit(ALWAYS).cast("timestamp")
    latest = F.greatest(none, none, *[F.col(name) for name in event_times])
    arrival = F.date_add("_arrived_at", 1).cast("timestamp")
    told = {"event_time": latest, "live": F.col("_arrived_at").isNotNull(), "known_from": none}
    stamped = typed.withColumns(told)
    return stamped.withColumn("received_at", F.when(F.col("live"), arrival).otherwise(F.coalesce("event_time", always)))


def resolve(versions: DataFrame, parent: Parent) -> DataFrame:
    """Add `waits`, a reason for rows whose parent is not there, and `known_at`: no earlier than the parent's first."""
    first = good(parent.versions).groupBy(parent.key).agg(F.min("known_at").alias("_parent_known"))
    joined = versions.join(first, parent.key, "left")
    orphan = F.concat(F.lit(f"{parent.key} "), F.col(parent.key), F.lit(f" is the id of no {parent.kind}"))
    alone = F.col("_parent_known").isNull() & F.col(parent.key).isNotNull()
    since = F.when(F.col("live"), F.greatest(_own_known(), "_parent_known")).otherwise(_own_known())
    return joined.withColumns({"waits": F.when(alone, orphan), "known_at": since}).drop("_parent_known")


def unbound(versions: DataFrame) -> DataFrame:
    """Rows without a parent in the shape of `resolve`."""
    return versions.withColumns({"waits": F.lit(None).cast("string"), "known_at": _own_known()})


def _own_known() -> Column:
    """From when a row would be known by itself: since it was received, or released by a mended rule."""
    return F.greatest(*KNOWN_BY)


def ranked(versions: DataFrame, key: Sequence[str], content: Sequence[str]) -> DataFrame:
    """Mark the newest version of each record.

    Args:
        versions: from `resolve` or `unbound`.
        key: columns that identify a record.
        content: columns that say something of it; a version that repeats the one before says nothing new.

    Returns:
        With `newest` (true for the newest good version of each record, false for superseded ones, null for rows that
        are refused or wait), and `known_at` moved back to that of the first version in a row to say the same; one that
        was overtaken says nothing in that.
    """
    sound = (F.size("reasons") == 0) & F.col("waits").isNull()
    told = versions.withColumns({"_sound": sound, "_says": F.struct(*content)})
    # Levels are told apart by when they were known too, and overtake each other all the same.
    told = told.withColumn("_late", overtaken("_sound", *[name for name in key if name not in KNOWN_BY]))
    of_record = Window.partitionBy("_sound", "_late", *key)
    so_far = of_record.orderBy(*age()).rowsBetween(Window.unboundedPreceding, Window.currentRow)
    before = F.lag("_says").over(of_record.orderBy(*age()))
    marked = told.withColumn("_new", ~before.eqNullSafe(F.col("_says")))
    since = F.max(F.when(F.col("_new"), F.col("known_at"))).over(so_far)
    last = F.lead("row_hash").over(of_record.orderBy(*age())).isNull() & ~F.col("_late")
    placed = marked.withColumns({"newest": F.when(F.col("_sound"), last), "_since": since})
    known = F.when(F.col("_late"), F.col("known_at")).otherwise(F.col("_since"))
    return placed.withColumn("known_at", known).drop("_sound", "_says", "_new", "_since", "_late")


def overtaken(*record: str) -> Column:
    """Whether a version never was the newest known: another, received after it, was known no later than it was, as
    where it waited longer for its parent, or for a rule to be mended.

    Args:
        record: the columns by which the versions of a record are told.
    """
    # Newest first: over the rows that follow, Spark would begin anew at each row.
    newest_first = Window.partitionBy(*record).orderBy(*[column.desc_nulls_last() for column in _ages()])
    later = newest_first.rowsBetween(Window.unboundedPreceding, -1)
    return F.coalesce(F.min("known_at").over(later) <= F.col("known_at"), F.lit(False))


def good(versions: DataFrame) -> DataFrame:
    """The rows that broke no rule and wait for nothing."""
    return versions.where("newest IS NOT NULL")


def newest(versions: DataFrame) -> DataFrame:
    """The newest good version of each record."""
    return versions.where("newest")


def age() -> list[Column]:
    """The order of versions of one record, oldest first: received, then event time.

    What is left are rows of one midnight: of a backfill the later intake is newer, of a live batch the later file name,
    a longer one being later, as part-10 is than part-9, and of a file written anew the later intake.
    """
    return [column.asc_nulls_first() for column in _ages()]


def _ages() -> list[Column]:
    intake = F.when(~F.col("live"), F.col("_ingested_at"))
    return [
        F.col("received_at"), F.col("event_time"), intake, F.length("_source_file"), F.col("_source_file"),
        F.col("_ingested_at"), F.col("row_hash"),
    ]  # fmt: skip


def lasting(versions: DataFrame, key: str) -> DataFrame:
    """Good versions that were true for a while: a backfill replaced by a backfill never was, nor was any version that
    was overtaken.
    """
    next_of_kind = F.lead("row_hash").over(Window.partitionBy(key, "live").orderBy(*age()))
    redone = ~F.col("live") & next_of_kind.isNotNull()
    return good(versions).withColumns({"_redone": redone, "_late": overtaken(key)}).where("NOT _redone AND NOT _late")


def spells(versions: DataFrame, key: str, content: Sequence[str]) -> DataFrame:
    """What was known of each record from when to when.

    Args:
        versions: ranked.
        key: the record's id.
        content: the columns asked about.

    Returns:
        key, content, `_from` and `_until` (null for the last): one row for each change; the first reaches back to the
        beginning, so that every moment has its row.
    """
    of_record = Window.partitionBy(key).orderBy(*age())
    told = lasting(versions, key).withColumn("_says", F.struct(*content))
    changes = told.withColumn("_before", F.lag("_says").over(of_record)).where("NOT (_before <=> _says)")
    first = F.row_number().over(of_record) == 1
    since = F.when(~first, F.col("known_at")).otherwise(F.lit("0001-01-01").cast("timestamp"))
    until = F.lead("known_at").over(of_record)
    return changes.withColumns({"_from": since, "_until": until}).select(key, *content, "_from", "_until")


def during(moment: Column) -> Column:
    """Whether a moment lies in a spell."""
    return (moment >= F.col("_from")) & (F.col("_until").isNull() | (moment < F.col("_until")))
