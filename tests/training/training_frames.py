"""Small frames of students, Mondays and outcomes."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from itertools import pairwise
from typing import Any

import numpy as np
import pandas as pd

from features.store import open_store
from features.store.spec import Spec
from lakehouse.lake import Lake
from training.archetypes import BEHAVIOUR
from training.data import KEY, Recipe, TrainingSet
from training.segments import clustered, scaler

LEARNABLE = ("gap_ratio", "active_days_28", "level_index", "tenure_days", "mastery_mean")


def weekly(mondays: int, students: int, dropouts: int, start: str = "2024-01-01") -> pd.DataFrame:
    """Every student on every Monday; each Monday another `dropouts` of them drop out, in turn."""
    days = pd.date_range(start, periods=mondays, freq="7D")
    rows = [
        (f"s{s:03}", day, int((s - week * dropouts) % students < dropouts))
        for week, day in enumerate(days)
        for s in range(students)
    ]
    return pd.DataFrame(rows, columns=["student_id", "as_of", "dropped_out"])


def scored(students: int = 200, weeks: int = 5, seed: int = 0) -> pd.DataFrame:
    """Test rows with a challenger that is good and calibrated, and a champion that is the poorer recency rule."""
    random = np.random.default_rng(seed)
    size = students * weeks
    risk = random.beta(1, 6, size)
    return pd.DataFrame(
        {
            "student_id": np.repeat([f"s{s:03}" for s in range(students)], weeks),
            "as_of": np.tile(pd.date_range("2024-06-03", periods=weeks, freq="7D"), students),
            "dropped_out": (random.random(size) < risk).astype(int),
            "language": np.repeat(np.where(np.arange(students) % 2, "spanish", "french"), weeks),
            "level_index": 2.0,
            "tenure_days": 60.0,
            "probability": risk,
            "champion": np.clip(risk * 0.3 + random.random(size) * 0.2, 0, 1),
        }
    ).assign(recency=lambda rows: rows["champion"])


def learnable(
    mondays: int, students: int = 80, lake: Lake | None = None, as_of: date = date(2024, 12, 2), seed: int = 5
) -> TrainingSet:  # fmt: skip
    """Dropout follows active days much and the gap a little; the last Monday's outcome has just settled."""
    random = np.random.default_rng(seed)
    last = pd.Timestamp(as_of) - pd.Timedelta(days=17)
    days = pd.date_range(end=last - pd.Timedelta(days=last.weekday()), periods=mondays, freq="7D")
    size = mondays * students
    frame = pd.DataFrame(
        {
            "student_id": np.tile([f"s{i:03}" for i in range(students)], mondays),
            "as_of": np.repeat(days, students),
            "gap_ratio": random.exponential(size=size),
            "active_days_28": random.integers(0, 15, size).astype(float),
            "level_index": 2.0,
            "tenure_days": 40.0,
            "mastery_mean": np.nan,
        }
    )
    odds = frame["gap_ratio"] * 0.5 - frame["active_days_28"] * 0.4
    frame["dropped_out"] = (random.random(size) < 1 / (1 + np.exp(-odds))).astype(int)
    return set_of(frame, LEARNABLE, as_of, lake)


def set_of(
    frame: pd.DataFrame, features: Sequence[str], as_of: date, lake: Lake | None = None, model: str = "dropout"
) -> TrainingSet:
    """A training set of made-up rows, whose features are columns of the frame rather than looked up."""
    spec = Spec((*KEY, *features), (), (), tuple(KEY))
    recipe = Recipe(model, as_of, {"features.student_labels": 3}, spec)

    def inputs(names: Sequence[str]) -> Any:
        assert lake is not None
        row = lake.spark.createDataFrame([tuple(0.0 for _ in names)], ", ".join(f"{name} double" for name in names))
        return open_store(lake).create_training_set(df=row, feature_lookups=[], label=None)

    return TrainingSet(frame, tuple(features), recipe, inputs)


def kept_over(weeks: Sequence[pd.DataFrame], least: float = 0.1) -> list[float]:
    """Segments learnt anew each week from the last week's centroids, the first from the archetypes.

    Args:
        weeks: the features of each week by student.
        least: a student whose distance to their centroid changed by less has not moved.

    Returns:
        By retraining, of the students who had not moved, the share that kept their segment.
    """
    scale = scaler(weeks[0], BEHAVIOUR.weights)
    centroids = clustered(scale.transform(weeks[0]), BEHAVIOUR.points, 42)[0].cluster_centers_
    found = []
    for before, now in pairwise(weeks):
        old, scale = _distances(before, scale, centroids), scaler(now, BEHAVIOUR.weights)
        centroids = clustered(scale.transform(now), centroids, 42)[0].cluster_centers_
        new = _distances(now, scale, centroids)
        both = old.index.intersection(new.index)
        segment = old.loc[both].to_numpy().argmin(axis=1)
        moved = np.abs(new.loc[both].to_numpy() - old.loc[both].to_numpy())[np.arange(len(both)), segment]
        stayed = new.loc[both].to_numpy().argmin(axis=1) == segment
        found.append(float(stayed[moved < least].mean()))
    return found


def _distances(rows: pd.DataFrame, scale: Any, centroids: Any) -> pd.DataFrame:
    points = scale.transform(rows)
    return pd.DataFrame(np.linalg.norm(points[:, None] - centroids[None], axis=2), index=rows.index)
