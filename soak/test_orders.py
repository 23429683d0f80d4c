"""Sixty days in one batch, day by day and shuffled: the same silver and the same features."""

from __future__ import annotations

import json
import random
from collections.abc import Sequence
from pathlib import Path

import pytest

import features.run
from data_gen.arrivals import deliver
from data_gen.generate import Plan
from lakehouse.cli import Run, resolve_as_of
from lakehouse.lake import Lake
from lakehouse.publish import new_run_id
from lakehouse.settings import Settings, settings
from lakehouse.upkeep import MANY_FILES
from pipelines.upkeep import BATCHES_BETWEEN
from soak.conftest import Report
from soak.test_upkeep import files_around_upkeep
from tests.conftest import OPTIONS
from tests.data_gen.delivered import days, written
from tests.lakes import assert_same, bring, take_in

STUDENTS, DAYS, SEED = 30, 60, 42


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return written(deliver, Plan(SEED, STUDENTS, DAYS), tmp_path_factory.mktemp("orders")) / "landing"


@pytest.fixture(scope="module")
def at_once(source: Path) -> Settings:
    return loaded(source, "once", [days(source)])


def loaded(source: Path, name: str, batches: Sequence[Sequence[str]]) -> Settings:
    """A lake that took in the days batch by batch, with features as of the end."""
    root = source.parent / name
    chosen = settings(str(root / "lake"), str(root / "landing"))
    for batch in batches:
        files = [str(path.relative_to(source)) for day in batch for path in source.glob(f"*/{day}/*.parquet")]
        bring(files, source, root / "landing")
        take_in(chosen)
    with Lake.writing(chosen, "features") as lake:
        as_of = resolve_as_of(lake, None)
        features.run.run(Run(lake, new_run_id(), as_of, OPTIONS), as_of)
    return chosen


def parts_written_anew(chosen: Settings) -> set[str]:
    """The parts of the event log of which a batch replaced a file."""
    commits = (chosen.table_folder("silver.learning_events") / "_delta_log").glob("*.json")
    actions = [json.loads(line) for commit in commits for line in commit.read_text().splitlines()]
    removed = [action["remove"] for action in actions if action.get("remove", {}).get("dataChange")]
    return {remove["path"].split("/")[0] for remove in removed}


def test_day_by_day(source: Path, at_once: Settings, report: Report) -> None:
    daily = loaded(source, "daily", [[day] for day in days(source)])
    assert_same(daily, at_once)
    assert parts_written_anew(daily) == {"event_type=level"}
    _, after = files_around_upkeep(Lake.open(daily))
    assert len(after) == len(days(source)) // BATCHES_BETWEEN
    assert max(after) < MANY_FILES
    report(f"{len(days(source))} days of {STUDENTS} students one by one equal one batch, every table, features too")


def test_shuffled(source: Path, at_once: Settings, report: Report) -> None:
    order = days(source)
    random.Random(SEED).shuffle(order)
    assert_same(loaded(source, "shuffled", [order[n : n + 3] for n in range(0, len(order), 3)]), at_once)
    report(f"{len(order)} days in shuffled order (seed {SEED}), three a batch, equal one batch, features too")
