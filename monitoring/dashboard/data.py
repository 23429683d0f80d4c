"""Reads the lake for the dashboard: Spark counts, and what comes back is small.

Whatever table is missing gives an empty frame, so that the page can say what makes it.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import date

import pandas as pd

from lakehouse.lake import Lake
from lakehouse.rows import to_pandas
from monitoring.dashboard.frames import COLUMNS, Frames, empty
from monitoring.dashboard.queries import query

WORKERS = 3


def collect(lake: Lake, as_of: date) -> Frames:
    """Everything that the page shows, as of `as_of`."""
    with ThreadPoolExecutor(WORKERS) as pool:
        reads = {name: pool.submit(read, lake, as_of, name) for name in COLUMNS}
        return Frames(**{name: found.result() for name, found in reads.items()})


def read(lake: Lake, as_of: date, name: str) -> pd.DataFrame:
    """One frame; empty where a table that it reads is missing."""
    asked = query(name)
    if not all(lake.exists(table) for table in asked.tables):
        return empty(name)
    found = lake.spark.sql(asked.of_day(as_of, lake.name))
    return to_pandas(found.select(*COLUMNS[name]))
