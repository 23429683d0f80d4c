"""The table_history, restore and rebuild_silver entry points: what a table was, and how it becomes that again."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC

from pyspark.sql import functions as F

import pipelines.silver.run
from lakehouse.cli import Run, command
from lakehouse.errors import RadarError
from lakehouse.governance import is_masked
from lakehouse.lake import Lake
from pipelines.bronze.ingest import STANDS
from pipelines.silver.received import REBUILD

SHOWN = 30
GONE = ("filenotfound", "missing", "time travel", "time_travel")
"""What Spark and Delta say of a version whose files, or whose entry in the log, were cleaned away."""


def history(run: Run) -> None:
    """Print the newest versions of a table: when, by which operation, how many rows written.

    Raises:
        RadarError: when there is no such table.
    """
    lake, table = run.lake, run.options.table
    _refuse_masked(lake, table)
    rows = lake.history(table, SHOWN).select(
        "version", "timestamp", "operation", F.col("operationMetrics")["numOutputRows"].alias("rows")
    )
    print(f"{table}, newest first; restore one with `-e restore -P table={table} -P version=<n>`")
    print(f"  {'version':>7}  {'written (UTC)':<19}  {'rows written':>12}  operation")
    for row in rows.collect():
        written = row.timestamp.astimezone(UTC)
        print(f"  {row.version:>7}  {written:%Y-%m-%d %H:%M:%S}  {row.rows or '':>12}  {row.operation}")


def restore(run: Run) -> None:
    """Bring a table back to what it was at a version; the next ingest then makes silver whole again.

    Of a bronze table the files that the version does not hold are taken in again from the landing folder.

    Raises:
        RadarError: when there is no such table or version, its files are gone, or it is a record of what was done.
    """
    lake, table, version = run.lake, run.options.table, run.options.version
    if table.startswith("ops."):
        raise RadarError(
            f"{table} says what was done to the lake, and with an earlier state of it files would be taken in twice. "
            "Restore the table that was harmed."
        )
    _refuse_masked(lake, table)
    newest = lake.version(table)
    if not version.isdecimal() or int(version) > newest:
        raise RadarError(f"{table} has no version {version!r}; `-e table_history -P table={table}` shows those it has.")
    with _told_when_gone(table, version):
        lake.table(table, int(version)).isEmpty()
    with run.step("restore begins") as begun:
        begun.rows = {REBUILD: True, STANDS: {}}
        begun.message = "the next ingest looks up which files bronze holds, and makes silver whole"
    with run.step("restore") as step:
        with _told_when_gone(table, version):
            lake.spark.sql(f"RESTORE TABLE {lake.name(table)} TO VERSION AS OF {version}").collect()
        step.rows = {REBUILD: True, table: {"version": int(version), "from": newest}}
        step.message = f"{table} is what it was at version {version}; the next ingest makes silver whole from bronze"


def rebuild_silver(run: Run) -> None:
    """Make silver anew from bronze alone; the result is that of the batches one by one."""
    with run.step("rebuild") as step:
        step.rows, step.message = {REBUILD: True}, "asked for"
    pipelines.silver.run.run(run)


def _refuse_masked(lake: Lake, table: str) -> None:
    """Unity Catalog tells no history of a table that has a filter or masks, and reads no older version of it."""
    if not lake.settings.local and is_masked(table, lake.table(table).columns):
        raise RadarError(
            f"{table} shows each reader what they may see, and Unity Catalog tells no history of such a table. Make "
            "it again from silver and features: by `gold`, or for lists by `score` with from, to and champions=then."
        )


@contextmanager
def _told_when_gone(table: str, version: str) -> Iterator[None]:
    try:
        yield
    except Exception as error:
        if any(sign in str(error).lower() for sign in GONE):
            raise RadarError(f"Version {version} of {table} is gone: its files were cleaned away.") from None
        raise


ACTIONS = {"history": history, "restore": restore, "rebuild_silver": rebuild_silver}


def _options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("action", choices=tuple(ACTIONS))
    parser.add_argument("--table", default="", help="<schema>.<table>")
    parser.add_argument("--version", default="", help="the Delta version to restore")


def main(argv: Sequence[str] | None = None) -> None:
    """`python -m pipelines.repair`."""
    told = "Look into a table's past and bring it back."
    command(told, lambda run: ACTIONS[run.options.action](run), _options, argv=argv)


def main_history() -> None:
    """The entry point `table_history`."""
    main(["history", *sys.argv[1:]])


def main_restore() -> None:
    """The entry point `restore`."""
    main(["restore", *sys.argv[1:]])


def main_rebuild_silver() -> None:
    """The entry point `rebuild_silver`."""
    main(["rebuild_silver", *sys.argv[1:]])


if __name__ == "__main__":
    main()
