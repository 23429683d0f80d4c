"""Scores into probabilities, on a window of their own."""

from __future__ import annotations

from typing import Any

import pandas as pd

ISOTONIC_FROM = 1000
"""Positives from which isotonic regression is preferred; below, it fits steps to noise and ties the ranks."""


def method(positives: int) -> str:
    """The method that this many positives carry: sigmoid or isotonic."""
    return "isotonic" if positives >= ISOTONIC_FROM else "sigmoid"


def calibrated(fitted: Any, rows: pd.DataFrame, outcome: pd.Series) -> Any:
    """The fitted model, unchanged, with its scores mapped to probabilities by what came true in these rows."""
    from sklearn.calibration import CalibratedClassifierCV
    from sklearn.frozen import FrozenEstimator

    return CalibratedClassifierCV(FrozenEstimator(fitted), method=method(int(outcome.sum()))).fit(rows, outcome)
