"""One Spark session for the whole suite; lakes are folders that it serves one after another."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import pandas as pd
import pytest
from pyspark.sql import SparkSession

from data_gen.__main__ import main as generate
from lakehouse.cli import Run
from lakehouse.lake import Lake
from lakehouse.registry import use_mlflow
from lakehouse.run_ids import new_run_id
from lakehouse.session import connect
from lakehouse.settings import Settings, settings
from pipelines.loop import loop

OPTIONS = argparse.Namespace(
    candidates="logistic,gradient_boosting", trials=2, horizon_days=14, test_from="", test_to="", seed=42,
    retrain="auto",
)  # fmt: skip


@dataclass(frozen=True)
class BuiltLake:
    """A lake that the whole loop has run on."""

    lake: Lake
    landing: Path
    as_of: date


def run_loop(lake: Lake, as_of: date | None = None) -> Run:
    """The whole loop in this process, as `mlflow run .` does it."""
    run = Run(lake, new_run_id(), as_of, OPTIONS)
    loop(run)
    return run


@pytest.fixture(scope="session")
def spark() -> SparkSession:
    return connect()


@pytest.fixture
def lake(tmp_path: Path) -> Iterator[Lake]:
    """An empty lake of the test's own, open for writing."""
    with Lake.writing(settings(str(tmp_path / "lake")), "test", wait_seconds=1) as opened:
        yield opened


@pytest.fixture(scope="session")
def empty_store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An MLflow database with its tables made once, since that takes seconds."""
    chosen = settings(str(tmp_path_factory.mktemp("store")))
    use_mlflow(chosen)
    from mlflow import MlflowClient

    MlflowClient().search_experiments()
    return chosen.lake / "mlflow.db"


@pytest.fixture(scope="session")
def tutorial(tmp_path_factory: pytest.TempPathFactory) -> tuple[Settings, date]:
    """The tutorial's 50 students through the whole loop, once."""
    folder = tmp_path_factory.mktemp("tutorial")
    generate(["--out", str(folder / "landing")])
    summer = {"language": ["all"], "closed_from": ["2024-01-01"], "closed_to": ["2024-01-14"]}
    pd.DataFrame(summer).to_parquet(folder / "landing" / "closures.parquet", index=False)
    contacts = {
        "user_id": [3, 7],
        "contacted_at": ["2024-12-20T09:00:00", "2024-12-28T16:30:00"],
        "channel": ["mail", "call"],
    }
    pd.DataFrame(contacts).to_parquet(folder / "landing" / "interventions.parquet", index=False)
    chosen = settings(str(folder / "lake"), str(folder / "landing"))
    with Lake.writing(chosen, "tutorial") as lake:
        run = run_loop(lake)
    assert run.as_of
    return chosen, run.as_of


@pytest.fixture
def built_lake(tutorial: tuple[Settings, date]) -> BuiltLake:
    """The tutorial's lake, opened anew since another may have been served meanwhile."""
    chosen, as_of = tutorial
    return BuiltLake(Lake.open(chosen), chosen.landing, as_of)
