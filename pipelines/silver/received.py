"""What silver was last made from, and what its version tables have received since."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from pyspark.sql import functions as F

from lakehouse.code import code_hash
from lakehouse.lake import Lake
from lakehouse.publish import WORKERS
from lakehouse.runs import last_done, versions_of
from pipelines.silver.reach import Received
from pipelines.silver.version_tables import VERSIONS

STATE = "made_from"
REBUILD = "rebuild"
"""What a step writes down after which silver has to be made whole again."""
BRONZE = tuple(f"bronze.{table}" for table in VERSIONS)
VERSION_TABLES = tuple(contract.name for contract in VERSIONS.values())


@dataclass(frozen=True)
class MadeFrom:
    """What silver stands on.

    Attributes:
        tables: versions of bronze and of the version tables.
        rows: rows of each bronze table at that version.
        code: hash of the code that made silver.
    """

    tables: dict[str, int]
    rows: dict[str, int]
    code: str


def made_from(lake: Lake) -> MadeFrom | None:
    """What silver was last made from; None when it has to be made whole: never made, a rebuild was asked
    for, or a raw table is new.
    """
    done, asked = last_done(lake, "silver", "forget", wrote=STATE), last_done(lake, wrote=REBUILD)
    if done is None or (asked and asked.ended_at >= done.ended_at):
        return None
    found = MadeFrom(**done.rows[STATE])
    return found if found.tables.keys() >= {*BRONZE, *VERSION_TABLES} else None


@dataclass(frozen=True)
class Bronze:
    """The present versions of the bronze tables and their rows."""

    tables: dict[str, int]
    rows: dict[str, int]

    def new_rows(self, before: MadeFrom | None) -> int:
        """Rows that came since silver was made."""
        return sum(self.rows.values()) - (sum(before.rows.values()) if before else 0)

    def moved(self, before: MadeFrom | None) -> list[str]:
        """The raw tables that have a version which silver has not seen."""
        seen = before.tables if before else {}
        return [table for table in VERSIONS if self.tables[f"bronze.{table}"] != seen.get(f"bronze.{table}")]


def bronze_now(lake: Lake, before: MadeFrom | None) -> Bronze:
    """What bronze holds; rows are counted where the version is another than before."""
    tables = versions_of(lake, BRONZE)
    known = {name: rows for name, rows in before.rows.items() if tables[name] == before.tables[name]} if before else {}
    others = [name for name in BRONZE if name not in known]
    with ThreadPoolExecutor(WORKERS) as pool:
        counted = dict(zip(others, pool.map(lambda name: lake.table(name, tables[name]).count(), others), strict=True))
    return Bronze(tables, known | counted)


def as_it_stands(lake: Lake, bronze: Bronze) -> MadeFrom:
    """What silver would be made from now: that much of bronze, the version tables and the code as they are."""
    return MadeFrom(bronze.tables | versions_of(lake, VERSION_TABLES), bronze.rows, code_hash("pipelines/silver"))


def received(lake: Lake, before: MadeFrom | None, now: MadeFrom) -> dict[str, Received]:
    """By raw table, what silver stood on before and what came since, up to the versions of `now`."""
    return {table: _received(lake, name, before, now) for table, name in zip(VERSIONS, VERSION_TABLES, strict=True)}


def _received(lake: Lake, table: str, before: MadeFrom | None, now: MadeFrom) -> Received:
    upto = now.tables[table]
    if before is None:
        return Received(None, lake.table(table, upto).withColumn("again", F.lit(False)))
    since = before.tables[table]
    old = lake.table(table, since).where(F.size("reasons") == 0).withColumn("again", F.lit(False))
    if since == upto:
        return Received(old, old.limit(0))
    feed = lake.spark.read.option("readChangeFeed", "true").option("startingVersion", since + 1)
    changes = feed.option("endingVersion", upto).table(lake.name(table))
    new = changes.where("_change_type IN ('insert', 'update_postimage')")
    again = new.withColumn("again", F.col("_change_type") == "update_postimage")
    return Received(old, again.drop("_change_type", "_commit_version", "_commit_timestamp"))
