"""The model registry: versions, the champion alias and the ledger that every change of it is written to."""

from __future__ import annotations

import json
import logging
import os
import uuid
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Any

from lakehouse.errors import RadarError
from lakehouse.lake import Lake
from lakehouse.ops import PROMOTIONS
from lakehouse.rows import append_rows
from lakehouse.settings import Settings

if TYPE_CHECKING:
    from mlflow import MlflowClient

CHAMPION = "champion"
CHALLENGER = "challenger"
CARD = "model_card.json"
REFERENCE = "reference.json"
PARENT_RUN = "LEARNER_RADAR_PARENT_RUN"
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
    def kind(self) -> str:
        """recency_rule, logistic or gradient_boosting; archetypes or kmeans."""
        return self.tags.get("kind", "unknown")

    @property
    def uri(self) -> str:
        """What `mlflow.pyfunc.load_model` takes."""
        return f"models:/{self.name}/{self.version}"


@dataclass(frozen=True)
class Decision:
    """The newest state of one row pair of the ledger: an alias that goes to a version."""

    promotion_id: str
    version: str
    previous: str | None
    applied: bool


def use_mlflow(settings: Settings) -> None:
    """Point MLflow at the lake's tracking store and registry, quietly.

    A process that `mlflow run` started has a run id in its environment. Taken as it is, the first run would be resumed
    from that id, in a store that may not know it; so it is taken out, and `tracked_run` nests under it where it can.
    """
    launched = {key: os.environ.pop(key) for key in _LAUNCHED_BY if key in os.environ}
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


def model_name(settings: Settings, model: str) -> str:
    """The three-level name of `dropout` or `segments`."""
    return f"{settings.catalog}.models.{model}"


def versions(lake: Lake, model: str) -> list[Version]:
    """Every registered version, newest first."""
    client, name = _client(lake.settings), model_name(lake.settings, model)
    numbers = sorted((int(found.version) for found in client.search_model_versions(f"name='{name}'")), reverse=True)
    return [version(lake, model, str(number)) for number in numbers]


def version(lake: Lake, model: str, number: str) -> Version:
    """One registered version.

    Raises:
        RadarError: when there is no such version.
    """
    from mlflow.exceptions import MlflowException

    name = model_name(lake.settings, model)
    try:
        found = _client(lake.settings).get_model_version(name, number)
    except MlflowException:
        raise RadarError(f"{name} has no version {number}; see `make ui` for those it has.") from None
    return Version(name, str(found.version), found.run_id, dict(found.tags))


def holder(lake: Lake, model: str, alias: str) -> str | None:
    """The number of the version that the registry gives for an alias, whatever the ledger says."""
    from mlflow.exceptions import MlflowException

    try:
        found = _client(lake.settings).get_model_version_by_alias(model_name(lake.settings, model), alias)
    except MlflowException as error:
        if error.error_code in ("RESOURCE_DOES_NOT_EXIST", "INVALID_PARAMETER_VALUE"):
            return None
        raise
    return str(found.version)


def champion(lake: Lake, model: str) -> Version | None:
    """The champion, its alias resolved once and held against the ledger; None before the first model.

    Raises:
        RadarError: when the alias is not where the ledger says.
    """
    settle(lake, model)
    held = holder(lake, model, CHAMPION)
    return version(lake, model, held) if held else None


def challenger(lake: Lake, model: str) -> Version | None:
    """The version that waits for promotion, or that was the last to."""
    held = holder(lake, model, CHALLENGER)
    return version(lake, model, held) if held else None


def challenge(lake: Lake, model: str, number: str) -> None:
    """Make a version the challenger; no ledger row, since nothing acts on a challenger."""
    _client(lake.settings).set_registered_model_alias(model_name(lake.settings, model), CHALLENGER, number)


def note(lake: Lake, found: Version, key: str, said: str) -> None:
    """Write a tag on a version."""
    _client(lake.settings).set_model_version_tag(found.name, found.version, key, said)


def move_alias(
    lake: Lake, model: str, number: str, as_of: date, reason: str, evidence: Mapping[str, Any] | None = None,
    by: str = "rules",
) -> None:  # fmt: skip
    """Make a version the champion: the ledger's row `decided`, then the alias, then the row `applied`."""
    version(lake, model, number)
    row = {
        "promotion_id": uuid.uuid4().hex,
        "model_name": model_name(lake.settings, model),
        "alias": CHAMPION,
        "version": number,
        "previous_version": holder(lake, model, CHAMPION),
        "as_of": as_of,
        "decided_at": datetime.now(UTC),
        "decided_by": by,
        "reason": reason,
        "evidence_json": json.dumps(evidence or {}, sort_keys=True),
        "state": "decided",
    }
    _record(lake, row)
    _client(lake.settings).set_registered_model_alias(row["model_name"], CHAMPION, number)
    _record(lake, row | {"state": "applied"})


def settle(lake: Lake, model: str) -> str:
    """Hold the champion alias against the ledger; finish a change that was decided and not applied.

    Returns:
        What was finished, in a sentence that is printed too; empty when nothing was.

    Raises:
        RadarError: when the alias is not where the ledger's last decision put it.
    """
    last = next(reversed(decisions(lake, model)), None)
    held = holder(lake, model, CHAMPION)
    if last is None and held is None:
        return ""
    if last is None or held not in ({last.version} if last.applied else {last.version, last.previous}):
        raise RadarError(_tampered(model_name(lake.settings, model), held, last))
    if last.applied:
        return ""
    _client(lake.settings).set_registered_model_alias(model_name(lake.settings, model), CHAMPION, last.version)
    row = _rows(lake, model).where(f"promotion_id = '{last.promotion_id}'").first()
    _record(lake, row.asDict() | {"state": "applied", "decided_at": row.decided_at.astimezone(UTC)})
    said = f"{model}: finished a promotion of version {last.version} that a killed run had decided."
    print(f"  {said}", flush=True)
    return said


def rollback(lake: Lake, model: str, as_of: date, reason: str, by: str = "a person") -> Version:
    """Give the champion alias back to the version that held it before.

    Raises:
        RadarError: when nobody held it before, or the alias is not where the ledger says.
    """
    settle(lake, model)
    held = holders(lake, model)
    if len(held) < 2:
        raise RadarError(f"{model} has had no champion before the present one; there is nothing to go back to.")
    move_alias(lake, model, held[-2], as_of, reason, {"rollback_of": held[-1]}, by)
    return version(lake, model, held[-2])


def decisions(lake: Lake, model: str) -> list[Decision]:
    """The ledger of a model's champion alias, oldest first, each decision with its newest state."""
    if not lake.exists(PROMOTIONS.name):
        return []
    rows = _rows(lake, model).orderBy("decided_at", "promotion_id").collect()
    applied = {row.promotion_id for row in rows if row.state == "applied"}
    newest = {row.promotion_id: row for row in rows}
    return [Decision(key, row.version, row.previous_version, key in applied) for key, row in newest.items()]


def holders(lake: Lake, model: str) -> list[str]:
    """The line of champions, oldest first, without those that were rolled back."""
    line: list[str] = []
    for decision in decisions(lake, model):
        if len(line) > 1 and line[-2] == decision.version:
            line.pop()
        elif not line or line[-1] != decision.version:
            line.append(decision.version)
    return line


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
    """A JSON artifact of the run that trained a version."""
    use_mlflow(lake.settings)
    import mlflow

    return dict(mlflow.artifacts.load_dict(f"runs:/{found.run_id}/{name}"))


def _client(settings: Settings) -> MlflowClient:
    use_mlflow(settings)
    from mlflow import MlflowClient

    return MlflowClient()


def _experiment(settings: Settings, model: str) -> str:
    from mlflow import MlflowClient

    client = MlflowClient()
    name = f"learner-radar-{model}" if settings.local else f"/Shared/learner-radar-{settings.catalog}-{model}"
    found = client.get_experiment_by_name(name)
    if found:
        return str(found.experiment_id)
    where = (settings.lake / "mlruns").as_uri() if settings.local else None
    return str(client.create_experiment(name, artifact_location=where))


def _rows(lake: Lake, model: str) -> Any:
    name = model_name(lake.settings, model)
    return lake.table(PROMOTIONS.name).where(f"model_name = '{name}' AND alias = '{CHAMPION}'")


def _record(lake: Lake, row: Mapping[str, Any]) -> None:
    append_rows(lake, PROMOTIONS, [tuple(row[name] for name in PROMOTIONS.column_names())])


def _tampered(name: str, held: str | None, last: Decision | None) -> str:
    short = name.split(".")[-1]
    points = f"points at version {held}" if held else "points at no version"
    says = f"gave it to version {last.version}" if last else "never gave it to any"
    keep = f" To keep version {held}, say so with --version {held}." if held else ""
    back = last.version if last else held
    return (
        f"{name}: the alias {CHAMPION} {points}, but ops.promotions {says}; it was moved by hand. Nothing is scored "
        f"until that is settled: `python -m training.rollback --model {short} --version {back} --reason …` "
        f"writes who decided it and puts it right.{keep}"
    )
