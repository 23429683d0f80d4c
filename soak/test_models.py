"""Models on generated students of several seeds, where the truth is known: hazard, calibration, archetypes."""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from sklearn.metrics import adjusted_rand_score, roc_auc_score

import features.run
import training.dropout
import training.promotion
import training.segments
from data_gen.__main__ import main as generate
from lakehouse.cli import Run
from lakehouse.lake import Lake
from lakehouse.ledger import champion
from lakehouse.model_files import load_card, load_model
from lakehouse.registry import version
from lakehouse.run_ids import new_run_id
from lakehouse.settings import Settings, settings
from pipelines.ingest import ingest
from soak.conftest import Report
from tests.conftest import OPTIONS
from tests.training.training_frames import kept_over
from training.archetypes import BEHAVIOUR
from training.data import segment_set
from training.evidence import test_rows as logged_rows

SEEDS = (1, 2, 3, 4, 5)
MANY, FEW = 5_000, 500
"""Students of the first seed, and of each of the others."""
AS_OF = date(2025, 1, 1)
MOVES, FEWEST_PROMOTED = 10, 3


@dataclass(frozen=True)
class Learnt:
    """A lake with models, and where its students' truth lies."""

    chosen: Settings
    truth: Path

    def lake(self) -> Lake:
        """Opened anew, since another lake may have been served meanwhile."""
        return Lake.open(self.chosen)


def learnt(folder: Path, students: int, seed: int) -> Learnt:
    generate(["--students", str(students), "--days", "180", "--seed", str(seed), "--out", str(folder / "landing")])
    chosen = settings(str(folder / "lake"), str(folder / "landing"))
    with Lake.writing(chosen, "soak") as lake:
        run = Run(lake, new_run_id(), AS_OF, argparse.Namespace(**vars(OPTIONS) | {"trials": 4}))
        ingest(run)
        features.run.run(run, AS_OF)
        training.dropout.run(run, AS_OF)
        training.segments.run(run, AS_OF)
        training.promotion.run(run, AS_OF)
    return Learnt(chosen, folder / "truth")


@pytest.fixture(scope="module")
def of_seed(tmp_path_factory: pytest.TempPathFactory) -> Callable[[int], Learnt]:
    """The students of a seed, made when first asked for."""
    return cache(lambda seed: learnt(tmp_path_factory.mktemp("seed"), MANY if seed == SEEDS[0] else FEW, seed))


def way_to_the_hazard(made: Learnt) -> float:
    """How far the model's ROC AUC is on the way from .5 to that of the true hazard."""
    hazard = pd.read_parquet(made.truth / "hazard.parquet")
    truth = hazard.assign(student_id=hazard["user_id"].astype(str), as_of=pd.to_datetime(hazard["date"]))
    told = logged_rows(version(made.lake(), "dropout", "2"))
    told = told.merge(truth[["student_id", "as_of", "hazard"]], on=["student_id", "as_of"], how="left")
    assert told["hazard"].notna().all()
    ours, true = (roc_auc_score(told["dropped_out"], told[column]) for column in ("probability", "hazard"))
    return float((ours - 0.5) / (true - 0.5))


def archetypes_found(made: Learnt) -> float:
    """Adjusted Rand index between the newest segments and the planted archetypes, of students active in 28 days."""
    lake = made.lake()
    found = version(lake, "segments", "2")
    model = load_model(lake, found)
    frame = segment_set(lake, AS_OF, list(model.feature_names_in_)).frame
    truth = pd.read_parquet(made.truth / "students.parquet")
    truth = truth.assign(student_id=truth["user_id"].astype(str)).set_index("student_id")["archetype"]
    names = [json.loads(found.tags["segments"])[place] for place in model.predict(frame[list(model.feature_names_in_)])]
    return float(adjusted_rand_score(frame["student_id"].map(truth), names))


def surely_better(card: dict[str, Any]) -> bool:
    """Whether a model's interval excludes the recency rule's value, in ROC AUC or in average precision."""
    return any(card["metrics"][m]["low"] > card["recency"][m]["value"] for m in ("roc_auc", "average_precision"))


def test_generated_students(of_seed: Callable[[int], Learnt], report: Report) -> None:
    ways, kinds, promoted, better = [], [], 0, 0
    for made in map(of_seed, SEEDS):
        ways.append(way_to_the_hazard(made))
        kinds.append(archetypes_found(made))
        lake = made.lake()
        held = champion(lake, "dropout")
        assert held
        promoted += held.version == "2"
        better += held.version == "2" and surely_better(load_card(lake, held))
    report(
        f"seeds {SEEDS}, {MANY:,} students of the first, {FEW} of the others: ROC AUC "
        f"{', '.join(f'{way:.0%}' for way in ways)} of the way to the true hazard's; "
        f"promoted in {promoted}, with an interval that excludes the recency rule's value in {better}; "
        "archetypes found with adjusted Rand "
        f"{', '.join(f'{kind:.2f}' for kind in kinds)}"
    )
    assert min(ways) >= 0.92
    assert better == promoted >= FEWEST_PROMOTED
    assert min(kinds) >= 0.6


def test_five_thousand_students(of_seed: Callable[[int], Learnt], report: Report) -> None:
    made = of_seed(SEEDS[0])
    lake = made.lake()
    card = load_card(lake, version(lake, "dropout", "2"))
    ours, rule = card["metrics"]["roc_auc"], card["recency"]["roc_auc"]
    error = card["metrics"]["calibration_error"]["value"]
    report(
        f"{MANY:,} students: ROC AUC {ours['value']:.3f} ({ours['low']:.3f}-{ours['high']:.3f}), "
        f"the recency rule {rule['value']:.3f}; calibration error {error:.3f}"
    )
    assert error <= 0.03
    assert ours["low"] > rule["value"]


def test_segments_keep_their_meaning(of_seed: Callable[[int], Learnt], report: Report) -> None:
    lake = of_seed(SEEDS[-1]).lake()
    days = [row.as_of for row in lake.table("features.student_labels").select("as_of").distinct().collect()]
    mondays = sorted(day for day in days if day.weekday() == 0)[-MOVES - 1 :]
    features = BEHAVIOUR.features
    weeks = [segment_set(lake, day, features).frame.set_index("student_id")[features] for day in mondays]
    kept = kept_over(weeks)
    report(f"{len(kept)} retrainings a week apart: of the students who moved little, {min(kept):.1%} or more stayed")
    assert len(kept) == MOVES
    assert min(kept) >= 0.9
