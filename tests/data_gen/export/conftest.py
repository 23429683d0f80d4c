from __future__ import annotations

from pathlib import Path

import pytest

from data_gen.__main__ import main
from tests.data_gen.export.app import ROWS, SCHEMA, Run, change


@pytest.fixture
def db(tmp_path: Path) -> Path:
    """An app's file, in a folder of its own."""
    (tmp_path / "app").mkdir()
    path = tmp_path / "app" / "babblr.db"
    change(path, SCHEMA + ROWS)
    return path


@pytest.fixture
def out(tmp_path: Path) -> Path:
    return tmp_path / "landing"


@pytest.fixture
def run(db: Path, out: Path, capsys: pytest.CaptureFixture[str]) -> Run:
    """Exports and returns what is said; user 7, no arrival date and `db` unless told otherwise."""

    def export(*more: str, user: str = "7", source: Path = db) -> str:
        assert main(["export", "--db", str(source), "--user-id", user, "--out", str(out), *more]) == 0
        return capsys.readouterr().out

    return export
