"""From bronze to the version tables by Structured Streaming: each bronze row is typed once, and never twice."""

from __future__ import annotations

import shutil
from collections.abc import Collection
from concurrent.futures import ThreadPoolExecutor

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from lakehouse.contracts import Contract
from lakehouse.lake import Lake
from lakehouse.ops import QUARANTINE
from lakehouse.publish import WORKERS
from pipelines.silver.raw import RULES
from pipelines.silver.typed import typed
from pipelines.silver.version_tables import EVENT_TIMES, ROW, SILVER_OF, VERSIONS
from pipelines.silver.versions import received


def versions(bronze: DataFrame, table: str) -> DataFrame:
    """Rows of the version table of a raw table, from rows of bronze."""
    return VERSIONS[table].conform(received(typed(bronze, RULES[table]), EVENT_TIMES[table]))


def catch_up(lake: Lake, tables: Collection[str]) -> None:
    """Type what bronze has new and append it to the version tables.

    Each table's stream takes all there is (`availableNow`) and ends. Its checkpoint says up to where it came; the batch
    it was killed in is the batch it begins with, and Delta drops it where it had been committed already.
    """
    released = _released(lake) if tables else {}
    with ThreadPoolExecutor(WORKERS) as pool:
        list(pool.map(lambda table: _catch_up(lake, table, released.get(SILVER_OF[table].name)), tables))


def start_over(lake: Lake) -> None:
    """Empty the version tables and forget how far their streams came."""
    shutil.rmtree(lake.settings.checkpoints / "silver", ignore_errors=True)
    for contract in VERSIONS.values():
        lake.recreate(contract)


def _released(lake: Lake) -> dict[str, DataFrame]:
    """By silver table, the rows that were refused once and that a mended rule released; most often there is none."""
    if not lake.exists(QUARANTINE.name):
        return {}
    released = lake.table(QUARANTINE.name).where("known_from IS NOT NULL")
    names = [row.table_name for row in released.select("table_name").distinct().collect()]
    rows = released.select("table_name", *[F.col(there).alias(here) for there, here in ROW.items()], "known_from")
    return {name: rows.where(F.col("table_name") == name).drop("table_name") for name in names}


def _known_from(typed: DataFrame, released: DataFrame) -> DataFrame:
    """Rows that were refused once and released by a mended rule are known from their release."""
    return typed.drop("known_from").join(F.broadcast(released), list(ROW.values()), "left")


def _catch_up(lake: Lake, table: str, released: DataFrame | None) -> None:
    contract: Contract = VERSIONS[table]
    lake.create(contract)
    rows = versions(lake.stream(f"bronze.{table}"), table)
    query = (
        (rows if released is None else contract.conform(_known_from(rows, released)))
        .writeStream.option("checkpointLocation", str(lake.settings.checkpoints / "silver" / table))
        .trigger(availableNow=True)
        .toTable(lake.name(contract.name))
    )
    query.awaitTermination()
