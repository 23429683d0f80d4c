"""The search: candidates compete in the past, each trial a nested run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta

import pandas as pd

from lakehouse.errors import RadarError
from lakehouse.evaluation import point
from training.candidates import Candidate, candidates
from training.data import LABEL
from training.splits import folds

SELECT_BY = "average_precision"
Fold = tuple[pd.DataFrame, pd.DataFrame]


def choose(
    train_rows: pd.DataFrame, features: list[str], kinds: Sequence[str], trials: int, seed: int, between: timedelta
) -> Candidate:  # fmt: skip
    """The candidate with the best mean average precision over forward-chaining folds.

    In the active run every kind is a nested run, and every trial a run nested in that of its kind.

    Args:
        train_rows: rows of the train window, with the label.
        features: their feature columns.
        kinds: the kinds of candidates.
        trials: how many of each kind are tried.
        seed: of the draw and the fits.
        between: the gap between learning and looking; see `splits.gap`.

    Raises:
        RadarError: when the rows hold no fold to compare on.
    """
    split = list(folds(train_rows, between))
    if not split:
        raise RadarError("The train window has no fold with dropouts on both sides; there is nothing to choose by.")
    best = [_best_of(kind, candidates(kind, trials, seed), split, features, seed) for kind in kinds]
    return max(best, key=lambda found: found[1])[0]


def _best_of(
    kind: str, tried: Sequence[Candidate], split: Sequence[Fold], features: list[str], seed: int
) -> tuple[Candidate, float]:  # fmt: skip
    import mlflow

    with mlflow.start_run(run_name=kind, nested=True, tags={"step": "search", "kind": kind}):
        scores = [_trial(candidate, split, features, seed) for candidate in tried]
        place = max(range(len(tried)), key=lambda n: scores[n][SELECT_BY])
        _log(tried[place], len(split), scores[place])
    return tried[place], scores[place][SELECT_BY]


def _trial(candidate: Candidate, split: Sequence[Fold], features: list[str], seed: int) -> dict[str, float]:
    import mlflow

    name = " ".join(f"{key}={value:g}" for key, value in candidate.parameters.items())
    with mlflow.start_run(run_name=name, nested=True, tags={"step": "trial", "kind": candidate.kind}):
        found = pd.DataFrame([_score(candidate, *fold, features, seed) for fold in split])
        for step, row in enumerate(found.to_dict("records")):
            mlflow.log_metrics({f"fold_{key}": value for key, value in row.items()}, step=step)
        means = {str(key): float(value) for key, value in found.mean().items()}
        _log(candidate, len(split), means)
    return means


def _score(
    candidate: Candidate, earlier: pd.DataFrame, later: pd.DataFrame, features: list[str], seed: int
) -> dict[str, float]:  # fmt: skip
    fitted = candidate.fit(earlier[features], earlier[LABEL], seed)
    return point(later.assign(probability=fitted.predict_proba(later[features])[:, 1]), "probability")


def _log(candidate: Candidate, count: int, means: Mapping[str, float]) -> None:
    import mlflow

    mlflow.log_params({"kind": candidate.kind, "folds": count} | candidate.parameters)
    mlflow.log_metrics({f"cv_{key}": value for key, value in means.items()})
