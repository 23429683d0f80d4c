"""The training set: labelled students and Mondays with their features, pinned so that it can be made again."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import numpy as np
import pandas as pd
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from features.lookups import FEATURE_TABLES as FEATURES
from features.lookups import lookups
from features.store import open_store
from features.student_labels import MATURITY_DAYS
from lakehouse.errors import RadarError
from lakehouse.lake import Lake

LABELS = "features.student_labels"
LABEL = "dropped_out"
KEY = ["student_id", "as_of"]
MAX_ROWS = 1_000_000
"""Rows that fit a driver's memory some times over; above that, a random sample of students is taken."""


@dataclass(frozen=True)
class TrainingSet:
    """Rows to learn from.

    Attributes:
        frame: student_id, as_of, dropped_out (0 or 1), and every feature as a double; sorted by as_of and student_id.
        features: names of the feature columns.
        pins: Delta version of every table read.
        as_of: the day that the outcomes had matured by.
        share: share of the students taken, 1 for all.
    """

    frame: pd.DataFrame
    features: tuple[str, ...]
    pins: dict[str, int]
    as_of: date
    share: float

    @property
    def content_hash(self) -> str:
        """Hash of the rows, whatever their order and that of the columns."""
        return content_hash(self.frame)

    def describe(self) -> dict[str, Any]:
        """The artifact `training_set.json`: all that `rebuild` needs."""
        days = self.frame["as_of"]
        return {
            "label": LABEL,
            "features": list(self.features),
            "pins": self.pins,
            "as_of": str(self.as_of),
            "from": str(days.min().date()) if len(days) else None,
            "to": str(days.max().date()) if len(days) else None,
            "share_of_students": self.share,
            "rows": len(self.frame),
            "students": int(self.frame["student_id"].nunique()),
            "positives": int(self.frame[LABEL].sum()),
            "content_hash": self.content_hash,
        }


def training_set(lake: Lake, as_of: date, max_rows: int = MAX_ROWS) -> TrainingSet:
    """Every eligible student and Monday whose outcome had matured by `as_of`, with features from the store.

    Raises:
        RadarError: when the feature tables are missing.
    """
    pins = {table: _pin(lake, table) for table in (LABELS, *FEATURES)}
    spine = labelled(lake.table(LABELS, pins[LABELS]), as_of)
    rows = spine.count()
    share = min(1.0, max_rows / max(rows, 1))
    made = open_store(lake).create_training_set(df=sampled(spine, share), feature_lookups=lookups(lake), label=LABEL)
    return _collected(made.load_df(), pins, as_of, share)


def rebuild(lake: Lake, described: dict[str, Any]) -> TrainingSet:
    """The training set of a registered version again, from the table versions that its `training_set.json` names.

    The feature tables hold a row for each student and as-of of the labels, so a plain join is the as-of join.

    Raises:
        RadarError: when the rows are not the same.
    """
    pins, as_of = described["pins"], date.fromisoformat(described["as_of"])
    frame = sampled(labelled(lake.table(LABELS, pins[LABELS]), as_of), described["share_of_students"])
    for table in (table for table in pins if table != LABELS):
        frame = frame.join(lake.table(table, pins[table]), KEY, "left")
    again = _collected(frame.select(*KEY, *described["features"], LABEL), pins, as_of, described["share_of_students"])
    if again.content_hash != described["content_hash"]:
        raise RadarError(
            f"The training set as of {as_of} cannot be made again: {len(again.frame)} rows with hash "
            f"{again.content_hash[:12]}, where {described['rows']} with {described['content_hash'][:12]} were used."
        )
    return again


def labelled(labels: DataFrame, as_of: date) -> DataFrame:
    """student_id, as_of, dropped_out of eligible students on Mondays whose outcome had matured by `as_of`."""
    last = as_of - timedelta(days=MATURITY_DAYS)
    monday = F.dayofweek("as_of") == 2
    known = F.col("eligible") & F.col(LABEL).isNotNull() & (F.col("as_of") <= F.lit(last))
    return labels.where(monday & known).select(*KEY, LABEL)


def sampled(spine: DataFrame, share: float) -> DataFrame:
    """The rows of about that share of the students, the same ones each time."""
    if share >= 1:
        return spine
    return spine.where(F.pmod(F.xxhash64("student_id"), F.lit(1_000_000)) < int(share * 1_000_000))


def content_hash(frame: pd.DataFrame) -> str:
    """SHA-256 over a frame's rows; the order of rows and columns does not matter."""
    ordered = frame[sorted(frame.columns)]
    rows = np.sort(pd.util.hash_pandas_object(ordered, index=False).to_numpy())
    return hashlib.sha256(",".join(ordered.columns).encode() + rows.tobytes()).hexdigest()


def _pin(lake: Lake, table: str) -> int:
    lake.table(table)
    return lake.version(table)


def _collected(joined: DataFrame, pins: dict[str, int], as_of: date, share: float) -> TrainingSet:
    features = tuple(name for name in joined.columns if name not in (*KEY, LABEL))
    wanted = [F.col("student_id"), F.col("as_of").cast("timestamp_ntz").alias("as_of")]
    numbers = [F.col(name).cast("double").alias(name) for name in features]
    frame = joined.select(*wanted, F.col(LABEL).cast("int").alias(LABEL), *numbers).toPandas()
    frame.attrs.clear()
    frame["as_of"] = pd.to_datetime(frame["as_of"]).astype("datetime64[ns]")
    return TrainingSet(frame.sort_values(["as_of", "student_id"], ignore_index=True), features, pins, as_of, share)
