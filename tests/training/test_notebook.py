"""The notebook for experiments, top to bottom, on a lake with a model."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

from lakehouse.registry import challenger, versions
from tests.training.conftest import Learnt

pytestmark = pytest.mark.long

ROOT = Path(__file__).parents[2]


def test_the_notebook_runs_and_its_model_waits_for_promotion(
    learnt: Learnt, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LEARNER_RADAR_LAKE", str(learnt.lake.settings.lake))
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")]))
    shutil.copy(ROOT / "notebooks" / "experiment.ipynb", tmp_path)
    notebook = nbformat.read(tmp_path / "experiment.ipynb", as_version=4)
    before = len(versions(learnt.lake, "dropout"))
    NotebookClient(notebook, timeout=900, resources={"metadata": {"path": str(tmp_path)}}).execute()
    waiting = challenger(learnt.lake, "dropout")
    assert waiting is not None
    assert (waiting.kind, len(versions(learnt.lake, "dropout"))) == ("binned_logistic", before + 1)
    printed = "".join(out.get("text", "") for cell in notebook.cells for out in cell.get("outputs", []))
    assert "kept   features_available" in printed
    assert "kept   test_window_unseen" in printed
    assert "could not be answered" not in printed
