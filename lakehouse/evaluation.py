"""How good probabilities are, with intervals from a bootstrap over students."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from lakehouse.levels import LEVELS as LEVELS
from lakehouse.metrics import METRICS, Array, metrics

RESAMPLES = 200
CELLS = 4_000_000
"""Rows times resamples that are worked on at once, to bound memory."""
TENURE = {0: "under 4 weeks", 28: "4 to 13 weeks", 91: "13 to 52 weeks", 365: "a year or more"}
Intervals = dict[str, dict[str, float | None]]


def resampled(rows: pd.DataFrame, column: str, seed: int, resamples: int = RESAMPLES) -> dict[str, Array]:
    """Every metric on bootstrap samples of students; the same seed draws the same students for every column.

    Args:
        rows: student_id, dropped_out and the column; weekly rows of one student are drawn together.
        column: the probabilities.
        seed: of the draw.
        resamples: how many.
    """
    outcome, probability = rows["dropped_out"].to_numpy(float), rows[column].to_numpy(float)
    codes, students = pd.factorize(rows["student_id"], sort=True)
    random = np.random.default_rng(seed)
    parts = []
    chunk = max(1, CELLS // max(len(rows), 1))
    for start in range(0, resamples, chunk):
        size = min(chunk, resamples - start)
        draws = random.multinomial(len(students), np.full(len(students), 1 / len(students)), size=size)
        parts.append(metrics(outcome, probability, draws[:, codes].astype(float)))
    return {name: np.concatenate([part[name] for part in parts]) for name in METRICS}


def point(rows: pd.DataFrame, column: str) -> dict[str, float]:
    """Every metric on the rows as they are."""
    outcome, probability = rows["dropped_out"].to_numpy(float), rows[column].to_numpy(float)
    return {name: float(value[0]) for name, value in metrics(outcome, probability, np.ones((1, len(rows)))).items()}


def evaluate(rows: pd.DataFrame, column: str, seed: int, resamples: int = RESAMPLES) -> Intervals:
    """Every metric with its 95 % interval: {metric: {value, low, high}}; None where it is not defined."""
    values, samples = point(rows, column), resampled(rows, column, seed, resamples)
    return {name: _interval(values[name], samples[name]) for name in METRICS}


def nothing() -> Intervals:
    """The shape of `evaluate` where nothing could be evaluated."""
    return {name: {"value": None, "low": None, "high": None} for name in METRICS}


def slices(rows: pd.DataFrame) -> pd.DataFrame:
    """The slice of every row: columns language, level and tenure, and contact where it is known.

    Args:
        rows: language, level_index and tenure_days, and perhaps `contacted`: an outcome that a tutor's contact may have
            changed says less of the model.
    """
    index = rows["level_index"].round()
    named = index.map(dict(enumerate(LEVELS, start=1)))
    limits = [*TENURE, np.inf]
    tenure = pd.cut(rows["tenure_days"], limits, right=False, labels=list(TENURE.values()))
    found = pd.DataFrame(
        {
            "language": rows["language"].fillna("unknown"),
            "level": named.fillna("unknown"),
            "tenure": tenure.astype("string").fillna("unknown"),
        }
    )
    if "contacted" in rows:
        found["contact"] = rows["contacted"].map({True: "contacted", False: "not contacted"})
    return found


def evaluate_slices(rows: pd.DataFrame, column: str, seed: int) -> list[dict[str, object]]:
    """`evaluate` for every value of the slices: slice, value, students, positive_students, metrics."""
    found: list[dict[str, object]] = []
    for name, of in slices(rows).items():
        for value, part in rows.groupby(of, sort=True):
            counts: Mapping[str, object] = {"slice": name, "value": value, "rows": len(part)} | students(part)
            found.append({**counts, "metrics": evaluate(part, column, seed)})
    return found


def students(rows: pd.DataFrame) -> dict[str, int]:
    """How many students, and how many of them drop out in some row."""
    lost = rows.loc[rows["dropped_out"] == 1, "student_id"]
    return {"students": int(rows["student_id"].nunique()), "positive_students": int(lost.nunique())}


def _interval(value: float, samples: Array) -> dict[str, float | None]:
    defined = samples[np.isfinite(samples)]
    if not np.isfinite(value) or not len(defined):
        return {"value": None, "low": None, "high": None}
    low, high = np.quantile(defined, [0.025, 0.975])
    return {"value": float(value), "low": float(low), "high": float(high)}
