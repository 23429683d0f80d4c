"""The table_history, restore and rebuild_silver entry points: what a table was, and how it becomes that again."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from datetime import UTC

from pyspark.sql import functions as F

import pipelines.silver.run
from lakehouse.cli import Run, command
from lakehouse.errors import RadarError
from lakehouse.lake import Lake
from lakehouse.ops import FILES
from pipelines.bronze.contracts import RAW_TABLES
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
    lake, table = run.lake, _table(run)
    lake.table(table)
    rows = lake.spark.sql(f"DESCRIBE HISTORY {lake.name(table)} LIMIT {SHOWN}").select(
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
    lake, table, version = run.lake, _table(run), run.options.version
    if table.startswith("ops."):
        raise RadarError(
            f"{table} says what was done to the lake, and with an earlier state of it files would be taken in twice. "
            "Restore the table that was harmed."
        )
    newest = lake.version(table) if lake.exists(table) else _none(run, table)
    if not version.isdecimal() or int(version) > newest:
        raise RadarError(f"{table} has no version {version!r}; `-e table_history -P table={table}` shows those it has.")
    with run.step("restore begins") as begun:
        begun.rows = {REBUILD: True, STANDS: {}}
        begun.message = "until it has ended, nobody knows which files bronze holds and what silver was made from"
    with run.step("restore") as step:
        try:
            schema, short = table.split(".")
            if schema == "bronze" and short in RAW_TABLES:
                _forget_files(run, short, int(version))
            _restored(lake, table, int(version))
        except Exception as error:
            if any(sign in str(error).lower() for sign in GONE):
                raise RadarError(f"Version {version} of {table} is gone: its files were cleaned away.") from None
            raise
        step.rows = {REBUILD: True, table: {"version": int(version), "from": newest}}
        step.message = f"{table} is what it was at version {version}; the next ingest makes silver whole from bronze"


def rebuild_silver(run: Run) -> None:
    """Make silver anew from bronze alone; the result is that of the batches one by one."""
    with run.step("rebuild") as step:
        step.rows, step.message = {REBUILD: True}, "asked for"
    pipelines.silver.run.run(run)


def _restored(lake: Lake, table: str, version: int) -> None:
    lake.spark.sql(f"RESTORE TABLE {lake.name(table)} TO VERSION AS OF {version}").collect()


def _forget_files(run: Run, table: str, version: int) -> None:
    """Strike the files from the ledger that a version of the bronze table does not hold."""
    lake = run.lake
    if not lake.exists(FILES.name):
        return
    lake.create(FILES)
    held = lake.table(f"bronze.{table}", version).select("_source_file", "_file_hash").distinct()
    known = lake.table(FILES.name).where((F.col("table_name") == table) & (F.col("row_count") > 0))
    named = known.withColumns(
        {"_source_file": F.col("source_file"), "_file_hash": F.coalesce("bronze_hash", "file_hash")}
    )
    lost = named.join(held, ["_source_file", "_file_hash"], "left_anti").select(*FILES.key)
    lost.createOrReplaceTempView("struck_files")
    same = " AND ".join(f"f.{name} = s.{name}" for name in FILES.key)
    lake.spark.sql(
        f"MERGE INTO {lake.name(FILES.name)} f USING struck_files s ON {same} WHEN MATCHED THEN DELETE"
    ).collect()


def _table(run: Run) -> str:
    table: str = run.options.table
    if table.count(".") != 1:
        raise RadarError(f"table is {table!r}; name it as <schema>.<table>, such as silver.messages.")
    return table


def _none(run: Run, table: str) -> int:
    run.lake.table(table)
    return 0


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
