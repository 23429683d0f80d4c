"""What a training run leaves behind: pins, card, reference, metrics, slices, figures and the test rows."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Any

import pandas as pd

from lakehouse.registry import CARD, REFERENCE
from training import plots
from training.data import LABELS, TrainingSet
from training.evaluation import Intervals, evaluate_slices, nothing, students
from training.splits import TooLittle, Windows
from training.versions import quantiles

TRAINING_SET = "training_set.json"
TEST_ROWS = "test_rows.parquet"


def card(
    kind: str, split: Windows | TooLittle, rows: pd.DataFrame | None, metrics: Intervals | None,
    recency: Intervals | None, as_of: date,
) -> dict[str, Any]:  # fmt: skip
    """The model card that the dashboard shows; model_name and version are added when it is read.

    Args:
        kind: recency_rule, logistic or gradient_boosting.
        split: the windows, or why there are none.
        rows: the test rows.
        metrics: of the model on the test rows.
        recency: of the recency rule on the same rows.
        as_of: the day of the training.
    """
    short = isinstance(split, TooLittle)
    spans = {} if isinstance(split, TooLittle) else {
        "trained_from": split.train.first, "trained_to": split.train.last,
        "calibrated_from": split.calibration.first, "calibrated_to": split.calibration.last,
        "test_from": split.test.first, "test_to": split.test.last,
    }  # fmt: skip
    names = ("trained_from", "trained_to", "calibrated_from", "calibrated_to", "test_from", "test_to")
    counts = {"students": 0, "positive_students": 0} if rows is None else students(rows)
    return {
        "kind": kind,
        "as_of": str(as_of),
        **{name: str(spans[name]) if name in spans else None for name in names},
        "test_rows": 0 if rows is None else len(rows),
        "test_students": counts["students"],
        "test_positive_students": counts["positive_students"],
        "metrics": metrics or nothing(),
        "recency": recency or nothing(),
        "too_little_data": short,
        "reason": split.reason if isinstance(split, TooLittle) else "",
    }


def reference(
    data: TrainingSet, split: Windows | TooLittle, features: list[str], rows: pd.DataFrame | None
) -> dict[str, Any]:  # fmt: skip
    """What drift is measured against; see `registry.load_reference`."""
    learnt = data.frame if isinstance(split, TooLittle) else split.train.rows(data.frame)
    days = learnt["as_of"]
    return {
        "features": {name: quantiles(learnt[name]) for name in features},
        "scores": quantiles(rows["probability"]) if rows is not None else quantiles(pd.Series(dtype=float)),
        "from": str(days.min().date()) if len(learnt) else None,
        "to": str(days.max().date()) if len(learnt) else None,
        "rows": len(learnt),
    }


def log_training_set(data: TrainingSet) -> None:
    """Log pins and hash as an artifact, and the set as an MLflow dataset."""
    import mlflow
    from mlflow.data.delta_dataset_source import DeltaDatasetSource

    mlflow.log_dict(data.describe(), TRAINING_SET)
    if data.frame.empty:
        return
    source = DeltaDatasetSource(delta_table_name=LABELS, delta_table_version=data.pins[LABELS])
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
    """Log the card, its metrics and the drift reference."""
    import mlflow

    mlflow.log_dict(dict(told), CARD)
    mlflow.log_dict(dict(drift), REFERENCE)
    for prefix, part in (("test", told["metrics"]), ("recency", told["recency"])):
        flat = {f"{prefix}_{name}_{end}": v for name, ends in part.items() for end, v in ends.items() if v is not None}
        mlflow.log_metrics(flat)


def log_test(rows: pd.DataFrame, seed: int) -> None:
    """Log the test rows, with features, probability and the recency rule's, their slices and their curves."""
    import mlflow

    mlflow.log_dict({"slices": evaluate_slices(rows, "probability", seed)}, "slices.json")
    for name, figure in plots.curves(rows, {"model": "probability", "recency rule": "recency"}).items():
        mlflow.log_figure(figure, name)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / TEST_ROWS
        rows.to_parquet(path, index=False)
        mlflow.log_artifact(str(path))
