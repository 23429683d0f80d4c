"""Sixty days in one batch, day by day, shuffled and killed, and by two at once: the same silver and features."""

from __future__ import annotations

import json
import random
import signal
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path

import pytest

import features.run
from data_gen.arrivals import deliver
from data_gen.generate import Plan
from lakehouse.cli import Run, resolve_as_of
from lakehouse.lake import Lake
from lakehouse.run_ids import new_run_id
from lakehouse.settings import Settings, settings
from lakehouse.upkeep import MANY_FILES
from pipelines.upkeep import BATCHES_BETWEEN
from soak.conftest import Report
from soak.test_upkeep import files_around_upkeep
from tests.conftest import OPTIONS
from tests.data_gen.delivered import days, written
from tests.lakes import assert_same, bring, take_in
from tests.processes import kill, start

STUDENTS, DAYS, SEED = 30, 60, 42
DAYS_A_BATCH, SOONEST, LATEST, LONGEST = 3, 8.0, 32.0, 900.0


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return written(deliver, Plan(SEED, STUDENTS, DAYS), tmp_path_factory.mktemp("orders")) / "landing"


@pytest.fixture(scope="module")
def at_once(source: Path) -> Settings:
    chosen = of(source, "once")
    arrive(days(source), source, chosen)
    take_in(chosen)
    return with_features(chosen)


def of(source: Path, name: str) -> Settings:
    """A lake and a landing folder of a name."""
    return settings(str(source.parent / name / "lake"), str(source.parent / name / "landing"))


def arrive(batch: Sequence[str], source: Path, chosen: Settings) -> None:
    """Days come into a lake's landing folder."""
    files = [str(path.relative_to(source)) for day in batch for path in source.glob(f"*/{day}/*.parquet")]
    bring(files, source, chosen.landing)


def with_features(chosen: Settings) -> Settings:
    """A lake with features as of the end."""
    with Lake.writing(chosen, "features") as lake:
        as_of = resolve_as_of(lake, None)
        features.run.run(Run(lake, new_run_id(), as_of, OPTIONS), as_of)
    return chosen


def another(chosen: Settings, said: int | None = None) -> subprocess.Popen[bytes]:
    """An ingest in a process of its own; `said` is where its stderr goes, if not where this one's does."""
    where = ("--lake", chosen.lake, "--landing", chosen.landing)
    return start("pipelines.ingest", *where, "--most-refused", 1, stderr=said)


def parts_written_anew(chosen: Settings) -> set[str]:
    """The parts of the event log of which a batch replaced a file."""
    commits = (chosen.table_folder("silver.learning_events") / "_delta_log").glob("*.json")
    actions = [json.loads(line) for commit in commits for line in commit.read_text().splitlines()]
    removed = [action["remove"] for action in actions if action.get("remove", {}).get("dataChange")]
    return {remove["path"].split("/")[0] for remove in removed}


def test_day_by_day(source: Path, at_once: Settings, report: Report) -> None:
    daily = of(source, "daily")
    for day in days(source):
        arrive([day], source, daily)
        take_in(daily)
    assert_same(with_features(daily), at_once)
    assert parts_written_anew(daily) == {"event_type=level"}
    _, after = files_around_upkeep(Lake.open(daily))
    assert len(after) == len(days(source)) // BATCHES_BETWEEN
    assert max(after) < MANY_FILES
    report(f"{len(days(source))} days of {STUDENTS} students one by one equal one batch, every table, features too")


def test_shuffled_and_killed(source: Path, at_once: Settings, report: Report) -> None:
    """The run that takes a batch in is killed with its JVM at a random moment, and this process runs it again."""
    rng, order, shuffled, struck = random.Random(SEED), days(source), of(source, "shuffled"), 0
    rng.shuffle(order)
    batches = [order[n : n + DAYS_A_BATCH] for n in range(0, len(order), DAYS_A_BATCH)]
    for batch in batches:
        arrive(batch, source, shuffled)
        process = another(shuffled)
        time.sleep(rng.uniform(SOONEST, LATEST))
        if process.poll() is None:
            struck += 1
            kill(process)
        assert process.wait(60) in (0, -signal.SIGKILL)
        take_in(shuffled)
    assert_same(with_features(shuffled), at_once)
    assert struck >= 0.8 * len(batches)
    report(
        f"{len(order)} days in shuffled order (seed {SEED}), {DAYS_A_BATCH} a batch, {struck} of {len(batches)} runs "
        "struck by SIGKILL: the lake equals one batch, features too"
    )


def test_two_at_once(source: Path, at_once: Settings, report: Report) -> None:
    both = of(source, "both")
    arrive(days(source), source, both)
    pair = [another(both, subprocess.PIPE) for _ in range(2)]
    said = [process.communicate(timeout=LONGEST)[1].decode() for process in pair]
    assert [process.returncode for process in pair] == [0, 0]
    assert sorted("Waiting for" in text for text in said) == [False, True]
    assert_same(with_features(both), at_once)
    report("two ingests started at once: one waited for the other; the lake equals that of one")
