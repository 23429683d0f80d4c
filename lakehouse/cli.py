"""What every step's command line shares: options, progress, and errors a person can read."""

from __future__ import annotations

import argparse
import logging
import os
import sys
import time
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from lakehouse.errors import RadarError
from lakehouse.lake import Lake
from lakehouse.publish import Step
from lakehouse.rounds import Round, once
from lakehouse.run_ids import new_run_id
from lakehouse.session import server_ended
from lakehouse.settings import Settings, settings


@dataclass
class Run:
    """One command: an open lake, an id, the day it is for, and the options it was given."""

    lake: Lake
    run_id: str
    as_of: date | None
    options: argparse.Namespace

    @contextmanager
    def step(self, name: str) -> Iterator[Step]:
        """A step of this run: logged when it ends, well or badly, with a line of progress."""
        started = time.monotonic()
        step = Step(self.lake, name, self.run_id, self.as_of)
        try:
            yield step
        except RadarError as error:
            step.fail(str(error))
            raise
        except Exception as error:
            if not server_ended():
                with suppress(Exception):  # what came first is what has to be told
                    step.fail(f"{type(error).__name__}, an error of the program: what it printed tells where")
            raise
        step.finish()
        report(name, step.message, time.monotonic() - started)


def report(step: str, message: str, seconds: float) -> None:
    """One line of progress."""
    print(f"  {step:<15} {seconds:6.1f} s   {message}", flush=True)


def command(
    description: str,
    body: Callable[[Run], None],
    options: Callable[[argparse.ArgumentParser], None] | None = None,
    check: Callable[[Settings, argparse.Namespace], None] | None = None,
    argv: Sequence[str] | None = None,
    rounds: Callable[[argparse.Namespace], Iterator[Round]] = lambda _: once(),
) -> None:
    """Parse the options, open the lake as its only writer, run the body; exit 1 with a sentence on a user's mistake.

    `check` runs before anything of the lake is touched. The body runs once for each of `rounds`; between them the lake
    is free for other writers.
    """
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--lake", help="the lake's folder (default: lake)")
    parser.add_argument("--landing", help="where raw files arrive (default: <lake>/landing)")
    parser.add_argument("--catalog", help="the Unity Catalog, on Databricks; its volumes are lake and landing")
    parser.add_argument("--schema-prefix", help="what its schemas' names begin with (default: nothing)")
    parser.add_argument(
        "--as-of", default="", help="the day asked about, YYYY-MM-DD (default: day after the newest event)"
    )
    parser.add_argument(
        "--wait", type=seconds, default=3600.0, help="seconds to wait for another writer (default: 3600)"
    )
    if options:
        options(parser)
    arguments = parser.parse_args(argv)
    quiet_libraries()
    try:
        chosen = settings(arguments.lake, arguments.landing, arguments.catalog, arguments.schema_prefix)
        as_of = parse_as_of(arguments.as_of)
        if check:
            check(chosen, arguments)
        for turn in rounds(arguments):
            run_id = new_run_id()
            with Lake.writing(chosen, run_id, arguments.wait) as lake:
                turn.at_work = True
                body(Run(lake, run_id, as_of, arguments))
    except RadarError as error:
        print(f"error: {error}", file=sys.stderr)
        sys.exit(1)
    except KeyboardInterrupt:
        print("Interrupted. Run the same command again to finish it.", file=sys.stderr)
        sys.exit(130)


def utc(moment: datetime) -> str:
    """A moment to the minute, in words."""
    return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M} UTC"


def seconds(text: str) -> float:
    """A span of time given as an option: none is negative.

    Raises:
        argparse.ArgumentTypeError: when the text is no such number.
    """
    return _number(text, sys.float_info.max, "number of seconds")


def share(text: str) -> float:
    """A part of a whole given as an option, from 0 to 1.

    Raises:
        argparse.ArgumentTypeError: when the text is no such number.
    """
    return _number(text, 1.0, "share: give a number from 0 to 1, such as 0.05 for 5 %")


def _number(text: str, most: float, what: str) -> float:
    try:
        found = float(text)
    except ValueError:
        found = -1.0
    if not 0 <= found <= most:
        raise argparse.ArgumentTypeError(f"{text!r} is no {what}")
    return found


def within(option: str, value: int, least: int, most: int) -> None:
    """Refuse a number out of its range.

    Raises:
        RadarError: naming the option and the range.
    """
    if not least <= value <= most:
        raise RadarError(f"{option} is {value}; choose from {least} to {most}.")


def parse_as_of(text: str, name: str = "as_of") -> date | None:
    """A date from YYYY-MM-DD, None from an empty text.

    Raises:
        RadarError: when the text is no date.
    """
    if not text:
        return None
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise RadarError(f"{name} is {text!r}; give a date as YYYY-MM-DD.") from None


def resolve_as_of(lake: Lake, as_of: date | None) -> date:
    """The as-of date to use: the one given, else the day after the newest event.

    Raises:
        RadarError: when there are no events, the date lies before the first or more than a day after the newest, or
            nothing was known by then.
    """
    asked = ("date(min(event_at))", "date(max(event_at))", "date(min(known_at))")
    first, newest, known = lake.table("silver.learning_events").selectExpr(*asked).collect()[0]
    if newest is None:
        raise RadarError("silver.learning_events holds no event; load a landing folder with activity in it.")
    mark: date = newest + timedelta(days=1)
    chosen = as_of or mark
    if not first < chosen <= mark:
        raise RadarError(
            f"as_of {as_of} lies outside the log, which runs from {first} to the day before {mark}; "
            f"choose a day after {first} and not after {mark}."
        )
    if chosen < known:
        raise RadarError(
            f"Nothing was known yet on {chosen}: the first rows arrived later, and are known from {known} on. Deliver "
            "what happened before the first delivery as files without an arrival date, or wait for the next delivery."
        )
    return chosen


def quiet_libraries() -> None:
    """Silence what libraries say that nobody can act on: progress bars, usage statistics, deprecations, migrations."""
    os.environ.setdefault("GX_ANALYTICS_ENABLED", "false")
    os.environ.setdefault("GIT_PYTHON_REFRESH", "quiet")
    os.environ.setdefault("MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR", "false")
    os.environ.setdefault("TQDM_DISABLE", "1")
    warnings.filterwarnings("ignore", category=DeprecationWarning)
    warnings.filterwarnings("ignore", message="IProgress not found")
    for name in ("alembic", "mlflow.store.db.utils", "pyspark.sql.connect.logging"):
        logging.getLogger(name).setLevel(logging.ERROR)


def as_of_step(step: Callable[[Run, date], object]) -> Callable[[Run], None]:
    """The body of a command that runs one step for the as-of date given, or the day after the newest event."""

    def body(run: Run) -> None:
        run.as_of = resolve_as_of(run.lake, run.as_of)
        step(run, run.as_of)

    return body
