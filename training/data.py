"""Training sets: a frame of students and days with features from the store, pinned so that it can be made again."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import numpy as np
import pandas as pd
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

import features.store as store
from features.days import RECENT_DAYS
from features.lookups import lookups
from features.store.spec import Spec
from features.student_labels import MATURITY_DAYS
from lakehouse.lake import Lake

LABELS = "features.student_labels"
LABEL = "dropped_out"
KEY = ["student_id", "as_of"]
MAX_ROWS = 1_000_000
"""Rows that fit a driver's memory some times over; above that, a random sample of students is taken."""
MAX_STUDENTS = 100_000


@dataclass(frozen=True)
class Recipe:
    """How a training set is made from pinned tables.

    Attributes:
        model: dropout or segments.
        as_of: the day that outcomes had matured by, or that students are grouped on.
        pins: Delta version of every table read.
        spec: what is looked up.
        share: share of the students taken, 1 for all.
    """

    model: str
    as_of: date
    pins: dict[str, int]
    spec: Spec
    share: float = 1.0

    def spine(self, lake: Lake) -> DataFrame:
        """The keys, and the label where there is one, from the pinned labels."""
        labels = lake.table(LABELS, self.pins[LABELS])
        return sampled(SPINES[self.model](labels, self.as_of), self.share)

    def load(self, lake: Lake) -> DataFrame:
        """The rows, from the pinned versions of every table."""
        frame = store.augmented(self.spine(lake), self.spec, lambda table: lake.table(table, self.pins[table]))
        return KEEP[self.model](frame)


@dataclass(frozen=True)
class TrainingSet:
    """Rows to learn from.

    Attributes:
        frame: student_id, as_of, dropped_out (0 or 1) where there is a label, and every feature as a double; sorted by
            as_of and student_id.
        features: names of the feature columns.
        recipe: how it was made.
        inputs: the store's training set of these keys with some features alone, as a model takes them in.
    """

    frame: pd.DataFrame
    features: tuple[str, ...]
    recipe: Recipe
    inputs: Callable[[Sequence[str]], store.TrainingSet]

    @property
    def as_of(self) -> date:
        """The day that the outcomes had matured by."""
        return self.recipe.as_of

    @property
    def pins(self) -> dict[str, int]:
        """Delta version of every table read."""
        return self.recipe.pins

    @property
    def content_hash(self) -> str:
        """Hash of the rows, whatever their order and that of the columns."""
        return content_hash(self.frame)

    def describe(self) -> dict[str, Any]:
        """The artifact `training_set.json`: all that `rebuild` needs."""
        days, labelled = self.frame["as_of"], LABEL in self.frame
        return {
            "model": self.recipe.model,
            "label": LABEL if labelled else None,
            "features": list(self.features),
            "pins": self.pins,
            "spec": self.recipe.spec.to_dict(),
            "as_of": str(self.as_of),
            "from": str(days.min().date()) if len(days) else None,
            "to": str(days.max().date()) if len(days) else None,
            "share_of_students": self.recipe.share,
            "rows": len(self.frame),
            "students": int(self.frame["student_id"].nunique()),
            "positives": int(self.frame[LABEL].sum()) if labelled else None,
            "content_hash": self.content_hash,
        }


def training_set(lake: Lake, as_of: date, max_rows: int = MAX_ROWS) -> TrainingSet:
    """Every eligible student and Monday whose outcome had matured by `as_of`, with every feature of the store.

    Raises:
        RadarError: when the feature tables are missing.
    """
    rows = labelled(lake.table(LABELS), as_of).count()
    return _made(lake, "dropout", as_of, None, LABEL, min(1.0, max_rows / max(rows, 1)))


def segment_set(lake: Lake, as_of: date, features: Sequence[str]) -> TrainingSet:
    """The students of a day, active in the 28 days before, with the features they are grouped by.

    Those silent for longer have no behaviour to group by; scoring gives them the nearest centroid all the same.

    Raises:
        RadarError: when the feature tables are missing.
    """
    return _made(lake, "segments", as_of, features, None, 1.0)


def described(told: dict[str, Any]) -> Recipe:
    """The recipe in a `training_set.json`."""
    as_of, spec = date.fromisoformat(told["as_of"]), Spec.of_dict(told["spec"])
    return Recipe(told["model"], as_of, told["pins"], spec, told["share_of_students"])


def labelled(labels: DataFrame, as_of: date) -> DataFrame:
    """student_id, as_of, dropped_out of eligible students on Mondays whose outcome had matured by `as_of`."""
    last = as_of - timedelta(days=MATURITY_DAYS)
    monday = F.dayofweek("as_of") == 2
    known = F.col("eligible") & F.col(LABEL).isNotNull() & (F.col("as_of") <= F.lit(last))
    return labels.where(monday & known).select(*KEY, LABEL)


def everyone(labels: DataFrame, as_of: date) -> DataFrame:
    """student_id, as_of of every student of that day."""
    return labels.where(F.col("as_of") == F.lit(as_of)).select(*KEY)


def recent(frame: DataFrame) -> DataFrame:
    """Students active lately, at most MAX_STUDENTS, the same ones each time."""
    return frame.where(F.col("days_since_active") <= RECENT_DAYS).orderBy(F.xxhash64("student_id")).limit(MAX_STUDENTS)


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


def collected(joined: DataFrame, features: Sequence[str]) -> pd.DataFrame:
    """Rows as a model learns from them; see `TrainingSet.frame`."""
    label = [F.col(LABEL).cast("int").alias(LABEL)] if LABEL in joined.columns else []
    numbers = [F.col(name).cast("double").alias(name) for name in features]
    day = F.col("as_of").cast("timestamp_ntz").alias("as_of")
    frame = joined.select("student_id", day, *label, *numbers).toPandas()
    frame.attrs.clear()
    frame["as_of"] = pd.to_datetime(frame["as_of"]).astype("datetime64[ns]")
    return frame.sort_values(["as_of", "student_id"], ignore_index=True)


SPINES = {"dropout": labelled, "segments": everyone}
KEEP: dict[str, Callable[[DataFrame], DataFrame]] = {"dropout": lambda frame: frame, "segments": recent}


def _made(
    lake: Lake, model: str, as_of: date, features: Sequence[str] | None, label: str | None, share: float
) -> TrainingSet:  # fmt: skip
    """A training set of the tables as they are now, made by the store."""
    pin = lake.version(LABELS)
    spine = sampled(SPINES[model](lake.table(LABELS, pin), as_of), share)
    wanted = None if features is None else [*features, "days_since_active"]
    spec, pins = store.pinned(lake, spine, lookups(lake, wanted), label)
    recipe = Recipe(model, as_of, {LABELS: pin} | pins, spec, share)

    def inputs(names: Sequence[str]) -> store.TrainingSet:
        return store.open_store(lake).create_training_set(
            df=spine, feature_lookups=lookups(lake, names), label=label, exclude_columns=KEY
        )

    names = tuple(features or (name for name in spec.inputs if name not in KEY))
    return TrainingSet(collected(recipe.load(lake), names), names, recipe, inputs)
