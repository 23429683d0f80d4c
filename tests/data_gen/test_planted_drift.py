"""Planted drift changes what it says, from its day on, and nothing before."""

from datetime import date
from pathlib import Path

import pandas as pd
import pytest

from data_gen.__main__ import main
from data_gen.arrivals import deliver
from data_gen.generate import Plan
from data_gen.planted import Planted
from tests.data_gen.delivered import planted, written
from tests.data_gen.test_cli import refused

SINCE = pd.Timestamp("2024-12-01")
PLAN = ["--students", "200", "--days", "90", "--seed", "5"]


def landed(folder: Path, kind: str) -> dict[str, pd.DataFrame]:
    main([*PLAN, *planted(kind, SINCE.date()), "--out", str(folder / kind / "landing")])
    found = {}
    for table in ("conversations", "messages", "lesson_progress"):
        frame = pd.read_parquet(folder / kind / "landing" / f"{table}.parquet")
        found[table] = frame.assign(at=pd.to_datetime(frame.get("created_at", frame.get("started_at"))))
    return found


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, pd.DataFrame]]:
    folder = tmp_path_factory.mktemp("planted")
    return {kind: landed(folder, kind) for kind in ("none", "error_rate", "silent_client", "exodus", "new_language")}


@pytest.mark.parametrize("kind", ["error_rate", "silent_client", "exodus", "new_language"])
def test_nothing_is_another_before_its_day(kind: str, made: dict[str, dict[str, pd.DataFrame]]) -> None:
    """But the words, which are drawn once all is lived."""
    columns = ["id", "user_id", "created_at", "language", "difficulty_level", "topic_id"]
    before, plain = (made[of]["conversations"].query("at < @SINCE")[columns] for of in (kind, "none"))
    assert before.to_numpy().tolist() == plain.to_numpy().tolist()


def error_rates(tables: dict[str, pd.DataFrame]) -> pd.Series:
    talks = tables["conversations"].set_index("id")["language"]
    said = tables["messages"].query("role == 'user' and at >= @SINCE")
    return said["corrections"].notna().groupby(said["conversation_id"].map(talks)).mean()


def test_mistakes_double_in_one_language(made: dict[str, dict[str, pd.DataFrame]]) -> None:
    ratio = error_rates(made["error_rate"]) / error_rates(made["none"])
    assert 1.6 < ratio.pop("french") < 2.4
    assert ratio.between(0.6, 1.5).all()


def test_every_other_client_falls_silent_while_conversations_go_on(made: dict[str, dict[str, pd.DataFrame]]) -> None:
    silent, plain = made["silent_client"], made["none"]
    pd.testing.assert_frame_equal(silent["conversations"], plain["conversations"])
    talks = silent["conversations"].query("at >= @SINCE")
    heard = talks["id"].isin(silent["messages"]["conversation_id"])
    assert (heard == (talks["user_id"] % 2 == 1)).all()


def test_half_of_the_students_are_gone(made: dict[str, dict[str, pd.DataFrame]]) -> None:
    left, plain = (
        made[kind]["conversations"].query("at >= @SINCE")["user_id"].nunique() for kind in ("exodus", "none")
    )
    assert 0.4 < left / plain < 0.62


def test_some_talk_in_a_new_language_and_change_nothing_else(made: dict[str, dict[str, pd.DataFrame]]) -> None:
    talks, plain = made["new_language"]["conversations"], made["none"]["conversations"]
    new = (talks["at"] >= SINCE) & (talks["user_id"] % 8 == 0)
    assert new.any()
    assert (talks["language"] == "dutch").equals(new)
    pd.testing.assert_frame_equal(talks.drop(columns="language"), plain.drop(columns="language"))


def test_daily_deliveries_hold_it_too(tmp_path: Path) -> None:
    root = written(deliver, Plan(5, 60, 40, Planted("new_language", date(2024, 12, 15))), tmp_path)
    languages = {
        folder.name: set(pd.read_parquet(folder / "part-0.parquet")["language"])
        for folder in (root / "landing" / "conversations").iterdir()
    }
    assert min(day for day, spoken in languages.items() if "dutch" in spoken) >= "arrived=2024-12-15"


def test_a_day_outside_the_log_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    said = refused(["--days", "90", "--drift", "exodus", "--drift-from", "2024-01-01", "--out", str(tmp_path)], capsys)
    assert "--drift-from is 2024-01-01: choose a day from 2024-10-04 to 2024-12-31" in said
    said = refused(["--drift-from", "2024-12-20", "--out", str(tmp_path)], capsys)
    assert "--drift-from tells when a drift begins: add --drift, one of error_rate, silent_client" in said


def test_ids_stay_apart_where_messages_are_lost(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("data_gen.generate.CHUNK", 40)
    found = landed(tmp_path, "silent_client")
    for table, rows in found.items():
        assert rows["id"].is_unique, table


def test_the_shortest_log_has_its_drift_too(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["--students", "200", "--days", "28", "--drift", "exodus", "--out"]
    assert main([*arguments, str(tmp_path / "landing")]) == 0
    assert "drift exodus from 2024-12-05 on" in capsys.readouterr().out
    left = pd.read_parquet(tmp_path / "truth" / "students.parquet")["left_on"]
    assert (pd.to_datetime(left) == pd.Timestamp("2024-12-05")).sum() > 20
