"""An ingest killed at given moments, then run to its end: the lake of an undisturbed one."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

from data_gen.arrivals import deliver
from data_gen.generate import Plan
from lakehouse.settings import settings
from tests.data_gen.delivered import written
from tests.lakes import assert_same, take_in

MOMENTS = ("bronze.db/messages/_delta_log/00000000000000000001.json", "silver.db/messages/_delta_log")
"""The first rows of a bronze table are committed and others are not; silver is being published."""
LONGEST = 900.0


def killed(command: list[str], sign: Path) -> None:
    """Start a command, and kill it with its JVM as soon as a file appears."""
    process = subprocess.Popen(command, start_new_session=True, stdout=subprocess.DEVNULL)
    began = time.monotonic()
    while not sign.exists() and process.poll() is None:
        assert time.monotonic() - began < LONGEST, f"{sign} did not appear"
        time.sleep(0.02)
    assert process.poll() is None, "it ended before it could be killed"
    os.killpg(process.pid, signal.SIGKILL)
    process.wait(60)


def test_a_killed_ingest_is_finished_by_the_next(tmp_path: Path) -> None:
    source = written(deliver, Plan(7, 10, 7), tmp_path / "source") / "landing"
    lake = tmp_path / "killed"
    command = [sys.executable, "-m", "pipelines.ingest", "--lake", str(lake), "--landing", str(source)]
    for moment in MOMENTS:
        killed([*command, "--most-refused", "1"], lake / "warehouse" / moment)
    take_in(settings(str(lake), str(source)))
    take_in(settings(str(tmp_path / "undisturbed"), str(source)))
    assert_same(settings(str(lake), str(source)), settings(str(tmp_path / "undisturbed"), str(source)))
