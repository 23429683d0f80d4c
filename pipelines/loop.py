"""The whole loop in order. Only this module and `dictionary` know every step; the steps do not know
each other."""

from __future__ import annotations

import argparse
from datetime import date

import features.run
import monitoring.run
import pipelines.gold.run
import scoring.run
import training.dropout
import training.promotion
import training.segments
from lakehouse.cli import Run, command, resolve_as_of
from lakehouse.ledger import champion
from lakehouse.registry import MODELS
from lakehouse.settings import Settings
from pipelines.ingest import check, ingest

RETRAIN = ("auto", "always", "never")


def loop(run: Run) -> None:
    """ingest → gold → features → score → monitor → dashboard, in this process, training where it is time to.

    Before scoring where a model has no champion yet, or with `--retrain always`; after monitoring where that decided to
    (`auto`); then the day is monitored once more, so that its tables and page tell of that, and scored before where a
    champion moved.
    """
    print(f"Learner Radar: {run.lake.settings.landing} → {run.lake.settings.lake}")
    ingest(run)
    as_of = run.as_of = resolve_as_of(run.lake, run.as_of)
    print(f"  as of {as_of:%A %-d %B %Y}")
    pipelines.gold.run.run(run, as_of)
    features.run.run(run, as_of)
    before = _champions(run)
    if run.options.retrain == "always" or None in before:
        before = _train(run, as_of)
    scoring.run.run(run, as_of)
    decision = monitoring.run.run(run, as_of)
    if run.options.retrain == "auto" and decision.retrain:
        if _train(run, as_of) != before:
            scoring.run.run(run, as_of)
        monitoring.run.run(run, as_of)
    print(f"Dashboard: {run.lake.settings.dashboard}")


def _train(run: Run, as_of: date) -> list[str | None]:
    """Train and promote; returns who is champion of each model then."""
    training.segments.run(run, as_of)
    training.dropout.run(run, as_of)
    training.promotion.run(run, as_of)
    return _champions(run)


def _champions(run: Run) -> list[str | None]:
    held = [champion(run.lake, model) for model in MODELS]
    return [found.version if found else None for found in held]


def _options(parser: argparse.ArgumentParser) -> None:
    training.dropout.options(parser)
    how = "train when monitoring decides to, every time, or only where there is no champion yet (default: auto)"
    parser.add_argument("--retrain", default="auto", choices=RETRAIN, help=how)


def _check(settings: Settings, options: argparse.Namespace) -> None:
    check(settings, options)
    training.dropout.check(settings, options)


def main() -> None:
    """`python -m pipelines.loop`."""
    command("Run the whole loop.", loop, _options, _check)


if __name__ == "__main__":
    main()
