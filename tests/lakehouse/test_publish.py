"""Write, audit, publish."""

from __future__ import annotations

import argparse
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import date

import pytest
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from lakehouse.cli import Run
from lakehouse.contracts import Contract, Publish, between, columns
from lakehouse.errors import GateFailed
from lakehouse.lake import Lake
from lakehouse.publish import Step
from lakehouse.run_ids import new_run_id

COLUMNS = columns("""
    id | STRING NOT NULL | who
    as_of | DATE NOT NULL | when
    score | DOUBLE | 0 to 1
""")
MONDAY, NEXT = date(2024, 11, 4), date(2024, 11, 11)


def contract(publish: Publish) -> Contract:
    return Contract(
        f"gold.by_{publish.value}", "A table.", COLUMNS, ("id", "as_of"), (between("score", 0, 1),), publish
    )


def batch(lake: Lake, *rows: tuple[str, date, float]) -> DataFrame:
    return lake.spark.createDataFrame(rows, "id string, as_of date, score double")


def put(lake: Lake, table: Contract, *rows: tuple[str, date, float], as_of: date | None = None) -> int:
    """Publish a batch; returns the rows written."""
    with Run(lake, new_run_id(), as_of, argparse.Namespace()).step("test") as step:
        step.stage(table, batch(lake, *rows))
        step.publish()
    return int(step.rows[table.name]["written"])


def stage_and_publish(lake: Lake, batches: dict[Contract, DataFrame]) -> None:
    with Run(lake, new_run_id(), None, argparse.Namespace()).step("test") as step:
        step.stage_all(batches)
        step.publish()


def held(lake: Lake, table: Contract) -> set[tuple[str, date, float]]:
    return {tuple(row) for row in lake.table(table.name).collect()}


def test_merge_replaces_rows_of_the_key_and_leaves_others(lake: Lake) -> None:
    table = contract(Publish.MERGE)
    put(lake, table, ("a", MONDAY, 0.1), ("b", MONDAY, 0.2))
    put(lake, table, ("b", MONDAY, 0.3), ("c", MONDAY, 0.4))
    assert held(lake, table) == {("a", MONDAY, 0.1), ("b", MONDAY, 0.3), ("c", MONDAY, 0.4)}


def test_replace_is_the_whole_table(lake: Lake) -> None:
    table = contract(Publish.REPLACE)
    put(lake, table, ("a", MONDAY, 0.1), ("b", MONDAY, 0.2))
    put(lake, table, ("b", MONDAY, 0.2))
    assert held(lake, table) == {("b", MONDAY, 0.2)}


def test_each_file_of_a_whole_table_holds_a_stretch_of_it(lake: Lake) -> None:
    table = replace(contract(Publish.REPLACE), partitioned="id", clustered="as_of")
    days = [date(2024, 11, day) for day in (5, 2, 6, 1, 4, 3)]
    lake.spark.conf.set("spark.sql.files.maxRecordsPerFile", "2")
    try:
        put(lake, table, *[(student, day, 0.5) for day in days for student in ("a", "b")])
        put(lake, table, *[(student, day, 0.6) for day in days for student in ("a", "b")])
    finally:
        lake.spark.conf.unset("spark.sql.files.maxRecordsPerFile")
    rows = lake.table(table.name).select("_metadata.file_path", "id", F.dayofmonth("as_of").alias("day")).collect()
    files: dict[str, list[tuple[str, int]]] = {}
    for path, student, day in rows:
        files.setdefault(path, []).append((student, day))
    stretches = sorted(sorted(held) for held in files.values())
    assert stretches == [[(student, day), (student, day + 1)] for student in ("a", "b") for day in (1, 3, 5)]


def test_replace_as_of_touches_its_own_days_alone(lake: Lake) -> None:
    table = contract(Publish.REPLACE_AS_OF)
    put(lake, table, ("a", MONDAY, 0.1), ("a", NEXT, 0.2))
    put(lake, table, ("b", NEXT, 0.3))
    assert held(lake, table) == {("a", MONDAY, 0.1), ("b", NEXT, 0.3)}


def test_a_day_that_became_empty_is_emptied(lake: Lake) -> None:
    table = contract(Publish.REPLACE_AS_OF)
    put(lake, table, ("a", MONDAY, 0.1), ("a", NEXT, 0.2))
    put(lake, table, as_of=NEXT)
    assert held(lake, table) == {("a", MONDAY, 0.1)}


def test_a_table_whose_days_are_not_the_runs_keeps_those_that_the_batch_does_not_hold(lake: Lake) -> None:
    table = replace(contract(Publish.REPLACE_AS_OF), of_run=False)
    put(lake, table, ("a", MONDAY, 0.1), ("a", NEXT, 0.2))
    put(lake, table, ("a", MONDAY, 0.3), as_of=NEXT)
    put(lake, table, as_of=NEXT)
    assert held(lake, table) == {("a", MONDAY, 0.3), ("a", NEXT, 0.2)}


@pytest.mark.parametrize("publish", [Publish.MERGE, Publish.REPLACE, Publish.REPLACE_AS_OF])
def test_content_that_is_there_commits_nothing(lake: Lake, publish: Publish) -> None:
    table = contract(publish)
    assert put(lake, table, ("a", MONDAY, 0.1)) == 1
    before = lake.version(table.name)
    assert put(lake, table, ("a", MONDAY, 0.1)) == 0
    assert lake.version(table.name) == before


def test_a_failed_gate_publishes_nothing_and_says_what_where_and_which(lake: Lake) -> None:
    table, other = contract(Publish.MERGE), contract(Publish.REPLACE)
    put(lake, table, ("a", MONDAY, 0.1))
    batches = {other: batch(lake, ("x", MONDAY, 0.5)), table: batch(lake, ("b", MONDAY, 1.5), ("c", MONDAY, 0.5))}
    with pytest.raises(GateFailed) as refused:
        stage_and_publish(lake, batches)
    for part in ("gold.by_merge", "column score", "ExpectColumnValuesToBeBetween", "1 of 2 rows", "id=b"):
        assert part in str(refused.value)
    assert held(lake, table) == {("a", MONDAY, 0.1)}
    assert not lake.exists(other.name)
    failed = lake.table("ops.gate_results").where("NOT success").collect()
    assert [(r.table_name, r.column_name, r.failures) for r in failed] == [("gold.by_merge", "score", 1)]
    assert lake.table("ops.runs").where("status = 'failed'").count() == 1
    assert list(lake.settings.staging.glob("*")) == []


def test_a_step_that_breaks_down_is_told_in_the_log(lake: Lake) -> None:
    with pytest.raises(ZeroDivisionError), Run(lake, "broken", None, argparse.Namespace()).step("test"):
        raise ZeroDivisionError("a learner's words")
    (row,) = lake.table("ops.runs").where("run_id = 'broken'").collect()
    assert (row.status, row.message) == (
        "failed",
        "ZeroDivisionError, an error of the program: what it printed tells where",
    )


def test_the_tables_lie_where_any_delta_reader_finds_them(lake: Lake) -> None:
    put(lake, contract(Publish.MERGE), ("a", MONDAY, 0.1))
    assert (lake.settings.lake / "warehouse" / "gold.db" / "by_merge" / "_delta_log").is_dir()
    described = lake.spark.sql(f"DESCRIBE TABLE {lake.name('gold.by_merge')}").collect()
    assert ("score", "double", "0 to 1") in {tuple(row) for row in described}


class Slow(list[str]):
    """A list whose reader is interrupted after each append, as a thread can be anywhere."""

    def append(self, name: str) -> None:
        super().append(name)
        time.sleep(0.05)


def test_intermediate_results_of_threads_are_kept_apart(lake: Lake) -> None:
    step = Step(lake, "test", new_run_id(), _scratch=Slow())
    names = ["a", "b", "c"]
    with ThreadPoolExecutor(3) as pool:
        kept = pool.map(lambda name: step.scratch(name, batch(lake, (name, MONDAY, 0.1))), names)
        assert [[row.id for row in rows.collect()] for rows in kept] == [["a"], ["b"], ["c"]]
    step.fail("this step has nothing to publish")
