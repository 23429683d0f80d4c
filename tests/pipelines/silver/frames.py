"""Versions of records written as text, in the shape of the version tables."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as F

from pipelines.bronze.contracts import RAW_TABLES
from pipelines.silver.batch import content_of
from pipelines.silver.version_tables import EVENT_TIMES, META, RECORD, VERSIONS
from pipelines.silver.versions import ranked, received, unbound
from tests.pipelines.gold.frames import frame

NOTES = {"arrived": "DATE", "taken_in": "TIMESTAMP", "file": "STRING", "wrong": "STRING"}
PROVENANCE = {
    "_source_file": "STRING", "_file_hash": "STRING", "_arrived_at": "DATE", "_ingested_at": "TIMESTAMP",
}  # fmt: skip
ABOUT = {column.name for column in META}
TAKEN_IN = datetime(2024, 11, 30)


def at(day: int, hour: int = 0, minute: int = 0) -> datetime:
    """A moment in November 2024."""
    return datetime(2024, 11, day, hour, minute)


def versions(spark: SparkSession, table: str, text: str = "") -> DataFrame:
    """Received versions of a raw table from lines of cells parted by `|`; empty and absent cells are null.

    Beside the typed columns: `arrived`, the date of the batch, empty for a backfill; `file` and `taken_in`, which file
    it came in and when the lake took that in; `wrong`, what a rule says of it. Arrays are written as JSON.
    """
    typed = {c.name: c.type for c in VERSIONS[table].columns if c.name not in ABOUT}
    told = frame(spark, {n: "STRING" if t.startswith("ARRAY") else t for n, t in typed.items()} | NOTES, text)
    arrays = {n: F.from_json(n, t) for n, t in typed.items() if t.startswith("ARRAY")}
    cells = F.concat_ws("|", *[F.coalesce(F.col(n).cast("string"), F.lit("")) for n in [*typed, "arrived"]])
    noted = {
        "raw_key": F.col(RECORD[table][0]),
        "reasons": F.filter(F.array("wrong"), Column.isNotNull),
        "row_hash": cells,
        "_source_file": F.coalesce("file", F.concat_ws("=", F.lit(table), "arrived")),
        "_file_hash": F.lit("hash"),
        "_arrived_at": F.col("arrived"),
        "_ingested_at": F.coalesce("taken_in", F.lit(TAKEN_IN)),
    }
    return VERSIONS[table].conform(received(told.withColumns(arrays | noted), EVENT_TIMES[table]))


def standing(spark: SparkSession, table: str, text: str = "") -> DataFrame:
    """`versions`, ranked, as if every parent had always been there."""
    return ranked(unbound(versions(spark, table, text)), RECORD[table], content_of(table))


def bronze(spark: SparkSession, table: str, *rows: Mapping[str, object]) -> DataFrame:
    """Rows of a bronze table by the names of their columns; the provenance is that of a backfill unless given."""
    names = RAW_TABLES[table].split()
    usual = {"_source_file": f"{table}.parquet", "_file_hash": "hash", "_ingested_at": TAKEN_IN}
    schema = ", ".join([*(f"{name} STRING" for name in names), *(f"{name} {t}" for name, t in PROVENANCE.items())])
    values = [tuple((usual | row).get(name) for name in [*names, *PROVENANCE]) for row in rows]
    return spark.createDataFrame(values, schema)
