"""What the lessons begin with."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from types import SimpleNamespace

import pytest

import lakehouse.notebook
from data_gen.__main__ import main as generate
from lakehouse.contracts import Contract, columns
from lakehouse.errors import RadarError
from lakehouse.lake import Lake
from lakehouse.notebook import here, only_made_up, open_lesson, writing
from lakehouse.ops import FILES
from lakehouse.rows import append_rows
from lakehouse.settings import settings

ROOT = Path(__file__).parents[2]
PRACTICE = Contract("tutorial.words", "Words to practise on.", columns("word | STRING NOT NULL | a word"))


@pytest.fixture(autouse=True)
def nowhere_named(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("LEARNER_RADAR_LAKE", "LEARNER_RADAR_LANDING", "LEARNER_RADAR_CATALOG", "DATABRICKS_RUNTIME_VERSION"):
        monkeypatch.delenv(name, raising=False)


def test_on_a_laptop_the_lessons_have_a_lake_in_the_project_unless_the_environment_names_one(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    assert (here().lake, here().local) == (ROOT / "tutorial" / "lake", True)
    monkeypatch.setenv("LEARNER_RADAR_LAKE", str(tmp_path))
    assert here().lake == tmp_path


def test_on_databricks_they_have_the_current_catalog_and_a_volume_unless_the_environment_names_one(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    session = SimpleNamespace(catalog=SimpleNamespace(currentCatalog=lambda: "workspace"))
    monkeypatch.setattr(lakehouse.notebook, "connect", lambda: session)
    monkeypatch.setenv("DATABRICKS_RUNTIME_VERSION", "17.3")
    assert (here().catalog, here().lake) == ("workspace", Path("/Volumes/workspace/ops/files"))
    assert not here().local
    monkeypatch.setenv("LEARNER_RADAR_CATALOG", "dev")
    assert (here().catalog, here().lake) == ("dev", Path("/Volumes/dev/ops/files"))


def test_a_lesson_says_which_one_comes_before_it(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("LEARNER_RADAR_LAKE", str(tmp_path))
    with pytest.raises(RadarError) as told:
        open_lesson("bronze.messages", after="01_bronze_layer")
    assert told.value._render_traceback_() == [
        "error: This lesson goes on from bronze.messages: run notebooks/01_bronze_layer.ipynb first."
    ]


def test_made_up_students_are_kept_from_a_log_that_no_lesson_made(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("LEARNER_RADAR_LAKE", str(tmp_path / "lake"))
    lake = open_lesson()
    only_made_up(lake)
    landing, truth = lake.settings.landing, lake.settings.lake / "truth"
    generate(["--students", "2", "--days", "28", "--out", str(landing), "--truth", str(truth)])
    only_made_up(lake)
    monkeypatch.setenv("LEARNER_RADAR_LANDING", str(tmp_path / "own"))
    lake = open_lesson()
    for name in ("conversations.parquet", "conversations/arrived=2024-11-04/part.parquet"):
        own = tmp_path / "own" / name
        own.parent.mkdir(parents=True, exist_ok=True)
        own.write_bytes(b"a school's own")
        with pytest.raises(RadarError, match="holds a log that no lesson made") as told:
            only_made_up(lake)
        assert "unset LEARNER_RADAR_LANDING" in str(told.value)
        own.unlink()
    with writing(lake) as run:
        append_rows(run.lake, FILES, [taken_in("messages", "of any file")])
        only_made_up(lake)
        append_rows(run.lake, FILES, [taken_in("conversations", "of a file that is no more")])
    with pytest.raises(RadarError, match="holds a log that no lesson made"):
        only_made_up(lake)


def taken_in(table: str, file_hash: str) -> tuple[object, ...]:
    """A row of ops.files."""
    return (table, f"{table}.parquet", file_hash, 1, 1, None, 1, None, None, datetime(2024, 11, 4), None)


def test_a_table_to_practise_on_is_found_again_and_forgotten_with_its_lake(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("LEARNER_RADAR_LAKE", str(tmp_path / "lake"))
    lake = open_lesson()
    with writing(lake) as run:
        run.lake.recreate(PRACTICE)
    lake.spark.sql("INSERT INTO tutorial.words VALUES ('Dativ')").collect()
    assert not Lake.open(settings(str(tmp_path / "other"))).spark.catalog.tableExists("tutorial.words")
    assert open_lesson("tutorial.words").table("tutorial.words").collect() == [("Dativ",)]
