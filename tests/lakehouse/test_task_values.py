from __future__ import annotations

import sys
from types import SimpleNamespace

import pytest

from lakehouse.task_values import set_task_value


def stub(monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """What a stub of Databricks' utilities is told."""
    told: dict[str, str] = {}
    values = SimpleNamespace(set=lambda key, value: told.update({key: value}))
    runtime = SimpleNamespace(dbutils=SimpleNamespace(jobs=SimpleNamespace(taskValues=values)))
    monkeypatch.setitem(sys.modules, "databricks.sdk.runtime", runtime)
    return told


def test_a_job_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    told = stub(monkeypatch)
    monkeypatch.setenv("DATABRICKS_RUNTIME_VERSION", "client.2")
    set_task_value("retrain", "true")
    assert told == {"retrain": "true"}


def test_on_a_laptop_there_is_nobody_to_tell(monkeypatch: pytest.MonkeyPatch) -> None:
    told = stub(monkeypatch)
    monkeypatch.delenv("DATABRICKS_RUNTIME_VERSION", raising=False)
    set_task_value("retrain", "true")
    assert told == {}
