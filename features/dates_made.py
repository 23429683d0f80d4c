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

    What the last run wrote down counts as long as no table has another version than it left; else each is looked
    through, as after a run that was killed, a restore or an erasure.
    """
    if not all(lake.exists(table) for table in tables):
        return Held(set())
    done = last_done(lake, "features", wrote=MADE)
    left: dict[str, int] = done.rows[MADE]["tables"] if done else {}
    if done and left == versions_of(lake, tables):
        return Held({date.fromisoformat(day) for day in done.rows[MADE]["dates"]})

    def dates(table: str) -> set[date]:
        return {row.as_of for row in lake.table(table).select("as_of").distinct().collect()}

    def restored(table: str) -> bool:
        history = lake.spark.sql(f"DESCRIBE HISTORY {lake.name(table)}").where("operation = 'RESTORE'")
        return not history.where(F.col("version") > left.get(table, -1)).isEmpty()

    with ThreadPoolExecutor(WORKERS) as pool:
        held = set.intersection(*pool.map(dates, tables))
        return Held(held, any(pool.map(restored, tables)))


def written_down(lake: Lake, tables: list[str], dates: Iterable[date]) -> dict[str, Any]:
    """What a run writes of itself under `MADE` once it has published: the tables' versions, and the dates they hold."""
    return {"tables": versions_of(lake, tables), "dates": [day.isoformat() for day in sorted(dates)]}
