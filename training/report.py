"""What a training run leaves behind: pins, card, reference, metrics, slices, figures and the test rows."""

from __future__ import annotations

import platform
import tempfile
from collections.abc import Mapping
from importlib import resources
from importlib.metadata import version as installed
from pathlib import Path
from typing import Any

import jinja2
import numpy as np
import pandas as pd

from features.capacity import HIGH_PERCENT, MEDIUM_PERCENT
from lakehouse.code import code_hash
from lakehouse.evaluation import Intervals, evaluate_slices, nothing, students
from lakehouse.lake import Lake
from lakehouse.model_files import CARD, REFERENCE
from training import plots
from training.candidates import Trained
from training.data import LABEL, LABELS, TrainingSet
from training.splits import TooLittle, Windows
from training.versions import CODE, LIBRARIES, quantiles

TRAINING_SET = "training_set.json"
TEST_ROWS = "test_rows.parquet"
CARD_IN_WORDS = "model_card.md"
SLICES = "slices.json"
IMPORTANCE = "importance.json"
SPANS = ("trained_from", "trained_to", "calibrated_from", "calibrated_to", "test_from", "test_to")
MOST_SHUFFLED = 5_000


def card(
    trained: Trained, data: TrainingSet, split: Windows | TooLittle, rows: pd.DataFrame | None,
    metrics: Intervals | None, recency: Intervals | None,
) -> dict[str, Any]:  # fmt: skip
    """The model card that the dashboard shows; model_name and version are added when it is read.

    Args:
        trained: the model.
        data: what it was made from.
        split: the windows, or why there are none.
        rows: the test rows.
        metrics: of the model on the test rows.
        recency: of the recency rule on the same rows.
    """
    short = isinstance(split, TooLittle)
    learnt = data.frame if isinstance(split, TooLittle) else split.train.rows(data.frame)
    counts = {"students": 0, "positive_students": 0} if rows is None else students(rows)
    return {
        "kind": trained.kind,
        "as_of": str(data.as_of),
        "horizon_days": data.recipe.horizon_days,
        **_spans(trained, data, split),
        "features": trained.features,
        "parameters": {key: str(value) for key, value in trained.parameters.items()},
        "trained_rows": len(learnt),
        "trained_students": int(learnt["student_id"].nunique()),
        "trained_positives": int(learnt[LABEL].sum()),
        "test_rows": 0 if rows is None else len(rows),
        "test_students": counts["students"],
        "test_positive_students": counts["positive_students"],
        "metrics": metrics or nothing(),
        "recency": recency or nothing(),
        "bands": {} if isinstance(split, TooLittle) else bands(trained.risk(split.calibration.rows(data.frame))),
        "too_little_data": short,
        "reason": split.reason if isinstance(split, TooLittle) else "",
        "pins": data.pins,
    }


def bands(risks: Any) -> dict[str, float]:
    """From which risk on a student is among those that tutors can handle: the least of the high and the medium band.

    Args:
        risks: of the calibration window, so that nothing of the test is used.
    """
    high, medium = np.quantile(risks, [1 - HIGH_PERCENT / 100, 1 - (HIGH_PERCENT + MEDIUM_PERCENT) / 100])
    return {"high": float(high), "medium": float(medium)}


def tags(card: Mapping[str, Any]) -> dict[str, Any]:
    """What a version is found by; see docs/experiments.md."""
    return {key: card[key] or "" for key in ("kind", "as_of", "horizon_days", *SPANS)}


def written(card: Mapping[str, Any], model: str) -> str:
    """The card in words, as Markdown: the description of a registered version."""
    templates = jinja2.Environment(trim_blocks=True, lstrip_blocks=True, autoescape=False)
    templates.filters["number"] = _number
    text = resources.files("training").joinpath(f"card_{model}.md.jinja").read_text()
    return templates.from_string(text).render(card=card).strip() + "\n"


def reference(
    data: TrainingSet, split: Windows | TooLittle, features: list[str], rows: pd.DataFrame | None
) -> dict[str, Any]:  # fmt: skip
    """What drift is measured against; see `model_files.load_reference`."""
    learnt = data.frame if isinstance(split, TooLittle) else split.train.rows(data.frame)
    days = learnt["as_of"]
    return {
        "features": {name: quantiles(learnt[name]) for name in features},
        "scores": quantiles(rows["probability"]) if rows is not None else quantiles(pd.Series(dtype=float)),
        "from": str(days.min().date()) if len(learnt) else None,
        "to": str(days.max().date()) if len(learnt) else None,
        "rows": len(learnt),
    }


def _number(value: float | None, digits: int = 3) -> str:
    return "n/a" if value is None else f"{value:.{digits}f}"


def _spans(trained: Trained, data: TrainingSet, split: Windows | TooLittle) -> dict[str, str | None]:
    """First and last day of each window; without windows, of the rows that were fitted on all the same."""
    if not isinstance(split, TooLittle):
        days = [day for span in (split.train, split.calibration, split.test) for day in (span.first, span.last)]
    elif trained.parameters.get("coefficients") == "fixed" or data.frame.empty:
        days = []
    else:
        days = [data.frame["as_of"].min().date(), data.frame["as_of"].max().date()]
    return dict.fromkeys(SPANS) | {name: str(day) for name, day in zip(SPANS, days, strict=False)}


def log_training_set(lake: Lake, data: TrainingSet) -> None:
    """Log pins and hash as an artifact, and the set as an MLflow dataset."""
    import mlflow
    from mlflow.data.delta_dataset_source import DeltaDatasetSource

    mlflow.log_dict(data.describe(), TRAINING_SET)
    if data.frame.empty:
        return
    source = DeltaDatasetSource(delta_table_name=lake.name(LABELS), delta_table_version=data.pins[LABELS])
    target, name = data.describe()["label"], f"{data.recipe.model}_training_set"
    dataset = mlflow.data.from_pandas(
        data.frame, source=source, targets=target, name=name, digest=data.content_hash[:8]
    )
    mlflow.log_input(dataset, context="training")


def log_parameters(parameters: Mapping[str, Any]) -> None:
    """Log parameters of the run as text."""
    import mlflow

    mlflow.log_params({key: "" if value is None else str(value) for key, value in parameters.items()})


def log_card(told: Mapping[str, Any], drift: Mapping[str, Any]) -> None:
    """Log the card, as data and in words, its metrics, the drift reference and the environment."""
    import mlflow

    mlflow.log_dict(dict(told), CARD)
    mlflow.log_text(written(told, "dropout"), CARD_IN_WORDS)
    mlflow.log_dict(dict(drift), REFERENCE)
    mlflow.set_tags(environment() | {"kind": told["kind"], "as_of": told["as_of"]})
    for prefix, part in (("test", told["metrics"]), ("recency", told["recency"])):
        flat = {f"{prefix}_{name}_{end}": v for name, ends in part.items() for end, v in ends.items() if v is not None}
        mlflow.log_metrics(flat)


def log_test(trained: Trained, rows: pd.DataFrame, seed: int) -> dict[str, Any]:
    """Log the test rows, their slices, the curves and what each feature is worth; returns what the card says of them.

    Args:
        trained: the model.
        rows: the test rows, with `probability` and `recency`.
        seed: of the bootstrap and of the shuffles.
    """
    import mlflow

    sliced, worth = evaluate_slices(rows, "probability", seed), importance(trained, rows, seed)
    mlflow.log_table(_flat(sliced), SLICES)
    mlflow.log_table(worth.rename_axis("feature").reset_index(), IMPORTANCE)
    figures = plots.curves(rows, {"model": "probability", "recency rule": "recency"})
    for name, figure in (figures | {"importance.png": plots.bars(worth["mean"], worth["deviation"])}).items():
        mlflow.log_figure(figure, name)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / TEST_ROWS
        rows.to_parquet(path, index=False)
        mlflow.log_artifact(str(path))
    top = worth[worth["mean"] > 0].head(10)
    return {"slices": sliced, "importance": {str(name): float(value) for name, value in top["mean"].items()}}


def importance(trained: Trained, rows: pd.DataFrame, seed: int) -> pd.DataFrame:
    """What each feature is worth: the average precision that is lost when its values are shuffled among the rows.

    On at most 5,000 of the rows, three times over (Breiman, Random Forests, 2001).

    Returns:
        mean and deviation by feature, the greatest first.
    """
    from sklearn.inspection import permutation_importance

    sample = rows if len(rows) <= MOST_SHUFFLED else rows.sample(MOST_SHUFFLED, random_state=seed)
    found = permutation_importance(
        trained.model, sample[trained.features], sample[LABEL], scoring="average_precision", n_repeats=3,
        random_state=seed,
    )  # fmt: skip
    worth = {"mean": found.importances_mean, "deviation": found.importances_std}
    return pd.DataFrame(worth, index=trained.features).sort_values("mean", ascending=False, kind="stable")


def environment() -> dict[str, str]:
    """What a result depends on beside rows and parameters: tags of every run."""
    told = {f"{name}_version": installed(name) for name in LIBRARIES}
    return {"code_hash": code_hash(*CODE), "python_version": platform.python_version()} | told


def _flat(sliced: list[dict[str, Any]]) -> pd.DataFrame:
    """A row a slice, a column a figure."""
    return pd.json_normalize(sliced, sep="_")
