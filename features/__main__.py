"""`python -m features`: the feature tables of a lake."""

import argparse

from features.run import run
from lakehouse.cli import as_of_step, command, parse_as_of
from lakehouse.settings import Settings


def _options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--from", dest="first", default="", help="make the dates from this day on anew")
    parser.add_argument("--to", dest="last", default="", help="up to this day (default: as_of)")


def _check(_: Settings, chosen: argparse.Namespace) -> None:
    parse_as_of(chosen.first, "from")
    parse_as_of(chosen.last, "to")


def main() -> None:
    """`python -m features`."""
    command("Write features and labels.", as_of_step(run), _options, _check)


if __name__ == "__main__":
    main()
