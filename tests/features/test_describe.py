"""What `-e describe` says of the tutorial's lake."""

from __future__ import annotations

import argparse

import pytest

from features.describe import run, usage
from features.feature_view import views
from features.store import SpecError
from lakehouse.cli import Run
from lakehouse.run_ids import new_run_id
from tests.conftest import BuiltLake
from training.archetypes import BEHAVIOUR


def told(built_lake: BuiltLake, table: str, capsys: pytest.CaptureFixture[str]) -> str:
    run(Run(built_lake.lake, new_run_id(), None, argparse.Namespace(table=table)))
    return capsys.readouterr().out


def test_a_table_with_its_freshness_gaps_and_users(built_lake: BuiltLake, capsys: pytest.CaptureFixture[str]) -> None:
    said = told(built_lake, "spark_catalog.features.student_activity", capsys)
    rows = built_lake.lake.table("features.student_activity").count()
    assert "keys student_id, time as_of; made from silver.learning_events, silver.closures, owner Learner Radar" in said
    assert f"{rows:,} rows from 2024-" in said
    assert f" to {built_lake.as_of}; version " in said
    gaps = next(line for line in said.splitlines() if line.strip().startswith("usual_gap"))
    nulls = built_lake.lake.table("features.student_activity").where("usual_gap IS NULL").count()
    assert f"{nulls / rows:.0%} missing" in gaps
    after = said.splitlines()[said.splitlines().index(next(x for x in said.splitlines() if "  gap_ratio" in x)) + 1]
    assert "used by dropout 1" in after


def test_every_view_is_described_and_segments_use_their_five(
    built_lake: BuiltLake, capsys: pytest.CaptureFixture[str]
) -> None:
    said = told(built_lake, "", capsys)
    assert all(f"{view.name}: " in said for view in views())
    used = usage(built_lake.lake)
    mine = {
        f for features in used.values() for f, by in features.items() if any(m.startswith("segments 1") for m in by)
    }
    assert mine == set(BEHAVIOUR.features)


def test_what_is_no_feature_table_is_refused(built_lake: BuiltLake) -> None:
    with pytest.raises(SpecError, match=r"gold\.daily_metrics is no feature table"):
        run(Run(built_lake.lake, new_run_id(), None, argparse.Namespace(table="gold.daily_metrics")))
