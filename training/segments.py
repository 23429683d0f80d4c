"""The segment model: k-means on one day's features, four segments whose names hold from version to version."""

from __future__ import annotations

import argparse
import json
import warnings
from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from features.days import RECENT_DAYS
from lakehouse.cli import Run, as_of_step, command, within
from lakehouse.lake import Lake
from lakehouse.ledger import champion, move_alias
from lakehouse.model_files import CARD, load_model
from lakehouse.registry import Version, tracked_run, use_mlflow, versions
from training import plots
from training.archetypes import BEHAVIOUR, FEATURE_SETS, FeatureSet
from training.data import TrainingSet, segment_set
from training.report import CARD_IN_WORDS, environment, log_parameters, log_training_set, written
from training.stability import matched, silhouettes, stabilities
from training.versions import MOST_SEED, fingerprint, log_model, register, trained_before, wait, wait_again

MODEL = "segments"
FEWEST_STUDENTS = 40
ARCHETYPES = "archetypes"


def run(run: Run, as_of: date) -> None:
    """Cluster the students of a day; the archetypes first, as champion, where there is no model.

    Raises:
        RadarError: when features are missing, or the seed is out of its range.
    """
    within("seed", run.options.seed, 0, MOST_SEED)
    with run.step("train_segments") as step:
        step.message = train(run.lake, as_of, run.options.seed, getattr(run.options, "feature_set", "behaviour"))


def train(lake: Lake, as_of: date, seed: int, feature_set: str = "behaviour") -> str:
    """Train for a day; returns what came of it, in a sentence."""
    use_mlflow(lake.settings)
    named = FEATURE_SETS[feature_set]
    data = segment_set(lake, as_of, named.features)
    rows = data.frame[list(data.features)]
    held = ensure_first(lake, as_of)
    if len(rows) < FEWEST_STUDENTS:
        return f"{len(rows)} students in the last {RECENT_DAYS} days, too few to cluster; version {held.version} stays"
    mark = fingerprint(data.content_hash, {"seed": seed, "model": MODEL, "feature_set": feature_set})
    same = trained_before(lake, MODEL, mark)
    follows = list(load_model(lake, held).feature_names_in_) == named.features
    if same:
        if follows:
            wait_again(lake, MODEL, same)
        return f"nothing new to learn: version {same.version} ({same.kind}) is of the same rows, parameters and code"
    with tracked_run(lake.settings, MODEL, f"train {as_of}", {"step": "train_segments"}):
        start = meant(lake, held) if follows else named.points
        scale = scaler(rows, named.weights)
        model, agree = clustered(scale.transform(rows), start, seed)
        told = {"kind": "kmeans", "names_matched": agree, "parent": held.version if follows else None}
        told |= {"feature_set": feature_set, "drift": drift(named, start, model)}
        card = _log(lake, scale, model, data, seed, told)
        number = _register(lake, scale, model, data, mark, card)
    if follows:
        wait(lake, MODEL, number)
    shares = ", ".join(f"{name} {share:.0%}" for name, share in card["shares"].items())
    said = f"version {number}: {shares}; stability {card['stability'][str(len(named.segments))]:.2f}"
    return said if follows else f"{said}; of other features, so no challenger of version {held.version}"


def drift(named: FeatureSet, old: NDArray[np.float64], model: Any) -> dict[str, float]:
    """How far each centroid moved from the champion's, in weighted standard deviations, by name of its segment."""
    moved = np.linalg.norm(model.cluster_centers_ - old, axis=1)
    return {str(name): float(distance) for name, distance in zip(named.segments, moved, strict=True)}


def scaler(rows: pd.DataFrame, weights: Sequence[float]) -> Any:
    """Missing values to the median, values near normal, with mean 0 and the weight as deviation.

    The power transform (Yeo and Johnson, A new family of power transformations, 2000) draws outliers in. What is the
    same for everybody has no deviation, so it counts for nothing, also of students who are not among these.
    """
    from sklearn.compose import ColumnTransformer
    from sklearn.impute import SimpleImputer
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import PowerTransformer

    columns = [(name, "passthrough", [i]) for i, name in enumerate(rows.columns)]
    counts = np.asarray(weights) * (rows.nunique().to_numpy() > 1)
    return make_pipeline(
        SimpleImputer(strategy="median", keep_empty_features=True),
        PowerTransformer(),
        ColumnTransformer(columns, transformer_weights={name: float(counts[i]) for name, _, (i,) in columns}),
    ).fit(rows if len(rows) else pd.DataFrame(np.zeros((1, rows.shape[1])), columns=rows.columns))


def fixed(points: NDArray[np.float64]) -> Any:
    """A k-means model whose centroids are the points given, in that order; some may be the same."""
    from sklearn.cluster import KMeans
    from sklearn.exceptions import ConvergenceWarning

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        return KMeans(len(points), init=points, n_init=1).fit(points)


def clustered(points: NDArray[np.float64], start: NDArray[np.float64], seed: int) -> tuple[Any, bool]:
    """K-means from the champion's centroids, its own put in their order; whether each is nearest to its namesake."""
    from sklearn.cluster import KMeans

    model = KMeans(len(start), init=start, n_init=1, random_state=seed).fit(points)
    order, agree = matched(start, model.cluster_centers_)
    return fixed(model.cluster_centers_[order]), agree


def meant(lake: Lake, found: Version) -> NDArray[np.float64]:
    """What the names of a registered version mean: its centroids, in their order. Of the first version the archetypes
    whole: on the day it was made some features may have been the same for everybody, and count for nothing in it.
    """
    if found.kind == ARCHETYPES:
        return FEATURE_SETS[found.tags["feature_set"]].points
    return np.asarray(load_model(lake, found)[-1].cluster_centers_, dtype=float)


def ensure_first(lake: Lake, as_of: date) -> Version:
    """The champion; made from the archetypes of behaviour where there is none."""
    held = champion(lake, MODEL)
    if held:
        return held
    first = _archetypes(lake)
    if first is None:
        data = segment_set(lake, as_of, BEHAVIOUR.features)
        with tracked_run(lake.settings, MODEL, f"archetypes {as_of}", {"step": "train_segments"}):
            scale = scaler(data.frame[list(data.features)], BEHAVIOUR.weights)
            varies = data.frame[list(data.features)].nunique().to_numpy() > 1
            model = fixed(BEHAVIOUR.points * np.where(varies, 1.0, 0.0))
            told = {
                "kind": ARCHETYPES,
                "names_matched": True,
                "parent": None,
                "feature_set": "behaviour",
                "drift": {},
            }
            card = _log(lake, scale, model, data, 0, told)
            _register(lake, scale, model, data, fingerprint(data.content_hash, {"model": "archetypes"}), card)
        first = _archetypes(lake)
    assert first is not None
    move_alias(lake, MODEL, first.version, as_of, "first model")
    return first


def _archetypes(lake: Lake) -> Version | None:
    """The oldest version that is the archetypes; None where there is none."""
    return next((found for found in reversed(versions(lake, MODEL)) if found.kind == ARCHETYPES), None)


def options(parser: argparse.ArgumentParser) -> None:
    """The step's options."""
    parser.add_argument("--feature-set", default="behaviour", choices=FEATURE_SETS, help="by what to group")
    parser.add_argument("--seed", type=int, default=42, help="seed of everything random (default: 42)")


def main() -> None:
    """`python -m training.segments`."""
    command("Train the segment model.", as_of_step(run), options)


def _log(lake: Lake, scale: Any, model: Any, data: TrainingSet, seed: int, told: dict[str, Any]) -> dict[str, Any]:
    import mlflow

    grouped, features = FEATURE_SETS[told["feature_set"]], list(data.features)
    names = grouped.segments
    rows = data.frame[features]
    points = scale.transform(rows) if len(rows) else np.zeros((0, len(features)))
    labels = model.predict(points) if len(points) else np.zeros(0, dtype=int)
    shares = {name: float((labels == i).mean()) if len(labels) else 0.0 for i, name in enumerate(names)}
    centroids = pd.DataFrame(model.cluster_centers_ / grouped.weights, index=names, columns=features)
    enough = len(rows) >= FEWEST_STUDENTS
    card = told | {
        "as_of": str(data.as_of),
        "pins": data.pins,
        "students": len(rows),
        "segments": names,
        "features": features,
        "shares": shares,
        "centroids": centroids.to_dict("index"),
        "silhouette": silhouettes(points, model.cluster_centers_, seed) if enough else {},
        "stability": stabilities(points, model.cluster_centers_, seed) if enough else {},
    }
    mlflow.log_dict(card, CARD)
    mlflow.log_text(written(card, MODEL), CARD_IN_WORDS)
    mlflow.set_tags(environment() | {"kind": told["kind"], "as_of": card["as_of"]})
    log_training_set(lake, data)
    log_parameters({key: told[key] for key in ("kind", "feature_set", "parent")} | {"seed": seed})
    for name in ("silhouette", "stability"):
        mlflow.log_metrics({f"{name}_k{k}": value for k, value in card[name].items()})
    mlflow.log_metrics({f"drift_{name.lower().replace(' ', '_')}": value for name, value in told["drift"].items()})
    mlflow.log_metrics({"students": len(rows), "smallest_segment": min(shares.values())})
    mlflow.log_figure(plots.profiles(centroids, shares), "segments.png")
    return card


def _register(
    lake: Lake, scale: Any, model: Any, data: TrainingSet, mark: str, card: Mapping[str, Any]
) -> str:  # fmt: skip
    from sklearn.pipeline import Pipeline

    features = list(data.features)
    whole = Pipeline([*scale.steps, ("kmeans", model)])
    rows = data.frame[features].head(5)
    example = rows if len(rows) else pd.DataFrame(np.zeros((1, len(features))), columns=features)
    told = {key: card[key] for key in ("kind", "segments")}
    uri = log_model(lake, whole, example, "predict", told, data)
    tags = {key: card[key] for key in ("kind", "as_of", "feature_set")}
    tags |= {"segments": json.dumps(card["segments"]), "fingerprint": mark}
    return register(lake, MODEL, uri, tags, written(card, MODEL), data.pins)


if __name__ == "__main__":
    main()
