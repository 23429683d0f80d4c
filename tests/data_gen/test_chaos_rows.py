import json
from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.data_gen.delivered import Delivered, day_of


def test_what_cannot_be_read_is_of_four_sorts(chaos: Delivered) -> None:
    files = [(chaos.root / "landing" / defect["file"]) for defect in chaos.defects("corrupt")]
    sizes = [file.stat().st_size for file in files]
    texts = [file for file in files if file.read_bytes().isascii() and file.stat().st_size]
    cut = [file for file in files if file.read_bytes()[:4] == b"PAR1" != file.read_bytes()[-4:]]
    whole_footer = [file for file in files if file.read_bytes()[-4:] == b"PAR1"]
    assert all(pq.read_metadata(file).num_rows for file in whole_footer)
    assert sizes.count(0) == len(texts) == len(cut) == len(whole_footer) >= 1


def test_empty_files_have_the_right_schema(chaos: Delivered) -> None:
    for defect in chaos.defects("empty"):
        table = chaos.tables[defect["file"]]
        part = next(path for path in chaos.tables if path.startswith(f"{defect['table']}/") and "/part-" in path)
        assert len(table) == 0
        assert table.schema == chaos.tables[part].schema


def test_types_drift(chaos: Delivered) -> None:
    tables = [chaos.tables[path] for path in {defect["file"] for defect in chaos.defects("other_types")}]
    assert {table.schema.field("id").type for table in tables} == {pa.int32(), pa.string(), pa.float64(), pa.int64()}
    moments = [
        table.schema.field(n).type
        for table in tables
        for n in ("created_at", "completed_at")
        if n in table.column_names
    ]
    assert {pa.timestamp("us"), pa.timestamp("ns"), pa.timestamp("us", "UTC"), pa.string()} == set(moments)
    texts = {
        str(value)
        for t in tables
        for n in ("created_at", "started_at")
        if n in t.column_names
        for value in t[n].to_pylist()
    }
    assert all(any(value.endswith(ending) for value in texts) for ending in ("Z", "+02:00", ".000"))


def test_drifted_values_come_to_what_is_told(chaos: Delivered) -> None:
    for defect in chaos.defects("other_types"):
        (row,) = chaos.rows(defect)
        for column, value in defect["expect"].items():
            if column.endswith("_at"):
                assert pd.to_datetime(row[column], utc=True) == pd.to_datetime(value, utc=True)
            else:
                assert float(row[column]) == value


def test_columns_drift(chaos: Delivered) -> None:
    def columns(kind: str, table: str) -> list[list[str]]:
        return [chaos.tables[defect["file"]].column_names for defect in chaos.defects(kind) if defect["table"] == table]

    part = next(path for path in chaos.tables if path.startswith("messages/") and "/part-" in path)
    usual = chaos.tables[part].column_names
    assert all(set(names) - set(usual) == {"audio"} for names in columns("renamed_column", "messages"))
    assert all(set(names) - set(usual) == {"mood"} for names in columns("added_column", "messages"))
    assert all(set(usual) - set(names) == {"audio_path"} for names in columns("missing_column", "messages"))
    assert all(sorted(names) == sorted(usual) != names != usual for names in columns("reordered_columns", "messages"))


def not_json(value: str) -> bool:
    try:
        json.loads(value)
    except json.JSONDecodeError:
        return True
    return False


SPOILT: dict[str, Callable[[Any, dict[str, Any], date], bool]] = {
    "orphan": lambda value, row, arrived: int(value) == 2_000_000_000,
    "score_out_of_range": lambda value, row, arrived: not 0 <= float(value) <= 100,
    "bad_number": lambda value, row, arrived: value == "very good",
    "bad_level": lambda value, row, arrived: value in ("D1", "native"),
    "end_before_start": lambda value, row, arrived: value < row["started_at"],
    "before_2000": lambda value, row, arrived: value < "2000",
    "future": lambda value, row, arrived: date.fromisoformat(value[:10]) > arrived + timedelta(days=20),
    "bad_json": lambda value, row, arrived: not_json(value),
    "empty_id": lambda value, row, arrived: not (value or "").strip(),
    "absurd_length": lambda value, row, arrived: len(value) == 5_000,
    "bad_status": lambda value, row, arrived: value not in ("not_started", "in_progress", "completed"),
    "bad_role": lambda value, row, arrived: value not in ("user", "assistant"),
    "bad_language": lambda value, row, arrived: value == "spanish123!?",
}


@pytest.mark.parametrize("kind", SPOILT)
def test_refused_rows_are_spoilt_where_it_is_said(kind: str, chaos: Delivered) -> None:
    for defect in chaos.defects(kind):
        assert defect["fate"] == "quarantined"
        for row in chaos.rows(defect):
            assert SPOILT[kind](row[defect["column"]], row, day_of(defect["file"]))


MENDED: dict[str, dict[str, Callable[[str], str]]] = {
    "iso_language": {"language": lambda value: {"es": "spanish", "ja": "japanese", "de": "german"}[value.lower()]},
    "unknown_language": {"language": str},
    "legacy_level": {
        "difficulty_level": lambda value: {"beginner": "A1", "advanced": "C1"}[value],
        "recommended_level": lambda value: {"intermediate": "B1"}[value],
    },
    "nul_bytes": {"topic_id": lambda value: value.replace("\0", "")},
    "emoji": {"topic_id": str},
    "right_to_left": {"topic_id": str},
}


@pytest.mark.parametrize("kind", MENDED)
def test_odd_rows_are_taken_and_mended_as_told(kind: str, chaos: Delivered) -> None:
    for defect in chaos.defects(kind):
        assert defect["fate"] == "accepted"
        (row,) = chaos.rows(defect)
        assert defect.get("expect", {}) == {c: MENDED[kind][c](row[c]) for c in defect.get("expect", {})}
    assert any("expect" in defect for defect in chaos.defects(kind))


def test_odd_texts_are_what_they_are_called(chaos: Delivered) -> None:
    for kind, sign in (("nul_bytes", "\0"), ("emoji", "🍕"), ("right_to_left", "س")):
        texts = [row.get("topic_id") or row.get("content") for d in chaos.defects(kind) for row in chaos.rows(d)]
        assert any(sign in str(odd) for odd in texts)
    assert {defect["table"] for defect in chaos.defects("emoji")} == {"messages", "conversations"}
