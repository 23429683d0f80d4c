"""The app's file is only read, and what cannot be exported is refused by name."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from data_gen import sqlite
from data_gen.__main__ import main
from data_gen.export import _as_silver_knows
from pipelines.forget.landing import same_id
from tests.data_gen.export.app import (
    Run,
    change,
    counts,
    files,
)
from tests.data_gen.test_cli import refused


@pytest.mark.parametrize("journal", ["DELETE", "WAL"])
def test_the_file_and_its_folder_stay_as_they_are(journal: str, db: Path, run: Run) -> None:
    change(db, f"PRAGMA journal_mode = {journal}")
    before = (db.read_bytes(), db.stat().st_mtime_ns)
    run()
    assert (db.read_bytes(), db.stat().st_mtime_ns) == before
    assert files(db.parent) == ["babblr.db"]


def test_what_the_open_app_has_committed_is_exported(db: Path, run: Run) -> None:
    with closing(sqlite3.connect(db)) as app:
        app.execute("PRAGMA journal_mode = WAL")
        app.execute("UPDATE messages SET content = 'Adiós' WHERE id = 3")
        app.commit()
        app.execute("DELETE FROM messages")
        before = (db.read_bytes(), Path(f"{db}-wal").read_bytes())
        assert counts(run(), "messages") == (3, 0, 0)
        assert (db.read_bytes(), Path(f"{db}-wal").read_bytes()) == before


def test_a_file_at_rest_that_the_app_opens_meanwhile_is_refused(
    db: Path, out: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    change(db, "PRAGMA journal_mode = WAL")
    read = sqlite._read

    def interrupted(app: sqlite3.Connection, table: str) -> sqlite.AppTable:
        change(db, "UPDATE user_levels SET cefr_level = 'B1'")
        return read(app, table)

    monkeypatch.setattr(sqlite, "_read", interrupted)
    said = refused(["export", "--db", str(db), "--user-id", "7", "--out", str(out)], capsys)
    assert "while it was being read" in said
    assert not out.exists()


def test_a_path_with_every_sign_in_it(db: Path, run: Run) -> None:
    strange = db.parent / "my app #1" / "50%20 ?mode=rwc&é.db"
    strange.parent.mkdir()
    db.rename(strange)
    assert counts(run(source=strange), "messages") == (3, 0, 0)
    assert files(strange.parent) == [strange.name]


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (["--db", "none.db"], "there is no file"),
        (["--db", "."], "there is no file"),
        (["--user-id", ""], "--user-id: expected text without whitespace and without :, not ''"),
        (["--user-id", "a b"], "--user-id: expected text without whitespace"),
        (["--user-id", "a:b"], "--user-id: expected text without whitespace"),
        (["--user-id", "a\nb"], "--user-id: expected text without whitespace"),
        (["--user-id", "a\x07"], "--user-id: expected text without whitespace"),
        (["--arrived", "yesterday"], "--arrived: expected a date such as 2024-11-04, not 'yesterday'"),
        (["--arrived", "2024-02-30"], "--arrived: expected a date such as 2024-11-04"),
        (["--arrived", "20241104"], "--arrived: expected a date such as 2024-11-04"),
        (["--arrived", "2999-11-04"], "--arrived 2999-11-04 is yet to come"),
        (["--arrived", "9999-12-31"], "--arrived 9999-12-31 is yet to come"),
    ],
)
def test_bad_arguments_are_refused(
    arguments: list[str], reason: str, db: Path, out: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    good = ["export", "--db", str(db), "--user-id", "7", "--out", str(out)]
    assert reason in refused([*good, *arguments], capsys)
    assert not out.exists()


@pytest.mark.parametrize(
    ("script", "reason"),
    [
        ("DROP TABLE user_levels; DROP TABLE lessons", "is not the app's file: it has no table lessons, user_levels"),
        ("DROP TABLE user_levels; CREATE TABLE user_levels (language TEXT)", "table user_levels has no column id"),
        ("DROP TABLE user_levels; CREATE TABLE user_levels (id TEXT); INSERT INTO user_levels VALUES ('a'), ('a')",
         "table user_levels has a row without an id, or two rows with the same"),
        ("DROP TABLE user_levels; CREATE TABLE user_levels (id TEXT); INSERT INTO user_levels VALUES (NULL)",
         "table user_levels has a row without an id, or two rows with the same"),
        ("DROP TABLE user_levels; CREATE TABLE user_levels (id); INSERT INTO user_levels VALUES (1), ('1')",
         "table user_levels has a row without an id, or two rows with the same"),
    ],
)  # fmt: skip
def test_a_file_that_is_not_the_apps_is_refused(
    script: str, reason: str, db: Path, out: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    change(db, script)
    assert reason in refused(["export", "--db", str(db), "--user-id", "7", "--out", str(out)], capsys)
    assert not out.exists()


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"conversation,language\n" * 100, "is not an SQLite file"),
        (b"", "is not the app's file: it has no table conversations, messages"),
        (b"SQLite format 3\0", "is not an SQLite file"),
    ],
)
def test_a_file_that_is_not_sqlite_is_refused(
    content: bytes, reason: str, db: Path, out: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    db.write_bytes(content)
    assert reason in refused(["export", "--db", str(db), "--user-id", "7", "--out", str(out)], capsys)


def test_a_file_cut_short_is_refused(db: Path, out: Path, capsys: pytest.CaptureFixture[str]) -> None:
    db.write_bytes(db.read_bytes()[:-4096])
    said = refused(["export", "--db", str(db), "--user-id", "7", "--out", str(out)], capsys)
    assert f"cannot read {db}: database disk image is malformed" in said


def test_a_locked_file_is_refused(
    db: Path, out: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sqlite, "PATIENCE_SECONDS", 0.01)
    with closing(sqlite3.connect(db)) as app:
        app.execute("BEGIN EXCLUSIVE")
        said = refused(["export", "--db", str(db), "--user-id", "7", "--out", str(out)], capsys)
    assert "is locked by another program" in said


def test_a_landing_folder_that_cannot_be_written_is_named(
    db: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").write_text("in the way")
    said = refused(["export", "--db", str(db), "--user-id", "7", "--out", str(tmp_path / "file")], capsys)
    assert f"cannot export {db} to {tmp_path / 'file'}" in said


def test_an_earlier_export_that_is_broken_is_named(
    db: Path, run: Run, out: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run()
    (out / "messages" / "user-7-1.parquet").write_bytes(b"PAR1")
    said = refused(["export", "--db", str(db), "--user-id", "7", "--out", str(out)], capsys)
    assert f"the earlier export {out / 'messages' / 'user-7-1.parquet'} cannot be read" in said


@pytest.mark.parametrize("arrivals", ["none", "daily"])
def test_a_user_of_another_log_is_not_joined_by_one_of_that_name(
    arrivals: str, db: Path, run: Run, out: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["--students", "8", "--days", "28", "--out", str(out), "--arrivals", arrivals]) == 0
    (out / "conversations").mkdir(exist_ok=True)
    (out / "conversations" / "broken.parquet").write_bytes(b"PAR1")
    before = files(out)
    said = refused(["export", "--db", str(db), "--user-id", "7", "--out", str(out)], capsys)
    assert "holds another user 7: choose another --user-id, or another --out" in said
    assert files(out) == before
    run(user="me")
    assert "no file written" in run(user="me")


@pytest.mark.parametrize("ids", [pa.array([7.0, None]), pa.array([" 7 "]), pa.array(["7\x00"])])
def test_another_user_is_told_by_the_id_that_silver_will_know(
    ids: pa.Array, db: Path, out: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (out / "conversations").mkdir(parents=True)
    pq.write_table(pa.table({"user_id": ids}), out / "conversations" / "theirs.parquet")
    assert "holds another user 7" in refused(["export", "--db", str(db), "--user-id", "7", "--out", str(out)], capsys)


@pytest.mark.parametrize("said", ["7", 7.0, " 7\t", "7\x00", "7.10", "-7.00", "ann 7"])
def test_a_user_is_known_as_erasure_knows_them(said: str | float) -> None:
    """The generator imports no other package, so the rule stands twice."""
    assert _as_silver_knows(said) == same_id(said)


def test_a_failure_half_way_leaves_no_file(
    db: Path, out: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    write = pq.write_table

    def until_the_disk_is_full(table: pa.Table, path: Path, **options: Any) -> None:
        write(table, path, **options)
        if "cefr_level" in table.schema.names:
            raise OSError("No space left on device")

    monkeypatch.setattr(pq, "write_table", until_the_disk_is_full)
    said = refused(["export", "--db", str(db), "--user-id", "7", "--out", str(out)], capsys)
    assert "No space left on device" in said
    assert files(out) == []


def test_runs_as_a_module(db: Path, out: Path) -> None:
    command = [sys.executable, "-m", "data_gen", "export", "--db", str(db), "--user-id", "7", "--out", str(out)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith(f"user 7 of {db}, to {out}\n")
    assert counts(done.stdout, "conversations") == (2, 0, 0)
    missing = subprocess.run([*command[:4], "--user-id", "7"], capture_output=True, text=True, check=False)
    assert missing.returncode == 2
    assert missing.stderr == "data_gen export: the following arguments are required: --db, --out\n"
