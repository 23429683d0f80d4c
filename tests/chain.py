"""From raw files to features by the pure functions alone: no lake, no gate, so that many variants can be compared."""

from __future__ import annotations

from datetime import date, datetime
from pathlib import Path

import pandas as pd
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from features.days import active_spans, as_of_dates, dates_frame, first_days, known_days, student_days, students_at
from features.feature_view import Known, views
from features.student_labels import student_labels
from pipelines.bronze.contracts import RAW_TABLES
from pipelines.silver.batch import rank
from pipelines.silver.events import learning_events
from pipelines.silver.stream import versions
from tests.features.feature_frames import nobody

META = "_source_file string, _file_hash string, _arrived_at date, _ingested_at timestamp"
Raw = dict[str, pd.DataFrame]


Chain = dict[str, pd.DataFrame]
"""What the features step would write: `labels`, and a frame for every feature view by its table's name."""


def read_raw(landing: Path) -> Raw:
    """The raw tables as pandas frames; add a date column `_arrived_at` for rows that arrived live."""
    return {table: _read(landing / f"{table}.parquet", names) for table, names in RAW_TABLES.items()}


def _read(path: Path, names: str) -> pd.DataFrame:
    return pd.read_parquet(path) if path.exists() else pd.DataFrame(columns=names.split())


def events(spark: SparkSession, raw: Raw) -> DataFrame:
    """silver.learning_events of the raw tables."""
    received = {table: versions(_bronze(spark, table, raw[table]), table) for table in RAW_TABLES}
    return learning_events(rank(received, lambda name, frame: frame))


def chain(spark: SparkSession, raw: Raw, as_of: date) -> Chain:
    """Features and labels of every Monday up to `as_of`, and of `as_of`, each sorted by student and day."""
    log = _local(events(spark, raw))
    days = _local(student_days(log))
    asked = as_of_dates(log.agg(F.min(F.to_date("event_at"))).collect()[0][0], as_of)
    known = _local(known_days(days, dates_frame(spark, asked)))
    students = _local(students_at(known, first_days(active_spans(log), asked)))
    made = {view.name.split(".")[-1]: view.make(Known(known, students)) for view in views()}
    labels = student_labels(days, students, nobody(spark), nobody(spark), as_of)
    return {name: _sorted(frame) for name, frame in (made | {"labels": labels}).items()}


def _local(frame: DataFrame) -> DataFrame:
    """The same rows, computed once."""
    return frame.sparkSession.createDataFrame(frame.collect(), frame.schema)


def _bronze(spark: SparkSession, table: str, raw: pd.DataFrame) -> DataFrame:
    names = RAW_TABLES[table].split()
    arrived = raw["_arrived_at"] if "_arrived_at" in raw else [None] * len(raw)
    texts = [[None if pd.isna(value) else str(value) for value in raw[name]] for name in names]
    days = [None if pd.isna(day) else day for day in arrived]
    rows = [(*row, "f", "h", day, datetime(2025, 6, 1)) for *row, day in zip(*texts, days, strict=True)]
    return spark.createDataFrame(rows, ", ".join(f"{name} string" for name in names) + ", " + META)


def _sorted(frame: DataFrame) -> pd.DataFrame:
    columns = [F.round(name, 9).alias(name) if kind == "double" else F.col(name) for name, kind in sorted(frame.dtypes)]
    ordered = frame.select(*columns).toPandas()
    return ordered.sort_values(["student_id", "as_of"], ignore_index=True)
