"""What lies in the landing folder."""

from __future__ import annotations

import hashlib
from datetime import date
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from lakehouse.errors import RadarError
from pipelines.bronze.contracts import RAW_TABLES
from pipelines.bronze.landing import (
    footer,
    listing,
    misplaced,
    passed_by,
    read_through,
    refuse_as_of_before_first_event,
    refuse_incomplete,
    table_of,
)


def put(landing: Path, name: str, **columns: list[object]) -> Path:
    path = landing / name
    path.parent.mkdir(parents=True, exist_ok=True)
    pd.DataFrame(columns).to_parquet(path)
    return path


def complete(landing: Path) -> None:
    for table in RAW_TABLES:
        put(landing, f"{table}.parquet", id=[1], created_at=["2024-03-01T10:00:00"])


def test_flat_files_folders_and_arrivals_are_found(tmp_path: Path) -> None:
    put(tmp_path, "messages.parquet", id=[1])
    put(tmp_path, "messages/more.parquet", id=[2])
    put(tmp_path, "messages/arrived=2024-11-04/part.parquet", id=[3, 4])
    found = [read_through(file) for file in listing(tmp_path)]
    assert [(f.name, f.arrived, f.rows, f.error) for f in found] == [
        ("messages.parquet", None, 1, None),
        ("messages/arrived=2024-11-04/part.parquet", date(2024, 11, 4), 2, None),
        ("messages/more.parquet", None, 1, None),
    ]


@pytest.mark.parametrize("name", ["messages.parquet", "messages/2024.parquet"])
def test_a_folder_in_the_place_of_a_file_is_told(tmp_path: Path, name: str) -> None:
    put(tmp_path, f"{name}/part-0.parquet", id=[1])
    with pytest.raises(RadarError, match=rf"{name} is a folder, .* move the files in it to .*messages"):
        listing(tmp_path)


def test_a_link_to_nothing_is_no_file_and_one_that_cannot_be_opened_is_set_aside(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(tmp_path, "messages/a.parquet", id=[1])
    (tmp_path / "messages" / "b.parquet").symlink_to(tmp_path / "nowhere")
    (listed,) = listing(tmp_path)
    content = hashlib.sha256((tmp_path / "messages" / "a.parquet").read_bytes()).hexdigest()
    assert (listed.file_hash, footer(listed).error) == (content, None)
    (again,) = listing(tmp_path)
    monkeypatch.setattr(Path, "open", _forbidden)
    monkeypatch.setattr(pq, "ParquetFile", _forbidden)
    assert again.file_hash != content
    assert "not a readable Parquet file" in str(footer(again).error)


def _forbidden(*_: object) -> None:
    raise PermissionError


def test_a_file_cut_in_half_and_a_text_file_are_named_with_size_and_error(tmp_path: Path) -> None:
    whole = put(tmp_path, "messages/a.parquet", id=list(range(100)))
    whole.write_bytes(whole.read_bytes()[: whole.stat().st_size // 2])
    (tmp_path / "messages" / "b.parquet").write_text("id\n1\n")
    for file in map(footer, listing(tmp_path)):
        assert file.schema is None
        assert f"not a readable Parquet file of {file.listed.size} bytes" in str(file.error)


def test_a_file_with_a_sound_footer_and_a_spoilt_page_is_read_through(tmp_path: Path) -> None:
    path = put(tmp_path, "messages/a.parquet", id=[f"{n} {n * n} {n**3}" for n in range(5000)])
    content = bytearray(path.read_bytes())
    content[200:2000] = b"\xff" * 1800
    path.write_bytes(bytes(content))
    (listed,) = listing(tmp_path)
    assert footer(listed).error is None
    assert "not a readable Parquet file" in str(read_through(listed).error)


@pytest.mark.parametrize(
    "times",
    [
        pa.array([-(2**62), 0]).view(pa.timestamp("us")),
        pa.array([-(2**62), 0]).view(pa.timestamp("ms")),
        pa.array([-(10**7), 20_000], pa.int32()).view(pa.date32()),
    ],
)
def test_a_time_that_python_does_not_know_is_left_to_the_rules(tmp_path: Path, times: pa.Array) -> None:
    (tmp_path / "conversations").mkdir()
    pq.write_table(pa.table({"id": [1, 2], "created_at": times}), tmp_path / "conversations" / "a.parquet")
    (listed,) = listing(tmp_path)
    found = read_through(listed)
    assert (found.rows, found.error, found.first_event) == (2, None, None)


def test_a_column_that_is_there_twice_is_told(tmp_path: Path) -> None:
    (tmp_path / "conversations").mkdir()
    both = pa.Table.from_arrays([pa.array([1]), pa.array([2]), pa.array([3])], names=["id", "created_at", "created_at"])
    pq.write_table(both, tmp_path / "conversations" / "a.parquet")
    (listed,) = listing(tmp_path)
    assert read_through(listed).error == "it has the column created_at twice"


def test_a_folder_that_is_of_no_day_is_told(tmp_path: Path) -> None:
    put(tmp_path, "messages/arrived=2024-13-01/part.parquet", id=[3, 4])
    (listed,) = listing(tmp_path)
    assert read_through(listed).error == "its folder arrived=2024-13-01 is of no day (YYYY-MM-DD)"


def test_a_file_that_was_moved_away_meanwhile_is_passed_by(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    put(tmp_path, "messages/part.parquet", id=[3])
    put(tmp_path, "messages/there.parquet", id=[3])
    exists = Path.exists

    def gone(path: Path) -> bool:
        found = exists(path)
        if path.name == "part.parquet":
            path.unlink()
        return found

    monkeypatch.setattr(Path, "exists", gone)
    assert [file.name for file in listing(tmp_path)] == ["messages/there.parquet"]


def test_a_table_may_come_later_where_files_arrive_day_by_day(tmp_path: Path) -> None:
    put(tmp_path, "messages/arrived=2024-11-04/part.parquet", id=[3, 4])
    refuse_incomplete(listing(tmp_path), lambda table: False)


def test_no_landing_folder(tmp_path: Path) -> None:
    with pytest.raises(RadarError, match=r"There is no landing folder .*nowhere"):
        listing(tmp_path / "nowhere")


def test_an_empty_landing_folder(tmp_path: Path) -> None:
    with pytest.raises(RadarError, match="holds none of the seven tables"):
        listing(tmp_path)


def test_a_first_load_needs_every_table(tmp_path: Path) -> None:
    complete(tmp_path)
    (tmp_path / "lessons.parquet").unlink()
    with pytest.raises(RadarError, match=r"lacks lessons \(no file\)"):
        refuse_incomplete(listing(tmp_path), lambda table: False)
    refuse_incomplete(listing(tmp_path), lambda table: table == "bronze.lessons")


def test_a_table_without_its_id_column(tmp_path: Path) -> None:
    complete(tmp_path)
    put(tmp_path, "lessons.parquet", title=["Greetings"])
    with pytest.raises(RadarError, match=r"lacks lessons \(lessons.parquet: it has no column id\)"):
        refuse_incomplete(listing(tmp_path), lambda table: False)


def test_an_as_of_before_the_first_event_is_known_from_the_footers(tmp_path: Path) -> None:
    complete(tmp_path)
    files = listing(tmp_path)
    refuse_as_of_before_first_event(files, date(2024, 3, 2))
    with pytest.raises(RadarError, match=r"as_of 2024-03-01 is not after the first event in the log, .* 2024-03-01"):
        refuse_as_of_before_first_event(files, date(2024, 3, 1))


def test_what_a_producer_has_not_finished_is_no_file_yet(tmp_path: Path) -> None:
    """Spark passes by what begins with a dot or an underscore, so its rows would be counted and never come."""
    put(tmp_path, "messages/part.parquet", id=[1])
    put(tmp_path, "messages/.part.parquet", id=[2])
    put(tmp_path, "messages/arrived=2024-11-04/_part.parquet", id=[3])
    assert [file.name for file in listing(tmp_path)] == ["messages/part.parquet"]
    assert table_of(tmp_path / "messages" / "_part.parquet", tmp_path) is None


def test_files_that_are_passed_by_are_known_by_name(tmp_path: Path) -> None:
    """An erasure cannot search them, and says so."""
    put(tmp_path, "messages/part.parquet", id=[1])
    unfinished = [
        ".messages.parquet", "lessons/_temporary/0/part.parquet", "messages/.user-7-1.parquet.unfinished",
        "messages/_part.parquet",
    ]  # fmt: skip
    strays = [
        "lessons.PARQUET", "messages/2024/part.parquet", "messages/arived=2024-11-04/part.parquet", "users.parquet"
    ]  # fmt: skip
    for name in [*unfinished, *strays, "messages/.part.parquet.crc"]:
        put(tmp_path, name, id=[1])
    assert passed_by(tmp_path, listing(tmp_path)) == sorted(unfinished + strays)
    assert misplaced(tmp_path, listing(tmp_path)) == strays
