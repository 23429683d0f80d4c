"""Bronze: append every landing file once, as text, with its provenance; set aside what cannot be read."""

from __future__ import annotations

import json
from collections import defaultdict
from datetime import UTC, datetime
from functools import reduce

import pyarrow as pa
from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as F

from lakehouse.cli import Run
from lakehouse.lake import Lake
from lakehouse.ops import QUARANTINE
from lakehouse.publish import Step
from pipelines.bronze.contracts import RAW_TABLES, bronze
from pipelines.bronze.landing import LandingFile, look, refuse_incomplete


def as_text(frame: DataFrame, schema: pa.Schema, table: str) -> DataFrame:
    """The raw columns of `table` as text, the unknown ones as JSON in `_other_columns`, the types in `_raw_types`.

    Args:
        frame: rows as Spark read them, without the columns that Parquet calls null.
        schema: the Arrow schema of the files, which tells nanosecond timestamps from integers.
        table: one of the seven raw tables.
    """
    known = RAW_TABLES[table].split()
    received = {f.name: _text(F.col(f"`{f.name}`"), f.type) for f in schema if not pa.types.is_null(f.type)}
    business = [received.get(name, F.lit(None).cast("string")).alias(name) for name in known]
    others = [text.alias(name) for name, text in received.items() if name not in known]
    other = F.to_json(F.struct(*others)) if others else F.lit(None).cast("string")
    types = json.dumps({f.name: str(f.type) for f in schema})
    provenance = [F.col(name) for name in ("_source_file", "_file_hash", "_arrived_at", "_ingested_at")]
    return frame.select(*business, other.alias("_other_columns"), F.lit(types).alias("_raw_types"), *provenance)


def _text(column: Column, kind: pa.DataType) -> Column:
    if pa.types.is_timestamp(kind) and kind.unit == "ns":
        return F.timestamp_micros((column / 1000).cast("bigint")).cast("string")
    if pa.types.is_nested(kind):
        return F.to_json(column)
    return column.cast("string")


def run(run: Run) -> None:
    """Take in every file of the landing folder that bronze does not hold yet.

    Raises:
        RadarError: without a landing folder, or when a first load lacks a table.
        GateFailed: when a batch fails its contract.
    """
    lake = run.lake
    files = look(lake.settings.landing)
    refuse_incomplete(files, lake.exists)
    now = datetime.now(UTC)
    with run.step("bronze") as step:
        fresh = _not_yet_loaded(lake, files)
        usable = [file for file in fresh if file.error is None and file.rows]
        by_table: dict[str, list[LandingFile]] = defaultdict(list)
        for file in usable:
            by_table[file.table].append(file)
        step.stage_all({bronze(table): _read(lake.spark, mine, now) for table, mine in by_table.items()})
        refused = [file for file in fresh if file.error]
        if refused:
            step.stage(QUARANTINE, _set_aside(lake.spark, refused, now))
        step.publish()
        step.message = _told(step, files, usable, refused)
        for table in RAW_TABLES:
            lake.create(bronze(table))


def _not_yet_loaded(lake: Lake, files: list[LandingFile]) -> list[LandingFile]:
    loaded = [
        lake.table(f"bronze.{table}").select(F.lit(table), "_source_file", "_file_hash").distinct()
        for table in RAW_TABLES
        if lake.exists(f"bronze.{table}")
    ]
    if lake.exists(QUARANTINE.name):
        refused = lake.table(QUARANTINE.name).where("table_name LIKE 'bronze.%'")
        loaded.append(refused.select(F.replace("table_name", F.lit("bronze."), F.lit("")), "source_file", "row_hash"))
    held = {tuple(row) for row in reduce(DataFrame.union, loaded).collect()} if loaded else set()
    return [file for file in files if (file.table, file.name, file.file_hash) not in held]


def _read(spark: SparkSession, files: list[LandingFile], now: datetime) -> DataFrame:
    """The rows of one table's files; files of one schema are read together."""
    by_schema: dict[str, list[LandingFile]] = defaultdict(list)
    for file in files:
        by_schema[str(file.schema)].append(file)
    parts = [as_text(_with_provenance(spark, same, now), same[0].schema, same[0].table) for same in by_schema.values()]
    return reduce(DataFrame.unionByName, parts)


def _with_provenance(spark: SparkSession, files: list[LandingFile], now: datetime) -> DataFrame:
    provenance = spark.createDataFrame(
        [(_uri(file), file.name, file.file_hash, file.arrived, now) for file in files],
        "_uri string, _source_file string, _file_hash string, _arrived_at date, _ingested_at timestamp",
    )
    raw = spark.read.option("mergeSchema", "false").parquet(*[str(file.path) for file in files])
    located = raw.withColumn("_uri", F.regexp_replace(F.url_decode(F.col("_metadata.file_path")), "^[a-z]+:/*", "/"))
    return located.join(F.broadcast(provenance), "_uri").drop("_uri")


def _uri(file: LandingFile) -> str:
    return str(file.path.resolve())


def _set_aside(spark: SparkSession, files: list[LandingFile], now: datetime) -> DataFrame:
    rows = [
        (f"bronze.{file.table}", file.name, file.file_hash, file.error, None, file.name, file.arrived, now, None)
        for file in files
    ]
    return spark.createDataFrame(rows, ", ".join(f"`{c.name}` {c.type}" for c in QUARANTINE.columns))


def _told(step: Step, files: list[LandingFile], usable: list[LandingFile], refused: list[LandingFile]) -> str:
    rows = sum(file.rows for file in usable)
    told = f"{rows:,} rows from {len(usable)} new of {len(files)} files"
    empty = [file.name for file in files if file.error is None and not file.rows]
    told += f"; no rows in {', '.join(empty)}" if empty else ""
    return told + "".join(f"\n{'':28}set aside {file.name}: {file.error}" for file in refused)
