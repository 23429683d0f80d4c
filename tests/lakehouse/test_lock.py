"""One writer a lake."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from contextlib import nullcontext
from pathlib import Path

import pytest

from lakehouse.errors import LakeBusy, RadarError
from lakehouse.java import began as began_at
from lakehouse.lock import HOLDER, single_writer
from lakehouse.settings import check_writable

HOLD = """
import sys, time
from pathlib import Path
from lakehouse.lock import single_writer
with single_writer(Path(sys.argv[1]), "first"):
    print("held", flush=True)
    time.sleep(float(sys.argv[2]))
"""


def hold(lake: Path, seconds: float) -> subprocess.Popen[str]:
    holder = subprocess.Popen([sys.executable, "-c", HOLD, str(lake), str(seconds)], stdout=subprocess.PIPE, text=True)
    assert holder.stdout
    assert holder.stdout.readline() == "held\n"
    return holder


def test_a_second_writer_waits_and_says_for_whom(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    holder = hold(tmp_path, 1.5)
    with single_writer(tmp_path, "second", wait_seconds=30):
        assert holder.wait(timeout=10) == 0
    told = capsys.readouterr().err
    assert "Waiting for run first" in told
    assert str(holder.pid) in told


def test_it_gives_up_in_time(tmp_path: Path) -> None:
    holder = hold(tmp_path, 30)
    try:
        with pytest.raises(LakeBusy, match="run first"), single_writer(tmp_path, "second", wait_seconds=0.5):
            pass
    finally:
        holder.kill()
        holder.wait()


def test_who_gives_up_on_the_jvm_of_a_killed_run_leaves_the_note_for_the_next(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / HOLDER).write_text(json.dumps({"run": "first", "pid": 1, "jvm": 2}))
    monkeypatch.setattr("lakehouse.lock.is_java", lambda pid: pid == 2)
    for _ in range(2):
        with (
            pytest.raises(LakeBusy, match="The JVM 2 of the ended run first"),
            single_writer(tmp_path, "second", wait_seconds=0),
        ):
            pass
    assert (tmp_path / HOLDER).exists()


def test_another_process_under_the_number_of_a_killed_runs_jvm_is_no_reason_to_wait(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("lakehouse.lock.is_java", lambda pid: pid == os.getpid())
    for began, busy in ((began_at(os.getpid()), True), ("1", False)):
        note = {"run": "first", "pid": 1, "jvm": os.getpid(), "jvm_began": began}
        (tmp_path / HOLDER).write_text(json.dumps(note))
        with pytest.raises(LakeBusy) if busy else nullcontext(), single_writer(tmp_path, "second", wait_seconds=0):
            pass


def test_half_a_note_is_none(tmp_path: Path) -> None:
    (tmp_path / HOLDER).write_text('{"run": "fir')
    with single_writer(tmp_path, "second", wait_seconds=0) as note:
        assert note.read()["run"] == "second"


def test_a_killed_holder_frees_the_lake(tmp_path: Path) -> None:
    holder = hold(tmp_path, 60)
    holder.kill()
    holder.wait()
    with single_writer(tmp_path, "second", wait_seconds=5) as note:
        assert json.loads(note.path.read_text())["run"] == "second"
    assert not (tmp_path / HOLDER).exists()


def test_a_lake_that_cannot_be_written_to_is_said_so(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("not a folder")
    with pytest.raises(RadarError, match="cannot be written to"):
        check_writable(tmp_path / "file" / "lake")
    assert (tmp_path / "file").read_text() == "not a folder"
