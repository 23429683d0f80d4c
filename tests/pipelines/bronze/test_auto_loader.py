"""Finding files by Auto Loader: its options, and the same road over Spark's own file source."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pandas as pd
import pytest
from pyspark.errors import PySparkException

from lakehouse.lake import Lake
from lakehouse.ops import ARRIVALS, FILES
from lakehouse.rows import append_rows
from pipelines.bronze.auto_loader import OPTIONS, arrivals
from pipelines.bronze.files import entries
from pipelines.bronze.landing import footer, listing, table_of

OPEN_SOURCE = "binaryFile"


@pytest.fixture
def landing(lake: Lake) -> Path:
    folder = lake.settings.landing
    write(folder / "lessons.parquet", "a")
    write(folder / "messages" / "arrived=2024-11-04" / "part-0.parquet", "b")
    write(folder / "notes" / "else.parquet", "c")
    (folder / "messages" / "readme.txt").write_text("no table")
    return folder


def write(path: Path, key: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    pd.DataFrame({"id": [key]}).to_parquet(path, index=False)


def names(lake: Lake) -> list[str]:
    return [file.name for file in arrivals(lake, OPEN_SOURCE)]


def take_in(lake: Lake) -> None:
    """Write into the ledger what the folder holds, as bronze does."""
    lake.create(FILES)
    rows = entries(lake, map(footer, listing(lake.settings.landing)), datetime.now(UTC))
    rows.write.mode("append").saveAsTable(lake.name(FILES.name))


def told_again(lake: Lake, path: Path) -> None:
    """As Auto Loader tells of a file that was written again; Spark's own source knows paths alone."""
    rows = [(str(path), path.stat().st_size, datetime.now(UTC) + timedelta(minutes=1))]
    append_rows(lake, ARRIVALS, rows)


def test_the_options_are_those_that_bronze_relies_on() -> None:
    """Every file of before, every new content of a path, every folder below."""
    assert OPTIONS == {
        "cloudFiles.format": "binaryFile",
        "cloudFiles.includeExistingFiles": "true",
        "cloudFiles.allowOverwrites": "true",
        "pathGlobFilter": "*.parquet",
        "recursiveFileLookup": "true",
    }


def test_it_finds_what_the_listing_finds(lake: Lake, landing: Path) -> None:
    found = arrivals(lake, OPEN_SOURCE)
    assert {(f.table, f.name, f.mark) for f in found} == {(f.table, f.name, f.mark) for f in listing(landing)}
    assert {footer(file).error for file in found} == {None}


def test_what_the_ledger_knows_is_not_told_again_but_new_and_changed_files_are(lake: Lake, landing: Path) -> None:
    assert names(lake) == ["lessons.parquet", "messages/arrived=2024-11-04/part-0.parquet"]
    assert len(names(lake)) == 2, "not in the ledger yet, so a killed run loses nothing"
    take_in(lake)
    assert names(lake) == []
    write(landing / "messages" / "arrived=2024-11-05" / "part-0.parquet", "d")
    assert names(lake) == ["messages/arrived=2024-11-05/part-0.parquet"]
    told_again(lake, landing / "lessons.parquet")
    assert names(lake) == ["lessons.parquet", "messages/arrived=2024-11-05/part-0.parquet"]


def test_a_landing_folder_is_watched_by_the_letters_of_its_name(lake: Lake, tmp_path: Path) -> None:
    folder = tmp_path / "raw [1]*"
    write(folder / "lessons.parquet", "a")
    odd = Lake(replace(lake.settings, landing=folder), lake.spark)
    assert names(odd) == ["lessons.parquet"]


def test_plain_spark_has_no_auto_loader(lake: Lake, landing: Path) -> None:
    """So nothing here ran the service itself."""
    with pytest.raises(PySparkException, match="cloudFiles"):
        arrivals(lake)


@pytest.mark.parametrize(
    ("name", "table"),
    [
        ("lessons.parquet", "lessons"),
        ("lessons/a.parquet", "lessons"),
        ("lessons/arrived=2024-11-04/a.parquet", "lessons"),
        ("lessons/other/a.parquet", None),
        ("lessons/arrived=2024-11-04/deep/a.parquet", None),
        ("notes.parquet", None),
        ("lessons/a.csv", None),
    ],
)
def test_a_file_belongs_to_a_table_by_its_place(tmp_path: Path, name: str, table: str | None) -> None:
    assert table_of(tmp_path / name, tmp_path) == table
