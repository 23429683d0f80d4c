"""Scorings killed at random moments, and two at once: a day's scores are there whole or not at all."""

from __future__ import annotations

import argparse
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from datetime import date, timedelta
from pathlib import Path

from pyspark.sql import functions as F

import scoring.run
from data_gen.__main__ import main as generate
from lakehouse.cli import Run
from lakehouse.lake import Lake
from lakehouse.publish import new_run_id
from lakehouse.settings import Settings, settings
from soak.conftest import Report
from tests.conftest import run_loop
from tests.lakes import assert_same

KILLS, SEED, SOONEST = 6, 7, 5.0
SCORES = "gold.at_risk_students"


def scored_by_another(chosen: Settings, day: date) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "scoring", "--lake", str(chosen.lake), "--as-of", str(day)]
    return subprocess.Popen(command, start_new_session=True)


def score(chosen: Settings, first: date, last: date) -> None:
    """The days from `first` to `last`, in this process."""
    with Lake.writing(chosen, "soak") as lake:
        scoring.run.run(Run(lake, new_run_id(), last, argparse.Namespace(first=str(first), last=str(last))), last)


def test_scoring_killed_and_doubled(tmp_path: Path, report: Report) -> None:
    """The run that scores a day is killed with its JVM, and this process runs it again; the last day is then scored by
    two others at once.
    """
    generate(["--students", "50", "--days", "180", "--out", str(tmp_path / "landing")])
    chosen = settings(str(tmp_path / "lake"), str(tmp_path / "landing"))
    with Lake.writing(chosen, "soak") as lake:
        as_of = run_loop(lake).as_of
    assert as_of
    undisturbed = settings(str(tmp_path / "undisturbed"), str(tmp_path / "landing"))
    shutil.copytree(chosen.lake, undisturbed.lake)
    newest = as_of - timedelta(days=as_of.weekday() or 7)
    days = [newest - timedelta(weeks=week) for week in range(KILLS - 1, -1, -1)]
    began = time.monotonic()
    assert scored_by_another(undisturbed, days[0]).wait(900) == 0
    whole_run = time.monotonic() - began
    rng, struck, before = random.Random(SEED), 0, 0
    for day in days:
        process = scored_by_another(chosen, day)
        time.sleep(rng.uniform(SOONEST, whole_run))
        struck += process.poll() is None
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
        process.wait(60)
        found, whole = scores(chosen, day)
        assert found in (0, whole)
        before += found == 0
        score(chosen, day, day)
        assert scores(chosen, day) == (whole, whole)
    both = [scored_by_another(chosen, newest), scored_by_another(chosen, newest)]
    assert [one.wait(900) for one in both] == [0, 0]
    score(undisturbed, days[0], newest)
    assert_same(chosen, undisturbed, ("gold",))
    report(
        f"{struck} of {KILLS} scorings were struck by SIGKILL (seed {SEED}), {before} of them before anything was "
        "published; the last day then scored by two processes at once: gold equals an undisturbed lake's"
    )


def scores(chosen: Settings, day: date) -> tuple[int, int]:
    """Rows of the day's scores, and students who are to have one."""
    lake, mine = Lake.open(chosen), F.col("as_of") == F.lit(day)
    return lake.table(SCORES).where(mine).count(), lake.table("features.student_labels").where(
        mine & F.col("eligible")
    ).count()
