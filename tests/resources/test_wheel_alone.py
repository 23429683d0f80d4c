"""The wheel in an empty environment, from a folder that knows nothing of the project: the whole loop on 30 students."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent
MINUTES = 15


def ran(*command: str | Path, where: Path) -> str:
    """What a command printed; fails with what it said when it ends badly."""
    foreign = {"PYTHONPATH", "VIRTUAL_ENV"}
    env = {name: value for name, value in os.environ.items() if name not in foreign}
    told = subprocess.run(command, cwd=where, env=env, capture_output=True, text=True, timeout=60 * MINUTES)
    assert told.returncode == 0, told.stdout + told.stderr
    return told.stdout


@pytest.mark.long
def test_the_loop_runs_from_the_wheel_alone(tmp_path: Path) -> None:
    ran("uv", "build", "--quiet", "--wheel", "--out-dir", tmp_path / "dist", where=ROOT)
    (wheel,) = (tmp_path / "dist").glob("*.whl")
    ran("uv", "venv", "--quiet", "--python", "3.11", tmp_path / "venv", where=tmp_path)
    python, scripts = tmp_path / "venv" / "bin" / "python", tmp_path / "venv" / "bin"
    ran("uv", "pip", "install", "--quiet", "--python", python, wheel, where=tmp_path)
    away = tmp_path / "elsewhere"
    away.mkdir()
    where = ran(python, "-c", "import lakehouse; print(lakehouse.__file__)", where=away)
    assert Path(where.strip()).is_relative_to(tmp_path / "venv")

    ran(scripts / "learner-radar-generate", "--out", "landing", "--students", "30", where=away)
    told = ran(scripts / "learner-radar", "--landing", "landing", "--lake", "lake", where=away)
    print(told)
    page = (away / "lake" / "dashboard" / "index.html").read_text()
    assert "Learner Radar" in page
    again = ran(scripts / "learner-radar-score", "--lake", "lake", where=away)
    assert "students of" in again
