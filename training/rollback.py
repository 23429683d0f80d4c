"""Giving the champion alias back, to the previous champion or an earlier one, with a written reason."""

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
            known = any(decision.version == held.version for decision in decisions(run.lake, model))
            if not known and held.version != holder(run.lake, model, CHAMPION):
                raise RadarError(_never_champion(run.lake, held))
            evidence = {} if known else {"broken": ["moved by hand"]}
            move_alias(run.lake, model, held.version, as_of, reason, evidence, who)
        else:
            held = rollback(run.lake, model, as_of, reason, who)
        step.message = f"{model}: version {held.version} ({held.kind}) is champion: {reason}"


def _never_champion(lake: Lake, found: Version) -> str:
    where = lake.settings.lake
    mend = entry_point("promote", lake=where, model=found.model, version=found.version, override="why")
    if holder(lake, found.model, CHAMPION) is None:
        mend = entry_point(f"train_{found.model}", lake=where)
        return f"{found.model} has had no champion yet to go back to; `{mend}` makes the first."
    return (
        f"{found.model} version {found.version} has never been champion, so there is no going back to it; `{mend}` "
        "makes it champion, with the rules that it breaks in the ledger."
    )


def options(parser: argparse.ArgumentParser) -> None:
    """The step's options."""
    parser.add_argument("--model", default="dropout", help="dropout or segments")
    parser.add_argument("--version", default="", help="a version that has been champion (default: the previous one)")
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
