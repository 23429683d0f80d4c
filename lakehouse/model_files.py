"""What a training run left beside a registered version: its card, what drift is measured against, and the model."""

from __future__ import annotations

from typing import Any

from lakehouse.errors import RadarError, entry_point
from lakehouse.lake import Lake
from lakehouse.registry import Version, use_mlflow

CARD = "model_card.json"
REFERENCE = "reference.json"
TRUSTED = (
    "numpy.dtype",
    "sklearn.calibration._CalibratedClassifier",
    "sklearn.calibration._SigmoidCalibration",
    "sklearn.ensemble._hist_gradient_boosting.predictor.TreePredictor",
)
"""Types beyond skops' own list that a version may hold; nothing else is read back, and nothing is ever unpickled."""


def load_card(lake: Lake, found: Version) -> dict[str, Any]:
    """The model card: model_name, version, kind, windows, metrics with intervals, the recency rule's beside them."""
    return load_artifact(lake, found, CARD) | {"model_name": found.name, "version": found.version}


def load_reference(lake: Lake, found: Version) -> dict[str, Any]:
    """What drift is measured against.

    Returns:
        `features`: per feature `edges`, `shares` and `missing` of the training window; `scores`: the same of the test
        scores; `from`, `to`, `rows`. Bin i holds edges[i-1] < x <= edges[i] (`numpy.searchsorted(edges, x)`), so there
        is one share more than edges; shares are of the rows that are not missing.
    """
    return load_artifact(lake, found, REFERENCE)


def load_artifact(lake: Lake, found: Version, name: str) -> dict[str, Any]:
    """A JSON artifact of the run that trained a version.

    Raises:
        RadarError: when there is none, as of a version that was registered by hand, or it cannot be read.
    """
    use_mlflow(lake.settings)
    import mlflow
    from mlflow.exceptions import MlflowException

    try:
        return dict(mlflow.artifacts.load_dict(f"runs:/{found.run_id}/{name}"))
    except (MlflowException, OSError):
        raise RadarError(
            f"{found.name} version {found.version} has no {name} that can be read: it was not registered by training, "
            "or its files are not where they were."
        ) from None


def load_model(lake: Lake, found: Version) -> Any:
    """The scikit-learn model of a version, read without running any code that comes with it.

    Raises:
        RadarError: when its files are gone, or reading them could run code; see `refuse_unsafe`.
    """
    use_mlflow(lake.settings)
    import mlflow.sklearn
    from mlflow.exceptions import MlflowException

    try:
        refuse_unsafe(found.uri)
        return mlflow.sklearn.load_model(found.uri)
    except (MlflowException, OSError) as error:
        back = entry_point("rollback", lake=lake.settings.lake, model=found.model, reason="…")
        raise RadarError(
            f"{found.name} version {found.version}: its files cannot be read ({error}). Where it is champion, earlier "
            f"scores stand; go back with `{back}`."
        ) from None


def refuse_unsafe(uri: str) -> None:
    """Refuse a logged model that is anything but a scikit-learn model in skops with types that are known here.

    A pickle runs whatever its writer wished; so does a model that brings its own code or its own list of trusted types.

    Raises:
        RadarError: naming what it is.
    """
    import mlflow

    flavors = mlflow.models.get_model_info(uri).flavors
    how, native = flavors.get("python_function", {}), flavors.get("sklearn", {})
    unknown = sorted({*(native.get("skops_trusted_types") or [])} - {*TRUSTED})
    wrong = [
        said
        for said, found in {
            f"its loader is {how.get('loader_module')}": how.get("loader_module") != "mlflow.sklearn",
            f"it is stored as {native.get('serialization_format')}": native.get("serialization_format") != "skops",
            "it brings code of its own": bool(how.get("code") or native.get("code")),
            f"it asks to trust {', '.join(unknown)}": bool(unknown),
        }.items()
        if found
    ]
    if wrong:
        raise RadarError(
            f"The model {uri} is not read, since that could run code of whoever wrote it: {'; '.join(wrong)}. "
            'Log it as a scikit-learn model with serialization_format="skops", as training does.'
        )
