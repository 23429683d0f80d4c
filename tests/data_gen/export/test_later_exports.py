"""A second export adds what changed, under the day of its arrival."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.data_gen.conftest import TABLES
from tests.data_gen.export.app import (
    PLACEMENT,
    Run,
    change,
    counts,
    files,
    rows,
)
from tests.data_gen.test_cli import refused


def test_a_second_export_of_the_same_adds_nothing(run: Run, out: Path) -> None:
    first = run()
    assert "no file written" not in first
    assert [counts(first, table)[0] for table in TABLES] == [2, 3, 2, 2, 1, 1, 1]
    before = files(out)
    second = run()
    assert "nothing changed since the last export, no file written" in second
    assert [counts(second, table) for table in TABLES] == [(0, 0, n) for n in (2, 3, 2, 2, 1, 1, 1)]
    assert files(out) == before


def test_a_second_export_adds_what_changed(db: Path, run: Run, out: Path) -> None:
    run()
    change(
        db,
        "INSERT INTO conversations VALUES (3, 'es', 'A2', NULL, '2024-11-08 10:00:00.000000', NULL)",
        "UPDATE lesson_progress SET status = 'completed', completed_at = '2024-11-08 09:00:00' WHERE id = 2",
        "UPDATE lessons SET last_accessed_at = '2024-11-08 09:00:00.000000'",
        "UPDATE assessments SET is_active = 0",
        "DELETE FROM messages WHERE id = 3",
    )
    said = run()
    assert [counts(said, table) for table in TABLES] == [
        (1, 0, 2),
        (0, 0, 2),
        (0, 0, 2),
        (0, 1, 1),
        (0, 1, 0),
        (0, 0, 1),
        (0, 0, 1),
    ]
    assert "messages: no longer in the app, still in the landing folder: 1 (7:3)" in said
    added = ["assessments", "conversations", "lesson_progress"]
    assert [name for name in files(out) if "-2" in name] == [f"{table}/user-7-2.parquet" for table in added]
    assert [row["id"] for row in rows(out / "conversations" / "user-7-2.parquet")] == ["7:3"]
    [progress] = rows(out / "lesson_progress" / "user-7-2.parquet")
    assert (progress["id"], progress["status"]) == ("7:2", "completed")
    [placement] = rows(out / "assessments" / "user-7-2.parquet")
    assert (placement["id"], placement["is_active"]) == (PLACEMENT, 0)


def test_what_changes_back_is_exported_again(db: Path, run: Run, out: Path) -> None:
    for cefr_level in ("advanced", "B1", "advanced", "advanced"):
        change(db, f"UPDATE user_levels SET cefr_level = '{cefr_level}'")
        run()
    assert files(out / "user_levels") == [f"user-7-{k}.parquet" for k in (1, 2, 3)]


def test_the_same_value_as_another_type_is_no_change(db: Path, run: Run, out: Path) -> None:
    change(db, "UPDATE lesson_progress SET mastery_score = 'n/a' WHERE id = 2")
    run()
    change(db, "UPDATE lesson_progress SET mastery_score = NULL WHERE id = 2")
    assert counts(run(), "lesson_progress") == (0, 1, 1)
    change(db, "ALTER TABLE lesson_progress ADD COLUMN streak INTEGER")
    assert "no file written" in run()


def test_more_than_nine_exports_keep_their_order(db: Path, run: Run, out: Path) -> None:
    for n in range(11):
        change(db, f"UPDATE user_levels SET proficiency_score = {n}")
        run()
    assert len(files(out / "user_levels")) == 11
    assert "no file written" in run()


def test_live_files_lie_in_the_folder_of_their_arrival(db: Path, run: Run, out: Path) -> None:
    run()
    change(db, "UPDATE user_levels SET cefr_level = 'B1'")
    assert counts(run("--arrived", "2024-11-09"), "user_levels") == (0, 1, 0)
    change(db, "UPDATE user_levels SET cefr_level = 'B2'")
    run("--arrived", "2024-11-09")
    assert "no file written" in run("--arrived", "2024-11-10")
    live = [f"arrived=2024-11-09/user-7-{k}.parquet" for k in (2, 3)]
    assert files(out / "user_levels") == [*live, "user-7-1.parquet"]


@pytest.mark.parametrize("arrived", [["--arrived", "2024-11-08"], []])
def test_a_later_export_does_not_arrive_before(
    arrived: list[str], db: Path, run: Run, out: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run("--arrived", "2024-11-09")
    said = refused(["export", "--db", str(db), "--user-id", "7", "--out", str(out), *arrived], capsys)
    assert "an earlier export arrived on 2024-11-09" in said
    assert "give --arrived 2024-11-09 or later" in said


def test_an_empty_arrival_is_a_backfill(run: Run, out: Path) -> None:
    run("--arrived", "")
    assert files(out) == sorted(f"{table}/user-7-1.parquet" for table in TABLES)


def test_an_awkward_user_has_plain_file_names(run: Run, out: Path) -> None:
    run(user="jo+é/../[x]@mail.org")
    assert files(out / "messages") == ["user-jo%2B%C3%A9%2F..%2F%5Bx%5D@mail.org-1.parquet"]
    assert "no file written" in run(user="jo+é/../[x]@mail.org")
    assert rows(out / "messages" / files(out / "messages")[0])[0]["id"] == "jo+é/../[x]@mail.org:1"
