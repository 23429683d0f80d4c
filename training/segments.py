"""The segment model: k-means on one day's features, four segments whose names hold from version to version."""

from __future__ import annotations

import argparse
import json
from datetime import date
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from features.days import RECENT_DAYS
from lakehouse.cli import Run, as_of_step, command
from lakehouse.lake import Lake
from lakehouse.registry import Version, challenge, champion, move_alias, tracked_run, use_mlflow, versions
from training import plots
from training.data import TrainingSet, segment_set
from training.report import log_parameters, log_training_set
from training.stability import matched, silhouettes, stabilities
from training.versions import fingerprint, log_model, register, trained_before

MODEL = "segments"
FEWEST_STUDENTS = 40
ARCHETYPES = pd.DataFrame(
    [
        # active_days, messages, minutes, lessons, score, mastery, error_rate
        [0.3, 0.3, 0.3, 0.2, 0.9, 0.9, -0.6],
        [1.0, 1.0, 1.0, 0.9, 0.0, 0.0, 0.0],
        [0.0, 0.0, 0.0, 0.0, -0.9, -0.9, 0.6],
        [-1.2, -1.2, -1.2, -0.9, -0.2, -0.2, 0.2],
    ],
    index=["High Performers", "Active Learners", "Struggling Students", "Casual Users"],
    columns=[
        "active_days_28", "messages_28", "minutes_28", "lessons_completed_28", "score_mean", "mastery_mean",
        "error_rate_28",
    ],
)  # fmt: skip
"""Where each segment lies before anything is learnt, in standard deviations from the average student."""

SEGMENTS = tuple(ARCHETYPES.index)
FEATURES = list(ARCHETYPES.columns)


def run(run: Run, as_of: date, options: argparse.Namespace) -> None:
    """Cluster the students of a day; the archetypes first, as champion, where there is no model.

    Raises:
        RadarError: when features are missing.
    """
    with run.step("train_segments") as step:
        step.message = train(run.lake, as_of, options.seed)


def train(lake: Lake, as_of: date, seed: int) -> str:
    """Train for a day; returns what came of it, in a sentence."""
    use_mlflow(lake.settings)
    data = segment_set(lake, as_of, FEATURES)
    rows = data.frame[FEATURES]
    held = ensure_first(lake, data)
    if len(rows) < FEWEST_STUDENTS:
        return f"{len(rows)} students in the last {RECENT_DAYS} days, too few to cluster; version {held.version} stays"
    mark = fingerprint(data.content_hash, {"seed": seed, "model": MODEL})
    same = trained_before(lake, MODEL, mark)
    if same:
        return f"nothing new to learn: version {same.version} ({same.kind}) is of the same rows, parameters and code"
    with tracked_run(lake.settings, MODEL, f"train {as_of}", {"step": "train_segments"}):
        start = centroids_of(lake, held)
        scale = scaler(rows)
        model, agree = clustered(scale.transform(rows), start, seed)
        card = _log(scale, model, data, seed, {"kind": "kmeans", "names_matched": agree, "parent": held.version})
        number = _register(lake, scale, model, data, mark, "kmeans")
    challenge(lake, MODEL, number)
    shares = ", ".join(f"{name} {share:.0%}" for name, share in card["shares"].items())
    return f"version {number}: {shares}; stability {card['stability']['4']:.2f}"


def scaler(rows: pd.DataFrame) -> Any:
    """Missing values to the median, values to their rank, ranks to mean 0 and deviation 1: no outlier can matter."""
    from sklearn.impute import SimpleImputer
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import QuantileTransformer, StandardScaler

    return make_pipeline(
        SimpleImputer(strategy="median", keep_empty_features=True),
        QuantileTransformer(n_quantiles=min(100, max(len(rows), 1))),
        StandardScaler(),
    ).fit(rows if len(rows) else pd.DataFrame(np.zeros((1, len(FEATURES))), columns=FEATURES))


def fixed(points: NDArray[np.float64]) -> Any:
    """A k-means model whose centroids are the points given, in that order."""
    from sklearn.cluster import KMeans

    return KMeans(len(points), init=points, n_init=1).fit(points)


def clustered(points: NDArray[np.float64], start: NDArray[np.float64], seed: int) -> tuple[Any, bool]:
    """K-means from the champion's centroids, its own put in their order; whether each is nearest to its namesake."""
    from sklearn.cluster import KMeans

    model = KMeans(len(start), init=start, n_init=1, random_state=seed).fit(points)
    order, agree = matched(start, model.cluster_centers_)
    return fixed(model.cluster_centers_[order]), agree


def centroids_of(lake: Lake, found: Version) -> NDArray[np.float64]:
    """The centroids of a registered version, in the order of its names."""
    import mlflow.sklearn

    use_mlflow(lake.settings)
    return np.asarray(mlflow.sklearn.load_model(found.uri)[-1].cluster_centers_, dtype=float)


def ensure_first(lake: Lake, data: TrainingSet) -> Version:
    """The champion; made from the archetypes as version 1 where there is none."""
    held = champion(lake, MODEL)
    if held:
        return held
    if not versions(lake, MODEL):
        with tracked_run(lake.settings, MODEL, f"archetypes {data.as_of}", {"step": "train_segments"}):
            scale = scaler(data.frame[FEATURES])
            varies = scale[-1].var_ > 0
            model = fixed(ARCHETYPES.to_numpy() * np.where(varies, 1.0, 0.0))
            _log(scale, model, data, 0, {"kind": "archetypes", "names_matched": True, "parent": None})
            mark = fingerprint(data.content_hash, {"model": "archetypes"})
            _register(lake, scale, model, data, mark, "archetypes")
    move_alias(lake, MODEL, "1", data.as_of, "first model")
    first = champion(lake, MODEL)
    assert first is not None
    return first


def options(parser: argparse.ArgumentParser) -> None:
    """The step's options."""
    parser.add_argument("--seed", type=int, default=42, help="seed of everything random (default: 42)")


def main() -> None:
    """`python -m training.segments`."""
    command("Train the segment model.", as_of_step(lambda r, day: run(r, day, r.options)), options)


def _log(scale: Any, model: Any, data: TrainingSet, seed: int, told: dict[str, Any]) -> dict[str, Any]:
    import mlflow

    from lakehouse.registry import CARD

    rows = data.frame[FEATURES]
    points = scale.transform(rows) if len(rows) else np.zeros((0, len(FEATURES)))
    labels = model.predict(points) if len(points) else np.zeros(0, dtype=int)
    shares = {name: float((labels == i).mean()) if len(labels) else 0.0 for i, name in enumerate(SEGMENTS)}
    centroids = pd.DataFrame(model.cluster_centers_, index=list(SEGMENTS), columns=FEATURES)
    enough = len(rows) >= FEWEST_STUDENTS
    card = told | {
        "as_of": str(data.as_of),
        "pins": data.pins,
        "students": len(rows),
        "segments": list(SEGMENTS),
        "features": FEATURES,
        "shares": shares,
        "centroids": centroids.to_dict("index"),
        "silhouette": silhouettes(points, model.cluster_centers_, seed) if enough else {},
        "stability": stabilities(points, model.cluster_centers_, seed) if enough else {},
    }
    mlflow.log_dict(card, CARD)
    log_training_set(data)
    log_parameters({"kind": told["kind"], "seed": seed, "parent": told["parent"]})
    for name in ("silhouette", "stability"):
        mlflow.log_metrics({f"{name}_k{k}": value for k, value in card[name].items()})
    mlflow.log_metrics({"students": len(rows), "smallest_segment": min(shares.values())})
    mlflow.log_figure(plots.profiles(centroids, shares), "segments.png")
    return card


def _register(lake: Lake, scale: Any, model: Any, data: TrainingSet, mark: str, kind: str) -> str:
    from sklearn.pipeline import Pipeline

    rows = data.frame[FEATURES]
    whole = Pipeline([*scale.steps, ("kmeans", model)])
    names = json.dumps(list(SEGMENTS))
    example = rows.head(5) if len(rows) else pd.DataFrame(np.zeros((1, len(FEATURES))), columns=FEATURES)
    uri = log_model(lake, whole, example, "predict", {"kind": kind, "segments": list(SEGMENTS)}, data)
    return register(lake, MODEL, uri, {"kind": kind, "as_of": data.as_of, "segments": names, "fingerprint": mark})


if __name__ == "__main__":
    main()
