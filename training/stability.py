"""Whether clusters are there, stay there, and are the ones they were."""

from __future__ import annotations

from itertools import permutations
from typing import Any

import numpy as np
from numpy.typing import NDArray

KS = (3, 4, 5, 6)
SAMPLE = 5_000
RESAMPLES = 20
Points = NDArray[np.float64]


def matched(old: Points, new: Points) -> tuple[NDArray[np.intp], bool]:
    """Which new centroid belongs to which old one, at the least total distance.

    Returns:
        The new centroids' places in the order of the old ones; and whether each is also the nearest to its old one and
        has it as its nearest: only then does the name surely mean what it meant.
    """
    distance = np.linalg.norm(old[:, None] - new[None, :], axis=2)
    each = np.arange(len(old))
    places = np.array(min(permutations(each), key=lambda places: distance[each, places].sum()))
    mutual = (distance.argmin(axis=1) == places) & (distance.argmin(axis=0)[places] == each)
    return places, bool(mutual.all())


def silhouettes(points: Points, centroids: Points, seed: int) -> dict[str, float]:
    """Mean silhouette per number of clusters, on at most 5,000 students; the model's own for its own number."""
    from sklearn.metrics import silhouette_score

    sample = _sample(points, seed)
    labels = {k: _fitted(sample, k, centroids, seed).predict(sample) for k in KS}
    return {
        str(k): float(silhouette_score(sample, found)) for k, found in labels.items() if len(np.unique(found)) > 1
    }  # fmt: skip


def stabilities(points: Points, centroids: Points, seed: int) -> dict[str, float]:
    """`stability` per number of clusters."""
    return {str(k): stability(points, centroids, k, seed) for k in KS}


def stability(points: Points, centroids: Points, k: int, seed: int) -> float:
    """Mean adjusted Rand index between the clusters of all students and those learnt from bootstrap samples of them.

    Clusters start from the centroids given where there are k of them, elsewhere from random ones (Hennig, Cluster-wise
    assessment of cluster stability, 2007, with the adjusted Rand index in place of Jaccard's).
    """
    from sklearn.metrics import adjusted_rand_score

    sample = _sample(points, seed)
    random = np.random.default_rng(seed)
    base = _fitted(sample, k, centroids, seed).predict(sample)
    draws = [random.integers(0, len(sample), len(sample)) for _ in range(RESAMPLES)]
    again = (_fitted(sample[draw], k, centroids, seed).predict(sample) for draw in draws)
    return float(np.mean([adjusted_rand_score(base, labels) for labels in again]))


def _sample(points: Points, seed: int) -> Points:
    if len(points) <= SAMPLE:
        return points
    return points[np.random.default_rng(seed).choice(len(points), SAMPLE, replace=False)]


def _fitted(points: Points, k: int, centroids: Points, seed: int) -> Any:
    from sklearn.cluster import KMeans

    if k == len(centroids):
        return KMeans(k, init=centroids, n_init=1).fit(points)
    return KMeans(k, n_init=3, random_state=seed).fit(points)
