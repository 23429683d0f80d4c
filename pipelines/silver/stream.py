"""From bronze to the version tables by Structured Streaming: each bronze row is typed once, and never twice."""

from __future__ import annotations

import shutil
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor

from pyspark.sql import DataFrame

from lakehouse.contracts import Contract
from lakehouse.lake import Lake
from lakehouse.publish import WORKERS
from pipelines.silver.raw import RULES
from pipelines.silver.typed import typed
from pipelines.silver.version_tables import EVENT_TIMES, VERSIONS
from pipelines.silver.versions import received


def versions(bronze: DataFrame, table: str) -> DataFrame:
    """Rows of the version table of a raw table, from rows of bronze."""
    return VERSIONS[table].conform(received(typed(bronze, RULES[table]), EVENT_TIMES[table]))


def catch_up(lake: Lake, tables: Iterable[str]) -> None:
    """Type what bronze has new and append it to the version tables.

    Each table's stream takes all there is (`availableNow`) and ends. Its checkpoint says up to where it came; the batch
    it was killed in is the batch it begins with, and Delta drops it where it had been committed already.
    """
    with ThreadPoolExecutor(WORKERS) as pool:
        list(pool.map(lambda table: _catch_up(lake, table), tables))


def start_over(lake: Lake) -> None:
    """Empty the version tables and forget how far their streams came."""
    shutil.rmtree(lake.settings.checkpoints / "silver", ignore_errors=True)
    for contract in VERSIONS.values():
        lake.recreate(contract)


def _catch_up(lake: Lake, table: str) -> None:
    contract: Contract = VERSIONS[table]
    lake.create(contract)
    # Bronze loses rows by erasure and restoration alone, which silver is told of otherwise.
    bronze = lake.spark.readStream.option("skipChangeCommits", "true").table(lake.name(f"bronze.{table}"))
    query = (
        versions(bronze, table)
        .writeStream.option("checkpointLocation", str(lake.settings.checkpoints / "silver" / table))
        .trigger(availableNow=True)
        .toTable(lake.name(contract.name))
    )
    query.awaitTermination()
