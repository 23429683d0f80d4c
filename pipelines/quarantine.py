"""The quarantine entry point: what was set aside and why, and another try after a rule or a reader was mended."""

from __future__ import annotations

import argparse

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

import pipelines.bronze.ingest
import pipelines.silver.replay
import pipelines.silver.run
from lakehouse.cli import Run, command
from lakehouse.ops import FILES, QUARANTINE
from pipelines.bronze.contracts import CONTRACTS
from pipelines.silver.quarantine import waits
from pipelines.silver.version_tables import SILVER_OF

SHOWN = 50
WIDTH = 160


def show(run: Run) -> None:
    """Print what waits in quarantine: counted by table and kind of reason, then the newest rows."""
    if not run.lake.exists(QUARANTINE.name):
        print("Nothing was ever set aside.")
        return
    waiting = _asked_for(run)
    counted = waiting.groupBy("table_name", _kind().alias("kind")).agg(F.sum("copies").alias("rows"))
    kinds = counted.orderBy(F.desc("rows"), "table_name", "kind").collect()
    print(f"{sum(row['rows'] for row in kinds):,} rows and files wait in quarantine")
    for row in kinds:
        print(f"  {row['rows']:>8,}  {row.table_name:<28} {row.kind}")
    newest = waiting.orderBy(F.desc("quarantined_at"), "table_name", "row_key").limit(SHOWN).collect()
    print(f"\nThe newest {len(newest)}; all of them are in {QUARANTINE.name}, with each row as JSON:" if newest else "")
    for row in newest:
        told = f"  {row.table_name}  {row.row_key}  {row.reason}  ({row.source_file})"
        print(told if len(told) <= WIDTH else told[: WIDTH - 1] + "…")


def replay(run: Run) -> None:
    """Try what waits again, all or what the options ask for: files by the reader, rows by the rules as they stand now.

    Raises:
        GateFailed: when what is released breaks a contract.
    """
    lake = run.lake
    lake.create(FILES)
    _asked_for(run).createOrReplaceTempView("asked_for")
    lake.spark.sql(
        f"MERGE INTO {lake.name(FILES.name)} f USING asked_for q "
        "ON f.error IS NOT NULL AND q.table_name = concat('bronze.', f.table_name) "
        "AND q.source_file = f.source_file AND q.row_hash = f.file_hash WHEN MATCHED THEN DELETE"
    ).collect()
    pipelines.bronze.ingest.run(run)
    pipelines.silver.replay.run(run, _asked_for(run))
    pipelines.silver.run.run(run)


def _asked_for(run: Run) -> DataFrame:
    rows = waits(run.lake)
    if run.options.table:
        rows = rows.where(F.col("table_name") == run.options.table)
    return rows.where(F.col("reason").contains(run.options.reason)) if run.options.reason else rows


def _kind() -> Column:
    """A reason without the value it quotes."""
    unquoted = F.regexp_replace("reason", r'"(?:[^"\\]|\\.)*"', "…")
    nameless = F.regexp_replace(unquoted, r"(\w+_id) .+? is the id of no", "$1 … is the id of no")
    return F.regexp_replace(nameless, r"\d[\d,.]*( bytes| characters)", "…$1")


ACTIONS = {"list": show, "replay": replay}


def _options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--action", choices=tuple(ACTIONS), default="list")
    tables = [contract.name for contract in (*CONTRACTS, *SILVER_OF.values())]
    parser.add_argument(
        "--table",
        choices=("", *tables),
        default="",
        help="only of this table: files of a bronze one, rows of a silver one",
    )
    parser.add_argument("--reason", default="", help="only where the reason contains this text")


def main() -> None:
    """`python -m pipelines.quarantine`."""
    command("What is in quarantine, and another try.", lambda run: ACTIONS[run.options.action](run), _options)


if __name__ == "__main__":
    main()
