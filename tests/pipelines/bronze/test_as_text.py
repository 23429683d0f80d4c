"""Files read as text, wherever they lie."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import pandas as pd
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
