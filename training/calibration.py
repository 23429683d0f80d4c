"""Scores into probabilities, on a window of their own."""

from __future__ import annotations

from typing import Any

import pandas as pd

ISOTONIC_FROM = 1000
"""Positives from which isotonic regression is preferred; below, it fits steps to noise and ties the ranks."""
OTHER_SEASON = 2.0
"""A window whose share of dropouts is this many times that of the train window, or that fraction of it, is a season of
its own, such as the end of a course or a holiday: a map learnt there would be wrong afterwards, so none is."""


def method(positives: int, share: float, trained_share: float) -> str:
    """How to map scores to probabilities.

    Args:
        positives: dropouts in the calibration window.
        share: their share of its rows.
        trained_share: share of dropouts in the train window.

    Returns:
        sigmoid or isotonic, by what the number of positives carries; none for a season of its own.
    """
    if not trained_share / OTHER_SEASON <= share <= trained_share * OTHER_SEASON:
        return "none"
    return "isotonic" if positives >= ISOTONIC_FROM else "sigmoid"


def calibrated(fitted: Any, rows: pd.DataFrame, outcome: pd.Series, how: str) -> Any:
    """The fitted model, unchanged, with its scores mapped to probabilities by what came true in these rows."""
    from sklearn.calibration import CalibratedClassifierCV
    from sklearn.frozen import FrozenEstimator

    if how == "none":
        return fitted
    return CalibratedClassifierCV(FrozenEstimator(fitted), method=how).fit(rows, outcome)
