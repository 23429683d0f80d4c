"""The as-of dates that every feature table holds: as the last run wrote them down, or looked up."""

from __future__ import annotations

from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import date
from typing import Any

from pyspark.sql import functions as F

from lakehouse.lake import Lake
from lakehouse.publish import WORKERS
from lakehouse.runs import last_done, versions_of

MADE = "dates_made"
UPKEEP = {"OPTIMIZE", "VACUUM START", "VACUUM END", "SET TBLPROPERTIES", "COMPUTE STATS"}
"""What Delta calls commits that change no row."""


@dataclass(frozen=True)
class Held:
    """What the feature tables hold.

    Attributes:
        dates: those that every table holds.
        set_back: whether one of them was restored since the last run: then its rows may be of long ago.
    """

    dates: set[date]
    set_back: bool = False


def dates_made(lake: Lake, tables: list[str]) -> Held:
    """What the tables hold.

    What the last run wrote down counts as long as nothing but upkeep was at a table since; else each is looked through,
    as after a run that was killed, a restore or an erasure.
    """
    if not all(lake.exists(table) for table in tables):
        return Held(set())
    done = last_done(lake, "features", wrote=MADE)
    written: dict[str, Any] = done.rows[MADE] if done else {"tables": {}, "dates": []}
    now = versions_of(lake, tables)
    moved = [table for table in tables if written["tables"].get(table) != now[table]]

    def operations(table: str) -> set[str]:
        since = F.col("version") > written["tables"].get(table, -1)
        history = lake.history(table).where(since).select("operation").distinct()
        return {row.operation for row in history.collect()}

    def dates(table: str) -> set[date]:
        return {row.as_of for row in lake.table(table).select("as_of").distinct().collect()}

    with ThreadPoolExecutor(WORKERS) as pool:
        hands = set[str]().union(*pool.map(operations, moved))
        if done and hands <= UPKEEP:
            return Held({date.fromisoformat(day) for day in written["dates"]})
        return Held(set.intersection(*pool.map(dates, tables)), "RESTORE" in hands)


def written_down(lake: Lake, tables: list[str], dates: Iterable[date]) -> dict[str, Any]:
    """What a run writes of itself under `MADE` once it has published: the tables' versions, and the dates they hold."""
    return {"tables": versions_of(lake, tables), "dates": [day.isoformat() for day in sorted(dates)]}
