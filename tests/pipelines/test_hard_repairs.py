"""Erasures and restores where records went from one student to another, files came twice, and runs were killed."""

from __future__ import annotations

import argparse
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import pipelines.bronze.ingest
import pipelines.forget.run
import pipelines.quarantine
import pipelines.repair
import pipelines.silver.received
import pipelines.silver.run
from lakehouse.cli import Run
from lakehouse.errors import GateFailed, RadarError
from lakehouse.lake import Lake
from lakehouse.run_ids import new_run_id
from lakehouse.settings import Settings, settings
from lakehouse.upkeep import let_go_of_all_but_the_newest
from pipelines.silver import typed
from pipelines.silver.balance import MOST_REFUSED
from pipelines.silver.version_tables import VERSIONS
from tests.lakes import assert_same, contents, take_in
from tests.pipelines.test_repair import ran

pytestmark = pytest.mark.long

STRANGE = {"difficulty_level": "native"}
MONDAY, TUESDAY, WEDNESDAY = "2024-11-04", "2024-11-05", "2024-11-06"


def deliver(chosen: Settings, table: str, arrived: str, *rows: dict[str, object], part: str = "part") -> None:
    path = chosen.landing / table / f"arrived={arrived}" / f"{part}.parquet"
    path.parent.mkdir(parents=True, exist_ok=True)
    pd.DataFrame(list(rows)).to_parquet(path, index=False)


def talk(key: str, user: str, owner: str = "user_id") -> dict[str, object]:
    at = f"{MONDAY}T10:00:00"
    return {
        "id": key, owner: user, "language": "spanish", "difficulty_level": "A1", "topic_id": "travel",
        "created_at": at, "updated_at": at,
    }  # fmt: skip


def said(key: str, conversation: str) -> dict[str, object]:
    at = f"{MONDAY}T10:05:00"
    return {"id": key, "conversation_id": conversation, "role": "user", "content": f"hola {key}", "created_at": at}


def progress(key: str, user: str) -> dict[str, object]:
    return {
        "id": key, "user_id": user, "lesson_id": "l1", "language": "spanish", "status": "in_progress",
        "completion_percentage": 50, "started_at": f"{MONDAY}T11:00:00", "last_accessed_at": f"{MONDAY}T11:00:00",
    }  # fmt: skip


def level(user: str, cefr: str) -> dict[str, object]:
    at = f"{MONDAY}T12:00:00"
    return {
        "id": f"v{user}", "user_id": user, "language": "spanish", "cefr_level": cefr, "assessed_at": at,
        "created_at": at, "updated_at": at,
    }  # fmt: skip


@pytest.fixture
def chosen(tmp_path: Path) -> Settings:
    return settings(str(tmp_path / "lake"), str(tmp_path / "landing"))


def test_what_became_another_students_stays_with_them_and_is_in_no_old_version_the_students(
    chosen: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    lesson = {"id": "l1", "language": "spanish", "difficulty_level": "A1", "title": "Hola"}
    deliver(chosen, "lessons", MONDAY, lesson | {"lesson_type": "grammar", "created_at": f"{MONDAY}T00:00:00"})
    deliver(chosen, "conversations", MONDAY, talk("c1", "anna"), talk("c2", "anna"), talk("c3", "ben"))
    deliver(chosen, "messages", MONDAY, said("m1", "c1"), said("m2", "c2"), said("m3", "c3"), said("m4", "c3"))
    deliver(chosen, "lesson_progress", MONDAY, progress("p1", "anna"), progress("p2", "ben"))
    take_in(chosen)
    deliver(chosen, "conversations", TUESDAY, talk("c1", "ben"))
    deliver(chosen, "conversations", TUESDAY, talk("c4", "anna", owner="userId"), part="renamed")
    deliver(chosen, "lesson_progress", TUESDAY, progress("p1", "ben"), progress("p2", "anna"))
    deliver(chosen, "messages", TUESDAY, said("m4", "c2"))
    take_in(chosen)
    assert held(Lake.open(chosen), "silver.messages", "message_id") == ["m1", "m2", "m3", "m4"]
    lake = ran(chosen, pipelines.forget.run.run, student_id="anna")
    told = capsys.readouterr().out
    for unsearched in (
        "conversations/arrived=2024-11-05/renamed.parquet, which has no column user_id",
        "bronze.conversations: 1 row without user_id and with other columns",
    ):
        assert f"could not be searched: {unsearched}" in told
    (logged,) = [row.message for row in lake.table("ops.runs").where("step = 'forget'").collect()]
    assert "renamed" not in logged, "a file may be called after its student"
    for path in [*chosen.landing.rglob("*.parquet"), *chosen.lake.rglob("*.parquet")]:
        assert not names_anna(path), path
    assert held(lake, "silver.conversations", "conversation_id") == held(lake, "silver.messages", "conversation_id")
    take_in(chosen)
    assert held(lake, "silver.messages", "message_id") == ["m1", "m3", "m4"], "m4 is in his conversation again"
    assert held(lake, "bronze.conversations", "id") == ["c1", "c3", "c4"]
    assert held(lake, "silver.lesson_progress", "progress_id") == ["p1", "p2"], "what was hers is his again"
    assert {row.student_id for row in lake.table("silver.learning_events").collect()} == {"ben"}
    standing = contents(chosen)
    ran(chosen, pipelines.repair.rebuild_silver)
    assert contents(chosen) == standing


def names_anna(path: Path) -> bool:
    """Whether a file has rows of hers; the one whose column has another name was said to be searched by nobody."""
    try:
        frame = pq.ParquetFile(path).read().to_pandas()
    except (OSError, pa.ArrowException):
        return False
    mine = [column for column in ("user_id", "student_id") if column in frame]
    return any(frame[column].eq("anna").any() for column in mine)


def held(lake: Lake, table: str, column: str) -> list[str]:
    return sorted(row[0] for row in lake.table(table).select(column).distinct().collect())


def waiting(lake: Lake) -> set[str]:
    """The keys of what waits in quarantine."""
    return {row.row_key for row in lake.table("ops.quarantine").where("released_at IS NULL").collect()}


def test_a_restored_bronze_table_takes_in_again_a_file_whose_content_came_before(chosen: Settings) -> None:
    """Wednesday's level is Monday's again, to the byte: by the hash alone it would stay Tuesday's."""
    deliver(chosen, "conversations", MONDAY, talk("c1", "anna"))
    for day, cefr in ((MONDAY, "A1"), (TUESDAY, "B1"), (WEDNESDAY, "A1")):
        deliver(chosen, "user_levels", day, level("anna", cefr))
        take_in(chosen)
    before = contents(chosen)
    lake = ran(chosen, pipelines.repair.restore, table="bronze.user_levels", version="2")
    assert lake.table("bronze.user_levels").count() == 2
    take_in(chosen)
    assert contents(chosen) == before


def test_a_restored_bronze_table_takes_in_again_files_without_a_date_as_old_as_they_were(chosen: Settings) -> None:
    """Of two versions of a level the one that came later wins, though its file is named first."""
    deliver(chosen, "conversations", MONDAY, talk("c1", "anna"))
    (chosen.landing / "user_levels").mkdir()
    for name, cefr in (("b", "A1"), ("a", "B1")):
        pd.DataFrame([level("anna", cefr)]).to_parquet(chosen.landing / "user_levels" / f"{name}.parquet", index=False)
        take_in(chosen)
    before, ledger = contents(chosen), taken_in_at(chosen)
    ran(chosen, pipelines.repair.restore, table="bronze.user_levels", version="0")
    take_in(chosen)
    assert contents(chosen) == before
    assert taken_in_at(chosen) == ledger


def taken_in_at(chosen: Settings) -> dict[str, datetime]:
    """By file, when it was taken in by the account of the ledger."""
    return {row.source_file: row.taken_in_at for row in Lake.open(chosen).table("ops.files").collect()}


def test_rows_that_a_restored_bronze_table_lacks_wait_for_nothing(chosen: Settings) -> None:
    """A file that was taken in by mistake, with rows that no rule lets pass."""
    deliver(
        chosen, "conversations", MONDAY, talk("c1", "anna"), talk("c2", "ben") | {"difficulty_level": "mother tongue"}
    )
    take_in(chosen)
    before = contents(chosen)
    deliver(chosen, "conversations", TUESDAY, talk("c3", "anna") | {"difficulty_level": "native"})
    take_in(chosen)
    waiting = Lake.open(chosen).table("ops.quarantine").where("released_at IS NULL")
    assert waiting.count() == 2
    (chosen.landing / "conversations" / f"arrived={TUESDAY}" / "part.parquet").unlink()
    ran(chosen, pipelines.repair.restore, table="bronze.conversations", version="1")
    take_in(chosen)
    assert contents(chosen) == before
    assert [row.row_key for row in waiting.collect()] == ["c2"]


@pytest.mark.parametrize(("table", "done"), [("bronze", False), ("bronze", True), ("silver", True)])
def test_a_restore_that_was_killed_is_made_good_by_the_next_ingest(
    chosen: Settings, monkeypatch: pytest.MonkeyPatch, table: str, done: bool
) -> None:
    deliver(chosen, "conversations", MONDAY, talk("c1", "anna"), talk("c2", "ben"))
    take_in(chosen)
    ran(chosen, pipelines.forget.run.run, student_id="anna")
    take_in(chosen)
    before = made_from_versions(chosen)

    @contextmanager
    def killed_at_the_second(*_: object) -> Iterator[None]:
        second = bool(calls)
        calls.append(1)
        if second and not done:
            raise KeyboardInterrupt
        yield
        if second:
            raise KeyboardInterrupt

    calls: list[int] = []
    with monkeypatch.context() as once:
        once.setattr(pipelines.repair, "_told_when_gone", killed_at_the_second)
        with pytest.raises(KeyboardInterrupt):
            ran(chosen, pipelines.repair.restore, table=f"{table}.conversations", version="0")
    assert Lake.open(chosen).table(f"{table}.conversations").isEmpty() == done
    for _ in range(2):
        take_in(chosen)
        assert made_from_versions(chosen) == before
        assert [row.id for row in Lake.open(chosen).table("bronze.conversations").collect()] == ["c2"]


def made_from_versions(chosen: Settings) -> dict[str, Counter[str]]:
    """Silver but for the version tables, which tell the content of files too: an erasure wrote those anew."""
    return {name: rows for name, rows in contents(chosen, ("silver",)).items() if not name.endswith("_versions")}


def test_an_erasure_after_an_ingest_that_was_killed_doubles_nothing(
    chosen: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The ingest is killed when bronze holds the rows and the ledger does not say so."""
    deliver(chosen, "conversations", MONDAY, talk("c1", "anna"), talk("c2", "ben"))
    with monkeypatch.context() as once:
        once.setattr(pipelines.bronze.ingest, "_note", killed)
        with pytest.raises(KeyboardInterrupt):
            take_in(chosen)
    lake = ran(chosen, pipelines.forget.run.run, student_id="anna")
    take_in(chosen)
    assert sorted(row.id for row in lake.table("bronze.conversations").collect()) == ["c2"]
    assert held(lake, "silver.conversations", "conversation_id") == ["c2"]
    with pytest.raises(RadarError, match="No row of that student was found"):
        ran(chosen, pipelines.forget.run.run, student_id="anna")


def test_what_a_mended_rule_releases_stays_where_it_was_received(
    chosen: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A conversation was refused on Monday and sound on Tuesday; the same level was refused on both days."""
    deliver(chosen, "conversations", MONDAY, talk("c1", "anna") | {"difficulty_level": "native"}, talk("c2", "anna"))
    deliver(chosen, "user_levels", MONDAY, level("anna", "native"))
    take_in(chosen)
    deliver(chosen, "conversations", TUESDAY, talk("c1", "anna"))
    deliver(chosen, "user_levels", TUESDAY, level("anna", "native"))
    take_in(chosen)
    monkeypatch.setitem(typed.LEGACY_LEVELS, "NATIVE", "C2")
    lake = ran(chosen, pipelines.quarantine.replay, table="", reason="")
    assert lake.table("ops.quarantine").where("released_at IS NULL").isEmpty()
    assert {row.cefr_level for row in lake.table("silver.conversations").collect()} == {"A1"}
    assert [row.cefr_level for row in lake.table("silver.student_levels").collect()] == ["C2"]
    standing = contents(chosen)
    ran(chosen, pipelines.repair.rebuild_silver)
    assert contents(chosen) == standing


def test_a_replay_tries_what_it_is_asked_to(chosen: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two rules were mended; the rows of one table, or of one reason, are tried first."""
    foreign = talk("c2", "anna") | {"language": "n3wspeak"}
    deliver(chosen, "conversations", MONDAY, talk("c1", "anna") | STRANGE, foreign, talk("c3", "anna"))
    deliver(chosen, "user_levels", MONDAY, level("anna", "native"))
    take_in(chosen)
    monkeypatch.setitem(typed.LEGACY_LEVELS, "NATIVE", "C2")
    monkeypatch.setitem(typed.LANGUAGE_CODES, "n3wspeak", "english")
    for table, reason, freed in (("silver.student_levels", "", {"vanna"}), ("", "language", {"c2"}), ("", "", {"c1"})):
        waited = waiting(Lake.open(chosen))
        assert waited - waiting(ran(chosen, pipelines.quarantine.replay, table=table, reason=reason)) == freed


def test_a_level_that_comes_late_leaves_none_that_was_released_to_be_known_after_it(
    chosen: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Monday's level is released on Wednesday; Tuesday's of the same moment comes after that, and was known before."""
    deliver(chosen, "conversations", MONDAY, talk("c1", "anna"))
    deliver(chosen, "user_levels", MONDAY, level("anna", "native"))
    take_in(chosen)
    deliver(chosen, "conversations", WEDNESDAY, talk("c2", "anna"))
    take_in(chosen)
    monkeypatch.setitem(typed.LEGACY_LEVELS, "NATIVE", "C2")
    lake = ran(chosen, pipelines.quarantine.replay, table="", reason="")
    assert [row.cefr_level for row in lake.table("silver.student_levels").collect()] == ["C2"]
    deliver(chosen, "user_levels", TUESDAY, level("anna", "B1"))
    take_in(chosen)
    (row,) = Lake.open(chosen).table("silver.student_levels").collect()
    assert (row.cefr_level, str(row.known_at)) == ("B1", f"{WEDNESDAY} 00:00:00")
    standing = contents(chosen)
    ran(chosen, pipelines.repair.rebuild_silver)
    assert contents(chosen) == standing


def killed(*_: object) -> None:
    raise KeyboardInterrupt


def said_of_silver(chosen: Settings) -> str:
    """The message of the newest silver step."""
    told = Lake.open(chosen).table("ops.runs").where("step = 'silver'").orderBy("ended_at").collect()
    return str(told[-1].message)


def by_other_code(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the next runs be of another release."""
    for module in (pipelines.silver.run, pipelines.silver.received):
        monkeypatch.setattr(module, "code_hash", lambda _: "another")


def test_silver_is_made_whole_where_upkeep_let_go_of_what_it_had_not_seen(
    chosen: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A gate refused the batch, and a week went by: the change feed of the version table has lost its files."""
    deliver(chosen, "conversations", MONDAY, *[talk(f"m{n}", "anna") for n in range(400)])
    take_in(chosen)
    talks = [talk(f"c{n}", "ben") | (STRANGE if n % 10 == 0 else {}) for n in range(300)]
    deliver(chosen, "conversations", TUESDAY, *talks)
    with pytest.raises(GateFailed, match="most_refused=1"):
        take_in(chosen, MOST_REFUSED)
    with Lake.writing(chosen, "upkeep") as lake:
        table = VERSIONS["conversations"].name
        lake.spark.sql(f"OPTIMIZE {lake.name(table)}").collect()
        let_go_of_all_but_the_newest(lake, table)
    with pytest.raises(GateFailed, match=r"refused_share=0\.1,"):
        take_in(chosen, MOST_REFUSED)
    by_other_code(monkeypatch)
    take_in(chosen)
    assert "silver made whole" in said_of_silver(chosen)
    assert "what came since the last batch can no more be told: [" in said_of_silver(chosen)
    assert "earlier code" in said_of_silver(chosen), "it typed the rows"
    other = settings(str(chosen.lake.with_name("other")), str(chosen.landing))
    take_in(other)
    assert_same(chosen, other)
    assert Lake.open(chosen).table("silver.conversations").count() == 670


def test_rows_that_were_accepted_as_refused_are_not_judged_again(
    chosen: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Silver made whole takes them as they are, and refuses what a stricter rule now refuses beside them."""
    deliver(
        chosen, "conversations", MONDAY, *[talk(f"c{n}", "anna") | (STRANGE if n < 200 else {}) for n in range(400)]
    )
    take_in(chosen, 1.0)
    standing = contents(chosen)
    ran(chosen, pipelines.repair.rebuild_silver, most_refused=MOST_REFUSED)
    assert contents(chosen) == standing
    monkeypatch.setattr(typed, "LEVELS", tuple(level for level in typed.LEVELS if level != "A1"))
    with pytest.raises(GateFailed, match=r"refused_share"):
        ran(chosen, pipelines.repair.rebuild_silver, most_refused=MOST_REFUSED)


def test_what_earlier_code_made_is_told_until_it_is_made_anew(
    chosen: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also after an erasure, which leaves nothing in staging either."""
    for user in ("anna", "ben"):
        deliver(chosen, "conversations", MONDAY, talk(f"c-{user}", user), part=user)
    take_in(chosen)
    assert "earlier code" not in said_of_silver(chosen)
    by_other_code(monkeypatch)
    deliver(chosen, "conversations", TUESDAY, talk("c3", "anna"))
    for _ in range(2):
        take_in(chosen)
        assert "silver was made by earlier code; `-e rebuild_silver` makes all of it" in said_of_silver(chosen)
    with Lake.writing(chosen, "forget") as lake:
        (chosen.staging / f"staged__x__{new_run_id()}").mkdir(parents=True)
        pipelines.forget.run.run(Run(lake, new_run_id(), None, argparse.Namespace(student_id="ben")))
        assert list(chosen.staging.iterdir()) == []
    take_in(chosen)
    assert "earlier code" in said_of_silver(chosen)
    ran(chosen, pipelines.repair.rebuild_silver)
    take_in(chosen)
    assert "earlier code" not in said_of_silver(chosen)
