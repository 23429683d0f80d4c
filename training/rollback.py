"""Giving the champion alias back, or to a version that a person chooses, with a written reason."""

from __future__ import annotations

import argparse
from datetime import date

from lakehouse.cli import Run, as_of_step, command
from lakehouse.errors import RadarError, entry_point
from lakehouse.lake import Lake
from lakehouse.ledger import decisions, move_alias, person, rollback
from lakehouse.registry import CHAMPION, Version, check_asked, holder, version
from lakehouse.settings import Settings


def run(run: Run, as_of: date) -> None:
    """Give the alias back to the previous champion, or to `version`.

    Raises:
        RadarError: when there is no previous champion, no such version, or one that never was champion.
    """
    with run.step("rollback") as step:
        model, reason, who = run.options.model, run.options.reason, person(run.lake)
        if run.options.version:
            held = version(run.lake, model, run.options.version)
            _refuse_newcomer(run.lake, held)
            move_alias(run.lake, model, held.version, as_of, reason, by=who)
        else:
            held = rollback(run.lake, model, as_of, reason, who)
        step.message = f"{model}: version {held.version} ({held.kind}) is champion: {reason}"


def _refuse_newcomer(lake: Lake, found: Version) -> None:
    """A version that was never decided for, and does not hold the alias by hand either, is promoted, not gone back to.

    Raises:
        RadarError: with the command that does that.
    """
    model = found.name.split(".")[-1]
    known = {decision.version for decision in decisions(lake, model)} | {holder(lake, model, CHAMPION)}
    if found.version not in known:
        mend = entry_point("promote", lake=lake.settings.lake, model=model, version=found.version, override="why")
        raise RadarError(
            f"{model} version {found.version} has never been champion, so there is no going back to it; `{mend}` makes "
            "it champion, with the rules that it breaks in the ledger."
        )


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
