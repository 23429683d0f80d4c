"""A user's mistakes: one clear sentence, a non-zero exit, an untouched lake."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest

import pipelines.bronze.ingest
import pipelines.loop
import pipelines.silver.run
from data_gen.__main__ import main as generate
from lakehouse.cli import Run
from lakehouse.lake import Lake
from lakehouse.run_ids import new_run_id
from lakehouse.settings import settings
from tests.conftest import OPTIONS


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> Path:
    landing = tmp_path_factory.mktemp("sound") / "landing"
    generate(["--students", "40", "--days", "60", "--out", str(landing)])
    return landing


def no_landing(landing: Path) -> None:
    shutil.rmtree(landing)


def empty_landing(landing: Path) -> None:
    no_landing(landing)
    landing.mkdir()


def table_missing(landing: Path) -> None:
    (landing / "lessons.parquet").unlink()


def no_readable_file(landing: Path) -> None:
    (landing / "messages.parquet").write_text("not Parquet at all")


def no_id(landing: Path) -> None:
    frame = pd.read_parquet(landing / "assessments.parquet").drop(columns="id")
    frame.to_parquet(landing / "assessments.parquet")


def nothing(landing: Path) -> None:
    """Leave the landing folder as it is."""


@pytest.mark.parametrize(
    ("spoil", "options", "said"),
    [
        (no_landing, [], "There is no landing folder"),
        (empty_landing, [], "holds none of the seven tables"),
        (table_missing, [], "lacks lessons (no file)"),
        (no_readable_file, [], "lacks messages (messages.parquet: not a readable Parquet file of 18 bytes"),
        (no_id, [], "lacks assessments (assessments.parquet: it has no column id)"),
        (nothing, ["--as-of", "2020-01-01"], "as_of 2020-01-01 is not after the first event in the log"),
        (nothing, ["--as-of", "soon"], "as_of is 'soon'; give a date as YYYY-MM-DD"),
        (nothing, ["--lake", "/dev/null/lake"], "The lake folder /dev/null/lake cannot be written to"),
    ],
)
def test_a_mistake_is_told_in_a_sentence_and_touches_nothing(
    sound: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch,
    spoil: Callable[[Path], None], options: list[str], said: str,
) -> None:  # fmt: skip
    landing = tmp_path / "landing"
    shutil.copytree(sound, landing)
    spoil(landing)
    arguments = ["--landing", str(landing), "--lake", str(tmp_path / "lake"), *options]
    monkeypatch.setattr(sys, "argv", ["loop", *arguments])
    with pytest.raises(SystemExit) as ended:
        pipelines.loop.main()
    told = capsys.readouterr().err
    assert ended.value.code == 1
    assert told.startswith("error: ")
    assert said in told
    assert "Traceback" not in told
    assert not (tmp_path / "lake").exists()


def test_what_cannot_be_used_is_set_aside_and_the_rest_goes_on(sound: Path, tmp_path: Path) -> None:
    landing = tmp_path / "landing"
    shutil.copytree(sound, landing)
    whole = (landing / "messages.parquet").read_bytes()
    (landing / "messages").mkdir()
    (landing / "messages" / "half.parquet").write_bytes(whole[: len(whole) // 2])
    (landing / "messages" / "text.parquet").write_text("id,content\n1,hello\n")
    attempts = pd.read_parquet(landing / "assessment_attempts.parquet")
    attempts["score"] = attempts["score"].astype(object).map(str)
    attempts.loc[0, "score"] = "very good"
    attempts.to_parquet(landing / "assessment_attempts.parquet")
    with Lake.writing(settings(str(tmp_path / "lake"), str(landing)), "test") as lake:
        for _ in range(2):
            run = Run(lake, new_run_id(), None, OPTIONS)
            pipelines.bronze.ingest.run(run)
            pipelines.silver.run.run(run)
        set_aside = {(r.table_name, r.row_key): r.reason for r in lake.table("ops.quarantine").collect()}
        assert set(set_aside) == {
            ("bronze.messages", "messages/half.parquet"),
            ("bronze.messages", "messages/text.parquet"),
            ("silver.assessment_attempts", str(attempts.loc[0, "id"])),
        }
        assert set_aside["silver.assessment_attempts", str(attempts.loc[0, "id"])] == (
            'score "very good" is not a number from 0 to 100'
        )
        assert lake.table("silver.messages").count() == len(pd.read_parquet(sound / "messages.parquet"))
        assert lake.table("silver.assessment_attempts").count() == len(attempts) - 1
