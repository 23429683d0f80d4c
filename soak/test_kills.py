"""Ingests killed at random moments and run again: the lake of an undisturbed run."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from data_gen.arrivals import deliver
from data_gen.generate import Plan
from data_gen.write import TableFolder
from lakehouse.settings import Settings, settings
from soak.conftest import Report
from tests.lakes import assert_same, take_in

KILLS, SEED, LONGEST = 20, 7, 45.0


@pytest.fixture(scope="module")
def landing(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("kills")
    with TableFolder(root / "landing") as folder, TableFolder(root / "truth") as truth:
        deliver(Plan(SEED, 10, 28), folder, truth)
    return root / "landing"


@pytest.fixture(scope="module")
def undisturbed(landing: Path) -> Settings:
    chosen = settings(str(landing.parent / "undisturbed"), str(landing))
    take_in(chosen)
    return chosen


def ingest(lake: Path, landing: Path) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "pipelines.ingest", "--lake", str(lake), "--landing", str(landing)]
    return subprocess.Popen([*command, "--most-refused", "1"], start_new_session=True)


def test_killed_at_random_moments(landing: Path, undisturbed: Settings, report: Report) -> None:
    """Python and its JVM are killed together, the same lake again and again, then one run ends in peace."""
    rng, lake = random.Random(SEED), landing.parent / "killed"
    struck = 0
    for _ in range(KILLS):
        process = ingest(lake, landing)
        time.sleep(rng.uniform(5.0, LONGEST))
        struck += process.poll() is None
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
        process.wait(60)
    assert ingest(lake, landing).wait(600) == 0
    assert_same(settings(str(lake), str(landing)), undisturbed)
    report(f"{struck} of {KILLS} runs were struck by SIGKILL (seed {SEED}); the lake equals the undisturbed one")


def test_two_at_once(landing: Path, undisturbed: Settings, report: Report) -> None:
    lake = landing.parent / "both"
    both = [ingest(lake, landing), ingest(lake, landing)]
    assert [process.wait(900) for process in both] == [0, 0]
    assert_same(settings(str(lake), str(landing)), undisturbed)
    report("two ingests started at once: one waited for the other; the lake equals that of one")
