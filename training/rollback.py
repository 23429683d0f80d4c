"""Giving the champion alias back, or to a version that a person chooses, with a written reason."""

from __future__ import annotations

import argparse
from datetime import date

from lakehouse.cli import Run, as_of_step, command
from lakehouse.errors import RadarError
from lakehouse.ledger import move_alias, person, rollback
from lakehouse.registry import check_asked, version
from lakehouse.settings import Settings


def run(run: Run, as_of: date) -> None:
    """Give the alias back to the previous champion, or to `version`.

    Raises:
        RadarError: when there is no previous champion, or no such version.
    """
    with run.step("rollback") as step:
        model, reason, who = run.options.model, run.options.reason, person(run.lake)
        if run.options.version:
            held = version(run.lake, model, run.options.version)
            move_alias(run.lake, model, held.version, as_of, reason, by=who)
        else:
            held = rollback(run.lake, model, as_of, reason, who)
        step.message = f"{model}: version {held.version} ({held.kind}) is champion: {reason}"


def options(parser: argparse.ArgumentParser) -> None:
    """The step's options."""
    parser.add_argument("--model", default="dropout", help="dropout or segments")
    parser.add_argument("--version", default="", help="the version to make champion (default: the previous one)")
    parser.add_argument("--reason", default="", help="why, for the ledger")


def check(_: Settings, chosen: argparse.Namespace) -> None:
    """Refuse options that make no sense before the lake is touched.

    Raises:
        RadarError: naming the option.
    """
    check_asked(chosen.model, chosen.version)
    if not chosen.reason.strip():
        raise RadarError("A rollback needs a reason for the ledger; say why with reason=…")


def main() -> None:
    """`python -m training.rollback`."""
    command("Give the champion alias back.", as_of_step(run), options, check)


if __name__ == "__main__":
    main()
