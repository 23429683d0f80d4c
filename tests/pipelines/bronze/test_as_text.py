"""Files read as text, wherever they lie."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import pandas as pd
from pyspark.sql import SparkSession

from pipelines.bronze.as_text import read
from pipelines.bronze.landing import listing, read_through
from tests.pipelines.gold.frames import rows


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
