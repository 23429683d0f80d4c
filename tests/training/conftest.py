from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from lakehouse.lake import Lake
from lakehouse.registry import use_mlflow
from lakehouse.settings import settings


@pytest.fixture(scope="session")
def prepared_store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An MLflow database with its tables made once, since that takes seconds."""
    chosen = settings(str(tmp_path_factory.mktemp("training")))
    use_mlflow(chosen)
    from mlflow import MlflowClient

    MlflowClient().search_experiments()
    return chosen.lake / "mlflow.db"


@pytest.fixture
def tracked_lake(lake: Lake, prepared_store: Path) -> Lake:
    """An empty lake with an empty MLflow store."""
    shutil.copy(prepared_store, lake.settings.lake / "mlflow.db")
    return lake
