"""The wheel: every file of the packages is in it, and the one for Databricks leaves Spark to the runtime."""

from __future__ import annotations

import base64
import csv
import hashlib
import os
import re
import subprocess
import tomllib
import zipfile
from pathlib import Path

import pytest
import yaml

from resources.build_wheel import slim
from tests.resources.bundle import ROOT

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
MINUTES = 15
PACKAGES = PROJECT["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Built by the builder that `make setup` left in uv's cache."""
    out = tmp_path_factory.mktemp("wheel")
    command = ["uv", "build", "--quiet", "--offline", "--wheel", "--out-dir", str(out)]
    told = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=600)
    assert told.returncode == 0, told.stderr
    (made,) = out.glob("*.whl")
    return made


def test_a_console_script_for_every_entry_point() -> None:
    """`learner-radar-train-dropout` for `train_dropout`; `learner-radar` is the loop; `govern` is Databricks' alone."""
    entry_points = set(yaml.safe_load((ROOT / "MLproject").read_text())["entry_points"]) - {"main"}
    named = {f"learner-radar-{name.replace('_', '-')}" for name in entry_points}
    assert set(PROJECT["project"]["scripts"]) == named | {"learner-radar", "learner-radar-govern"}


def test_a_console_script_runs_the_module_of_its_entry_point() -> None:
    entry_points = yaml.safe_load((ROOT / "MLproject").read_text())["entry_points"]
    for name, told in entry_points.items():
        script = "learner-radar" if name == "main" else f"learner-radar-{name.replace('_', '-')}"
        module = PROJECT["project"]["scripts"][script].split(":")[0].removesuffix(".__main__")
        asked = re.match(r"python -m ([\w.]+)", told["command"])
        assert asked
        assert module == asked[1]


def test_every_file_of_the_packages_is_in_the_wheel(wheel: Path) -> None:
    tracked = subprocess.run(["git", "ls-files", *PACKAGES], cwd=ROOT, capture_output=True, text=True, check=True)
    files = set(tracked.stdout.split())
    data = {name for name in files if not name.endswith(".py")}
    assert {Path(name).suffix for name in data} >= {".yaml", ".j2", ".css", ".js", ".jinja", ".properties", ".sql"}
    assert files <= set(zipfile.ZipFile(wheel).namelist())


def test_the_wheel_for_databricks_leaves_spark_to_the_runtime(wheel: Path, tmp_path: Path) -> None:
    copy = tmp_path / wheel.name
    copy.write_bytes(wheel.read_bytes())
    before, after = _told(wheel), _told(slim(copy))
    gone = {
        "Requires-Dist: pyspark[connect]==4.2.0",
        "Requires-Dist: delta-spark==4.4.0",
        "Requires-Python: <3.12,>=3.11",
    }
    assert before - after == gone
    assert after - before == {"Requires-Python: >=3.11"}


def test_its_record_is_true(wheel: Path, tmp_path: Path) -> None:
    copy = tmp_path / wheel.name
    copy.write_bytes(wheel.read_bytes())
    archive = zipfile.ZipFile(slim(copy))
    record = next(name for name in archive.namelist() if name.endswith("RECORD"))
    rows = list(csv.reader(archive.read(record).decode().splitlines()))
    assert {row[0] for row in rows} == set(archive.namelist())
    for name, digest, size in rows:
        if name != record:
            content = archive.read(name)
            said = base64.urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b"=").decode()
            assert (digest, size) == (f"sha256={said}", str(len(content)))


@pytest.mark.long
def test_the_loop_runs_from_the_wheel_alone(wheel: Path, tmp_path: Path) -> None:
    """In an empty environment, from a folder that knows nothing of the project: the whole loop on 30 students."""
    _ran("uv", "venv", "--quiet", "--python", "3.11", tmp_path / "venv", where=tmp_path)
    python, scripts = tmp_path / "venv" / "bin" / "python", tmp_path / "venv" / "bin"
    _ran("uv", "pip", "install", "--quiet", "--python", python, wheel, where=tmp_path)
    away = tmp_path / "elsewhere"
    away.mkdir()
    where = _ran(python, "-c", "import lakehouse; print(lakehouse.__file__)", where=away)
    assert Path(where.strip()).is_relative_to(tmp_path / "venv")

    _ran(scripts / "learner-radar-generate", "--out", "landing", "--students", "30", where=away)
    told = _ran(scripts / "learner-radar", "--landing", "landing", "--lake", "lake", where=away)
    print(told)
    page = (away / "lake" / "dashboard" / "index.html").read_text()
    assert "Learner Radar" in page
    again = _ran(scripts / "learner-radar-score", "--lake", "lake", where=away)
    assert "students of" in again


def _ran(*command: str | Path, where: Path) -> str:
    """What a command printed; fails with what it said when it ends badly."""
    foreign = {"PYTHONPATH", "VIRTUAL_ENV"}
    env = {name: value for name, value in os.environ.items() if name not in foreign}
    told = subprocess.run(command, cwd=where, env=env, capture_output=True, text=True, timeout=60 * MINUTES)
    assert told.returncode == 0, told.stdout + told.stderr
    return told.stdout


def _told(wheel: Path) -> set[str]:
    archive = zipfile.ZipFile(wheel)
    metadata = next(name for name in archive.namelist() if name.endswith("METADATA"))
    return {line for line in archive.read(metadata).decode().splitlines() if line.startswith("Requires")}
