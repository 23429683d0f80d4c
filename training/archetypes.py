"""Where each segment lies before anything is learnt: the centroids that give the names their meaning."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from features import segments


@dataclass(frozen=True)
class FeatureSet:
    """By what students can be grouped.

    Attributes:
        centroids: in standard deviations from the average student; a row a segment, a column a feature.
        weights: how much a standard deviation of each feature counts.
    """

    centroids: pd.DataFrame
    weights: tuple[float, ...]

    @property
    def features(self) -> list[str]:
        """The features, in order."""
        return list(self.centroids.columns)

    @property
    def segments(self) -> list[str]:
        """The names, in the order of the centroids."""
        return list(self.centroids.index)

    @property
    def points(self) -> NDArray[np.float64]:
        """The centroids on the scale that is clustered."""
        return np.asarray(self.centroids.to_numpy(float) * np.asarray(self.weights))


BEHAVIOUR = FeatureSet(
    pd.DataFrame(
        [
            # active_share, usual_gap, score, error_rate, level
            [0.1, 0.0, 0.9, -0.8, 0.8],
            [1.0, -1.0, 0.1, 0.0, 0.0],
            [-0.1, 0.1, -1.0, 1.0, -0.3],
            [-1.1, 1.2, 0.0, 0.0, 0.0],
        ],
        index=list(segments.BEHAVIOUR),
        columns=["active_share", "usual_gap", "score_mean", "error_rate_180", "level_index"],
    ),
    (1.0, 1.0, 0.4, 0.7, 0.7),
)
"""Habits of half a year rather than counts of four weeks: what somebody is like, not how the month went. Three of the
five speak of ability, so each counts for less than a habit, and the mean score, which rests on few assessments, for
least. How well they find the planted archetypes: docs/decisions."""

ERRORS = FeatureSet(
    pd.DataFrame(
        [
            # grammar, vocabulary, spelling, error_rate
            [1.2, -0.6, -0.6, 0.3],
            [-0.6, 1.2, -0.6, 0.3],
            [-0.6, -0.6, 1.2, 0.3],
            [0.0, 0.0, 0.0, -1.0],
        ],
        index=list(segments.ERRORS),
        columns=["grammar_share", "vocabulary_share", "spelling_share", "error_rate_180"],
    ),
    (1.0, 1.0, 1.0, 1.0),
)

FEATURE_SETS = {"behaviour": BEHAVIOUR, "errors": ERRORS}
