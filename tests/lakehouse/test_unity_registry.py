"""The registry module through MLflow's own store of Unity Catalog (`databricks-uc`), against a stubbed REST service."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

import mlflow
import pytest
from mlflow.exceptions import MlflowException
from mlflow.protos.databricks_pb2 import PERMISSION_DENIED
from mlflow.store._unity_catalog.registry.rest_store import UcModelRegistryStore
from pyspark.sql import SparkSession

from lakehouse.errors import RadarError
from lakehouse.lake import Lake
from lakehouse.ledger import point_alias
from lakehouse.registry import CHAMPION, challenge, challenger, client, holder, model_name, note, version, versions
from lakehouse.settings import Settings
from tests.loopback import serving

NAME = "cat.dev_models.dropout"
BASE = "/api/2.0/mlflow/unity-catalog"


@dataclass
class Registered:
    """One registered model: its versions' tags, and its aliases. A search leaves tags out, as Unity Catalog's does."""

    tags: dict[str, dict[str, str]] = field(default_factory=dict)
    aliases: dict[str, str] = field(default_factory=dict)

    def answer(self, method: str, path: str, said: dict[str, Any]) -> dict[str, Any] | None:
        if path == f"{BASE}/model-versions/search":
            assert said["filter"] == f"name='{NAME}'"
            return {"model_versions": [self._version(number) | {"tags": []} for number in self.tags]}
        if not path.startswith(BASE):
            return None
        assert said["name"] == NAME
        if path == f"{BASE}/registered-models/get":
            return {"registered_model": {"name": NAME}}
        number = said.get("version") or self.aliases.get(said.get("alias", ""))
        if number not in self.tags:
            return None
        if (method, path) == ("POST", f"{BASE}/registered-models/alias"):
            self.aliases[said["alias"]] = number
        if path == f"{BASE}/model-versions/set-tag":
            self.tags[number][said["key"]] = said["value"]
        if path == f"{BASE}/model-versions/delete":
            del self.tags[number]
            return {}
        return {"model_version": self._version(number)} if method == "GET" else {}

    def _version(self, number: str) -> dict[str, Any]:
        tags = [{"key": key, "value": value} for key, value in self.tags[number].items()]
        return {"name": NAME, "version": number, "run_id": f"run{number}", "status": "READY", "tags": tags}


@pytest.fixture
def registered(monkeypatch: pytest.MonkeyPatch) -> Iterator[Registered]:
    model = Registered({"1": {"kind": "recency_rule"}, "2": {"kind": "logistic"}, "10": {"kind": "logistic"}})
    with serving(model.answer) as (address, _):
        monkeypatch.setenv("DATABRICKS_HOST", address)
        monkeypatch.setenv("DATABRICKS_TOKEN", "no secret")
        monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
        yield model
    mlflow.set_tracking_uri(None)
    mlflow.set_registry_uri(None)


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    """Of a Unity Catalog; the registry asks its settings alone, so no Spark is started."""
    return Lake(Settings(tmp_path, tmp_path, "cat", "dev_"), cast(SparkSession, None))


def test_it_is_the_store_of_unity_catalog_and_names_have_three_levels(lake: Lake, registered: Registered) -> None:
    store = client(lake.settings)._get_registry_client().store
    assert isinstance(store, UcModelRegistryStore)
    assert model_name(lake.settings, "dropout") == NAME


def test_versions_come_newest_first_with_their_tags(lake: Lake, registered: Registered) -> None:
    found = versions(lake, "dropout")
    assert [(v.name, v.version, v.run_id, v.kind) for v in found] == [
        (NAME, "10", "run10", "logistic"), (NAME, "2", "run2", "logistic"), (NAME, "1", "run1", "recency_rule")
    ]  # fmt: skip
    assert found[0].uri == f"models:/{NAME}/10"


def test_aliases_move(lake: Lake, registered: Registered) -> None:
    assert holder(lake, "dropout", CHAMPION) is None
    assert challenger(lake, "dropout") is None
    point_alias(lake, "dropout", "1")
    challenge(lake, "dropout", "2")
    assert registered.aliases == {"champion": "1", "challenger": "2"}
    assert holder(lake, "dropout", CHAMPION) == "1"
    waiting = challenger(lake, "dropout")
    assert waiting
    assert waiting.kind == "logistic"


def test_a_note_is_a_tag_and_a_version_goes(lake: Lake, registered: Registered) -> None:
    note(lake, version(lake, "dropout", "2"), "decision", "refused")
    assert version(lake, "dropout", "2").tags == {"kind": "logistic", "decision": "refused"}
    note(lake, version(lake, "dropout", "2"), "decision", "refused: " + "could not be answered " * 100)
    cut = version(lake, "dropout", "2").tags["decision"]
    assert 990 < len(cut) <= 1000
    assert cut == cut.strip()
    client(lake.settings).delete_model_version(NAME, "2")
    assert set(registered.tags) == {"1", "10"}


def test_a_version_that_is_not_there_is_named(lake: Lake, registered: Registered) -> None:
    with pytest.raises(RadarError, match=f"{NAME} has no version 7"):
        version(lake, "dropout", "7")


def test_a_registry_that_refuses_is_not_taken_for_an_empty_one(
    lake: Lake, registered: Registered, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: Any) -> None:
        raise MlflowException("no", error_code=PERMISSION_DENIED)

    monkeypatch.setattr(UcModelRegistryStore, "get_model_version", refuse)
    with pytest.raises(MlflowException):
        version(lake, "dropout", "1")
