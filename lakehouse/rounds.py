"""How often a command does its work: once, or again and again until it is told to stop."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Iterator
from types import FrameType

STOP = (signal.SIGTERM, signal.SIGINT)
TICK = 0.5


def once() -> Iterator[int]:
    """One round."""
    yield 1


def every(seconds: float) -> Iterator[int]:
    """Rounds numbered from 1, `seconds` from the end of one to the beginning of the next.

    SIGTERM, SIGINT or the end of the parent process ends them; a round that has begun is finished first.
    """
    stop = threading.Event()
    parent = os.getppid()

    def told(number: int, frame: FrameType | None) -> None:
        print(f"{signal.Signals(number).name}: the round at work is finished, then it stops.", flush=True)
        stop.set()

    before = {number: signal.signal(number, told) for number in STOP}
    done = 0
    try:
        while not stop.is_set():
            done += 1
            yield done
            waited = 0.0
            while waited < seconds and not stop.wait(min(TICK, seconds)):
                waited += TICK
                if os.getppid() != parent:
                    stop.set()
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
    print(f"Stopped after {done} rounds.", flush=True)
