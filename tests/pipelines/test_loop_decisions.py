"""When the loop trains: by what monitoring decided, by what it is told, and where there is no champion."""

from __future__ import annotations

import argparse
from datetime import date
from types import SimpleNamespace
from typing import Any

import pytest

import pipelines.loop
from lakehouse.cli import Run
from monitoring.retraining import Decision

TRAIN = ["train_segments", "train_dropout", "promote"]
WATCH = ["score", "monitor"]


@pytest.mark.parametrize(
    ("retrain", "held", "decided", "promoted", "steps"),
    [
        ("auto", "1", False, "1", WATCH),
        ("auto", "1", True, "1", [*WATCH, *TRAIN, "monitor"]),
        ("auto", "1", True, "2", [*WATCH, *TRAIN, *WATCH]),
        ("auto", None, False, "1", [*TRAIN, *WATCH]),
        ("always", "1", False, "2", [*TRAIN, *WATCH]),
        ("always", "1", True, "2", [*TRAIN, *WATCH]),
        ("never", "1", True, "1", WATCH),
        ("never", None, True, "1", [*TRAIN, *WATCH]),
    ],
)
def test_when_the_loop_trains(
    retrain: str, held: str | None, decided: bool, promoted: str, steps: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    did: list[str] = []
    champion = [held]

    def step(name: str) -> Any:
        def run(*_: object) -> Decision:
            did.append(name)
            if name == "promote":
                champion[0] = promoted
            return Decision(decided, "so")

        return run

    loop = pipelines.loop
    monkeypatch.setattr(loop, "ingest", lambda run: None)
    monkeypatch.setattr(loop, "resolve_as_of", lambda lake, as_of: date(2024, 12, 2))
    monkeypatch.setattr(loop.pipelines.gold.run, "run", lambda *_: None)
    monkeypatch.setattr(loop.features.run, "run", lambda *_: None)
    for module, name in (
        (loop.training.segments, "train_segments"), (loop.training.dropout, "train_dropout"),
        (loop.training.promotion, "promote"), (loop.scoring.run, "score"), (loop.monitoring.run, "monitor"),
    ):  # fmt: skip
        monkeypatch.setattr(module, "run", step(name))
    monkeypatch.setattr(
        loop, "champion", lambda lake, model: SimpleNamespace(version=champion[0]) if champion[0] else None
    )
    settings = SimpleNamespace(landing="", lake="", dashboard="")
    lake: Any = SimpleNamespace(settings=settings)
    loop.loop(Run(lake, "r", None, argparse.Namespace(retrain=retrain)))
    assert did == steps
