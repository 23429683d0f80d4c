"""The ingest entry point: bronze, then silver."""

from __future__ import annotations

import argparse
from collections.abc import Iterator

import pipelines.bronze.ingest
import pipelines.silver.run
from lakehouse.cli import Run, command, parse_as_of, seconds, share
from lakehouse.errors import RadarError
from lakehouse.rounds import Round, every, once
from lakehouse.settings import Settings, on_databricks
from pipelines.bronze.landing import listing, refuse_as_of_before_first_event, refuse_incomplete
from pipelines.silver.balance import MOST_REFUSED
from pipelines.upkeep import upkeep_if_due


def check(settings: Settings, options: argparse.Namespace) -> None:
    """Refuse what could not end well before anything of the lake is touched.

    Raises:
        RadarError: for a landing folder that lacks something, or an as_of before the first event.
    """
    if getattr(options, "find", "") == "auto_loader":
        if settings.local:
            raise RadarError("Auto Loader is a service of Databricks; on a laptop files are found by --find listing.")
        return
    files = listing(settings.landing)
    if settings.local:
        refuse_incomplete(files, lambda table: settings.table_folder(table).is_dir())
        if not settings.table_folder("silver.learning_events").is_dir():
            refuse_as_of_before_first_event(files, parse_as_of(options.as_of))


def ingest(run: Run) -> None:
    """Take in new files, bring silver up to them, and tend the tables when that is due."""
    pipelines.bronze.ingest.run(run)
    pipelines.silver.run.run(run)
    upkeep_if_due(run)


def _options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--continuous", default="false", choices=("true", "false"), help="keep looking for files")
    parser.add_argument("--interval", type=seconds, default=60.0, help="seconds between looks (default: 60)")
    how = "how new files are found (default: listing)"
    parser.add_argument("--find", default="listing", choices=tuple(pipelines.bronze.ingest.FINDERS), help=how)
    parser.add_argument(
        "--most-refused",
        type=share,
        default=MOST_REFUSED,
        help="share of new rows that may break a rule (default: .05)",
    )


def _rounds(options: argparse.Namespace) -> Iterator[Round]:
    if options.continuous == "false":
        return once()
    how = " Each look is an availableNow stream, the one kind that serverless compute has." if on_databricks() else ""
    print(f"Looking for new files every {options.interval:g} s, until SIGTERM or Ctrl-C.{how}", flush=True)
    return every(options.interval)


def main() -> None:
    """`python -m pipelines.ingest`."""
    command("Take in new raw files.", ingest, _options, check, rounds=_rounds)


if __name__ == "__main__":
    main()
