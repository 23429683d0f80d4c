"""Figures that are logged with a model."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd


def curves(rows: pd.DataFrame, columns: Mapping[str, str]) -> dict[str, Any]:
    """ROC, precision-recall and reliability of several probabilities of the same rows.

    Args:
        rows: dropped_out and the columns.
        columns: column of the probability per name in the legend.

    Returns:
        Figures by file name.
    """
    from sklearn.calibration import calibration_curve
    from sklearn.metrics import precision_recall_curve, roc_curve

    outcome = rows["dropped_out"].to_numpy()
    roc, roc_axes = _axes("Share of those who stay that are flagged", "Share of dropouts that are flagged")
    found, found_axes = _axes("Recall: share of dropouts found", "Precision: share of flagged who drop out")
    reliable, reliable_axes = _axes("Predicted probability of dropping out", "Share that dropped out")
    for label, column in columns.items():
        probability = rows[column].to_numpy()
        false, true, _ = roc_curve(outcome, probability)
        roc_axes.plot(false, true, label=label)
        precision, recall, _ = precision_recall_curve(outcome, probability)
        found_axes.plot(recall, precision, label=label)
        share, predicted = calibration_curve(outcome, probability, n_bins=10, strategy="quantile")
        reliable_axes.plot(predicted, share, marker="o", label=label)
    for axes in (roc_axes, reliable_axes):
        axes.plot([0, 1], [0, 1], color="0.7", linestyle=":", zorder=0)
    found_axes.axhline(outcome.mean(), color="0.7", linestyle=":", zorder=0)
    upper = max(reliable_axes.get_xlim()[1], 0.01)
    reliable_axes.set(xlim=(0, min(1, _widest(reliable_axes, upper))), ylim=(0, min(1, _widest(reliable_axes, upper))))
    for axes in (roc_axes, found_axes, reliable_axes):
        axes.legend(frameon=False)
    return {"roc.png": roc, "precision_recall.png": found, "reliability.png": reliable}


def bars(values: pd.Series, deviations: pd.Series, most: int = 20) -> Any:
    """The first values as horizontal bars with their deviations, the greatest on top."""
    from matplotlib.figure import Figure

    shown, spread = values.head(most)[::-1], deviations.head(most)[::-1]
    figure = Figure(figsize=(6, 1 + 0.28 * len(shown)), layout="constrained")
    axes = figure.add_subplot()
    axes.barh(list(shown.index), shown, xerr=spread, color="#4c72b0", ecolor="0.5")
    axes.set(xlabel="Average precision lost when the feature is shuffled")
    return figure


def profiles(centroids: pd.DataFrame, shares: Mapping[str, float]) -> Any:
    """Segments as bars: how far each feature's centroid lies from the average, in standard deviations.

    Args:
        centroids: a row a segment, a column a feature.
        shares: share of the students per segment.
    """
    from matplotlib.figure import Figure

    figure = Figure(figsize=(2.8 * len(centroids), 4), layout="constrained")
    reach = float(np.nanmax(np.abs(centroids.to_numpy()))) + 0.1
    for place, (name, values) in enumerate(centroids.iterrows(), start=1):
        axes = figure.add_subplot(1, len(centroids), place)
        axes.barh(list(centroids.columns), values, color=["#c44e52" if v < 0 else "#4c72b0" for v in values])
        axes.set(title=f"{name}\n{shares.get(str(name), 0):.0%} of students", xlim=(-reach, reach))
        axes.invert_yaxis()
        axes.axvline(0, color="0.4", linewidth=0.8)
        if place > 1:
            axes.set_yticklabels([])
    return figure


def _axes(x: str, y: str) -> tuple[Any, Any]:
    from matplotlib.figure import Figure

    figure = Figure(figsize=(5, 4.5), layout="constrained")
    axes = figure.add_subplot()
    axes.set(xlabel=x, ylabel=y)
    return figure, axes


def _widest(axes: Any, least: float) -> float:
    points = [line.get_data() for line in axes.get_lines()[:-1]]
    return max([least, *(float(np.max(part)) for pair in points for part in pair)]) * 1.05
