"""Two hundred daily batches: small files do not pile up, since ingest tends the tables by itself."""

from __future__ import annotations

from pathlib import Path

from data_gen.arrivals import deliver
from data_gen.generate import Plan
from lakehouse.lake import Lake
from lakehouse.settings import Settings, settings
from lakehouse.upkeep import MANY_FILES
from pipelines.upkeep import BATCHES_BETWEEN
from soak.conftest import Report
from tests.data_gen.delivered import days, written
from tests.lakes import bring, take_in

BATCHES = 200


def test_two_hundred_daily_batches(tmp_path: Path, report: Report) -> None:
    """Just before the tables are tended none has more files than early on, and just after none has many.

    After the first day conversations alone arrive: each of their batches reaches a table of every kind.
    """
    source = written(deliver, Plan(7, 40, BATCHES + 10), tmp_path / "source") / "landing"
    chosen = settings(str(tmp_path / "lake"), str(tmp_path / "landing"))
    before, after = [], []
    for number, day in enumerate(days(source)[:BATCHES], start=1):
        arrived = source.glob(f"{'*' if number == 1 else 'conversations'}/{day}/*.parquet")
        bring([str(path.relative_to(source)) for path in arrived], source, chosen.landing)
        take_in(chosen)
        if (number + 1) % BATCHES_BETWEEN == 0:
            before.append(most_files(chosen))
        elif number % BATCHES_BETWEEN == 0:
            after.append(most_files(chosen))
    assert number == BATCHES
    assert max(after) < MANY_FILES
    assert max(before[1:]) <= 1.2 * before[0]
    report(f"{BATCHES} daily batches: a table has {max(before)} files at most, and {max(after)} once it was tended")


def most_files(chosen: Settings) -> int:
    """The files of the table that has the most."""
    lake = Lake.open(chosen)
    details = [lake.spark.sql(f"DESCRIBE DETAIL {lake.name(table)}").first() for table in lake.tables()]
    return max(int(detail.numFiles) for detail in details if detail)
