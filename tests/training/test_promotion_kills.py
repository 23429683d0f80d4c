"""A promotion killed between the ledger and the alias, and two at once: ledger and alias agree afterwards."""

from __future__ import annotations

import shutil
import signal
import subprocess
import sys
from datetime import date
from pathlib import Path

import pytest

from lakehouse.lake import Lake
from lakehouse.ledger import champion, decisions, holders
from lakehouse.registry import model_name, use_mlflow
from lakehouse.settings import Settings, settings
from tests.lakes import ROOT

DAY = date(2024, 6, 3)
PROMOTE = """
import os, signal, sys
from datetime import date
from lakehouse import ledger
from lakehouse.lake import Lake
from lakehouse.settings import settings

def die(*_): os.kill(os.getpid(), signal.SIGKILL)

folder, number, when = sys.argv[1:]
point = ledger.point_alias
if when == "before":
    ledger.point_alias = die
if when == "after":
    ledger.point_alias = lambda *given: (point(*given), die())
with Lake.writing(settings(folder), f"promotion-{number}", 120) as lake:
    ledger.champion(lake, "dropout")
    ledger.move_alias(lake, "dropout", number, date(2024, 6, 3), "better")
"""


@pytest.fixture
def models(tmp_path: Path, empty_store: Path) -> Settings:
    """A lake with three versions of a model, the first of them champion."""
    chosen = settings(str(tmp_path / "lake"))
    with Lake.writing(chosen, "test") as lake:
        shutil.copy(empty_store, chosen.lake / "mlflow.db")
        use_mlflow(chosen)
        from mlflow import MlflowClient

        from lakehouse.ledger import move_alias

        client, name = MlflowClient(), model_name(chosen, "dropout")
        client.create_registered_model(name)
        for kind in ("recency_rule", "logistic", "gradient_boosting"):
            client.create_model_version(name, source=str(chosen.lake), tags={"kind": kind})
        move_alias(lake, "dropout", "1", DAY, "first model")
    return chosen


def started(chosen: Settings, number: str, when: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", PROMOTE, str(chosen.lake), number, when]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, cwd=ROOT)


@pytest.mark.parametrize("when", ["before", "after"])
def test_a_kill_around_the_alias_is_finished_by_the_next_start(models: Settings, when: str) -> None:
    killed = started(models, "2", when)
    told, _ = killed.communicate(timeout=900)
    assert killed.returncode == -signal.SIGKILL, told
    with Lake.writing(models, "next", 60) as lake:
        assert [found.applied for found in decisions(lake, "dropout")] == [True, False]
        held = champion(lake, "dropout")
        assert held is not None
        assert held.version == "2"
        assert [(found.version, found.applied) for found in decisions(lake, "dropout")] == [("1", True), ("2", True)]
        assert holders(lake, "dropout") == ["1", "2"]


def test_two_promotions_at_once_are_one_after_the_other(models: Settings) -> None:
    both = [started(models, number, "") for number in ("2", "3")]
    told = [process.communicate(timeout=900)[0] for process in both]
    assert [process.returncode for process in both] == [0, 0], told
    lake = Lake.open(models)
    line = decisions(lake, "dropout")
    assert {found.version for found in line} == {"1", "2", "3"}
    assert all(found.applied for found in line)
    assert [found.previous for found in line] == [None, *[found.version for found in line[:-1]]]
    held = champion(lake, "dropout")
    assert held is not None
    assert held.version == line[-1].version
