"""What silver was last made from, and what its version tables have received since."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from pyspark.sql import functions as F

from lakehouse.code import code_hash
from lakehouse.lake import Lake
from lakehouse.publish import WORKERS
from lakehouse.runs import last_done, versions_of
from pipelines.silver.reach import Keep, Received
from pipelines.silver.version_tables import VERSIONS

STATE = "made_from"
REBUILD = "rebuild"
"""What a step writes down after which silver has to be made whole again."""
CODE = "pipelines/silver"
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
        counted = dict(zip(others, pool.map(lambda name: lake.table(name).count(), others), strict=True))
    return Bronze(tables, known | counted)


def as_it_stands(lake: Lake, bronze: Bronze) -> MadeFrom:
    """What silver would be made from now: that much of bronze, the version tables and the code as they are."""
    return MadeFrom(bronze.tables | versions_of(lake, VERSION_TABLES), bronze.rows, code_hash(CODE))


def received(lake: Lake, before: MadeFrom | None, now: MadeFrom, keep: Keep) -> dict[str, Received]:
    """By raw table, what it holds and what of that came since silver was made.

    Args:
        lake: open for writing, so that nothing comes meanwhile.
        before: what silver was last made from; None for all.
        now: what it would be made from now.
        keep: writes the new rows down, which are read several times.
    """
    if before is None:
        every = {table: lake.table(name) for table, name in zip(VERSIONS, VERSION_TABLES, strict=True)}
        return {table: Received(None, rows.withColumn("again", F.lit(False))) for table, rows in every.items()}
    since, upto = before.tables, now.tables
    with ThreadPoolExecutor(WORKERS) as pool:
        parts = [pool.submit(came, lake, t, since[k.name], upto[k.name], keep) for t, k in VERSIONS.items()]
        return {table: part.result() for table, part in zip(VERSIONS, parts, strict=True)}


def came(lake: Lake, table: str, since: int, upto: int, keep: Keep) -> Received:
    """What a raw table holds, and what of that came after one version of its version table, until the newest, `upto`.

    The old rows are told as those that are not new, rather than read from the table as it was: of an earlier version
    Delta rebuilds the whole state, each time anew.
    """
    name = VERSIONS[table].name
    held = lake.table(name).withColumn("again", F.lit(False))
    good = held.where(F.size("reasons") == 0)
    if since == upto:
        return Received(good, held.limit(0))
    feed = lake.spark.read.option("readChangeFeed", "true").option("startingVersion", since + 1)
    changes = feed.option("endingVersion", upto).table(lake.name(name))
    passed = F.col("_change_type") == "update_postimage"
    news = (F.col("_change_type") == "insert") | (passed & (F.size("reasons") == 0))
    told = changes.where(news).withColumn("again", passed)
    new = keep(f"new_{table}", told.drop("_change_type", "_commit_version", "_commit_timestamp"))
    return Received(good, new)
