"""An ingest killed at given moments, then run to its end: the lake of an undisturbed one."""

from __future__ import annotations

import time
from pathlib import Path

from data_gen.arrivals import deliver
from data_gen.generate import Plan
from lakehouse.settings import Settings, settings
from tests.data_gen.delivered import written
from tests.lakes import assert_same, take_in
from tests.processes import kill, start

MOMENTS = ("bronze.db/messages/_delta_log/00000000000000000001.json", "silver.db/messages/_delta_log")
"""The first rows of a bronze table are committed and others are not; silver is being published."""
LONGEST = 900.0


def killed(chosen: Settings, sign: Path) -> None:
    """Start an ingest, and kill it as soon as a file appears."""
    process = start("pipelines.ingest", "--lake", chosen.lake, "--landing", chosen.landing, "--most-refused", 1)
    began = time.monotonic()
    while not sign.exists() and process.poll() is None:
        assert time.monotonic() - began < LONGEST, f"{sign} did not appear"
        time.sleep(0.02)
    assert process.poll() is None, "it ended before it could be killed"
    kill(process)


def test_a_killed_ingest_is_finished_by_the_next(tmp_path: Path) -> None:
    source = written(deliver, Plan(7, 10, 7), tmp_path / "source") / "landing"
    chosen, undisturbed = (settings(str(tmp_path / name), str(source)) for name in ("killed", "undisturbed"))
    for moment in MOMENTS:
        killed(chosen, chosen.warehouse / moment)
    take_in(chosen)
    take_in(undisturbed)
    assert_same(chosen, undisturbed)
