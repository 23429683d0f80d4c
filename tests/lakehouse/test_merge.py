"""A batch comes into its table in one commit, and only what differs is written."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

import pytest
from pyspark.sql import functions as F

from lakehouse.cli import Run
from lakehouse.contracts import Contract, Publish, columns
from lakehouse.lake import Lake
from lakehouse.merge import Bounds, merge
from lakehouse.run_ids import new_run_id

TABLE = Contract(
    "gold.events",
    "Events.",
    columns("""
        id | STRING NOT NULL | which
        at | TIMESTAMP | when
        score | INT | how much
    """),
    key=("id",),
    publish=Publish.MERGE,
    clustered="at",
)
SHAPE = "id string, at timestamp, score int"
Event = tuple[str, datetime | None, int | None]


def at(day: int) -> datetime:
    return datetime(2024, 11, day, 12)


def brought(lake: Lake, batch: Sequence[Event], gone: Sequence[str] = (), bounds: Bounds | None = None) -> int:
    """Merge a batch; returns the rows inserted, updated and deleted."""
    lake.create(TABLE)
    lake.stage("batch", lake.spark.createDataFrame(list(batch), SHAPE))
    mine = lake.table(TABLE.name).where(F.col("id").isin([*(row[0] for row in batch), *gone]))
    mine.createOrReplaceTempView("replaced")
    changed = merge(lake, TABLE, "batch", "replaced" if gone else None, bounds)
    lake.unstage("batch")
    lake.spark.catalog.dropTempView("replaced")
    return changed


def held(lake: Lake) -> set[Event]:
    return {tuple(row) for row in lake.table(TABLE.name).collect()}


def files(lake: Lake) -> dict[str, str]:
    """The file of each row, by id."""
    return {row[0]: row[1] for row in lake.table(TABLE.name).select("id", "_metadata.file_path").collect()}


def operation(lake: Lake) -> str:
    """What the newest commit did."""
    return str(lake.history(TABLE.name, 1).collect()[0].operation)


def test_new_keys_alone_are_appended(lake: Lake) -> None:
    assert brought(lake, [("a", at(4), 1)]) == 1
    assert brought(lake, [("a", at(4), 1), ("b", at(5), 2)]) == 1
    assert operation(lake) == "WRITE"
    assert held(lake) == {("a", at(4), 1), ("b", at(5), 2)}


def test_what_differs_is_updated_beside_what_is_new_and_what_goes(lake: Lake) -> None:
    brought(lake, [("a", at(4), 1), ("b", at(5), None), ("c", at(6), 3), ("d", at(7), 4)])
    before = lake.version(TABLE.name)
    changed = brought(lake, [("a", at(4), 1), ("b", at(5), 2), ("e", at(8), 5)], gone=["c", "never there"])
    assert changed == 3
    assert operation(lake) == "MERGE"
    assert lake.version(TABLE.name) == before + 1
    assert held(lake) == {("a", at(4), 1), ("b", at(5), 2), ("d", at(7), 4), ("e", at(8), 5)}


@pytest.mark.parametrize("gone", [[], ["never there"]])
def test_what_is_there_already_commits_nothing(lake: Lake, gone: list[str]) -> None:
    batch = [("a", at(4), 1), ("b", None, None)]
    brought(lake, batch)
    before = lake.version(TABLE.name)
    assert brought(lake, batch, gone) == 0
    assert lake.version(TABLE.name) == before


def test_within_bounds_a_row_without_a_time_is_found_too(lake: Lake) -> None:
    brought(lake, [("first", at(4), 1), ("last", at(6), 1), ("timeless", None, 1), ("beyond", at(9), 1)])
    batch = [("first", at(5), 2), ("last", at(6), 2), ("timeless", at(5), 2), ("new", at(5), 2)]
    assert brought(lake, batch, gone=["beyond"], bounds=Bounds("at", str(at(4)), str(at(6)))) == 4
    assert held(lake) == {
        ("first", at(5), 2), ("last", at(6), 2), ("timeless", at(5), 2), ("new", at(5), 2), ("beyond", at(9), 1),
    }  # fmt: skip


def test_bounds_are_literals_so_that_files_outside_are_skipped() -> None:
    assert Bounds("at", "2024-11-04 12:00:00", "2024-11-06 12:00:00").condition() == (
        "(`at` BETWEEN TIMESTAMP'2024-11-04 12:00:00' AND TIMESTAMP'2024-11-06 12:00:00' OR `at` IS NULL)"
    )


def test_files_of_a_part_in_which_nothing_is_replaced_stay(lake: Lake) -> None:
    parted = replace(TABLE, partitioned="id")
    lake.create(parted)
    lake.stage("first", lake.spark.createDataFrame([("new's", at(4), 1), ("old", at(4), 1), ("worn", at(4), 1)], SHAPE))
    merge(lake, parted, "first", None, None)
    before = files(lake)
    lake.stage("second", lake.spark.createDataFrame([("new's", at(4), 2), ("fresh", at(9), 2)], SHAPE))
    lake.table(TABLE.name).where("id IN ('new\\'s', 'worn')").createOrReplaceTempView("replaced")
    assert merge(lake, parted, "second", "replaced", None) == 3
    assert {id: files(lake).get(id) == before[id] for id in before} == {"new's": False, "old": True, "worn": False}
    assert held(lake) == {("new's", at(4), 2), ("old", at(4), 1), ("fresh", at(9), 2)}


@pytest.mark.parametrize(("kind", "before", "after"), [("DATE", "2024-11-04", "2024-11-09"), ("INT", "4", "9")])
def test_files_may_be_clustered_by_more_than_moments(lake: Lake, kind: str, before: str, after: str) -> None:
    dated = replace(TABLE, columns=columns(f"id | STRING NOT NULL | which\nat | {kind} | when"))
    lake.create(dated)
    lake.stage("first", lake.spark.sql(f"SELECT id, CAST('{before}' AS {kind}) AS at FROM VALUES 'a', 'b' AS t(id)"))
    lake.stage("second", lake.spark.sql(f"SELECT 'a' AS id, CAST('{after}' AS {kind}) AS at"))
    assert [merge(lake, dated, batch, None, None) for batch in ("first", "second")] == [2, 1]
    assert {(row[0], str(row[1])) for row in lake.table(TABLE.name).collect()} == {("a", after), ("b", before)}


def test_a_step_takes_away_what_its_batch_no_longer_holds(lake: Lake) -> None:
    brought(lake, [("a", at(4), 1), ("b", at(5), 2)])
    with Run(lake, new_run_id(), None, argparse.Namespace()).step("test") as step:
        step.stage(TABLE, lake.spark.createDataFrame([("a", at(4), 7)], SHAPE))
        step.within(TABLE, str(at(4)), str(at(5)))
        step.replaces(TABLE, lake.table(TABLE.name).where("id IN ('a', 'b')"))
        step.publish()
    assert held(lake) == {("a", at(4), 7)}
    assert step.rows[TABLE.name] == {"written": 2}
    assert list(lake.settings.staging.glob("*")) == []
