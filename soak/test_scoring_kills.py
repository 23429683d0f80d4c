"""Scorings killed at random moments and amid publication, and two at once: a day's scores are there whole or not."""

from __future__ import annotations

import argparse
import random
import shutil
import subprocess
import time
from datetime import date, timedelta
from pathlib import Path

from pyspark.sql import functions as F

import scoring.run
from data_gen.__main__ import main as generate
from lakehouse.cli import Run
from lakehouse.lake import Lake
from lakehouse.lock import HOLDER, WriterNote
from lakehouse.run_ids import new_run_id
from lakehouse.settings import Settings, settings
from soak.conftest import Report
from tests.conftest import OPTIONS, run_loop
from tests.lakes import assert_same
from tests.processes import kill, start

KILLS, DOUBLED, SEED, SOONEST, LONGEST = 6, 2, 7, 5.0, 900.0
"""Every other one is killed at a random moment, the others as soon as a table has its first rows of the day."""
SCORES = "gold.at_risk_students"
TABLES = (SCORES, "gold.student_segments", "gold.segment_movement")


def another(chosen: Settings, day: date) -> subprocess.Popen[bytes]:
    """A process of its own that scores a day."""
    return start("scoring", "--lake", chosen.lake, "--as-of", day)


def wait_until_it_writes(chosen: Settings, process: subprocess.Popen[bytes]) -> None:
    """Wait until a process holds the lake."""
    note = WriterNote(chosen.lake / HOLDER, "soak")
    while note.read().get("pid") != process.pid:
        assert process.poll() is None
        time.sleep(0.1)


def score(chosen: Settings, first: date, last: date) -> None:
    """Score a range of days in this process."""
    with Lake.writing(chosen, "score") as lake:
        span = argparse.Namespace(**vars(OPTIONS), first=str(first), last=str(last))
        scoring.run.run(Run(lake, new_run_id(), last, span), last)


def score_by_two(chosen: Settings, day: date) -> None:
    """Score a day in this process while another one does so."""
    beside = another(chosen, day)
    wait_until_it_writes(chosen, beside)
    score(chosen, day, day)
    assert beside.wait(LONGEST) == 0


def test_scoring_killed_and_doubled(tmp_path: Path, report: Report) -> None:
    generate(["--students", "50", "--days", "180", "--out", str(tmp_path / "landing")])
    chosen = settings(str(tmp_path / "lake"), str(tmp_path / "landing"))
    with Lake.writing(chosen, "soak") as lake:
        as_of = run_loop(lake).as_of
    assert as_of
    newest = as_of - timedelta(days=as_of.weekday() or 7)
    before, *days = [newest - timedelta(weeks=week) for week in range(KILLS, -1, -1)]
    # From a day that was scored before, students move to the next: else a table has no rows of it.
    score(chosen, before, before)
    undisturbed = settings(str(tmp_path / "undisturbed"), str(tmp_path / "landing"))
    shutil.copytree(chosen.lake, undisturbed.lake)
    began = time.monotonic()
    assert another(undisturbed, days[0]).wait(LONGEST) == 0
    whole_run = time.monotonic() - began
    rng, amid = random.Random(SEED), 0
    for number, day in enumerate(days):
        commits = versions(chosen)
        process = another(chosen, day)
        if number % 2:
            time.sleep(rng.uniform(SOONEST, 0.8 * whole_run))
        else:
            wait_for_a_commit(chosen, commits, process)
        assert process.poll() is None, "it ended before it could be killed"
        kill(process)
        found, whole = scored(chosen, day)
        assert found in (0, whole)
        amid += 0 < len(versions(chosen) - commits) < len(TABLES)
        if number < KILLS - DOUBLED:
            score(chosen, day, day)
        else:
            score_by_two(chosen, day)
        assert scored(chosen, day) == (whole, whole)
    score(undisturbed, days[0], days[-1])
    assert_same(chosen, undisturbed, ("gold",))
    assert amid
    report(
        f"{KILLS} scorings were struck by SIGKILL (seed {SEED}), {amid} of them when some of the tables were published "
        f"and others not; each day then scored again, {DOUBLED} of them by two processes at once: gold equals an "
        "undisturbed lake's"
    )


def versions(chosen: Settings) -> set[Path]:
    """The commits of the tables that a scoring publishes."""
    return {commit for table in TABLES for commit in (chosen.table_folder(table) / "_delta_log").glob("*.json")}


def wait_for_a_commit(chosen: Settings, before: set[Path], process: subprocess.Popen[bytes]) -> None:
    """Wait until a table has a commit that it did not have before."""
    began = time.monotonic()
    while versions(chosen) == before:
        assert process.poll() is None
        assert time.monotonic() - began < LONGEST
        time.sleep(0.01)


def scored(chosen: Settings, day: date) -> tuple[int, int]:
    """Rows of the day's scores, and students who are to have one."""
    lake, mine = Lake.open(chosen), F.col("as_of") == F.lit(day)
    return lake.table(SCORES).where(mine).count(), lake.table("features.student_labels").where(
        mine & F.col("eligible")
    ).count()
