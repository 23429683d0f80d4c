"""The rebuild entry point: the training set of a registered version again, from the table versions that it pins."""

from __future__ import annotations

import argparse
from datetime import datetime, timedelta
from math import inf
from typing import Any

from pyspark.errors import PySparkException
from pyspark.sql import Row
from pyspark.sql import functions as F

from lakehouse.cli import Run, command, utc
from lakehouse.errors import RadarError
from lakehouse.lake import Lake
from lakehouse.model_files import load_artifact
from lakehouse.pins import readable
from lakehouse.registry import MODELS, version
from lakehouse.words import INDENT, count
from training.data import collected, content_hash, described
from training.report import TRAINING_SET

KEEPS = ("VACUUM", "SET ", "UNSET ", "ADD ", "CHANGE ")
"""How operations begin, in Delta's history, that replace no file."""


def run(run: Run) -> None:
    """Make a version's training set again and compare it with the one that was learnt from.

    Raises:
        RadarError: when it differs, when a pinned version is gone, or when there is no such model.
    """
    model, number = run.options.model, run.options.version
    told = load_artifact(run.lake, version(run.lake, model, number), TRAINING_SET)
    with run.step("rebuild_set") as step:
        found = rebuild(run.lake, told)
        pins = ", ".join(f"{table} version {pin}" for table, pin in sorted(told["pins"].items()))
        step.message = (
            f"{model} version {number}: the same {count(told['rows'], 'row')}, hash {found[:12]}\n{INDENT}from {pins}"
        )


def rebuild(lake: Lake, told: dict[str, Any]) -> str:
    """Make the training set of a `training_set.json` again; returns its hash.

    Raises:
        RadarError: when the rows are not the same, or a table version is gone, saying which and since when.
    """
    recipe = described(told)
    try:
        frame = collected(recipe.load(lake), told["features"])
    except PySparkException:
        gone = [_gone(lake, table, pin) for table, pin in recipe.pins.items() if not readable(lake, table, pin)]
        if not gone:
            raise
        raise RadarError(f"The training set as of {recipe.as_of} cannot be made again: {'; '.join(gone)}.") from None
    found = content_hash(frame)
    if found != told["content_hash"]:
        raise RadarError(
            f"The training set as of {recipe.as_of} is not the same: {count(len(frame), 'row')} with hash "
            f"{found[:12]}, where {told['rows']} with {told['content_hash'][:12]} were learnt from. Was a student "
            "erased since?"
        )
    return found


def _gone(lake: Lake, table: str, pin: int) -> str:
    when = _let_go(lake, table, pin)
    since = f" on {utc(when)}" if when else ""
    return f"version {pin} of {table} can no longer be read, since old versions of it were let go{since}"


def _let_go(lake: Lake, table: str, pin: int) -> datetime | None:
    """When a version was cleaned away: by the first vacuum that did not keep what the next write replaced."""
    log = lake.history(table).where(F.col("version") > pin).orderBy("version")
    rows = log.select("version", "timestamp", "operation", "operationParameters").collect()
    replaced = next((row.timestamp for row in rows if not row.operation.startswith(KEEPS)), None)
    if replaced is None:
        return None
    begun = (row for row in rows if row.operation == "VACUUM START")
    reached = next((row.version for row in begun if row.timestamp - _kept(row) >= replaced), inf)
    return next((row.timestamp for row in rows if row.operation == "VACUUM END" and row.version > reached), None)


def _kept(vacuum: Row) -> timedelta:
    """How long a vacuum left replaced files where they were."""
    told = vacuum.operationParameters
    return timedelta(milliseconds=int(told.get("specifiedRetentionMillis") or told["defaultRetentionMillis"]))


def _options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--model", default="dropout", choices=MODELS, help="which model")
    parser.add_argument("--version", required=True, help="the number of a registered version")


def main() -> None:
    """`python -m training.rebuild`."""
    command("Make the training set of a registered model again.", run, _options)


if __name__ == "__main__":
    main()
