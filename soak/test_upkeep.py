"""Two hundred daily batches: small files do not pile up, since ingest tends the tables by itself."""

from __future__ import annotations

import json
from pathlib import Path

from data_gen.arrivals import deliver
from data_gen.generate import Plan
from lakehouse.lake import Lake
from lakehouse.runs import done
from lakehouse.settings import Settings, settings
from lakehouse.upkeep import MANY_FILES
from pipelines.upkeep import BATCHES_BETWEEN
from soak.conftest import Report
from tests.data_gen.delivered import days, written
from tests.lakes import bring, take_in

BATCHES = 200


def test_two_hundred_daily_batches(tmp_path: Path, report: Report) -> None:
    """Just before the tables are tended none has more files than the first time, and just after none has many.

    After the first day conversations alone arrive: each of their batches reaches a table of every kind.
    """
    source = written(deliver, Plan(7, 40, BATCHES + 10), tmp_path / "source") / "landing"
    chosen = settings(str(tmp_path / "lake"), str(tmp_path / "landing"))
    for number, day in enumerate(days(source)[:BATCHES], start=1):
        arrived = source.glob(f"{'*' if number == 1 else 'conversations'}/{day}/*.parquet")
        bring([str(path.relative_to(source)) for path in arrived], source, chosen.landing)
        take_in(chosen)
    assert number == BATCHES
    before, after = files_around_upkeep(chosen)
    assert len(after) == BATCHES // BATCHES_BETWEEN
    assert max(after) < MANY_FILES
    assert max(before[1:]) <= 1.2 * before[0]
    report(f"{BATCHES} daily batches: a table has {max(before)} files at most, and {max(after)} once it was tended")


def files_around_upkeep(chosen: Settings) -> tuple[list[int], list[int]]:
    """Each time that the tables were tended, the files of the one that had the most, before and after."""
    tended = [json.loads(run.rows_json) for run in done(Lake.open(chosen), "upkeep").orderBy("ended_at").collect()]
    before, after = (
        [max(files[moment] for files in tables.values()) for tables in tended] for moment in ("before", "after")
    )
    return before, after
