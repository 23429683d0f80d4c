"""A lake whose tables a catalog keeps: what differs from one that is a folder; see tests/elsewhere.py."""

from __future__ import annotations

import argparse
import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from pyspark.sql import SparkSession

import features.run
import pipelines.ingest
import pipelines.repair
from data_gen.__main__ import main as generate
from lakehouse.cli import Run
from lakehouse.errors import RadarError
from lakehouse.lake import Lake
from lakehouse.ops import RUNS
from lakehouse.run_ids import new_run_id
from lakehouse.settings import LOCAL_CATALOG, settings
from lakehouse.upkeep import let_go_of_all_but_the_newest
from scoring.contracts import AT_RISK_STUDENTS
from tests.elsewhere import Elsewhere, elsewhere, walk


@pytest.mark.long
def test_ingest_on_tables_that_a_catalog_keeps(spark: SparkSession, tmp_path: Path) -> None:
    generate(["--out", str(tmp_path / "landing"), "--students", "5", "--days", "28"])
    with elsewhere(spark, tmp_path) as chosen:
        lake = walk(chosen, [])
        tables = lake.tables()
        assert {"bronze.messages", "silver.learning_events", "ops.runs"} <= set(tables)
        assert lake.name("silver.messages") == f"spark_catalog.{chosen.schema_prefix}silver.messages"
        assert lake.short(lake.name("silver.messages")) == "silver.messages"
        assert not chosen.warehouse.exists()
        assert list(chosen.lake.glob(".writer*")) == []

        before = {table: lake.version(table) for table in tables if not table.startswith("ops.")}
        again = walk(chosen, [])
        assert {table: again.version(table) for table in before} == before, "a second run changes nothing"

        kept = lake.table("silver.messages").count()
        let_go_of_all_but_the_newest(lake, "silver.messages")
        assert lake.table("silver.messages").count() == kept > 0
        properties = lake.spark.sql(f"SHOW TBLPROPERTIES {lake.name('silver.messages')}").collect()
        assert not [row for row in properties if "deletedFileRetention" in row.key]


def test_a_table_with_a_filter_or_masks_tells_no_history(spark: SparkSession, tmp_path: Path) -> None:
    with elsewhere(spark, tmp_path) as chosen:
        lake = Lake.open(chosen)
        lake.create(AT_RISK_STUDENTS)
        asked = argparse.Namespace(table=AT_RISK_STUDENTS.name, version="0")
        for action in (pipelines.repair.history, pipelines.repair.restore):
            with pytest.raises(RadarError, match=r"gold\.at_risk_students shows each reader what they may see"):
                action(Run(lake, new_run_id(), None, asked))
        lake.create(RUNS)
        pipelines.repair.history(Run(lake, new_run_id(), None, argparse.Namespace(table=RUNS.name)))


def test_a_day_before_what_still_lies_in_landing_may_be_asked_for(tmp_path: Path) -> None:
    """Its older files may be gone; whether the lake knows of the day is asked of its events, in gold."""
    generate(["--out", str(tmp_path / "landing"), "--students", "5", "--days", "28"])
    options = argparse.Namespace(as_of="2024-06-03")
    pipelines.ingest.check(Elsewhere(tmp_path, tmp_path / "landing", LOCAL_CATALOG), options)
    with pytest.raises(RadarError, match="as_of 2024-06-03 is not after the first event in the log"):
        pipelines.ingest.check(settings(str(tmp_path / "lake"), str(tmp_path / "landing")), options)


def test_feature_tables_of_a_catalog_keep_what_models_pin() -> None:
    contract = features.run.CONTRACTS[0]
    there, here = contract.ddl("cat.features.x"), contract.ddl("features.x", "/lake/x")
    kept = "'delta.deletedFileRetentionDuration' = 'interval 365 days'"
    assert kept in there
    assert "PRIMARY KEY (student_id, as_of TIMESERIES)" in there
    assert kept not in here


def test_only_abandoned_batches_are_swept_where_other_jobs_may_be_at_work(spark: SparkSession, tmp_path: Path) -> None:
    old, new = (datetime.now(UTC) - timedelta(days=days) for days in (2, 0))
    for name in (f"staged__x__{old:%Y%m%dt%H%M%S}000", f"staged__x__{new:%Y%m%dt%H%M%S}000__changes", "strange"):
        (tmp_path / "staging" / name).mkdir(parents=True)
    lake = Lake(Elsewhere(tmp_path, tmp_path, LOCAL_CATALOG), spark)
    lake.sweep_staging(timedelta(days=1))
    assert sorted(path.name.split("__")[-1] for path in (tmp_path / "staging").iterdir()) == ["changes", "strange"]
    lake.sweep_staging()
    assert list((tmp_path / "staging").iterdir()) == []


def test_places_follow_from_the_catalog(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith("LEARNER_RADAR_")]:
        monkeypatch.delenv(name)
    chosen = settings(catalog="cat", schema_prefix="dev_")
    assert not chosen.local
    assert str(chosen.lake) == "/Volumes/cat/dev_ops/files"
    assert str(chosen.landing) == "/Volumes/cat/dev_bronze/landing"
    assert str(chosen.dashboard) == "/Volumes/cat/dev_ops/files/dashboard/index.html"
    assert (chosen.tracking_uri, chosen.registry_uri) == ("databricks", "databricks-uc")
    assert settings().local


def test_databricks_without_a_catalog_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABRICKS_RUNTIME_VERSION", "17.3")
    monkeypatch.delenv("LEARNER_RADAR_CATALOG", raising=False)
    with pytest.raises(RadarError, match="--catalog"):
        settings()
