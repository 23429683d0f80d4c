"""What finished runs left behind in `ops.runs` for the next one."""

from __future__ import annotations

import json
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from lakehouse.lake import Lake
from lakehouse.ops import RUNS


@dataclass(frozen=True)
class Finished:
    """The last finished run of a step: when it ended, and what it wrote of itself."""

    ended_at: datetime
    rows: dict[str, Any]


def last_done(lake: Lake, *steps: str, wrote: str = "") -> Finished | None:
    """The newest run that ended well: of these steps, or of all if none is named, and of those that wrote `wrote`.

    None when there is none.
    """
    if not lake.exists(RUNS.name):
        return None
    row = done(lake, *steps, wrote=wrote).orderBy(F.desc("ended_at")).select("ended_at", "rows_json").first()
    return Finished(row.ended_at, json.loads(row.rows_json)) if row else None


def done(lake: Lake, *steps: str, wrote: str = "") -> DataFrame:
    """The runs in `ops.runs` that ended well: of these steps, or of all, and of those that wrote `wrote`.

    Raises:
        RadarError: when no run has written the table yet.
    """
    ended = lake.table(RUNS.name).where(F.col("status") == "done")
    named = ended.where(F.col("step").isin(*steps)) if steps else ended
    return named.where(F.col("rows_json").contains(f'"{wrote}"')) if wrote else named


def versions_of(lake: Lake, tables: Iterable[str]) -> dict[str, int]:
    """The newest Delta version of each of these tables that is there."""
    there = [table for table in tables if lake.exists(table)]
    with ThreadPoolExecutor(4) as pool:
        return dict(zip(there, pool.map(lake.version, there), strict=True))
