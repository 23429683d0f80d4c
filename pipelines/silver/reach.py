"""How far new rows reach: the old versions that have to be looked at again beside them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from pyspark.sql import DataFrame, Window
from pyspark.sql import functions as F

from pipelines.silver.version_tables import ROW
from pipelines.silver.versions import age

RECEIVED = [*ROW.values(), "_file_hash", "_ingested_at"]
"""What tells the rows that silver has not seen: a file may be written anew under its name, or be taken in again."""
Keep = Callable[[str, DataFrame], DataFrame]
"""Writes rows down under a name and returns them as written."""


@dataclass(frozen=True)
class Received:
    """What a raw table received.

    Attributes:
        held: the good versions that it holds now, new ones among them; None for a first load.
        new: the rows that silver has not seen, good or not.

    Both have `again`: true for a row that had been refused before and passes the rules now.
    """

    held: DataFrame | None
    new: DataFrame

    def beside(self, held: DataFrame) -> DataFrame:
        """The new rows and, of these held ones, the old: those that are not new; with `fresh` true for the new."""
        old = held.join(self.new.select(*RECEIVED), RECEIVED, "left_anti").withColumn("fresh", F.lit(False))
        return self.new.withColumn("fresh", F.lit(True)).unionByName(old)


def everything(received: Received) -> DataFrame:
    """Old and new rows, with `fresh` true for the new ones."""
    return received.beside(received.new.limit(0) if received.held is None else received.held)


def reached(
    received: Received, key: str, group: str, also: tuple[str, DataFrame], keep: Callable[[DataFrame], DataFrame]
) -> DataFrame:
    """New rows and every old version that stands or falls with them.

    Args:
        received: the rows of one raw table.
        key: id of a record: its versions belong together.
        group: column whose rows make one answer together, such as the conversation of a message.
        also: a column, and a frame with the values of it that are reached from elsewhere.
        keep: writes rows down, each time in a new place, and returns them as written, since they are read several
            times.

    Returns:
        Rows with `fresh`, closed: all versions of a record, and all records of a group, or none.
    """
    held = received.held
    if held is None:
        return everything(received)
    column, values = also
    mine = received.new.select(key)
    if column == group == key:
        return keep(received.beside(held.join(mine.union(values.select(key)), key, "left_semi")))
    groups = received.new.select(group).distinct()
    while True:
        seeds = [(key, mine), (column, values.select(column)), *([] if group == key else [(group, groups)])]
        # Written down, so that Spark knows how few they are and need not sort all rows to join them.
        records = keep(_any_of(held, seeds).select(key).distinct())
        found = keep(received.beside(held.join(records, key, "left_semi")))
        more = found.select(group).distinct().join(groups, group, "left_anti").where(F.col(group).isNotNull())
        if key == group or more.isEmpty():
            return found
        groups = groups.union(more)


def changed(catalogue: DataFrame, key: str, content: list[str]) -> DataFrame:
    """The entries of a catalogue of which a fresh version says something new, or may be known before one that says the
    same and was released: one column, the key.

    Args:
        catalogue: every version, with `fresh`.
        key: the entry's id.
        content: the columns that say something.
    """
    sound = catalogue.where(F.size("reasons") == 0).withColumn("_says", F.struct(*content))
    before = F.lag("_says").over(Window.partitionBy(key).orderBy(*age()))
    released = F.max(F.col("known_from").isNotNull()).over(Window.partitionBy(key))
    told = sound.withColumns({"_before": before, "_released": released})
    return told.where("fresh AND (_released OR NOT (_before <=> _says))").select(key).distinct()


def _any_of(held: DataFrame, seeds: list[tuple[str, DataFrame]]) -> DataFrame:
    joined = held
    for n, (column, values) in enumerate(seeds):
        marked = values.where(F.col(column).isNotNull()).distinct().withColumn(f"_hit_{n}", F.lit(True))
        joined = joined.join(marked, column, "left")
    hits = [F.col(f"_hit_{n}") for n in range(len(seeds))]
    return joined.where(F.coalesce(*hits, F.lit(False))).drop(*[f"_hit_{n}" for n in range(len(seeds))])
