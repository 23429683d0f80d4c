"""A closure that is announced late and corrected twice, by ingests and features, in a lake of an earlier release."""

from __future__ import annotations

import argparse
import json
import shutil
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

import features.run
import pipelines.repair
from features.horizons import relabelled
from lakehouse.cli import Run
from lakehouse.lake import Lake
from lakehouse.run_ids import new_run_id
from lakehouse.settings import Settings, settings
from tests.lakes import contents, take_in

pytestmark = pytest.mark.long

FIRST, LAST = date(2024, 10, 7), date(2025, 1, 20)
SHUT = date(2024, 12, 23)
ENDS = (SHUT, date(2025, 1, 5), date(2025, 1, 8))


def deliver(chosen: Settings, table: str, arrived: date, **columns: list[object]) -> None:
    folder = chosen.landing / table / f"arrived={arrived}"
    folder.mkdir(parents=True, exist_ok=True)
    pd.DataFrame(columns).to_parquet(folder / "part.parquet", index=False)


def practised(chosen: Settings, days: list[date]) -> None:
    """One student's conversations, each in the batch of its day."""
    for day in days:
        at = [f"{day}T10:00:00"]
        deliver(
            chosen, "conversations", day, id=[f"c{day}"], user_id=["ana"], language=["spanish"],
            difficulty_level=["A1"], topic_id=["travel"], created_at=at, updated_at=at,
        )  # fmt: skip


def announced(chosen: Settings, arrived: date, closed_to: date, **more: list[object]) -> None:
    """The closure from 23 December on, as a batch tells it."""
    told = {"closed_from": [str(SHUT)], "closed_to": [str(closed_to)]}
    deliver(chosen, "closures", arrived, id=[1], language=["all"], **told, **more)


def made(chosen: Settings, as_of: date) -> dict[date, tuple[bool, bool | None]]:
    """Ingest, make features, and tell whether ana was eligible and dropped out, by Monday."""
    take_in(chosen)
    with Lake.writing(chosen, "test") as lake:
        features.run.run(Run(lake, new_run_id(), as_of, argparse.Namespace()), as_of)
        rows = lake.table("features.student_labels").collect()
    return {row.as_of: (row.eligible, row.dropped_out) for row in rows}


def of_an_earlier_release(chosen: Settings, lake: Path) -> Settings:
    """A copy of a lake whose tables of closures do not know until when a row was true, and whether it was called off:
    their logs do not tell of these columns.
    """
    shutil.copytree(chosen.lake, lake)
    earlier = settings(str(lake), str(chosen.landing))
    lacking = {
        "silver.closures": "superseded_at", "silver.closures_versions": "cancelled", "bronze.closures": "cancelled",
    }  # fmt: skip
    for table, column in lacking.items():
        log = earlier.table_folder(table) / "_delta_log"
        for checksum in log.glob("*.crc"):
            checksum.unlink()
        for commit in log.glob("*.json"):
            actions = [without(column, json.loads(line)) for line in commit.read_text().splitlines()]
            commit.write_text("\n".join(map(json.dumps, actions)) + "\n")
    return earlier


def without(column: str, action: dict[str, Any]) -> dict[str, Any]:
    """An action of a table's log that tells of no such column."""
    if "metaData" in action:
        schema = json.loads(action["metaData"]["schemaString"])
        schema["fields"] = [field for field in schema["fields"] if field["name"] != column]
        action["metaData"]["schemaString"] = json.dumps(schema)
    return action


def test_a_closure_is_what_was_known_of_it(tmp_path: Path) -> None:
    """Nobody practises from 20 December to 18 January. On the 17th one closed day is announced, on the 26th a
    fortnight, and on 2 January three days more.
    """
    chosen = settings(str(tmp_path / "lake"), str(tmp_path / "landing"))
    practised(chosen, [FIRST + timedelta(days=n) for n in range((date(2024, 12, 20) - FIRST).days)])
    announced(chosen, date(2024, 12, 17), ENDS[0])
    take_in(chosen)
    chosen = of_an_earlier_release(chosen, tmp_path / "earlier")
    assert "cancelled" not in Lake.open(chosen).table("bronze.closures").columns
    practised(chosen, [date(2025, 1, 19)])
    take_in(chosen)
    announced(chosen, date(2024, 12, 26), ENDS[1])
    first = made(chosen, LAST)
    announced(chosen, date(2025, 1, 2), ENDS[2])
    again = made(chosen, LAST)
    lake = Lake.open(chosen)
    told = lake.table("silver.closures").orderBy("known_at").collect()
    assert [row.closed_to for row in told] == list(ENDS)
    assert [row.known_at for row in told] == [datetime(2024, 12, 18), datetime(2024, 12, 27), datetime(2025, 1, 3)]
    assert [row.superseded_at for row in told] == [*(row.known_at for row in told[1:]), None]
    assert first[date(2024, 12, 9)] == again[date(2024, 12, 9)] == (True, False)
    assert first[date(2024, 12, 16)] == again[date(2024, 12, 16)] == (True, None), "scored before it was announced"
    assert first[date(2024, 12, 30)] == again[date(2024, 12, 30)] == (False, None), "known by then"
    labels, events = lake.table("features.student_labels"), lake.table("silver.learning_events")
    asked = relabelled(labels, events, lake.table("silver.closures"), 28, LAST).where("as_of < DATE'2024-12-23'")
    assert {row.as_of: row.dropped_out for row in asked.collect() if row.as_of >= date(2024, 11, 18)} == {
        date(2024, 11, 18): False,
        date(2024, 11, 25): False,
    }, "four weeks from the others reach into it"


def test_a_closure_that_is_called_off_was_one_until_then(tmp_path: Path) -> None:
    """A fortnight is announced on 10 December and called off on the 21st, in a lake of an earlier release: Mondays up
    to then stay as they were, and silver that is made whole says the same.
    """
    chosen = settings(str(tmp_path / "lake"), str(tmp_path / "landing"))
    practised(chosen, [FIRST + timedelta(days=n) for n in range((date(2024, 12, 20) - FIRST).days)])
    announced(chosen, date(2024, 12, 10), ENDS[1])
    take_in(chosen)
    chosen = of_an_earlier_release(chosen, tmp_path / "earlier")
    practised(chosen, [date(2025, 1, 19)])
    before = made(chosen, LAST)
    announced(chosen, date(2024, 12, 21), ENDS[1], cancelled=[True])
    after = made(chosen, LAST)
    (row,) = Lake.open(chosen).table("silver.closures").collect()
    assert (row.closed_to, row.known_at, row.superseded_at) == (ENDS[1], datetime(2024, 12, 11), datetime(2024, 12, 22))
    monday = date(2024, 12, 16)
    assert (before[monday], after[monday]) == ((False, None), (False, None)), "not scored, whatever came later"
    assert before[date(2024, 12, 23)] == (False, None), "within the closure"
    assert after[date(2024, 12, 23)] == (True, True), "there was none any more"
    incremental = contents(chosen, ("silver",))
    with Lake.writing(chosen, "test") as lake:
        pipelines.repair.rebuild_silver(Run(lake, new_run_id(), None, argparse.Namespace()))
    assert contents(chosen, ("silver",)) == incremental
