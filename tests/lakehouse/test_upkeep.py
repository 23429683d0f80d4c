"""What upkeep lets go of, and what it keeps: a deleted row is in no file, a pinned version outlives its week."""

from __future__ import annotations

import os
import re
import shutil
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from pyspark.errors import PySparkException

from lakehouse import upkeep
from lakehouse.contracts import DELETED_FILES, LOG, VERSIONS_KEPT, Contract, Publish, columns
from lakehouse.lake import Lake
from lakehouse.pins import Pin
from lakehouse.settings import Settings, settings
from lakehouse.upkeep import let_go_of_all_but_the_newest, tend

DAY = 24 * 3600

TABLE = Contract(
    "gold.events",
    "Events.",
    columns("id | BIGINT NOT NULL | which\nat | TIMESTAMP | when"),
    key=("id",),
)


def ids_in_files(lake: Lake) -> Iterator[int]:
    for path in lake.settings.table_folder(TABLE.name).glob("*.parquet"):
        yield from pq.ParquetFile(path).read().column("id").to_pylist()


def test_a_row_that_a_merge_deleted_is_cleaned_out_of_the_files(lake: Lake) -> None:
    """With deletion vectors, as a workspace may give to all tables, a merge only marks the row: cleaning old versions
    alone would leave it where it is.
    """
    lake.create(TABLE)
    marks = "'delta.enableDeletionVectors' = 'true'"
    lake.spark.sql(f"ALTER TABLE {lake.name(TABLE.name)} SET TBLPROPERTIES ({marks})").collect()
    events = lake.spark.range(100).selectExpr("id", "TIMESTAMP'2024-11-04' AS at").coalesce(1)
    events.write.mode("append").saveAsTable(lake.name(TABLE.name))
    lake.spark.range(7, 8).createOrReplaceTempView("gone")
    same = f"MERGE INTO {lake.name(TABLE.name)} t USING gone g ON t.id = g.id WHEN MATCHED THEN DELETE"
    lake.spark.sql(same).collect()
    lake.spark.catalog.dropTempView("gone")
    assert sorted(ids_in_files(lake)) == list(range(100)), "the merge wrote a file anew"
    let_go_of_all_but_the_newest(lake, TABLE.name)
    assert sorted(ids_in_files(lake)) == [n for n in range(100) if n != 7]


@pytest.mark.parametrize("clean", [let_go_of_all_but_the_newest, partial(tend, held=[])])
@pytest.mark.parametrize(("log", "wanted"), [({}, None), ({LOG: "interval 365 days"}, "interval 365 days")])
def test_what_a_killed_erasure_left_is_no_retention_that_somebody_chose(
    lake: Lake, clean: Callable[..., object], log: dict[str, str], wanted: str | None
) -> None:
    """Neither for the erasure that is run again nor for an upkeep that comes before."""
    lake.create(TABLE)
    left = ", ".join(f"'{key}' = '{value}'" for key, value in ({DELETED_FILES: "interval 0 hours"} | log).items())
    lake.spark.sql(f"ALTER TABLE {lake.name(TABLE.name)} SET TBLPROPERTIES ({left})").collect()
    clean(lake, TABLE.name)
    told = lake.spark.sql(f"SHOW TBLPROPERTIES {lake.name(TABLE.name)}").collect()
    assert {row.key: row.value for row in told}.get(DELETED_FILES) == wanted


def test_in_a_catalog_a_retention_is_mended_before_files_are_cleaned_by_it(
    lake: Lake, monkeypatch: pytest.MonkeyPatch
) -> None:
    lake.create(TABLE)
    upkeep._set(lake, TABLE.name, {DELETED_FILES: "interval 0 hours"})
    kept: list[str | None] = []
    sql = lake.spark.sql

    def told(statement: str) -> Any:
        if statement.startswith("VACUUM"):
            kept.append(lake.properties(TABLE.name).get(DELETED_FILES))
            return sql("SELECT 1")
        return sql(statement)

    monkeypatch.setattr(Settings, "local", property(lambda _: False))
    monkeypatch.setattr(lake.spark, "sql", told)
    tend(lake, TABLE.name, [])
    assert kept == [None]


def aged(lake: Lake, folder: Path, days: int, commits: Sequence[int] = ()) -> Settings:
    """A copy of a lake's tables whose files are some days older, and its commits: of one table in order, or all."""
    chosen = settings(str(folder))
    shutil.copytree(lake.settings.warehouse, chosen.warehouse, ignore=shutil.ignore_patterns(".*.crc"))
    for path in chosen.warehouse.rglob("*"):
        then = time.time() - DAY * days
        if path.suffix == ".json":
            then = time.time() - DAY * (commits[int(path.stem)] if commits else days)
            earlier = rf"\g<1>{int(then * 1000)}"
            path.write_text(
                re.sub(r'("(?:deletionTimestamp|modificationTime|timestamp)":)\d+', earlier, path.read_text())
            )
        os.utime(path, (then, then))
    return chosen


def test_a_pinned_version_outlives_the_week_and_others_do_not(lake: Lake, tmp_path: Path) -> None:
    table = replace(TABLE, publish=Publish.REPLACE, pinned=True)
    lake.create(table)
    for rows in (3, 5):
        made = lake.spark.range(rows).selectExpr("id", "TIMESTAMP'2024-11-04' AS at")
        made.writeTo(lake.name(table.name)).overwritePartitions()

    def ids(lake: Lake, version: int | None = None) -> list[int]:
        return sorted(row.id for row in lake.table(table.name, version).collect())

    with Lake.writing(aged(lake, tmp_path / "old", 40), "test") as old:
        assert ids(old, 1) == [0, 1, 2], "Delta reads versions that are older than its own week"
        assert tend(old, table.name, [Pin("dropout", "1", table.name, 1)]).pinned
        assert ids(old, 1) == [0, 1, 2]
        assert not tend(old, table.name, []).pinned
        assert ids(old) == [0, 1, 2, 3, 4]
        with pytest.raises(PySparkException):
            ids(old, 1)


def test_a_file_of_a_pinned_version_stays_though_it_was_replaced_long_ago(lake: Lake, tmp_path: Path) -> None:
    """Written sixty days ago, pinned by a version of forty, replaced twenty ago: no such age tells that it stays."""
    table = replace(TABLE, publish=Publish.REPLACE, pinned=True)
    lake.create(table)
    for rows in (3, 5):
        lake.spark.range(rows).selectExpr("id", "TIMESTAMP'2024-11-04' AS at").writeTo(lake.name(table.name)).append()
    lake.spark.sql(f"OPTIMIZE {lake.name(table.name)}").collect()
    with Lake.writing(aged(lake, tmp_path / "old", 60, (60, 60, 40, 20)), "test") as old:
        assert old.table(table.name, 2).count() == 8
        tend(old, table.name, [Pin("dropout", "1", table.name, 2)])
        assert old.table(table.name, 2).count() == 8
        tend(old, table.name, [])
        with pytest.raises(PySparkException):
            old.table(table.name, 2).collect()


def test_a_table_that_is_pinned_keeps_its_versions_and_one_of_before_does_from_then_on(lake: Lake) -> None:
    before, since = TABLE, replace(TABLE, name="gold.since", pinned=True)
    for contract in (before, since):
        lake.create(contract)

    def kept(contract: Contract) -> dict[str, str]:
        told = lake.spark.sql(f"SHOW TBLPROPERTIES {lake.name(contract.name)}").collect()
        return {row.key: row.value for row in told if row.key in VERSIONS_KEPT}

    assert (kept(before), kept(since)) == ({}, VERSIONS_KEPT)
    tend(lake, before.name, [Pin("dropout", "1", before.name, 0)])
    assert kept(before) == VERSIONS_KEPT


@pytest.mark.parametrize(
    ("days", "log", "wanted"),
    [
        (1, "365 days", "365 days"), (270, "365 days", "365 days"), (280, "365 days", "730 days"),
        (400, "365 days", "730 days"), (1, "4 weeks", "365 days"), (1, "720 hours", "365 days"),
        (280, "800 days", "800 days"), (280, "1 day 2 hours", "1 day 2 hours"), (280, "365 DAYS", "730 days"),
    ],
)  # fmt: skip
def test_a_catalog_keeps_versions_as_long_as_models_pin_them(
    days: int, log: str, wanted: str, lake: Lake, monkeypatch: pytest.MonkeyPatch
) -> None:
    lake.create(TABLE)
    kept = {DELETED_FILES: f"interval {log}", LOG: f"interval {log}"}
    upkeep._set(lake, TABLE.name, kept)
    monkeypatch.setattr(Settings, "local", property(lambda _: False))
    upkeep._mend_retention(lake, TABLE.name, datetime.now(UTC) - timedelta(days=days))
    found = lake.properties(TABLE.name)
    assert {name: found[name] for name in kept} == dict.fromkeys(kept, f"interval {wanted}")


def test_upkeep_goes_on_after_an_erasure_that_was_killed_and_finished(lake: Lake) -> None:
    table = replace(TABLE, pinned=True)
    lake.create(table)
    left = f"'{DELETED_FILES}' = 'interval 0 hours', '{LOG}' = '{VERSIONS_KEPT[LOG]}'"
    lake.spark.sql(f"ALTER TABLE {lake.name(table.name)} SET TBLPROPERTIES ({left})").collect()
    let_go_of_all_but_the_newest(lake, table.name)
    assert tend(lake, table.name, []).kept_hours == 168
