"""The ledger of landing files: which are new, and which bronze holds already."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from functools import reduce

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from lakehouse.lake import Lake
from lakehouse.ops import FILES
from lakehouse.rows import frame_of
from pipelines.bronze.contracts import RAW_TABLES
from pipelines.bronze.landing import LandingFile, Listed


def untouched_and_new(lake: Lake, files: Iterable[Listed]) -> tuple[list[Listed], list[Listed]]:
    """Files that the ledger does not know, as (known content under a new mark, new content).

    A file whose size and time of change the ledger holds is not read again; any other is told by path and hash. One
    that was set aside is new when it comes again: what could not be read may have been the disk's fault.
    """
    if not lake.exists(FILES.name):
        return [], list(files)
    told = "table_name", "source_file", "file_hash", "size_bytes", "changed_ns", "error"
    ledger = lake.table(FILES.name).select(*told).collect()
    marks = {(row.table_name, row.source_file, row.size_bytes, row.changed_ns) for row in ledger}
    held = {(row.table_name, row.source_file, row.file_hash) for row in ledger if row.error is None}
    touched = [file for file in files if file.mark not in marks]
    same = [file for file in touched if file.identity in held]
    return same, [file for file in touched if file.identity not in held]


def in_bronze(lake: Lake, files: Iterable[Listed]) -> set[tuple[str, str, str]]:
    """Of these files, those whose rows bronze holds though the ledger does not say so: a run was killed in between."""
    hashes = [file.file_hash for file in files]
    held = _held(lake) if hashes else None
    if held is None:
        return set()
    return {tuple(row) for row in held.where(F.col("_file_hash").isin(hashes)).collect()}


def _held(lake: Lake) -> DataFrame | None:
    """The files whose rows bronze holds: table_name, _source_file, _file_hash; None before there is a bronze table."""
    found = [
        lake.table(name).select(F.lit(table).alias("table_name"), "_source_file", "_file_hash").distinct()
        for table in RAW_TABLES
        if lake.exists(name := f"bronze.{table}")
    ]
    return reduce(DataFrame.union, found) if found else None


def strike_what_bronze_lacks(lake: Lake) -> dict[tuple[str, str, str], datetime]:
    """Take the files out of the ledger whose rows bronze does not hold, as after a restore, so that they come again.

    Returns:
        By a file's table, name and hash, when it was taken in.
    """
    held = _held(lake) if lake.exists(FILES.name) else None
    if held is None:
        return {}
    lake.create(FILES)
    as_held = {"_source_file": F.col("source_file"), "_file_hash": F.coalesce("bronze_hash", "file_hash")}
    named = lake.table(FILES.name).where("row_count > 0").withColumns(as_held)
    lost = named.join(held, held.columns, "left_anti")
    told = lost.select(*FILES.key, "taken_in_at").collect()
    if not told:
        return {}
    lost.select(*FILES.key).createOrReplaceTempView("struck_files")
    same = " AND ".join(f"f.{name} = s.{name}" for name in FILES.key)
    lake.spark.sql(
        f"MERGE INTO {lake.name(FILES.name)} f USING struck_files s ON {same} WHEN MATCHED THEN DELETE"
    ).collect()
    return {(row.table_name, row.source_file, row.file_hash): row.taken_in_at for row in told}


def entries(lake: Lake, files: Iterable[LandingFile], now: datetime) -> DataFrame:
    """The ledger's rows for files that were looked at."""
    rows = [
        (
            file.table, file.name, file.listed.file_hash, file.listed.size, file.listed.changed_ns, file.arrived,
            file.rows, ", ".join(file.new_columns()) or None, file.error,
            file.listed.taken_in or now, None,
        )
        for file in files
    ]  # fmt: skip
    return frame_of(lake.spark, FILES, rows)


def touch(lake: Lake, files: Iterable[Listed]) -> DataFrame:
    """The ledger's rows of files whose content is known, with their new marks."""
    lake.create(FILES)
    marks = lake.spark.createDataFrame(
        [(file.table, file.name, file.file_hash, file.changed_ns) for file in files],
        "table_name string, source_file string, file_hash string, _changed bigint",
    )
    known = lake.table(FILES.name).join(F.broadcast(marks), ["table_name", "source_file", "file_hash"])
    return known.withColumn("changed_ns", F.col("_changed")).drop("_changed")
