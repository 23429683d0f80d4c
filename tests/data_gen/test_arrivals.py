from collections import Counter
from datetime import timedelta
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest

from data_gen import arrivals, generate
from data_gen.__main__ import main
from data_gen.arrivals import CHANGED_AT, deliver
from data_gen.behaviour import live
from data_gen.catalogue import draw_lessons
from data_gen.generate import Plan
from data_gen.planted import NOTHING
from data_gen.students import draw_students
from data_gen.tables import activity_tables
from tests.data_gen.conftest import TABLES
from tests.data_gen.delivered import contents, written
from tests.data_gen.test_cli import refused

PLAN = Plan(seed=3, students=90, days=50)


def delivered(root: Path, table: str) -> pd.DataFrame:
    """All rows of a table in order of arrival, with the date in `arrived`."""
    files = sorted((root / "landing" / table).glob("arrived=*/*.parquet"))
    days = [pd.Timestamp(file.parent.name.removeprefix("arrived=")) for file in files]
    return pd.concat(
        [pq.ParquetFile(file).read().to_pandas().assign(arrived=day) for file, day in zip(files, days, strict=True)],
        ignore_index=True,
    )


def newest(rows: pd.DataFrame) -> pd.DataFrame:
    return rows.drop_duplicates("id", keep="last").drop(columns="arrived").sort_values("id", ignore_index=True)


@pytest.fixture(scope="module")
def flat(tmp_path_factory: pytest.TempPathFactory) -> Path:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(generate, "CHUNK", 40)
        return written(generate.generate, PLAN, tmp_path_factory.mktemp("flat"))


@pytest.fixture(scope="module")
def daily(tmp_path_factory: pytest.TempPathFactory) -> Path:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(generate, "CHUNK", 40)
        return written(deliver, PLAN, tmp_path_factory.mktemp("daily"))


@pytest.mark.parametrize("table", TABLES)
def test_the_newest_versions_are_the_flat_table(table: str, flat: Path, daily: Path) -> None:
    one_load = pd.read_parquet(flat / "landing" / f"{table}.parquet").sort_values("id", ignore_index=True)
    pd.testing.assert_frame_equal(newest(delivered(daily, table)), one_load)


@pytest.mark.parametrize("table", TABLES)
def test_every_file_has_the_flat_schema_and_some_rows(table: str, flat: Path, daily: Path) -> None:
    schema = pq.read_schema(flat / "landing" / f"{table}.parquet")
    files = list((daily / "landing" / table).rglob("*.parquet"))
    assert all(pq.ParquetFile(file).schema_arrow == schema for file in files)
    assert all(pq.read_metadata(file).num_rows > 0 for file in files)
    assert {file.name for file in files} <= {"part-0.parquet", "part-1.parquet", "part-2.parquet"}


@pytest.mark.parametrize("table", CHANGED_AT)
def test_a_version_arrives_on_the_day_of_its_change(table: str, daily: Path) -> None:
    rows = delivered(daily, table)
    assert (pd.to_datetime(rows[CHANGED_AT[table]]).dt.normalize() == rows["arrived"]).all()
    assert not rows.duplicated(["id", "arrived"]).any()
    assert not rows.drop(columns="arrived").duplicated().any()
    moments = [column for column in rows if column.endswith("_at")]
    latest = rows[moments].apply(pd.to_datetime).max(axis=1)
    assert (latest < rows["arrived"] + pd.Timedelta(days=1)).all()


@pytest.mark.parametrize("table", ["lessons", "assessments"])
def test_the_catalogues_arrive_on_the_first_day(table: str, daily: Path) -> None:
    assert set(delivered(daily, table)["arrived"]) == {pd.Timestamp(PLAN.first_date)}


@pytest.mark.parametrize("days", [1, 9, 33])
def test_lesson_progress_stands_as_it_stood_that_evening(days: int, daily: Path) -> None:
    """The first chunk, let live for some days only, is where its deliveries of these days have led."""
    lessons = draw_lessons(np.random.default_rng([PLAN.seed, 0]))
    rng = np.random.default_rng([PLAN.seed, 1])
    students = draw_students(40, PLAN.days, rng)
    history = live(students, lessons, PLAN.first_date, days, rng, NOTHING)
    then = activity_tables(history, 1, Counter(), rng)["lesson_progress"].to_pandas().drop(columns="id")
    rows = delivered(daily, "lesson_progress")
    until = rows["arrived"] < pd.Timestamp(PLAN.first_date + timedelta(days=days))
    now = newest(rows[until & (rows["user_id"] <= 40)]).drop(columns="id")
    key = ["user_id", "lesson_id"]
    pd.testing.assert_frame_equal(
        now.sort_values(key, ignore_index=True), then.sort_values(key, ignore_index=True), check_dtype=False
    )


def test_lesson_progress_has_a_history(daily: Path) -> None:
    rows = delivered(daily, "lesson_progress")
    ways = rows.groupby("id")["status"].agg(list)
    assert any(way[:1] == ["not_started"] and way[-1] == "completed" for way in ways)
    assert any(way.count("in_progress") > 1 for way in ways)
    unfinished = rows[rows["status"] != "completed"]
    assert unfinished[["completed_at", "mastery_score"]].isna().all(axis=None)


def test_each_level_is_that_of_the_evening(daily: Path) -> None:
    key = ["user_id", "language", "arrived"]
    taken = delivered(daily, "assessment_attempts")
    levels = delivered(daily, "user_levels")
    assessed = levels.merge(taken.groupby(key, as_index=False).last(), on=key, how="left", suffixes=("", "_attempt"))
    by_attempt = assessed["recommended_level"].notna()
    assert by_attempt.sum() == len(taken.drop_duplicates(key))
    assert (assessed["cefr_level"] == assessed["recommended_level"])[by_attempt].all()
    assert (assessed["assessed_at"] == assessed["completed_at"])[by_attempt].all()
    placed = assessed[~by_attempt]
    assert 0 < len(placed) == placed["id"].nunique()
    assert (placed["arrived"] == levels.groupby("id")["arrived"].min()[placed["id"]].to_numpy()).all()


def test_same_seed_same_bytes_and_the_same_truth(tmp_path: Path, flat: Path) -> None:
    plan = Plan(seed=5, students=20, days=30)
    once, again = (contents(written(deliver, plan, tmp_path / name)) for name in ("once", "again"))
    assert once == again
    one_load = contents(written(generate.generate, plan, tmp_path / "flat"))
    hidden = ("truth/students.parquet", "truth/hazard.parquet")
    assert {name: once[name] for name in hidden} == {name: one_load[name] for name in hidden}


def test_a_single_student_may_lack_a_table(tmp_path: Path) -> None:
    for seed in range(3):
        root = written(deliver, Plan(seed, students=1, days=28), tmp_path / str(seed))
        assert len(delivered(root, "conversations"))


def test_the_command_line_delivers_daily(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["--students", "5", "--days", "28", "--arrivals", "daily", "--out", str(tmp_path / "landing")]
    assert main(arguments) == 0
    told = {
        line.split()[0]: int(line.split()[1].replace(",", "")) for line in capsys.readouterr().out.splitlines()[2:9]
    }
    assert told == {table: len(delivered(tmp_path, table)) for table in TABLES}
    assert {path.name for path in (tmp_path / "landing").iterdir()} == set(TABLES)


def test_another_rhythm_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    said = refused(["--arrivals", "weekly", "--out", str(tmp_path / "landing")], capsys)
    assert "argument --arrivals: invalid choice: 'weekly'" in said
    assert not (tmp_path / "landing").exists()


def test_a_failure_half_way_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError("No space left on device")

    monkeypatch.setattr(arrivals, "activity_tables", full)
    said = refused(["--students", "2", "--arrivals", "daily", "--out", str(tmp_path / "landing")], capsys)
    assert "No space left on device" in said
    assert list((tmp_path / "landing").iterdir()) == []
    assert list((tmp_path / "truth").iterdir()) == []
