"""Days scored after the fact, and a champion that cannot score."""

from __future__ import annotations

import argparse
import json
import shutil
import sqlite3
from collections import Counter
from datetime import date, timedelta
from pathlib import Path

import pandas as pd
import pytest

import scoring.export
import scoring.run
from features.student_labels import CONTRACT as LABELS
from lakehouse.cli import Run
from lakehouse.errors import RadarError
from lakehouse.lake import Lake
from lakehouse.rows import append_rows
from lakehouse.run_ids import new_run_id
from lakehouse.settings import Settings, settings

pytestmark = pytest.mark.long

AT_RISK = "gold.at_risk_students"


@pytest.fixture(scope="module")
def copied(tutorial: tuple[Settings, date], tmp_path_factory: pytest.TempPathFactory) -> tuple[Settings, date]:
    """The tutorial's lake, once more."""
    built, as_of = tutorial
    root = tmp_path_factory.mktemp("scored")
    shutil.copytree(built.lake, root / "lake")
    return settings(str(root / "lake"), str(built.landing)), as_of


def score(chosen: Settings, as_of: date, **options: str) -> Lake:
    with Lake.writing(chosen, "score") as lake:
        scoring.run.run(Run(lake, new_run_id(), as_of, argparse.Namespace(**options)), as_of)
    return lake


def scored(lake: Lake) -> Counter[date]:
    return Counter(row.as_of for row in lake.table(AT_RISK).select("as_of").collect())


def test_a_range_is_scored_day_by_day_and_leaves_other_days_alone(copied: tuple[Settings, date]) -> None:
    chosen, as_of = copied
    monday = as_of - timedelta(days=14 + as_of.weekday())
    before = scored(Lake.open(chosen))
    lake = score(chosen, as_of, first=str(monday), last=str(monday + timedelta(days=7)))
    found = scored(lake)
    assert set(found) - set(before) == {monday, monday + timedelta(days=7)}
    assert found[as_of] == before[as_of]
    rows = lake.table(AT_RISK).where(f"as_of = DATE'{monday}'").toPandas()
    versions = json.loads(rows["feature_versions"].iloc[0])
    assert versions["features.student_activity"] == lake.version("features.student_activity")
    told = rows[rows["reason_1"].notna()]
    assert set(told["risk_band"]) <= {"high", "medium"}
    assert (told["effect_1"].fillna(0) >= told["effect_2"].fillna(0)).all()
    assert (rows.loc[rows["risk_band"] == "low", "reason_1"].isna()).all()
    again = lake.version(AT_RISK)
    assert score(chosen, as_of, first=str(monday), last=str(monday)).version(AT_RISK) == again


def test_the_champions_of_a_day_before_there_were_any_are_asked_for_in_vain(copied: tuple[Settings, date]) -> None:
    chosen, as_of = copied
    early = str(as_of - timedelta(days=30))
    with pytest.raises(RadarError, match="there was no champion of dropout and segments yet"):
        score(chosen, as_of, first=early, champions="then")
    with pytest.raises(RadarError, match="there was no champion of dropout and segments yet"):
        score(chosen, as_of - timedelta(days=30), champions="then")
    with pytest.raises(RadarError, match="No features were made for a day"):
        score(chosen, as_of, first="2030-01-01", last="2030-02-01")
    score(chosen, as_of, first=str(as_of), champions="then")


def test_the_list_as_csv(copied: tuple[Settings, date], tmp_path: Path) -> None:
    chosen, as_of = copied
    out = tmp_path / "list" / "at_risk.csv"
    with Lake.writing(chosen, "export") as lake:
        run = Run(lake, new_run_id(), as_of, argparse.Namespace(out=str(out), band="medium"))
        scoring.export.run(run, as_of)
        with pytest.raises(RadarError, match="2020-01-01 has not been scored"):
            scoring.export.run(run, date(2020, 1, 1))
        stood = lake.table(AT_RISK).where(f"as_of = DATE'{as_of}' AND risk_band <> 'low'").count()
    rows = pd.read_csv(out)
    assert len(rows) == stood
    assert rows["risk"].is_monotonic_decreasing
    assert set(rows["risk_band"]) == {"high", "medium"}


def test_a_list_of_nobody_says_why(copied: tuple[Settings, date], tmp_path: Path) -> None:
    chosen, as_of = copied
    closed = as_of - timedelta(days=1)
    options = argparse.Namespace(out=str(tmp_path / "none.csv"), band="medium")
    with Lake.writing(chosen, "export") as lake:
        append_rows(lake, LABELS, [("anna", closed, False, None)])
        with pytest.raises(RadarError, match=f"Nobody is scored for {closed}: .* a closure lies ahead"):
            scoring.export.run(Run(lake, new_run_id(), closed, options), closed)


def test_a_champion_whose_files_are_gone_is_told_and_earlier_scores_stand(copied: tuple[Settings, date]) -> None:
    chosen, as_of = copied
    before = scored(Lake.open(chosen))
    with sqlite3.connect(chosen.lake / "mlflow.db") as store:
        store.execute("UPDATE logged_models SET artifact_location = '/nowhere'")
        store.execute("UPDATE model_versions SET storage_location = '/nowhere'")
    with pytest.raises(RadarError, match=r"its files cannot be read.*earlier scores stand"):
        score(chosen, as_of)
    assert scored(Lake.open(chosen)) == before
