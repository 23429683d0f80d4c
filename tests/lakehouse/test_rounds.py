"""Rounds end when they are told to, and never in the middle of one."""

from __future__ import annotations

import argparse
import os
import signal

import pytest

from lakehouse.cli import seconds
from lakehouse.rounds import every, once


def test_once() -> None:
    assert [turn.number for turn in once()] == [1]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_lets_the_round_at_work_finish(number: signal.Signals, capsys: pytest.CaptureFixture[str]) -> None:
    before = signal.getsignal(number)
    finished = []
    for turn in every(0.01):
        turn.at_work = True
        if turn.number == 3:
            os.kill(os.getpid(), number)
        finished.append(turn.number)
    assert finished == [1, 2, 3]
    assert signal.getsignal(number) == before
    assert "Stopped after 3 rounds." in capsys.readouterr().out


def test_an_end_from_outside_gives_the_signals_back() -> None:
    before = signal.getsignal(signal.SIGTERM)
    rounds = every(0.01)
    assert next(rounds).number == 1
    rounds.close()
    assert signal.getsignal(signal.SIGTERM) == before


def test_a_round_that_waits_for_the_lake_ends_at_once(capsys: pytest.CaptureFixture[str]) -> None:
    before = signal.getsignal(signal.SIGTERM)
    rounds = every(0.01)
    for _ in range(2):
        next(rounds).at_work = True
    next(rounds)
    with pytest.raises(SystemExit, match="0"):
        os.kill(os.getpid(), signal.SIGTERM)
    rounds.close()
    assert "stopped while it waited to begin" in capsys.readouterr().out
    assert signal.getsignal(signal.SIGTERM) == before


def test_the_end_of_the_parent_ends_rounds_without_a_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    finished = []
    for turn in every(0):
        turn.at_work = True
        finished.append(turn.number)
        if turn.number == 2:
            monkeypatch.setattr("os.getppid", lambda: -1)
    assert finished == [1, 2]


@pytest.mark.parametrize("text", ["-1", "nan", "inf", "soon"])
def test_a_span_of_time_is_no_less_than_none(text: str) -> None:
    with pytest.raises(argparse.ArgumentTypeError, match=f"'{text}' is no number of seconds"):
        seconds(text)
