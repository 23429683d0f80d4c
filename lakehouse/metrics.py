"""What the metrics of a probability mean; training promises them and monitoring finds what came true."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
METRICS = (
    "roc_auc", "average_precision", "brier", "calibration_error", "calibration_gap", "precision_at_10", "lift_at_10",
    "base_rate",
)  # fmt: skip
TOP = 0.1
BINS = 10


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
        difference of mean probability and share, weighted by mass), calibration gap (base rate less mean
        probability: calibration in the large, Cox, 1958), precision among the highest tenth (rows tied at its
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
        precision = _found_at(TOP, mass, true) / (TOP * total)
        return {
            "roc_auc": _roc_auc(mass - true, true),
            "average_precision": _gained_precision(mass, true) / positives,
            "brier": (weight * (ranked.probability - ranked.outcome) ** 2).sum(axis=1) / total,
            "calibration_error": _calibration_error(ranked, weight) / total,
            "calibration_gap": (weight * (ranked.outcome - ranked.probability)).sum(axis=1) / total,
            "precision_at_10": precision,
            "lift_at_10": precision / base,
            "base_rate": base,
        }


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


def _gained_precision(mass: Array, true: Array) -> Array:
    gained: Array = (np.diff(true, axis=1, prepend=0) * true / np.maximum(mass, 1)).sum(axis=1)
    return gained


def _found_at(share: float, mass: Array, true: Array) -> Array:
    """Positives among the highest share of the mass of every resample; ties at the edge count in part."""
    found = [np.interp(share * m[-1], np.r_[0, m], np.r_[0, t]) for m, t in zip(mass, true, strict=True)]
    return np.array(found)


def _calibration_error(ranked: Ranked, weight: Array) -> Array:
    gaps = weight * (ranked.probability - ranked.outcome)
    return np.sum([np.abs(gaps[:, ranked.bins == b].sum(axis=1)) for b in range(BINS)], axis=0)
