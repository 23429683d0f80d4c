"""Monitoring week by week: what is planted is found and nothing else, and realised metrics are those of pandas."""

from __future__ import annotations

import argparse
from collections import Counter, defaultdict
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import pytest
from sklearn.metrics import average_precision_score, roc_auc_score

import features.run
import scoring.run
import training.dropout
import training.promotion
import training.segments
from data_gen.__main__ import main as generate
from lakehouse.cli import Run
from lakehouse.lake import Lake
from lakehouse.ledger import champion
from lakehouse.model_files import load_card
from lakehouse.run_ids import new_run_id
from lakehouse.settings import settings
from monitoring.run import watch
from pipelines.ingest import ingest
from soak.conftest import Report
from tests.conftest import OPTIONS
from tests.data_gen.delivered import planted
from tests.monitoring.raw_weeks import acts, found

STUDENTS = 800
LAST = date(2024, 12, 30)
SEEDS = (11, 12, 13, 14)
SINCE = LAST - timedelta(weeks=6)
HISTORY = 130
"""Days that are learnt from, at least, before the day of the training."""
EXPECTED = {
    "error_rate": ("error_rate_of_language", "french"),
    "silent_client": ("silent_client", "silver.messages"),
    "exodus": ("students_gone", "students"),
    "new_language": ("new_language", "dutch"),
}


def watched(folder: Path, kind: str, trained: date) -> Lake:
    """A lake with models of a Monday, every Monday since scored by them and, from the next one on, monitored."""
    days = (LAST - trained).days + HISTORY
    generate(
        ["--students", str(STUDENTS), "--days", str(days), *planted(kind, SINCE), "--out", str(folder / "landing")]
    )
    chosen = settings(str(folder / "lake"), str(folder / "landing"))
    with Lake.writing(chosen, "soak") as lake:
        run = Run(lake, new_run_id(), trained, OPTIONS)
        ingest(run)
        features.run.run(run, LAST)
        for step in (training.segments, training.dropout, training.promotion):
            step.run(run, trained)
        span = argparse.Namespace(**vars(OPTIONS), first=str(trained), last=str(LAST))
        scoring.run.run(replace(run, options=span), LAST)
        model = champion(lake, "dropout")
        assert model
        day = trained + timedelta(weeks=1)
        while day <= LAST:
            watch(replace(run, run_id=new_run_id(), as_of=day), day, model, load_card(lake, model))
            day += timedelta(weeks=1)
    return lake


def raised(lake: Lake) -> dict[tuple[str, str], list[date]]:
    """When each rule fired as more than info, by rule and subject."""
    found = defaultdict(list)
    for row in lake.table("gold.alerts").where("severity <> 'info'").orderBy("as_of").collect():
        found[row.rule, row.subject].append(row.as_of)
    return found


def test_twenty_undisturbed_weeks_raise_no_alert(tmp_path: Path, report: Report) -> None:
    trained = LAST - timedelta(weeks=20)
    lake = watched(tmp_path, "none", trained)
    infos = lake.table("gold.alerts").where("severity = 'info'").count()
    decided = lake.table("gold.retraining").where("retrain AND model_name LIKE '%dropout'").orderBy("as_of").collect()
    kind = champion(lake, "dropout").kind
    report(
        f"20 weeks of {STUDENTS} undisturbed students scored by {kind}: {len(raised(lake))} warnings, {infos} infos; "
        f"the first yes to training again on {decided[0].as_of}, since {decided[0].because}"
    )
    assert raised(lake) == {}
    assert decided[0].as_of == trained + timedelta(weeks=4)
    same_as_pandas(lake)


def test_weeks_of_many_seeds(tmp_path: Path, report: Report) -> None:
    """The rules on weeks alone, without a lake: undisturbed ones raise nothing; small platforms tell less."""
    told = []
    for students in (300, 800):
        hits, others = Counter[str](), Counter[str]()
        for seed in SEEDS:
            for kind in ("none", *EXPECTED):
                folder = tmp_path / f"{students}-{seed}-{kind}"
                arguments = ["--students", str(students), "--days", "200", "--seed", str(seed), *planted(kind, SINCE)]
                generate([*arguments, "--out", str(folder / "landing")])
                done = acts(folder / "landing")
                days = [SINCE + timedelta(weeks=n) for n in (range(-14, 6) if kind == "none" else range(1, 7))]
                raised = {alert for day in days for alert in found(done, day, SINCE - timedelta(weeks=11))}
                hits[kind] += EXPECTED.get(kind) in raised
                others[kind] += len(raised - {EXPECTED.get(kind)})
        kinds = ", ".join(f"{kind} {hits[kind]}" for kind in EXPECTED)
        told.append(f"{students} students: of {len(SEEDS)} found {kinds}, {others.total()} other alerts")
        assert others["none"] == 0
    report("; ".join(told))
    assert hits == dict.fromkeys(EXPECTED, len(SEEDS)) | {"none": 0}
    assert others.total() == 0


@pytest.mark.parametrize("kind", EXPECTED)
def test_planted_drift_raises_its_alert_and_no_other(kind: str, tmp_path: Path, report: Report) -> None:
    lake = watched(tmp_path, kind, SINCE - timedelta(weeks=2))
    found = raised(lake)
    told = "; ".join(f"{rule} ({subject}) on {', '.join(map(str, days))}" for (rule, subject), days in found.items())
    report(f"{kind} from {SINCE} on: {told or 'nothing'}")
    assert set(found) == {EXPECTED[kind]}
    assert found[EXPECTED[kind]][0] == SINCE + timedelta(weeks=1)


def same_as_pandas(lake: Lake) -> None:
    """Realised metrics of every week are those of pandas and scikit-learn; the last two weeks and a day have none."""
    scores, labels = (lake.table(name).toPandas() for name in ("gold.at_risk_students", "features.student_labels"))
    rows = scores.merge(labels[["student_id", "as_of", "dropped_out"]], on=["student_id", "as_of"])
    health = lake.table("gold.model_health").where("slice = 'all'").toPandas()
    ripe = rows[rows["as_of"] <= LAST - timedelta(days=17)]
    assert set(health["as_of"]) == set(ripe["as_of"])
    for day, week in ripe.groupby("as_of"):
        realised = health[health["as_of"] == day].set_index("metric")["realised"]
        left = week["dropped_out"].astype(int)
        assert realised["roc_auc"] == pytest.approx(roc_auc_score(left, week["risk"]))
        assert realised["average_precision"] == pytest.approx(average_precision_score(left, week["risk"]))
        assert realised["base_rate"] == pytest.approx(left.mean())
        assert realised["calibration_gap"] == pytest.approx(left.mean() - week["risk"].mean())
