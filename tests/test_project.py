"""The project files agree with each other and with the code."""

from __future__ import annotations

import importlib.util
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import yaml

from features.describe import page as features_page
from pipelines.dictionary import dictionary

ROOT = Path(__file__).parent.parent
ENTRY_POINTS = yaml.safe_load((ROOT / "MLproject").read_text())["entry_points"]


def test_conda_yaml_equals_pyproject() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    conda = yaml.safe_load((ROOT / "conda.yaml").read_text())
    pip = next(entry["pip"] for entry in conda["dependencies"] if isinstance(entry, dict))
    assert pip == project["dependencies"]
    python = next(entry for entry in conda["dependencies"] if str(entry).startswith("python"))
    assert python == "python=3.11"
    assert project["requires-python"] == ">=3.11,<3.12"


def test_the_entry_points_are_all_there() -> None:
    named = {
        "main",
        "generate",
        "ingest",
        "features",
        "train_segments",
        "train_dropout",
        "promote",
        "rollback",
        "score",
        "monitor",
    }
    assert named <= set(ENTRY_POINTS)


@pytest.mark.parametrize("name", ENTRY_POINTS)
def test_an_entry_point_runs_a_module_that_is_there(name: str) -> None:
    module = re.match(r"python -m ([\w.]+)", ENTRY_POINTS[name]["command"])
    assert module
    assert importlib.util.find_spec(module[1])


@pytest.mark.parametrize("name", ENTRY_POINTS)
def test_an_entry_point_gives_options_that_the_module_takes(name: str) -> None:
    command = ENTRY_POINTS[name]["command"]
    module = re.match(r"python -m ([\w.]+)", command)
    assert module
    told = subprocess.run(
        [sys.executable, "-m", module[1], "--help"], capture_output=True, text=True, cwd=ROOT, timeout=600
    )
    assert told.returncode == 0, told.stderr
    options = set(re.findall(r"--[a-z-]+", command.split(module[1])[1]))
    assert options <= set(re.findall(r"--[a-z-]+", told.stdout))
    assert set(re.findall(r"\{(\w+)\}", command)) == set(ENTRY_POINTS[name]["parameters"])


def test_no_path_of_a_machine_in_the_project() -> None:
    tracked = subprocess.run(["git", "ls-files"], capture_output=True, text=True, cwd=ROOT, check=True).stdout.split()
    texts = [ROOT / name for name in tracked if Path(name).suffix in {".py", ".md", ".yaml", ".toml", ".j2", ""}]
    found = [str(p) for p in texts if p.is_file() and re.search(r"/(work|root)/\w", p.read_text(errors="ignore"))]
    assert found == []


def test_the_data_dictionary_is_made_from_the_contracts() -> None:
    assert (ROOT / "docs" / "data-dictionary.md").read_text() == dictionary()


def test_the_page_of_features_is_made_from_the_views() -> None:
    assert (ROOT / "docs" / "features.md").read_text() == features_page()
