"""The whole loop in order. This is the one module that knows every step; the steps do not know each other."""

from __future__ import annotations

import argparse

import features.run
import monitoring.run
import pipelines.gold.run
import scoring.run
import training.dropout
import training.promotion
import training.segments
from lakehouse.cli import Run, command, resolve_as_of
from lakehouse.settings import Settings
from pipelines.ingest import check, ingest


def loop(run: Run) -> None:
    """ingest → gold → features → train → promote → score → monitor → dashboard, in this process."""
    print(f"Learner Radar: {run.lake.settings.landing} → {run.lake.settings.lake}")
    ingest(run)
    as_of = run.as_of = resolve_as_of(run.lake, run.as_of)
    print(f"  as of {as_of:%A %-d %B %Y}")
    pipelines.gold.run.run(run, as_of)
    features.run.run(run, as_of)
    training.segments.run(run, as_of, run.options)
    training.dropout.run(run, as_of, run.options)
    training.promotion.run(run, as_of, run.options)
    scoring.run.run(run, as_of)
    monitoring.run.run(run, as_of)
    print(f"Dashboard: {run.lake.settings.dashboard}")


def _check(settings: Settings, options: argparse.Namespace) -> None:
    check(settings, options)
    training.dropout.check(settings, options)


def main() -> None:
    """`python -m pipelines.loop`."""
    command("Run the whole loop.", loop, training.dropout.options, _check)


if __name__ == "__main__":
    main()
