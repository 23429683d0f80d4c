"""Two hundred daily batches: small files do not pile up, since the tables are tended when that is due."""

from __future__ import annotations

import json
from datetime import date, timedelta
from pathlib import Path

from lakehouse.cli import Run
from lakehouse.contracts import Contract, Publish, columns
from lakehouse.lake import Lake
from lakehouse.rows import frame_of
from lakehouse.run_ids import new_run_id
from lakehouse.runs import done
from lakehouse.settings import settings
from lakehouse.upkeep import MANY_FILES
from pipelines.upkeep import BATCHES_BETWEEN, upkeep_if_due
from soak.conftest import Report
from tests.conftest import OPTIONS

BATCHES, ROWS, FIRST = 200, 50, date(2024, 1, 1)
SAID = columns("number | BIGINT NOT NULL | the row's number\nas_of | DATE NOT NULL | its day")
TABLES = (
    Contract("bronze.daily", "A log.", SAID, publish=Publish.APPEND),
    Contract("silver.daily", "Merged by key.", SAID, key=("number",), publish=Publish.MERGE, clustered="as_of"),
    Contract(
        "features.daily", "A date at a time.", SAID, key=("number", "as_of"), publish=Publish.REPLACE_AS_OF,
        clustered="as_of",
    ),
)  # fmt: skip
"""A table of every way in which a batch is published; `test_day_by_day` has the tables of ingestion."""


def test_two_hundred_daily_batches(tmp_path: Path, report: Report) -> None:
    """Just before the tables are tended none has more files than the first time, and just after none has many."""
    with Lake.writing(settings(str(tmp_path / "lake")), "soak") as lake:
        for number in range(BATCHES):
            take_in(lake, number)
    before, after = files_around_upkeep(lake)
    assert len(after) == BATCHES // BATCHES_BETWEEN
    assert max(after) < MANY_FILES
    assert max(before[1:]) <= 1.2 * before[0]
    assert [lake.table(contract.name).count() for contract in TABLES] == [BATCHES * ROWS] * len(TABLES)
    report(f"{BATCHES} daily batches: a table has {max(before)} files at most, and {max(after)} once it was tended")


def take_in(lake: Lake, number: int) -> None:
    """One batch of a day's rows, published to every table."""
    day = FIRST + timedelta(days=number)
    rows = [(number * ROWS + n, day) for n in range(ROWS)]
    run = Run(lake, new_run_id(), day, OPTIONS)
    with run.step("bronze") as step:
        step.stage_all({contract: frame_of(lake.spark, contract, rows) for contract in TABLES})
        step.publish()
        step.rows["bronze.daily"] |= {"rows_in_files": ROWS}
    upkeep_if_due(run)


def files_around_upkeep(lake: Lake) -> tuple[list[int], list[int]]:
    """Each time that the tables were tended, the files of the one that had the most, before and after."""
    tended = [json.loads(run.rows_json) for run in done(lake, "upkeep").orderBy("ended_at").collect()]
    before, after = (
        [max(files[moment] for files in tables.values()) for tables in tended] for moment in ("before", "after")
    )
    return before, after
