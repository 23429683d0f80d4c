"""Fingerprints of trainings, and how a fitted model becomes a registered version."""

from __future__ import annotations

import hashlib
import io
import json
from collections.abc import Mapping, Sequence
from contextlib import redirect_stderr
from importlib.metadata import version as installed
from typing import Any

import pandas as pd

from features.horizons import asks_as_ever
from features.store import model_store
from lakehouse.code import code_hash
from lakehouse.errors import entry_point
from lakehouse.lake import Lake
from lakehouse.ledger import is_decided
from lakehouse.model_files import TRUSTED
from lakehouse.registry import PINS, RECENCY, Version, challenge, challenger, model_name, use_mlflow, versions
from training.data import TrainingSet

CODE = ("training", "features")
MOST_SEED = 2**32 - 1
"""What NumPy and scikit-learn take."""
LIBRARIES = ("scikit-learn", "numpy", "pandas", "skops")


def fingerprint(content_hash: str, parameters: Mapping[str, Any]) -> str:
    """Hash of what determines a model: the training rows, the parameters and seed, the code, the libraries."""
    libraries = {name: installed(name) for name in LIBRARIES}
    said = {"rows": content_hash, "parameters": dict(parameters), "code": code_hash(*CODE), "libraries": libraries}
    return hashlib.sha256(json.dumps(said, sort_keys=True, default=str).encode()).hexdigest()


def trained_before(lake: Lake, model: str, mark: str) -> Version | None:
    """The version with this fingerprint."""
    return next((found for found in versions(lake, model) if found.tags.get("fingerprint") == mark), None)


def wait(lake: Lake, model: str, number: str) -> None:
    """Make a version the challenger; says so where another one waited that nobody has decided on."""
    before = challenger(lake, model)
    challenge(lake, model, number)
    if before and before.version != number and not is_decided(lake, before):
        judge = entry_point("promote", lake=lake.settings.lake, model=model, version=before.version)
        print(f"  {model}: version {before.version} waited for promotion until now; `{judge}` judges it all the same.")


def wait_again(lake: Lake, model: str, same: Version) -> None:
    """Make the newest version challenger again, where a killed run left it without the alias: the newest of its kind of
    question, since one of another horizon or feature set never waits.
    """
    of = same.tags.get("feature_set")
    alike = [
        found for found in versions(lake, model) if asks_as_ever(found.tags) and found.tags.get("feature_set") == of
    ]
    waiting = challenger(lake, model)
    if alike and same.version == alike[0].version and (waiting is None or waiting.version != same.version):
        challenge(lake, model, same.version)


def log_model(
    lake: Lake, model: Any, rows: pd.DataFrame, method: str, metadata: Mapping[str, Any], data: TrainingSet
) -> str:  # fmt: skip
    """Log a fitted model in the active run, as skops, with the lookups of its features; returns its URI.

    Args:
        lake: whose store logs it.
        model: fitted estimator whose pyfunc `predict` is to be `method`.
        rows: a few rows of the feature columns as doubles: the example and the signature.
        method: predict_proba or predict.
        metadata: what the model file itself is to say.
        data: what it was trained on.
    """
    import mlflow.sklearn
    from mlflow.models import infer_signature

    info = model_store(lake).log_model(
        model=model,
        artifact_path="model",
        flavor=mlflow.sklearn,
        training_set=data.inputs(list(rows.columns)),
        signature=infer_signature(rows, getattr(model, method)(rows)),
        input_example=rows,
        pyfunc_predict_fn=method,
        serialization_format="skops",
        skops_trusted_types=list(TRUSTED),
        pip_requirements=[f"{name}=={installed(name)}" for name in ("mlflow", *LIBRARIES)],
        metadata=dict(metadata),
    )
    return str(info.model_uri)


def register(
    lake: Lake, model: str, uri: str, tags: Mapping[str, Any], description: str, pins: Mapping[str, int]
) -> str:  # fmt: skip
    """Register a logged model with its tags and its card in words; returns the number of the version.

    The pins are a tag too where upkeep asks for them, see `lakehouse.pins`; a Unity Catalog takes short tags alone.
    """
    use_mlflow(lake.settings)
    import mlflow

    told, name = {key: str(value) for key, value in tags.items()}, model_name(lake.settings, model)
    if lake.settings.local:
        told[PINS] = json.dumps(dict(pins), sort_keys=True)
    with redirect_stderr(io.StringIO()):
        number = str(mlflow.register_model(uri, name, tags=told).version)
    mlflow.MlflowClient().update_model_version(name, number, description)
    return number


def quantiles(values: pd.Series, bins: int = 10) -> dict[str, Any]:
    """Edges of equal-mass bins, the share of values in each and the share missing; see `model_files.load_reference`."""
    present = values.dropna().to_numpy(float)
    if not len(present):
        return {"edges": [], "shares": [], "missing": 1.0}
    edges = _edges(values, [i / bins for i in range(1, bins)])
    counts = pd.Series(edges.searchsorted(present)).value_counts()
    shares = [float(counts.get(i, 0)) / len(present) for i in range(len(edges) + 1)]
    return {"edges": edges.tolist(), "shares": shares, "missing": float(values.isna().mean())}


def _edges(values: pd.Series, at: Sequence[float]) -> Any:
    found = values.quantile(list(at)).drop_duplicates()
    return found[found < values.max()].to_numpy(float)


def recency_rule(lake: Lake) -> Version | None:
    """The oldest version that is the recency rule and answers the champion's question; None where there is none."""
    rules = (found for found in reversed(versions(lake, "dropout")) if found.kind == RECENCY)
    return next((found for found in rules if asks_as_ever(found.tags)), None)
