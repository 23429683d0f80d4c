"""Finding raw files by Databricks' Auto Loader: its checkpoint knows what it saw, so that no folder is walked again.

It finds files and does no more: bronze still looks at each footer, hashes each content and keeps its own ledger, so a
file that Auto Loader tells twice, or that a restore struck from the ledger, is taken in once, as by the listing.
"""

from __future__ import annotations

from pathlib import Path

from pyspark.sql import functions as F

from lakehouse.errors import RadarError
from lakehouse.lake import Lake
from lakehouse.ops import ARRIVALS, FILES
from lakehouse.paths import to_the_letter
from pipelines.bronze.landing import Listed, listed_file, table_of

SOURCE = "cloudFiles"
OPTIONS = {
    "cloudFiles.format": "binaryFile",
    "cloudFiles.includeExistingFiles": "true",
    "cloudFiles.allowOverwrites": "true",
    "pathGlobFilter": "*.parquet",
    "recursiveFileLookup": "true",
}
"""A file that is written again is told again; contents are not read here, since only names are selected."""
COLUMNS = "path STRING, modificationTime TIMESTAMP, length BIGINT, content BINARY"


def arrivals(lake: Lake, source: str = SOURCE) -> list[Listed]:
    """The files that arrived and that the ledger does not know as they are, in order of name.

    Args:
        lake: open for writing.
        source: the streaming source; `binaryFile` is Spark's own, which takes the same road without the service.

    Raises:
        RadarError: when there is no landing folder.
    """
    landing = lake.settings.landing
    if not landing.is_dir():
        raise RadarError(f"There is no landing folder {landing}; put the seven tables' Parquet files there.")
    _catch_up(lake, source)
    told = lake.table(ARRIVALS.name).select("path", "size_bytes", "changed_at")
    if lake.exists(FILES.name):
        known = lake.table(FILES.name).select("source_file", F.col("size_bytes").alias("_size"), "taken_in_at")
        name = F.substring(F.col("path"), len(str(landing)) + 2, 4096)
        same = (F.col("source_file") == name) & (F.col("_size") == F.col("size_bytes"))
        told = told.join(known, same & (F.col("taken_in_at") >= F.col("changed_at")), "left_anti")
    paths = sorted({Path(row.path) for row in told.select("path").distinct().collect()})
    ours = [(table, path) for path in paths if (table := table_of(path, landing)) and path.is_file()]
    return [listed_file(table, path, landing) for table, path in ours]


def _catch_up(lake: Lake, source: str) -> None:
    """Write down what arrived since the last look."""
    lake.create(ARRIVALS)
    reader = lake.spark.readStream.format(source).options(**OPTIONS).schema(COLUMNS)
    found = reader.load(to_the_letter(lake.settings.landing)).select(
        F.regexp_replace("path", "^[a-z]+:/*", "/").alias("path"),
        F.col("length").alias("size_bytes"),
        F.col("modificationTime").alias("changed_at"),
    )
    query = (
        ARRIVALS.conform(found)
        .writeStream.option("checkpointLocation", str(lake.settings.checkpoints / "landing"))
        .trigger(availableNow=True)
        .toTable(lake.name(ARRIVALS.name))
    )
    query.awaitTermination()
