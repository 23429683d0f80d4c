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
from lakehouse.settings import Settings, settings
from soak.conftest import Report
from tests.data_gen.delivered import written
from tests.lakes import assert_same, bring, take_in

KILLS, SEED, SOONEST, LATEST = 20, 7, 8.0, 32.0


@pytest.fixture(scope="module")
def landing(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return written(deliver, Plan(SEED, 10, 28), tmp_path_factory.mktemp("kills")) / "landing"


@pytest.fixture(scope="module")
def undisturbed(landing: Path) -> Settings:
    chosen = settings(str(landing.parent / "undisturbed"), str(landing))
    take_in(chosen)
    return chosen


def ingest(lake: Path, landing: Path, said: int | None = None) -> subprocess.Popen[bytes]:
    """A process of its own; `said` is where its stderr goes, if not where this one's does."""
    command = [sys.executable, "-m", "pipelines.ingest", "--lake", str(lake), "--landing", str(landing)]
    return subprocess.Popen([*command, "--most-refused", "1"], start_new_session=True, stderr=said)


def test_killed_at_random_moments(landing: Path, undisturbed: Settings, report: Report) -> None:
    """Days come in twenty parts; the run that takes one in is killed with its JVM, and this process runs it again."""
    rng, own, struck = random.Random(SEED), landing.parent / "in_parts", 0
    chosen = settings(str(landing.parent / "killed"), str(own))
    for part in parts(landing, KILLS):
        bring(part, landing, own)
        process = ingest(chosen.lake, own)
        time.sleep(rng.uniform(SOONEST, LATEST))
        if process.poll() is None:
            struck += 1
            os.killpg(process.pid, signal.SIGKILL)
        assert process.wait(60) in (0, -signal.SIGKILL)
        take_in(chosen)
    assert_same(chosen, undisturbed)
    assert struck >= 0.8 * KILLS
    report(f"{struck} of {KILLS} runs were struck by SIGKILL (seed {SEED}); the lake equals the undisturbed one")


def parts(landing: Path, count: int) -> list[list[str]]:
    """The files of the landing folder in order of arrival, in `count` parts."""
    files = sorted((path for path in landing.rglob("*.parquet")), key=lambda path: (path.parent.name, str(path)))
    names = [str(path.relative_to(landing)) for path in files]
    return [names[len(names) * n // count : len(names) * (n + 1) // count] for n in range(count)]


def test_two_at_once(landing: Path, undisturbed: Settings, report: Report) -> None:
    lake = landing.parent / "both"
    both = [ingest(lake, landing, subprocess.PIPE) for _ in range(2)]
    said = [process.communicate(timeout=900)[1].decode() for process in both]
    assert [process.returncode for process in both] == [0, 0]
    assert sorted("Waiting for" in text for text in said) == [False, True]
    assert_same(settings(str(lake), str(landing)), undisturbed)
    report("two ingests started at once: one waited for the other; the lake equals that of one")
