from pathlib import Path

import pandas as pd
import pytest

from data_gen import generate
from data_gen.__main__ import main


def contents(root: Path) -> dict[str, bytes]:
    return {str(file.relative_to(root)): file.read_bytes() for file in root.rglob("*.parquet")}


def written(root: Path, *arguments: str) -> dict[str, bytes]:
    main([*arguments, "--out", str(root / "landing")])
    return contents(root)


def test_same_seed_same_bytes(tmp_path: Path, generated: Path) -> None:
    again = written(tmp_path)
    assert len(again) == 9
    assert again == contents(generated)


def test_another_seed_another_log(tmp_path: Path, generated: Path) -> None:
    other, default = written(tmp_path, "--seed", "43"), contents(generated)
    same = {name for name in default if other[name] == default[name]}
    assert same == {"landing/lessons.parquet", "landing/assessments.parquet"}


def test_chunks_share_the_catalogue_and_never_an_id(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(generate, "CHUNK", 7)
    files = written(tmp_path, "--students", "20", "--days", "60")
    tables = {name: pd.read_parquet(tmp_path / name) for name in files}
    for name, table in tables.items():
        if name.startswith("landing"):
            assert sorted(table["id"]) == list(range(1, len(table) + 1)), name
    students = tables["truth/students.parquet"]
    assert list(students["user_id"]) == list(range(1, 21))
    assert students["ability"].is_unique
    messages = tables["landing/messages.parquet"]
    assert set(messages["conversation_id"]) == set(tables["landing/conversations.parquet"]["id"])
