"""Ingests into lakes of a test's own, and two lakes held against each other table by table."""

from __future__ import annotations

import argparse
import shutil
from collections import Counter
from collections.abc import Collection, Iterable
from functools import reduce
from pathlib import Path

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from lakehouse.cli import Run
from lakehouse.lake import SCHEMAS, Lake
from lakehouse.ops import QUARANTINE
from lakehouse.run_ids import new_run_id
from lakehouse.settings import Settings
from pipelines.ingest import ingest

BY_THE_CLOCK = {"_ingested_at", "quarantined_at", "released_at", "taken_in_at", "changed_ns", "scored_at"}
"""Columns that tell when a lake did something, which no other lake repeats."""
LOGS = {"ops.runs", "ops.gate_results"}
ROOT = Path(__file__).parent.parent


def take_in(settings: Settings, most_refused: float = 1.0) -> None:
    """One ingest in this process; by default rules may refuse any share of the rows, since tests have few."""
    with Lake.writing(settings, "ingest") as lake:
        ingest(Run(lake, new_run_id(), None, argparse.Namespace(most_refused=most_refused)))


def bring(files: Iterable[str], source: Path, landing: Path) -> None:
    """Copy files, by their paths in `source`, to the same places in a landing folder."""
    for name in files:
        (landing / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(source / name, landing / name)


def contents(settings: Settings, schemas: Collection[str] = SCHEMAS) -> dict[str, Counter[str]]:
    """Every row of every table of some schemas but the logs, as JSON, without what the clock on the wall says.

    Of quarantine the rows that wait: one that was released only tells in which batches the files came.
    """
    lake = Lake.open(settings)
    tables = [table for table in lake.tables() if table not in LOGS and table.split(".")[0] in schemas]
    rows = reduce(DataFrame.union, [_rows(lake, table) for table in tables]).collect()
    found = {table: Counter[str]() for table in tables}
    for table, row in rows:
        found[table][row] += 1
    return found


def assert_same(settings: Settings, others: Settings, schemas: Collection[str] = SCHEMAS) -> None:
    """Hold one lake against another; a difference is told by its table and a few rows. No table is an empty table."""
    ours, theirs, empty = contents(settings, schemas), contents(others, schemas), Counter[str]()
    for table in ours.keys() | theirs.keys():
        mine, other = ours.get(table, empty), theirs.get(table, empty)
        more, less = mine - other, other - mine
        assert not more | less, f"{table}: {_few(more)} instead of {_few(less)}"


def _few(rows: Counter[str]) -> list[str]:
    return sorted(rows)[:3]


def _rows(lake: Lake, table: str) -> DataFrame:
    frame = lake.table(table)
    frame = frame.where("released_at IS NULL") if table == QUARANTINE.name else frame
    told = [F.col(f"`{name}`") for name in sorted(frame.columns) if name not in BY_THE_CLOCK]
    return frame.select(F.lit(table).alias("table"), F.to_json(F.struct(*told)).alias("row"))
