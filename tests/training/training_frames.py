"""Small frames of students, Mondays and outcomes."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any

import numpy as np
import pandas as pd

from features.store import open_store
from features.store.spec import Spec
from lakehouse.lake import Lake
from training.data import KEY, Recipe, TrainingSet


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
