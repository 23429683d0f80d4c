"""The whole loop on the tutorial's data."""

from __future__ import annotations

import argparse
import html
import os
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

import pipelines.gold.run
from lakehouse.cli import Run
from lakehouse.contracts import Contract, between
from lakehouse.errors import GateFailed
from lakehouse.lake import Lake
from lakehouse.ledger import champion, decisions
from lakehouse.registry import versions
from lakehouse.run_ids import new_run_id
from pipelines.dictionary import CONTRACTS
from tests.conftest import BuiltLake, run_loop

LOGS = {"ops.runs", "ops.gate_results"}
MAY_BE_EMPTY = {
    "ops.quarantine", "ops.erasures", "ops.arrivals", "gold.model_health", "gold.alerts", "gold.segment_movement",
}  # fmt: skip


def test_every_table_of_every_contract_is_there(built_lake: BuiltLake) -> None:
    lake = built_lake.lake
    lacking = {c.name for c in CONTRACTS if not lake.exists(c.name) or lake.table(c.name).isEmpty()}
    assert lacking <= MAY_BE_EMPTY


def test_with_too_little_data_the_recency_rule_is_champion_and_the_tables_say_so(built_lake: BuiltLake) -> None:
    found = champion(built_lake.lake, "dropout")
    assert found
    assert (found.version, found.kind) == ("1", "recency_rule")
    kinds = built_lake.lake.table("gold.at_risk_students").select("model_kind", "model_version").distinct().collect()
    assert [tuple(row) for row in kinds] == [("recency_rule", "1")]
    page = built_lake.lake.settings.dashboard.read_text()
    assert "too little data" in page.lower()
    assert html.escape(decisions(built_lake.lake, "dropout")[-1].reason) in page


def test_a_second_run_changes_no_row_and_registers_no_model(built_lake: BuiltLake) -> None:
    lake = built_lake.lake
    tables = [c.name for c in CONTRACTS if c.name not in LOGS]
    before = {table: lake.version(table) for table in tables if lake.exists(table)}
    models = [v.version for name in ("dropout", "segments") for v in versions(lake, name)]
    with Lake.writing(lake.settings, "again") as again:
        run_loop(again)
        assert {table: again.version(table) for table in before} == before
        assert [v.version for name in ("dropout", "segments") for v in versions(again, name)] == models


def test_another_process_reads_in_utc_wherever_it_is_while_a_writer_holds_the_lake(built_lake: BuiltLake) -> None:
    read = (
        "import sys; from lakehouse.lake import Lake; from lakehouse.settings import settings; "
        "lake = Lake.open(settings(sys.argv[1])); zone = \"java_method('java.time.ZoneId', 'systemDefault')\"; "
        "print(lake.table('gold.at_risk_students').count(), lake.one(f'SELECT {zone}'))"
    )
    count = built_lake.lake.table("gold.at_risk_students").count()
    with Lake.writing(built_lake.lake.settings, "writer"):
        told = subprocess.run(
            [sys.executable, "-c", read, str(built_lake.lake.settings.lake)],
            env=os.environ | {"TZ": "America/New_York"}, capture_output=True, text=True, timeout=900,
        )  # fmt: skip
    assert told.stdout.strip() == f"{count} UTC", told.stderr


def test_a_student_without_any_assessment_is_everywhere(built_lake: BuiltLake) -> None:
    lake = built_lake.lake
    attempts = pd.read_parquet(built_lake.landing / "assessment_attempts.parquet")
    talks = pd.read_parquet(built_lake.landing / "conversations.parquet")
    untested = {str(s) for s in set(talks["user_id"]) - set(attempts["user_id"])}
    assert untested

    def students(table: str) -> set[str]:
        return {row[0] for row in lake.table(table).select("student_id").distinct().collect()}

    assert untested <= students("silver.student_profiles")
    assert untested <= students("features.student_activity")
    now = lake.table("features.student_labels").where(f"as_of = DATE'{built_lake.as_of}'")
    there = {row.student_id: row.eligible for row in now.collect()}
    assert untested & set(there) <= students("gold.student_segments")
    assert {s for s in untested & set(there) if there[s]} <= students("gold.at_risk_students")


def test_an_optional_table_is_taken_in(built_lake: BuiltLake) -> None:
    rows = built_lake.lake.table("silver.closures").select("language", "closed_from", "closed_to").collect()
    assert [tuple(map(str, row)) for row in rows] == [("all", "2024-01-01", "2024-01-14")]
    called = built_lake.lake.table("silver.interventions").select("student_id", "channel").orderBy("student_id")
    assert [tuple(row) for row in called.collect()] == [("3", "mail"), ("7", "call")]


def test_the_current_level_is_the_newest_not_the_greatest(built_lake: BuiltLake) -> None:
    levels = pd.read_parquet(built_lake.landing / "user_levels.parquet")
    newest = levels.sort_values("assessed_at").groupby(["user_id", "language"])["cefr_level"].last()
    profiles = built_lake.lake.table("silver.student_profiles").where("current_level IS NOT NULL").toPandas()
    found = {(int(r.student_id), r.language): r.current_level for r in profiles.itertuples()}
    assert found == newest.to_dict()


def test_a_contract_broken_on_purpose_stops_the_step(built_lake: BuiltLake, monkeypatch: pytest.MonkeyPatch) -> None:
    lake = built_lake.lake
    tables = dict(pipelines.gold.run.TABLES)
    whole, make = next((c, f) for c, f in tables.items() if c.name == "gold.daily_metrics")
    broken = Contract(whole.name, whole.comment, whole.columns, whole.key, (between("conversations", 0, 1),))
    monkeypatch.setattr(
        pipelines.gold.run, "TABLES", {broken if c is whole else c: f for c, f in tables.items()}
    )  # fmt: skip
    assert make
    before = {c.name: lake.version(c.name) for c in tables}
    with (
        Lake.writing(lake.settings, "broken") as writing,
        pytest.raises(GateFailed, match=r"gold\.daily_metrics, column conversations: .*activity_date=") as refused,
    ):
        pipelines.gold.run.run(Run(writing, new_run_id(), None, argparse.Namespace()), built_lake.as_of)
    assert "nothing of it was published" in str(refused.value)
    assert {c.name: lake.version(c.name) for c in tables} == before


def test_the_dashboard_is_one_file_that_asks_for_nothing(built_lake: BuiltLake) -> None:
    page = built_lake.lake.settings.dashboard.read_text()
    assert page.lstrip().startswith("<!doctype html>") or page.lstrip().startswith("<!DOCTYPE html>")
    assert "default-src 'none'" in page
    folder = Path(built_lake.lake.settings.dashboard).parent
    assert sorted(path.name for path in folder.iterdir()) == ["data_docs", "index.html"]
