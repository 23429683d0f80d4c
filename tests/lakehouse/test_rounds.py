"""Rounds end when they are told to, and never in the middle of one."""

from __future__ import annotations

import os
import signal

import pytest

from lakehouse.rounds import every, once


def test_once() -> None:
    assert list(once()) == [1]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_lets_the_round_at_work_finish(number: signal.Signals, capsys: pytest.CaptureFixture[str]) -> None:
    before = signal.getsignal(number)
    finished = []
    for done in every(0.01):
        if done == 3:
            os.kill(os.getpid(), number)
        finished.append(done)
    assert finished == [1, 2, 3]
    assert signal.getsignal(number) == before
    assert "Stopped after 3 rounds." in capsys.readouterr().out


def test_an_end_from_outside_gives_the_signals_back() -> None:
    before = signal.getsignal(signal.SIGTERM)
    rounds = every(0.01)
    assert next(rounds) == 1
    rounds.close()
    assert signal.getsignal(signal.SIGTERM) == before
