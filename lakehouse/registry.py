"""The model registry: versions, their aliases and tags, and the runs that make them."""

from __future__ import annotations

import logging
import os
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from lakehouse.errors import RadarError
from lakehouse.lake import Lake
from lakehouse.settings import Settings

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities.model_registry import ModelVersion

MODELS = ("dropout", "segments")
MOST_SAID = 1_000
CHAMPION = "champion"
CHALLENGER = "challenger"
RECENCY = "recency_rule"
"""The kind of the first version of the dropout model."""
DECISION = "decision"
"""A tag of a version: what promotion decided on it, and why."""
FEATURE_SPEC = "feature_spec"
"""The key of a model's metadata under which the store says what it looks up, and of which table versions."""
PINS = "pins"
"""A tag of a version: the table versions that it was trained on, as JSON."""
NOT_THERE = ("RESOURCE_DOES_NOT_EXIST", "INVALID_PARAMETER_VALUE")
PARENT_RUN = "LEARNER_RADAR_PARENT_RUN"
_launch: dict[str, str] = {}
_LAUNCHED_BY = ("MLFLOW_RUN_ID", "MLFLOW_EXPERIMENT_ID", "MLFLOW_EXPERIMENT_NAME")


@dataclass(frozen=True)
class Version:
    """A registered model version.

    Attributes:
        name: three-level name of the model.
        version: its number, as text.
        run_id: the run that trained it and holds its artifacts.
        tags: kind, fingerprint, as_of, and for dropout trained_from … test_to; for segments `segments`, the names in
            the order of the centroids as JSON.
    """

    name: str
    version: str
    run_id: str
    tags: Mapping[str, str]

    @property
    def model(self) -> str:
        """The last part of its name."""
        return self.name.split(".")[-1]

    @property
    def kind(self) -> str:
        """recency_rule, logistic or gradient_boosting; archetypes or kmeans."""
        return self.tags.get("kind", "unknown")

    @property
    def uri(self) -> str:
        """What `mlflow.pyfunc.load_model` takes."""
        return f"models:/{self.name}/{self.version}"


def use_mlflow(settings: Settings) -> None:
    """Point MLflow at the lake's tracking store and registry, quietly.

    A process that `mlflow run` started has a run id in its environment. Taken as it is, the first run would be resumed
    from that id, in a store that may not know it; so it is taken out, and `tracked_run` nests under it where it can.
    """
    launched = {key: os.environ.pop(key) for key in _LAUNCHED_BY if key in os.environ}
    if launched:
        _launch.update(launched, MLFLOW_TRACKING_URI=os.environ.get("MLFLOW_TRACKING_URI", ""))
    if launched.get("MLFLOW_RUN_ID") and os.environ.get("MLFLOW_TRACKING_URI") == settings.tracking_uri:
        os.environ[PARENT_RUN] = launched["MLFLOW_RUN_ID"]
    os.environ.setdefault("MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR", "false")
    for name in ("alembic", "mlflow"):
        logging.getLogger(name).setLevel(logging.ERROR)
    import mlflow

    for name in ("alembic", "mlflow"):
        logging.getLogger(name).setLevel(logging.ERROR)
    warnings.filterwarnings("ignore", module=r"mlflow\.")
    mlflow.set_tracking_uri(settings.tracking_uri)
    mlflow.set_registry_uri(settings.registry_uri)


def launched_by() -> tuple[str, str]:
    """The id and the store of the run by which `mlflow run` started this process, told once `use_mlflow` has looked;
    empty where nothing did.
    """
    return _launch.get("MLFLOW_RUN_ID", ""), _launch.get("MLFLOW_TRACKING_URI", "")


@contextmanager
def tracked_run(settings: Settings, model: str, name: str, tags: Mapping[str, str]) -> Iterator[str]:
    """A run in the model's experiment, under the run of `mlflow run` when that is in the same store; gives its id."""
    use_mlflow(settings)
    import mlflow

    experiment = mlflow.set_experiment(experiment_id=_experiment(settings, model))
    parent = os.environ.get(PARENT_RUN) or None
    with mlflow.start_run(
        experiment_id=experiment.experiment_id, run_name=name, tags=dict(tags), nested=bool(parent),
        parent_run_id=parent,
    ) as run:  # fmt: skip
        yield run.info.run_id


def check_asked(model: str, number: str = "") -> None:
    """Refuse a model or a version that a person asked for and that cannot be.

    Raises:
        RadarError: for a model that is none of `MODELS`, or a version, unless it is empty, that is no number.
    """
    if model not in MODELS:
        raise RadarError(f"model is {model!r}; choose {' or '.join(MODELS)}.")
    if number and not number.isdecimal():
        raise RadarError(f"version is {number!r}; give the number of a version.")


def model_name(settings: Settings, model: str) -> str:
    """The three-level name of `dropout` or `segments`."""
    return f"{settings.schema('models')}.{model}"


def versions(lake: Lake, model: str) -> list[Version]:
    """Every registered version, newest first."""
    held = _searched(lake.settings, f"name='{model_name(lake.settings, model)}'")
    numbers = sorted((int(found.version) for found in held), reverse=True)
    return [version(lake, model, str(number)) for number in numbers]


def every_version(lake: Lake) -> list[Version]:
    """Every version of every model in the lake's registry, oldest first, whoever registered it.

    In a Unity Catalog of the project's own models alone: its registry tells of all catalogs at once.
    """
    if lake.settings.local:
        found = [_version(one) for one in _searched(lake.settings)]
    else:
        found = [one for model in MODELS for one in versions(lake, model)]
    return sorted(found, key=lambda one: (one.name, int(one.version)))


def _searched(settings: Settings, what: str | None = None) -> Iterator[ModelVersion]:
    """The versions that the registry finds, page by page."""
    token = None
    while True:
        held = client(settings).search_model_versions(what, page_token=token)
        yield from held
        token = held.token
        if not token:
            return


def aliases(lake: Lake, model: str) -> dict[str, str]:
    """Every alias of a model, whoever set it, and the number of the version that has it; none of an unknown model."""
    from mlflow.exceptions import MlflowException

    try:
        told = client(lake.settings).get_registered_model(model_name(lake.settings, model)).aliases
    except MlflowException as error:
        if error.error_code in NOT_THERE:
            return {}
        raise
    return {alias: str(number) for alias, number in told.items()}


def version(lake: Lake, model: str, number: str) -> Version:
    """One registered version.

    Raises:
        RadarError: when there is no such version.
    """
    from mlflow.exceptions import MlflowException

    name = model_name(lake.settings, model)
    try:
        found = client(lake.settings).get_model_version(name, number)
    except MlflowException as error:
        if error.error_code not in NOT_THERE:
            raise
        raise RadarError(f"{name} has no version {number}; see `make ui` for those it has.") from None
    return _version(found)


def _version(found: ModelVersion) -> Version:
    return Version(found.name, str(found.version), found.run_id, dict(found.tags))


def holder(lake: Lake, model: str, alias: str) -> str | None:
    """The number of the version that the registry gives for an alias, whatever the ledger says."""
    from mlflow.exceptions import MlflowException

    try:
        found = client(lake.settings).get_model_version_by_alias(model_name(lake.settings, model), alias)
    except MlflowException as error:
        if error.error_code in NOT_THERE:
            return None
        raise
    return str(found.version)


def challenger(lake: Lake, model: str) -> Version | None:
    """The version that waits for promotion, or that was the last to."""
    held = holder(lake, model, CHALLENGER)
    return version(lake, model, held) if held else None


def challenge(lake: Lake, model: str, number: str) -> None:
    """Make a version the challenger; no ledger row, since nothing acts on a challenger."""
    client(lake.settings).set_registered_model_alias(model_name(lake.settings, model), CHALLENGER, number)


def note(lake: Lake, found: Version, key: str, said: str) -> None:
    """Write a tag on a version; in a Unity Catalog, which takes no more, its first 1,000 characters."""
    told = said if lake.settings.local else said.strip()[:MOST_SAID].strip()
    client(lake.settings).set_model_version_tag(found.name, found.version, key, told)


def client(settings: Settings) -> MlflowClient:
    """A client of the lake's tracking store and registry."""
    use_mlflow(settings)
    from mlflow import MlflowClient

    return MlflowClient()


def experiment_name(settings: Settings, model: str) -> str:
    """The experiment of `dropout` or `segments`; a path in a workspace, where the bundle makes it too."""
    return f"learner-radar-{model}" if settings.local else f"/Shared/learner-radar-{settings.schema('models')}-{model}"


def _experiment(settings: Settings, model: str) -> str:
    from mlflow import MlflowClient
    from mlflow.entities import LifecycleStage

    client, name = MlflowClient(), experiment_name(settings, model)
    found = client.get_experiment_by_name(name)
    if found:
        if found.lifecycle_stage == LifecycleStage.DELETED:
            # Runs of registered versions are in it, and another one of its name cannot be made.
            client.restore_experiment(found.experiment_id)
        return str(found.experiment_id)
    where = (settings.lake / "mlruns").as_uri() if settings.local else None
    return str(client.create_experiment(name, artifact_location=where))
