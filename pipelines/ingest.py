"""The ingest entry point: bronze, then silver."""

from __future__ import annotations

import argparse

import pipelines.bronze.ingest
import pipelines.silver.run
from lakehouse.cli import Run, command, parse_as_of
from lakehouse.settings import Settings
from pipelines.bronze.landing import look, refuse_as_of_before_first_event, refuse_incomplete


def check(settings: Settings, options: argparse.Namespace) -> None:
    """Refuse what could not end well before anything of the lake is touched.

    Raises:
        RadarError: for a landing folder that lacks something, or an as_of before the first event.
    """
    files = look(settings.landing)
    if settings.local:
        refuse_incomplete(files, lambda table: settings.table_folder(table).is_dir())
    refuse_as_of_before_first_event(files, parse_as_of(options.as_of))


def ingest(run: Run) -> None:
    """Take in new files and make silver."""
    pipelines.bronze.ingest.run(run)
    pipelines.silver.run.run(run)


if __name__ == "__main__":
    command("Take in new raw files.", ingest, check=check)
