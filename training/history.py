"""Who was in charge: the ledger of a model's champions, and the champion of a day."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from datetime import date

from lakehouse.cli import Run, as_of_step, command, parse_as_of, utc
from lakehouse.errors import RadarError, entry_point
from lakehouse.ledger import Decision, champion_on, decisions
from lakehouse.registry import check_asked
from lakehouse.settings import Settings


def run(run: Run, as_of: date) -> None:
    """Print every champion a model has had, or with `--on` the one of that day.

    Raises:
        RadarError: when there was none on that day.
    """
    lake, model, on = run.lake, run.options.model, run.options.on
    if not on:
        train = entry_point(f"train_{model}", lake=lake.settings.lake)
        none = f"{model} has had no champion yet; `{train}` makes the first."
        every = decisions(lake, model)
        # The last one may not be noted as applied yet, where a run was killed.
        print("\n".join(lines([one for one in every if one.applied or one is every[-1]])) or none)
        return
    day = as_of if on == "as_of" else parse_as_of(on, "on")
    assert day is not None
    found = champion_on(lake, model, day)
    if found is None:
        history = entry_point("history", lake=lake.settings.lake, model=model)
        raise RadarError(f"{model} had no champion on {day}; its history is `{history}`.")
    print(f"{model} on {day}: version {found.version}, {told(found)}")


def lines(found: Sequence[Decision]) -> list[str]:
    """A line a decision, oldest first: for which days it stood, who decided it, when and why."""
    return [
        f"  version {decision.version:>3}   {_stood(decision, found[place + 1 :]):<24}   {told(decision)}"
        for place, decision in enumerate(found)
    ]


def _stood(decision: Decision, later: Sequence[Decision]) -> str:
    """The days of a decision: up to the first that a later one is for."""
    until = min((other.as_of for other in later), default=None)
    if until is not None and until <= decision.as_of:
        return "on no day"
    return f"{decision.as_of} to {until or 'now'}"


def told(decision: Decision) -> str:
    """Who decided it, when, after whom and why."""
    after = f" after version {decision.previous}" if decision.previous else ""
    broken = decision.evidence.get("broken") or []
    over = f" (over rule {', '.join(broken)})" if broken else ""
    return f"by {decision.by} at {utc(decision.decided_at)}{after}: {decision.reason}{over}"


def check(_: Settings, chosen: argparse.Namespace) -> None:
    """Refuse options that make no sense before the lake is opened.

    Raises:
        RadarError: naming the option.
    """
    check_asked(chosen.model)
    if chosen.on != "as_of":
        parse_as_of(chosen.on, "on")


def _options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--model", default="dropout", help="dropout or segments")
    parser.add_argument(
        "--on", default="", help="a day, or as_of for the day of the run: only the champion of that day"
    )


def main(argv: Sequence[str] | None = None) -> None:
    """`python -m training.history`."""
    command("Who was champion when.", as_of_step(run), _options, check, argv)


def main_champion() -> None:
    """The entry point `champion`: of the day of the run unless `--on` says another."""
    main(["--on=as_of", *sys.argv[1:]])


if __name__ == "__main__":
    main()
