"""How good probabilities are, with intervals from a bootstrap over students."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

Array = NDArray[np.float64]
METRICS = (
    "roc_auc", "average_precision", "brier", "calibration_error", "precision_at_10", "lift_at_10", "base_rate",
)  # fmt: skip
RESAMPLES = 200
TOP = 0.1
BINS = 10
CELLS = 4_000_000
"""Rows times resamples that are worked on at once, to bound memory."""
TENURE = {0: "under 4 weeks", 28: "4 to 13 weeks", 91: "13 to 52 weeks", 365: "a year or more"}
LEVELS = ("A1", "A2", "B1", "B2", "C1", "C2")
Intervals = dict[str, dict[str, float | None]]


@dataclass(frozen=True)
class Ranked:
    """Outcomes and probabilities from the highest probability down; tied rows share one of `ends`."""

    order: NDArray[np.intp]
    outcome: Array
    probability: Array
    ends: NDArray[np.intp]
    bins: NDArray[np.intp]


def metrics(outcome: Array, probability: Array, weights: Array) -> dict[str, Array]:
    """Every metric under every row of weights.

    Args:
        outcome: 0 or 1, a value a row.
        probability: of the outcome 1.
        weights: resamples x rows; how often a row counts.

    Returns:
        A value a resample: ROC AUC (ties count half), average precision (as scikit-learn: sum of precision times gain
        in recall), Brier score (mean squared error), expected calibration error (ten bins of equal mass: mean absolute
        difference of mean probability and share, weighted by mass), precision among the highest tenth (rows tied at its
        edge count in part), that over the base rate, and the base rate. NaN where a resample has one outcome only.
    """
    ranked = _ranked(outcome, probability)
    weight = weights[:, ranked.order]
    hits = weight * ranked.outcome
    mass = np.cumsum(weight, axis=1)[:, ranked.ends]
    true = np.cumsum(hits, axis=1)[:, ranked.ends]
    total, positives = mass[:, -1], true[:, -1]
    with np.errstate(invalid="ignore", divide="ignore"):
        base = positives / total
        precision = np.array([np.interp(TOP * m[-1], np.r_[0, m], np.r_[0, t]) for m, t in zip(mass, true, strict=True)])
        precision /= TOP * total
        return {
            "roc_auc": _roc_auc(mass - true, true),
            "average_precision": (np.diff(true, axis=1, prepend=0) * true / np.maximum(mass, 1)).sum(axis=1) / positives,
            "brier": (weight * (ranked.probability - ranked.outcome) ** 2).sum(axis=1) / total,
            "calibration_error": _calibration_error(ranked, weight) / total,
            "precision_at_10": precision,
            "lift_at_10": precision / base,
            "base_rate": base,
        }


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
    """The slice of every row: columns language, level and tenure.

    Args:
        rows: language, level_index and tenure_days.
    """
    index = rows["level_index"].round()
    named = index.map(dict(enumerate(LEVELS, start=1)))
    limits = [*TENURE, np.inf]
    tenure = pd.cut(rows["tenure_days"], limits, right=False, labels=list(TENURE.values()))
    return pd.DataFrame(
        {
            "language": rows["language"].fillna("unknown"),
            "level": named.fillna("unknown"),
            "tenure": tenure.astype("string").fillna("unknown"),
        }
    )


def evaluate_slices(rows: pd.DataFrame, column: str, seed: int) -> list[dict[str, object]]:
    """`evaluate` for every value of language, level and tenure: slice, value, students, positive_students, metrics."""
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


def _ranked(outcome: Array, probability: Array) -> Ranked:
    order = np.argsort(-probability, kind="stable")
    ordered = probability[order]
    ends = np.flatnonzero(np.r_[ordered[1:] != ordered[:-1], True])
    edges = np.quantile(probability, np.linspace(0, 1, BINS + 1)[1:-1]) if len(probability) else np.zeros(0)
    return Ranked(order, outcome[order], ordered, ends, np.searchsorted(edges, ordered))


def _roc_auc(false: Array, true: Array) -> Array:
    heights = true - np.diff(true, axis=1, prepend=0) / 2
    area: Array = (np.diff(false, axis=1, prepend=0) * heights).sum(axis=1) / (true[:, -1] * false[:, -1])
    return area


def _calibration_error(ranked: Ranked, weight: Array) -> Array:
    gaps = weight * (ranked.probability - ranked.outcome)
    return np.sum([np.abs(gaps[:, ranked.bins == b].sum(axis=1)) for b in range(BINS)], axis=0)


def _interval(value: float, samples: Array) -> dict[str, float | None]:
    defined = samples[np.isfinite(samples)]
    if not np.isfinite(value) or not len(defined):
        return {"value": None, "low": None, "high": None}
    low, high = np.quantile(defined, [0.025, 0.975])
    return {"value": float(value), "low": float(low), "high": float(high)}
