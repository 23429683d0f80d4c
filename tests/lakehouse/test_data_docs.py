"""Data Docs from what gates found."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import pandas as pd
from pyspark.sql import SparkSession

from lakehouse.data_docs import build, last_results
from lakehouse.ops import GATE_RESULTS

BETWEEN, UNIQUE = "ExpectColumnValuesToBeBetween", "ExpectColumnValuesToBeUnique"
RISK = '{"column": "risk", "max_value": 1, "min_value": 0}'


def test_the_last_gate_of_each_table_counts(spark: SparkSession) -> None:
    early, late = datetime(2024, 11, 4, 6), datetime(2024, 11, 5, 6)
    rows = [
        ("r1", "gold.a", BETWEEN, "risk", False, 10, 2, "", RISK, early),
        ("r2", "gold.a", BETWEEN, "risk", True, None, None, "", RISK, late),
        ("r1", "gold.b", UNIQUE, "id", True, None, None, "", '{"column": "id"}', early),
        ("r0", "gold.b", UNIQUE, "id", True, None, None, "", None, late),
    ]
    types = ", ".join(f"{column.name} {column.type}" for column in GATE_RESULTS.columns)
    found = last_results(spark.createDataFrame(rows, types)).collect()
    assert sorted((row.table_name, row.run_id, row.success) for row in found) == [
        ("gold.a", "r2", True), ("gold.b", "r1", True),
    ]  # fmt: skip


def test_the_site_has_a_page_a_table_and_tells_what_failed(tmp_path: Path) -> None:
    at = datetime(2024, 11, 5, 6)
    rows = [
        ("gold.a", "r2", BETWEEN, RISK, at, False, 10.0, 2.0),
        ("gold.b", "r2", UNIQUE, '{"column": "id"}', at, True, None, None),
    ]
    names = ["table_name", "run_id", "expectation", "arguments", "checked_at", "success", "rows_checked", "failures"]
    index = build(pd.DataFrame(rows, columns=names), tmp_path / "docs")
    assert index.is_file()
    (page,) = (tmp_path / "docs" / "validations" / "gold" / "a").rglob("*.html")
    told = page.read_text()
    assert "risk" in told
    assert "2 unexpected values found" in told
    assert list((tmp_path / "docs" / "validations" / "gold" / "b").rglob("*.html"))
