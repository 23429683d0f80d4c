"""Files read as text, wherever they lie."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pyspark.sql import SparkSession

from pipelines.bronze.as_text import read
from pipelines.bronze.landing import listing, read_through
from tests.pipelines.gold.frames import rows


def test_what_spark_would_take_for_a_pattern_is_a_name(spark: SparkSession, tmp_path: Path) -> None:
    names = ["a[1].parquet", "b{1,2}.parquet", "c*.parquet", "d?.parquet", "e\\.parquet", "f (1).parquet"]
    folder = tmp_path / "app [live] {a,b} 100 %" / "messages"
    folder.mkdir(parents=True)
    for number, name in enumerate(names):
        pd.DataFrame({"id": [number]}).to_parquet(folder / name)
    pd.DataFrame({"id": [9]}).to_parquet(folder / "a1.parquet")
    files = [read_through(listed) for listed in listing(folder.parent)]
    found = rows(read(spark, files, datetime(2024, 11, 4)), "_source_file", "id")
    told = [(f"messages/{name}", str(number)) for number, name in enumerate(names)]
    assert found == sorted([*told, ("messages/a1.parquet", "9")])


def test_links_spaces_and_signs_in_a_path_lose_no_row(spark: SparkSession, tmp_path: Path) -> None:
    folder = tmp_path / "re al+x" / "messages"
    folder.mkdir(parents=True)
    pd.DataFrame({"id": [1, 2]}).to_parquet(folder / "a.parquet")
    pd.DataFrame({"id": [3]}).to_parquet(tmp_path / "elsewhere.parquet")
    (folder / "b.parquet").symlink_to(tmp_path / "elsewhere.parquet")
    (tmp_path / "here").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "re al+x")
    files = [read_through(listed) for listed in listing(tmp_path / "here" / ".." / "link")]
    found = rows(read(spark, files, datetime(2024, 11, 4)), "_source_file", "id")
    assert found == [("messages/a.parquet", "1"), ("messages/a.parquet", "2"), ("messages/b.parquet", "3")]


@pytest.mark.parametrize("old_kind", [False, True])
def test_nanoseconds_come_through_to_the_microsecond(spark: SparkSession, tmp_path: Path, old_kind: bool) -> None:
    """As pandas writes them, and in Parquet's oldest kind of time (INT96), which Spark itself writes by default."""
    folder = tmp_path / "messages"
    folder.mkdir()
    told = ["2024-11-04 10:00:00.123", "2024-11-04 10:00:00.000001", "2024-11-04 10:00:00"]
    times = pa.array([datetime.fromisoformat(text) for text in told], pa.timestamp("ns"))
    rows_of = pa.table({"id": [1, 2, 3], "created_at": times})
    pq.write_table(rows_of, folder / "a.parquet", use_deprecated_int96_timestamps=old_kind)
    pq.write_table(rows_of.slice(2), folder / "b.parquet", use_deprecated_int96_timestamps=not old_kind)
    files = [read_through(listed) for listed in listing(tmp_path)]
    found = rows(read(spark, files, datetime(2024, 11, 4)), "id", "created_at")
    assert found == [("1", told[0]), ("2", told[1]), ("3", told[2]), ("3", told[2])]


def test_a_gap_among_doubles_is_no_id(spark: SparkSession, tmp_path: Path) -> None:
    folder = tmp_path / "messages"
    folder.mkdir()
    ids = pa.array([7.0, float("nan"), None, 0.5, 1e300])
    pq.write_table(pa.table({"id": ["a", "b", "c", "d", "e"], "conversation_id": ids}), folder / "a.parquet")
    files = [read_through(listed) for listed in listing(tmp_path)]
    found = rows(read(spark, files, datetime(2024, 11, 4)), "id", "conversation_id")
    assert found == [("a", "7"), ("b", None), ("c", None), ("d", "0.5"), ("e", "1.0E300")]
