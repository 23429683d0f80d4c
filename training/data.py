"""Training sets: a frame of students and days with features from the store, pinned so that it can be made again."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Any

import numpy as np
import pandas as pd
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

import features.store as store
from features.closures import CLOSURES
from features.days import RECENT_DAYS
from features.horizons import LEAST_DAYS, MOST_DAYS, relabelled
from features.lookups import learnable, lookups, refuse_without_features
from features.store.spec import Spec
from features.student_labels import GRACE_DAYS, HORIZON_DAYS
from lakehouse.errors import RadarError
from lakehouse.lake import Lake
from lakehouse.rows import to_pandas

LABELS = "features.student_labels"
EVENTS = "silver.learning_events"
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
        horizon_days: days that an outcome looks ahead.
    """

    model: str
    as_of: date
    pins: dict[str, int]
    spec: Spec
    share: float = 1.0
    horizon_days: int = HORIZON_DAYS

    def spine(self, lake: Lake) -> DataFrame:
        """The keys, and the label where there is one, from the pinned tables."""
        return sampled(_spine(lake, self.model, self.as_of, self.pins, self.horizon_days), self.share)

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
            "horizon_days": self.recipe.horizon_days,
            "from": str(days.min().date()) if len(days) else None,
            "to": str(days.max().date()) if len(days) else None,
            "share_of_students": self.recipe.share,
            "rows": len(self.frame),
            "students": int(self.frame["student_id"].nunique()),
            "positives": int(self.frame[LABEL].sum()) if labelled else None,
            "content_hash": self.content_hash,
        }


def training_set(
    lake: Lake, as_of: date, horizon_days: int = HORIZON_DAYS, max_rows: int = MAX_ROWS
) -> TrainingSet:  # fmt: skip
    """Every eligible student and Monday whose outcome had matured by `as_of`, with every feature of the store.

    Raises:
        RadarError: when the feature tables are missing, or for a horizon that is too short or too long.
    """
    if not LEAST_DAYS <= horizon_days <= MOST_DAYS:
        raise RadarError(f"horizon_days is {horizon_days}; choose from {LEAST_DAYS} to {MOST_DAYS}.")
    pins = _pins(lake, horizon_days)
    rows = _spine(lake, "dropout", as_of, pins, horizon_days).count()
    return _made(lake, "dropout", as_of, pins, None, min(1.0, max_rows / max(rows, 1)), horizon_days)


def segment_set(lake: Lake, as_of: date, features: Sequence[str]) -> TrainingSet:
    """The students of a day, active in the 28 days before, with the features they are grouped by.

    Those silent for longer have no behaviour to group by; scoring gives them the nearest centroid all the same.

    Raises:
        RadarError: when the feature tables are missing, or have no row of the day.
    """
    refuse_without_features(lake, everyone(lake.table(LABELS), as_of), as_of)
    return _made(lake, "segments", as_of, _pins(lake, HORIZON_DAYS), features, 1.0, HORIZON_DAYS)


def loaded(lake: Lake, recipe: Recipe, features: Sequence[str]) -> TrainingSet:
    """The training set of a recipe, from the table versions that it pins."""

    def inputs(names: Sequence[str]) -> store.TrainingSet:
        label = LABEL if recipe.model == "dropout" else None
        made = store.model_store(lake).create_training_set(
            df=recipe.spine(lake), feature_lookups=lookups(lake, names), label=label, exclude_columns=KEY
        )
        return replace(made, pins={table: recipe.pins[table] for table in made.pins})

    return TrainingSet(collected(recipe.load(lake), features), tuple(features), recipe, inputs)


def described(told: dict[str, Any]) -> Recipe:
    """The recipe in a `training_set.json`."""
    as_of, spec = date.fromisoformat(told["as_of"]), Spec.of_dict(told["spec"])
    return Recipe(told["model"], as_of, told["pins"], spec, told["share_of_students"], told["horizon_days"])


def labelled(labels: DataFrame, as_of: date, horizon_days: int = HORIZON_DAYS) -> DataFrame:
    """student_id, as_of, dropped_out of eligible students on Mondays whose outcome had matured by `as_of`."""
    last = as_of - timedelta(days=horizon_days + GRACE_DAYS)
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
    frame = to_pandas(joined.select("student_id", day, *label, *numbers))
    frame["as_of"] = pd.to_datetime(frame["as_of"]).astype("datetime64[ns]")
    return frame.sort_values(["as_of", "student_id"], ignore_index=True)


KEEP: dict[str, Callable[[DataFrame], DataFrame]] = {"dropout": lambda frame: frame, "segments": recent}


def _pins(lake: Lake, horizon_days: int) -> dict[str, int]:
    """The newest version of every table that keys and labels come from."""
    tables = [LABELS] if horizon_days == HORIZON_DAYS else [LABELS, EVENTS]
    optional = [CLOSURES] if horizon_days > HORIZON_DAYS and lake.exists(CLOSURES) else []
    return {table: lake.version(table) for table in (*tables, *optional)}


def _spine(lake: Lake, model: str, as_of: date, pins: Mapping[str, int], horizon_days: int) -> DataFrame:
    labels = lake.table(LABELS, pins[LABELS])
    if model == "segments":
        return everyone(labels, as_of)
    if horizon_days != HORIZON_DAYS:
        closures = lake.table(CLOSURES, pins[CLOSURES]) if CLOSURES in pins else None
        labels = relabelled(labels, lake.table(EVENTS, pins[EVENTS]), closures, horizon_days, as_of)
    return labelled(labels, as_of, horizon_days)


def _made(
    lake: Lake, model: str, as_of: date, pins: dict[str, int], features: Sequence[str] | None, share: float,
    horizon_days: int,
) -> TrainingSet:  # fmt: skip
    """A training set of the tables as they are now, made by the store."""
    spine = sampled(_spine(lake, model, as_of, pins, horizon_days), share)
    wanted = learnable(lake) if features is None else [*features, "days_since_active"]
    spec, looked_up = store.pinned(lake, spine, lookups(lake, wanted), LABEL if model == "dropout" else None)
    recipe = Recipe(model, as_of, pins | looked_up, spec, share, horizon_days)
    return loaded(lake, recipe, features or [name for name in spec.inputs if name not in KEY])
