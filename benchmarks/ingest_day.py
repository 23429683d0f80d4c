"""What one more day costs beside building the lake whole, and whether it costs more the longer the log is.

    python -m benchmarks.ingest_day [--students 5000] [--days 180]

Ratios, measured side by side in one process on one machine: the whole lake, an empty run, and single days after a short
and after a long log. One warm-up lake is built first, so that Java's own warming counts for none of them.
"""

from __future__ import annotations

import argparse
import shutil
import statistics
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from data_gen.arrivals import deliver
from data_gen.generate import Plan
from data_gen.write import TableFolder
from lakehouse.cli import Run
from lakehouse.lake import Lake
from lakehouse.run_ids import new_run_id
from lakehouse.settings import Settings, settings
from pipelines.ingest import ingest

SINGLE_DAYS, EMPTY_RUNS, SHORT, WARM_DAYS = 5, 3, 30, 25


def main() -> None:
    """Print the seconds and the ratios."""
    with asked(__doc__, at_least=SHORT + SINGLE_DAYS) as log:
        _days(log.root / "warm-lake", log.warm, WARM_DAYS, 3)
        _, young, none_young = _grown(log.root / "short", log.source, SHORT)
        built = log.built
        whole, old, none = _grown(log.root / "long", log.source, built)
    print(f"{log.students:,} students; one day is the median of {SINGLE_DAYS}, an empty run of {EMPTY_RUNS}")
    print(f"whole lake of {built} days {whole:.1f} s, empty run {none:.1f} s, one day net of it {old - none:.1f} s")
    print(f"one day / whole lake: {(old - none) / whole:.3f}")
    growth = (old - none) / (young - none_young)
    print(f"one day after {built} days / after {SHORT}: {growth:.2f}, empty runs included {old / young:.2f}")


@dataclass(frozen=True)
class Log:
    """What a benchmark of a day works on.

    Attributes:
        root: a folder that goes when the benchmark ends.
        students: how many the command line asks for.
        source: a folder of what they sent, day by day.
        built: of how many days the whole lake is made; `SINGLE_DAYS` are left.
        warm: what a few students sent in a month; `warm-lake` in `root` is made of `WARM_DAYS` of it already.
    """

    root: Path
    students: int
    source: Path
    built: int
    warm: Path


@contextmanager
def asked(about: str | None, at_least: int) -> Iterator[Log]:
    """The log of at least so many days that the command line asks for, in a process whose Java has built one lake."""
    parser = argparse.ArgumentParser(description=about)
    parser.add_argument("--students", type=int, default=5_000)
    parser.add_argument("--days", type=int, default=180)
    options = parser.parse_args()
    if options.days < at_least:
        parser.error(f"--days is {options.days}, and the days that are compared take {at_least}")
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        root = Path(folder)
        source, warm = _delivered(root / "source", options.students, options.days), _delivered(root / "warm", 20, 30)
        build(root / "warm-lake", warm, WARM_DAYS)
        yield Log(root, options.students, source, options.days - SINGLE_DAYS, warm)


def _delivered(root: Path, students: int, days: int) -> Path:
    with TableFolder(root / "landing") as landing, TableFolder(root / "truth") as truth:
        deliver(Plan(42, students, days), landing, truth)
    return root / "landing"


def _grown(lake: Path, source: Path, days: int) -> tuple[float, float, float]:
    """Seconds to build a lake of so many days, to take in one more, and to find nothing new."""
    whole = build(lake, source, days)
    day = statistics.median(_days(lake, source, days, SINGLE_DAYS))
    return whole, day, statistics.median(_take_in(_settings(lake)) for _ in range(EMPTY_RUNS))


def build(lake: Path, source: Path, days: int) -> float:
    """Seconds to build a lake of so many days."""
    _bring(lake, source, dates(source)[:days])
    return _take_in(_settings(lake))


def _days(lake: Path, source: Path, after: int, count: int) -> list[float]:
    seconds = []
    for day in dates(source)[after : after + count]:
        _bring(lake, source, [day])
        seconds.append(_take_in(_settings(lake)))
    return seconds


def _take_in(chosen: Settings) -> float:
    began = time.monotonic()
    with Lake.writing(chosen, "benchmark") as lake:
        ingest(Run(lake, new_run_id(), None, argparse.Namespace()))
    return time.monotonic() - began


def _settings(lake: Path) -> Settings:
    return settings(str(lake), str(lake.with_suffix(".landing")))


def dates(source: Path) -> list[str]:
    """The folders of the days on which something was sent, in order."""
    return sorted({path.parent.name for path in source.glob("*/arrived=*/*.parquet")})


def _bring(lake: Path, source: Path, days: Sequence[str]) -> None:
    for path in (path for day in days for path in source.glob(f"*/{day}/*.parquet")):
        place = lake.with_suffix(".landing") / path.relative_to(source)
        place.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(path, place)


if __name__ == "__main__":
    main()
