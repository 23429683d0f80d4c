from collections import Counter
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from data_gen import generate
from data_gen.__main__ import main
from data_gen.arrivals import deliver
from data_gen.chaos import deliver_chaos
from data_gen.generate import Plan
from tests.data_gen.conftest import REFERENCES
from tests.data_gen.delivered import Delivered, contents, day_of, read, text, written
from tests.data_gen.test_cli import refused

KINDS = {
    "late", "duplicate", "correction", "corrected", "held_back", "orphan_released", "orphan", "corrupt", "empty",
    "renamed_column", "added_column", "missing_column", "reordered_columns", "other_types", "score_out_of_range",
    "bad_level", "end_before_start", "before_2000", "future", "bad_json", "empty_id", "absurd_length", "bad_number",
    "bad_status", "bad_role", "bad_language", "iso_language", "legacy_level", "nul_bytes", "emoji", "right_to_left",
    "unknown_language",
}  # fmt: skip


@pytest.fixture(scope="module")
def clean(tmp_path_factory: pytest.TempPathFactory) -> dict[str, pa.Table]:
    landing = written(deliver, Plan(42, 50, 14), tmp_path_factory.mktemp("clean")) / "landing"
    return {str(file.relative_to(landing)): pq.ParquetFile(file).read() for file in landing.rglob("*.parquet")}


def test_every_kind_occurs_and_no_other(chaos: Delivered) -> None:
    assert {defect["kind"] for defect in chaos.manifest["defects"]} == KINDS


def test_the_manifest_tells_of_every_file_and_its_rows(chaos: Delivered) -> None:
    told = chaos.manifest["files"]
    assert {path: len(table) for path, table in chaos.tables.items()} == {
        p: n for p, n in told.items() if n is not None
    }
    assert chaos.unreadable == {path for path, rows in told.items() if rows is None}
    assert len({path.split("/")[0] for path in told}) == 7


def test_the_ids_are_in_the_file(chaos: Delivered) -> None:
    ids = {path: Counter(map(text, table["id"].to_pylist())) for path, table in chaos.tables.items()}
    for defect in chaos.manifest["defects"]:
        assert all(ids[defect["file"]][record] for record in defect["ids"]), defect
        assert bool(defect["ids"]) == (defect["kind"] not in ("corrupt", "empty"))


def test_refused_rows_are_in_no_other_file(chaos: Delivered) -> None:
    files: dict[tuple[str, str], set[str]] = {}
    for path, table in chaos.tables.items():
        for record in map(text, table["id"].to_pylist()):
            files.setdefault((path.split("/")[0], record), set()).add(path)
    for defect in chaos.with_fate("quarantined"):
        assert defect["column"] in chaos.tables[defect["file"]].column_names
        assert all(files[defect["table"], record] == {defect["file"]} for record in defect["ids"] if record.strip())


def test_only_refusals_name_a_column(chaos: Delivered) -> None:
    for defect in chaos.manifest["defects"]:
        assert (defect["column"] is not None) == (defect["fate"] == "quarantined")


def test_the_clean_files_stay_but_for_what_comes_late(small: Delivered, clean: dict[str, pa.Table]) -> None:
    parts = {path: table for path, table in small.tables.items() if "/part-" in path}
    late = [small.tables[defect["file"]] for defect in small.defects("late")]
    held = {int(defect["ids"][0]) for defect in small.defects("held_back")}
    for path, rows in clean.items():
        if path not in parts:
            assert sum(rows.equals(table) for table in late) == 1
        elif path.startswith("conversations"):
            on_time = [row for row in rows.to_pylist() if row["id"] not in held]
            assert parts[path].to_pylist() == on_time
        else:
            assert parts[path].equals(rows)
    assert len(parts) + len(late) == len(clean)
    assert set(parts) <= set(clean)


def test_late_files_are_days_late(chaos: Delivered) -> None:
    assert {"messages", "assessment_attempts"} <= {defect["table"] for defect in chaos.defects("late")}
    for defect in chaos.defects("late"):
        changed = {
            "messages": "created_at",
            "assessment_attempts": "completed_at",
            "lesson_progress": "last_accessed_at",
        }
        column = changed.get(defect["table"], "updated_at")
        days = {date.fromisoformat(moment[:10]) for moment in chaos.tables[defect["file"]][column].to_pylist()}
        assert len(days) == 1
        assert 1 <= (day_of(defect["file"]) - days.pop()).days <= 5


def test_messages_wait_for_their_conversation(chaos: Delivered) -> None:
    comes = {int(d["ids"][0]): day_of(d["file"]) for d in chaos.defects("held_back")}
    for defect in chaos.defects("orphan_released"):
        (talk,) = {row["conversation_id"] for row in chaos.rows(defect)}
        assert 1 <= (comes[talk] - day_of(defect["file"])).days <= 3
    assert len(comes) == len(chaos.defects("orphan_released"))


@pytest.mark.parametrize(("children", "refers", "parents"), REFERENCES)
def test_good_rows_refer_to_what_has_arrived(children: str, refers: str, parents: str, chaos: Delivered) -> None:
    arrived: dict[str, date] = {}
    for path in sorted(chaos.tables, key=day_of, reverse=True):
        if path.split("/")[0] == parents:
            arrived |= dict.fromkeys(map(text, chaos.tables[path]["id"].to_pylist()), day_of(path))
    kinds = ("orphan", "orphan_released")
    waiting = {record for kind in kinds for defect in chaos.defects(kind) for record in defect["ids"]}
    good = 0
    for path, table in chaos.tables.items():
        if path.split("/")[0] == children:
            for record, parent in zip(table["id"].to_pylist(), table[refers].to_pylist(), strict=True):
                if text(record) not in waiting:
                    assert arrived[text(parent)] <= day_of(path), path
                    good += 1
    assert good


def test_duplicates_are_equal_to_an_earlier_row(chaos: Delivered) -> None:
    sent = {
        (path.split("/")[0], row["id"], day_of(path)): row
        for path, table in chaos.tables.items()
        if "/part-" in path
        for row in table.to_pylist()
    }
    for defect in chaos.defects("duplicate"):
        for row in chaos.rows(defect):
            days = [day_of(defect["file"]) - timedelta(days=before) for before in range(1, 6)]
            assert row in [sent.get((defect["table"], row["id"], day)) for day in days]
    assert any(chaos.manifest["files"][d["file"]] == len(d["ids"]) > 1 for d in chaos.defects("duplicate"))


def test_corrections_change_what_they_tell_and_nothing_else(chaos: Delivered) -> None:
    replaced = {(d["table"], d["ids"][0]): d for d in chaos.defects("corrected")}
    for defect in chaos.defects("correction"):
        (new,) = chaos.rows(defect)
        before = replaced.pop((defect["table"], defect["ids"][0]))
        (old,) = chaos.rows(before)
        assert {column: new[column] for column in new if new[column] != old[column]} == defect["expect"]
        assert 1 <= (day_of(defect["file"]) - day_of(before["file"])).days <= 5
        if defect["table"] == "assessment_attempts":
            assert 0 <= new["correct_answers"] * 5 == new["score"] <= 100
    assert not replaced
    assert {defect["table"] for defect in chaos.defects("correction")} == {"assessment_attempts", "conversations"}


def test_a_record_is_replaced_once_at_most(chaos: Delivered) -> None:
    again = Counter((d["table"], record) for d in chaos.with_fate("superseded") for record in d["ids"])
    assert set(again.values()) == {1}


def test_the_newest_good_rows_are_the_flat_tables_as_corrected(small: Delivered, tmp_path: Path) -> None:
    flat = written(generate.generate, Plan(42, 50, 14), tmp_path) / "landing"
    for table in ("conversations", "messages", "lesson_progress", "assessment_attempts", "user_levels", "lessons"):
        one_load = {row["id"]: row for row in pq.read_table(flat / f"{table}.parquet").to_pylist()}
        for defect in small.defects("correction"):
            if defect["table"] == table:
                one_load[int(defect["ids"][0])] |= defect["expect"]
        found = {}
        for path in sorted((p for p in small.tables if p.startswith(f"{table}/")), key=day_of):
            found |= {row["id"]: row for row in small.tables[path].to_pylist() if row["id"] in one_load}
        assert found == one_load


def test_bad_rows_stay_few(large: Delivered) -> None:
    refused_rows: Counter[tuple[str, date]] = Counter()
    all_rows: Counter[tuple[str, date]] = Counter()
    for path, rows in large.manifest["files"].items():
        all_rows[path.split("/")[0], day_of(path)] += rows or 0
    for defect in large.with_fate("quarantined") + large.with_fate("released"):
        refused_rows[defect["table"], day_of(defect["file"])] += len(defect["ids"])
    shares = {key: refused_rows[key] / rows for key, rows in all_rows.items() if rows > 200}
    assert len(shares) > 40
    assert max(shares.values()) < 0.035


def test_bad_rows_are_few_from_the_first_day_on(large: Delivered) -> None:
    """A gate on the share of refused rows holds on whichever day it looks."""
    for table in ("conversations", "messages", "lesson_progress", "user_levels"):
        rows = pd.Series({p: n or 0 for p, n in large.manifest["files"].items() if p.startswith(f"{table}/")})
        refused_rows = pd.Series(0, rows.index)
        for defect in large.with_fate("quarantined") + large.with_fate("released"):
            if defect["table"] == table:
                refused_rows[defect["file"]] += len(defect["ids"])
        days = np.array([day_of(path).toordinal() for path in rows.index])
        share = refused_rows.groupby(days).sum().cumsum() / rows.groupby(days).sum().cumsum()
        assert share.max() < 0.05, table


def test_same_seed_same_bytes(small: Delivered, tmp_path: Path) -> None:
    assert contents(written(deliver_chaos, Plan(42, 50, 14), tmp_path / "again")) == contents(small.root)
    other = contents(written(deliver_chaos, Plan(43, 50, 14), tmp_path / "other"))
    assert other.keys() != contents(small.root).keys()


def test_a_single_student_suffices(tmp_path: Path) -> None:
    for seed in range(3):
        assert read(written(deliver_chaos, Plan(seed, 1, 28), tmp_path / str(seed))).defects("empty")


@pytest.mark.parametrize("given", [["--chaos"], ["--chaos", "true"]])
def test_chaos_needs_daily_arrivals(given: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    said = refused([*given, "--out", str(tmp_path / "landing")], capsys)
    assert said == "data_gen: --chaos disturbs daily deliveries: add --arrivals daily\n"
    assert not (tmp_path / "landing").exists()


def test_chaos_is_true_or_false(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert "argument --chaos: expected true or false, not maybe" in refused(["--chaos", "maybe"], capsys)
    arguments = ["--students", "3", "--days", "28", "--arrivals", "daily", "--out"]
    assert main([*arguments, str(tmp_path / "clean" / "landing"), "--chaos", "false"]) == 0
    assert not (tmp_path / "clean" / "truth" / "manifest.json").exists()
    assert main([*arguments, str(tmp_path / "chaos" / "landing"), "--chaos"]) == 0
    assert (tmp_path / "chaos" / "truth" / "manifest.json").exists()
