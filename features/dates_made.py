"""The as-of dates that every feature table holds: as the last run wrote them down, or looked up."""

from __future__ import annotations

from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from typing import Any

from lakehouse.lake import Lake
from lakehouse.publish import WORKERS
from lakehouse.runs import last_done, versions_of

MADE = "dates_made"


def dates_made(lake: Lake, tables: list[str]) -> set[date]:
    """The dates that every one of the tables holds.

    What the last run wrote down counts as long as no table has another version than it left; else each is looked
    through, as after a run that was killed, a restore or an erasure.
    """
    if not all(lake.exists(table) for table in tables):
        return set()
    done = last_done(lake, "features", wrote=MADE)
    if done and done.rows[MADE]["tables"] == versions_of(lake, tables):
        return {date.fromisoformat(day) for day in done.rows[MADE]["dates"]}

    def dates(table: str) -> set[date]:
        return {row.as_of for row in lake.table(table).select("as_of").distinct().collect()}

    with ThreadPoolExecutor(WORKERS) as pool:
        return set.intersection(*pool.map(dates, tables))


def written_down(lake: Lake, tables: list[str], dates: Iterable[date]) -> dict[str, Any]:
    """What a run writes of itself under `MADE` once it has published: the tables' versions, and the dates they hold."""
    return {"tables": versions_of(lake, tables), "dates": [day.isoformat() for day in sorted(dates)]}
