"""Raw rows as bronze holds them: text, with the received types and where they came from."""

from __future__ import annotations

import json
import os
from collections import defaultdict
from datetime import datetime
from functools import reduce

import pyarrow as pa
from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as F

from lakehouse.paths import to_the_letter
from pipelines.bronze.contracts import RAW_TABLES
from pipelines.bronze.landing import LandingFile


def as_text(frame: DataFrame, file: LandingFile) -> DataFrame:
    """The raw columns of a table as text, the unknown ones as JSON in `_other_columns`, the types in `_raw_types`.

    Args:
        frame: rows as Spark read them, without the columns that Parquet calls null.
        file: one of the files, all of one shape: its Arrow schema tells nanosecond timestamps from integers.
    """
    known, schema = RAW_TABLES[file.table].split(), file.schema
    assert schema is not None
    received = {f.name: _text(f.name, f.type, file) for f in schema if not pa.types.is_null(f.type)}
    business = [received.get(name, F.lit(None).cast("string")).alias(name) for name in known]
    others = [text.alias(name) for name, text in received.items() if name not in known]
    other = F.to_json(F.struct(*others)) if others else F.lit(None).cast("string")
    types = json.dumps({f.name: str(f.type) for f in schema})
    provenance = [F.col(name) for name in ("_source_file", "_file_hash", "_arrived_at", "_ingested_at")]
    return frame.select(*business, other.alias("_other_columns"), F.lit(types).alias("_raw_types"), *provenance)


def read(spark: SparkSession, files: list[LandingFile], now: datetime) -> DataFrame:
    """The rows of one table's files as text; files of one schema are read together."""
    by_shape: dict[tuple[str, frozenset[str]], list[LandingFile]] = defaultdict(list)
    for file in files:
        by_shape[str(file.schema), file.int96].append(file)
    parts = [as_text(_with_provenance(spark, same, now), same[0]) for same in by_shape.values()]
    return reduce(DataFrame.unionByName, parts)


def _with_provenance(spark: SparkSession, files: list[LandingFile], now: datetime) -> DataFrame:
    provenance = spark.createDataFrame(
        [(_uri(file), file.name, file.listed.file_hash, file.arrived, file.listed.taken_in or now) for file in files],
        "_uri string, _source_file string, _file_hash string, _arrived_at date, _ingested_at timestamp",
    )
    raw = spark.read.option("mergeSchema", "false").parquet(*[to_the_letter(file.listed.path) for file in files])
    encoded = F.replace(F.col("_metadata.file_path"), F.lit("+"), F.lit("%2B"))
    located = raw.withColumn("_uri", F.regexp_replace(F.url_decode(encoded), "^[a-z]+:/*", "/"))
    return located.join(F.broadcast(provenance), "_uri").drop("_uri")


def _uri(file: LandingFile) -> str:
    """Its place as Spark tells it: links are not followed."""
    return os.path.abspath(file.listed.path)


def _text(name: str, kind: pa.DataType, file: LandingFile) -> Column:
    column = F.col(f"`{name}`")
    if pa.types.is_timestamp(kind) and kind.unit == "ns" and name not in file.int96:
        # A number to Spark, see `session`. Divided as a whole number: a double of this size counts in steps of 256 ns.
        return F.timestamp_micros(F.expr(f"`{name}` div 1000")).cast("string")
    if pa.types.is_nested(kind):
        return F.to_json(column)
    if pa.types.is_floating(kind):
        # 10000000.0, as a whole number with gaps becomes in pandas, would be 1.0E7 as text.
        whole = (F.abs(column) < 2**53) & (column == F.floor(column))
        # What is no number is a gap in such a column; as text it would be an id like any other.
        return F.when(whole, column.cast("bigint").cast("string")).when(~F.isnan(column), column.cast("string"))
    # A writer that does not check, or a column of bytes, brings texts that are none: Python would refuse the batch.
    return F.make_valid_utf8(column.cast("string"))
