"""One writer a lake: a file lock that says who holds it."""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from lakehouse.errors import LakeBusy
from lakehouse.java import began, is_java

LOCK = ".writer.lock"
HOLDER = ".writer.json"


@contextmanager
def single_writer(lake: Path, run: str, wait_seconds: float = 3600.0) -> Iterator[WriterNote]:
    """Hold the lake's writer lock; wait for another holder, saying for whom, at most `wait_seconds`.

    A killed run frees the lock at once, but its JVM may still be writing: the note that the holder left names that
    JVM, and the next writer waits until it is gone too.

    Raises:
        LakeBusy: when the wait was in vain.
    """
    lake.mkdir(parents=True, exist_ok=True)
    note = WriterNote(lake / HOLDER, run)
    lock = FileLock(lake / LOCK)
    deadline = time.monotonic() + wait_seconds
    try:
        lock.acquire(timeout=0)
    except Timeout:
        print(f"Waiting for {note.holder()} to finish writing to {lake} …", file=sys.stderr, flush=True)
        try:
            lock.acquire(timeout=wait_seconds)
        except Timeout:
            raise LakeBusy(
                f"The lake {lake} is still being written to by {note.holder()} after {wait_seconds:.0f} s. "
                "Wait for that run, or end it, and start again."
            ) from None
    try:
        note.wait_for_orphan(deadline)
        note.write()
        try:
            yield note
        finally:
            note.path.unlink(missing_ok=True)
    finally:
        lock.release()


class WriterNote:
    """The file beside the lock: which run, which process, which JVM."""

    def __init__(self, path: Path, run: str) -> None:
        self.path = path
        self.run = run

    def write(self, jvm: int | None = None) -> None:
        """Say who writes; called again once the JVM is known."""
        content = {"run": self.run, "pid": os.getpid(), "jvm": jvm, "jvm_began": began(jvm) if jvm else ""}
        temporary = self.path.with_suffix(".tmp")
        temporary.write_text(json.dumps(content))
        temporary.replace(self.path)

    def read(self) -> dict[str, object]:
        """The note as it stands; empty when there is none, or half of one, as after a loss of power."""
        try:
            return dict(json.loads(self.path.read_text()))
        except (FileNotFoundError, ValueError):
            return {}

    def holder(self) -> str:
        """The holder in words."""
        note = self.read()
        return f"run {note['run']} (process {note['pid']})" if note else "another run"

    def wait_for_orphan(self, deadline: float) -> None:
        """Wait until the JVM of a killed holder has ended."""
        note = self.read()
        jvm = note.get("jvm")
        if not isinstance(jvm, int) or not _runs(jvm, note):
            return
        print(f"Waiting for the JVM {jvm} that the ended run {note['run']} left behind …", file=sys.stderr, flush=True)
        while _runs(jvm, note):
            if time.monotonic() > deadline:
                raise LakeBusy(f"The JVM {jvm} of the ended run {note['run']} still runs; end it and start again.")
            time.sleep(0.2)


def _runs(jvm: int, note: dict[str, object]) -> bool:
    """Whether the JVM that a note names still runs, and no other process under its number."""
    return is_java(jvm) and began(jvm) == note.get("jvm_began", began(jvm))
