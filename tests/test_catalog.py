"""Both jobs of the bundle on tables that a catalog keeps rather than a folder; see tests/elsewhere.py."""

from __future__ import annotations

from pathlib import Path

import pytest
from pyspark.sql import SparkSession

from data_gen.__main__ import main as generate
from tests.elsewhere import STEPS, elsewhere, walk


@pytest.mark.long
def test_both_jobs_on_tables_that_a_catalog_keeps(spark: SparkSession, tmp_path: Path) -> None:
    generate(["--out", str(tmp_path / "landing"), "--students", "12", "--days", "60"])
    with elsewhere(spark, tmp_path) as chosen:
        lake = walk(chosen, STEPS)
        assert lake.table("gold.at_risk_students").count() > 0
        assert chosen.dashboard.is_file()
        assert not chosen.warehouse.exists()
        before = {table: lake.version(table) for table in lake.tables() if not table.startswith("ops.")}
        again = walk(chosen, STEPS)
        changed = [table for table, version in before.items() if again.version(table) != version]
        assert changed == []
