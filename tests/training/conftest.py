from __future__ import annotations

import argparse
import shutil
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import pytest

import features.run
import training.dropout
from data_gen.__main__ import main as generate
from lakehouse.cli import Run
from lakehouse.lake import Lake
from lakehouse.run_ids import new_run_id
from lakehouse.settings import Settings, settings
from pipelines.ingest import ingest
from tests.conftest import OPTIONS


@pytest.fixture
def tracked_lake(lake: Lake, empty_store: Path) -> Lake:
    """An empty lake with an empty MLflow store."""
    shutil.copy(empty_store, lake.settings.lake / "mlflow.db")
    return lake


@dataclass(frozen=True)
class Learnt:
    """A lake with a model, and the folder that its students' truth lies in."""

    lake: Lake
    as_of: date
    truth: Path


@pytest.fixture(scope="session")
def taught(tmp_path_factory: pytest.TempPathFactory) -> tuple[Settings, date]:
    """500 generated students, their features, and the models learnt from them, once."""
    folder = tmp_path_factory.mktemp("taught")
    generate(["--students", "500", "--days", "180", "--seed", "42", "--out", str(folder / "landing")])
    chosen, as_of = settings(str(folder / "lake"), str(folder / "landing")), date(2025, 1, 1)
    with Lake.writing(chosen, "taught") as lake:
        run = Run(lake, new_run_id(), as_of, argparse.Namespace(**vars(OPTIONS) | {"trials": 4}))
        ingest(run)
        features.run.run(run, as_of)
        training.dropout.run(run, as_of)
    return chosen, as_of


@pytest.fixture
def learnt(taught: tuple[Settings, date]) -> Learnt:
    """That lake, opened anew since another may have been served meanwhile."""
    chosen, as_of = taught
    return Learnt(Lake.open(chosen), as_of, chosen.lake.parent / "truth")
