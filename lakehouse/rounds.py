"""How often a command does its work: once, or again and again until it is told to stop."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from types import FrameType

STOP = (signal.SIGTERM, signal.SIGINT)
TICK = 0.5


@dataclass
class Round:
    """One round, numbered from 1. Whoever walks through them says when it is `at_work`; until then it waits."""

    number: int
    at_work: bool = False


def once() -> Iterator[Round]:
    """One round."""
    yield Round(1)


def every(seconds: float) -> Iterator[Round]:
    """Round after round, `seconds` from the end of one to the beginning of the next.

    SIGTERM, SIGINT or the end of the parent process ends them; a round at work is finished first, and one that waits to
    begin ends the process.
    """
    stop = threading.Event()
    parent = os.getppid()
    turn = Round(0, at_work=True)

    def told(number: int, frame: FrameType | None) -> None:
        if not turn.at_work:
            print(f"{signal.Signals(number).name}: stopped while it waited to begin.", flush=True)
            raise SystemExit(0)
        print(f"{signal.Signals(number).name}: the round at work is finished, then it stops.", flush=True)
        stop.set()

    before = {number: signal.signal(number, told) for number in STOP}
    try:
        while not stop.is_set():
            turn = Round(turn.number + 1)
            yield turn
            again = time.monotonic() + seconds
            while not stop.is_set():
                if os.getppid() != parent:
                    stop.set()
                left = again - time.monotonic()
                if left <= 0:
                    break
                stop.wait(min(TICK, left))
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
    print(f"Stopped after {turn.number} rounds.", flush=True)
