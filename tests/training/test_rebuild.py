"""The training sets of registered models, made again after the lake has moved on."""

from __future__ import annotations

import argparse
import shutil
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from pyspark.sql import functions as F

import features.run
from lakehouse.cli import Run
from lakehouse.contracts import Contract, columns
from lakehouse.errors import RadarError
from lakehouse.lake import Lake
from lakehouse.model_files import load_artifact
from lakehouse.pins import pins
from lakehouse.registry import version
from lakehouse.run_ids import new_run_id
from lakehouse.settings import Settings, settings
from lakehouse.upkeep import tend
from tests.lakes import take_in
from training.archetypes import BEHAVIOUR
from training.data import collected, described, segment_set, training_set
from training.rebuild import _let_go, rebuild
from training.report import TRAINING_SET

pytestmark = pytest.mark.long

MODELS = ("dropout", "segments")
PINNED = ("features.student_labels", "features.student_activity", "features.student_learning")


@pytest.fixture(scope="module")
def moved_on(tutorial: tuple[Settings, date], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lake]:
    """A copy of the tutorial's lake that took in late conversations and a month of new ones, made its features anew,
    was compacted and cleaned.
    """
    built, as_of = tutorial
    root = tmp_path_factory.mktemp("moved")
    shutil.copytree(built.lake, root / "lake")
    shutil.copytree(built.landing, root / "landing")
    chosen = settings(str(root / "lake"), str(root / "landing"))
    deliver(root / "landing", as_of)
    take_in(chosen)
    with Lake.writing(chosen, "test") as lake:
        later = as_of + timedelta(days=30)
        features.run.run(Run(lake, new_run_id(), later, argparse.Namespace()), later)
        for table in PINNED:
            lake.spark.sql(f"OPTIMIZE {lake.name(table)}").collect()
            tend(lake, table, pins(lake))
        yield lake


def deliver(landing: Path, as_of: date) -> None:
    """Conversations of a month that has passed since, with ids of their own, and some of 20 days before `as_of`."""
    held = pq.ParquetFile(landing / "conversations.parquet").read().slice(0, 90).to_pandas()
    held["id"] = [f"new-{n}" for n in range(len(held))]
    days = [as_of + timedelta(days=n % 30 if n < 60 else -20) for n in range(len(held))]
    held["created_at"] = [f"{day}T10:00:00" for day in days]
    folder = landing / "conversations" / f"arrived={as_of + timedelta(days=29)}"
    folder.mkdir(parents=True)
    held.to_parquet(folder / "part.parquet", index=False)


@pytest.mark.parametrize("model", MODELS)
def test_the_same_rows_byte_for_byte(moved_on: Lake, model: str) -> None:
    told = load_artifact(moved_on, version(moved_on, model, "1"), TRAINING_SET)
    assert told["rows"] > 10
    assert rebuild(moved_on, told) == told["content_hash"]
    newest = {table: moved_on.version(table) for table in told["pins"]}
    assert all(newest[table] > pin for table, pin in told["pins"].items())


def test_of_the_tables_as_they_are_now_the_rows_are_others(moved_on: Lake) -> None:
    as_of = described(load_artifact(moved_on, version(moved_on, "dropout", "1"), TRAINING_SET)).as_of
    told = load_artifact(moved_on, version(moved_on, "dropout", "1"), TRAINING_SET)
    assert training_set(moved_on, as_of + timedelta(days=30)).content_hash != told["content_hash"]
    assert len(segment_set(moved_on, as_of + timedelta(days=30), BEHAVIOUR.features).frame) > 0


def test_what_is_not_the_same_is_said(moved_on: Lake) -> None:
    told = load_artifact(moved_on, version(moved_on, "dropout", "1"), TRAINING_SET)
    frame = collected(described(told).load(moved_on), told["features"])
    assert list(frame["as_of"]) == sorted(frame["as_of"])
    with pytest.raises(RadarError, match=r"is not the same: \d+ rows with hash"):
        rebuild(moved_on, told | {"content_hash": "0" * 64})


def test_a_version_that_was_let_go_is_named_with_the_day(moved_on: Lake) -> None:
    """Retention kept what is pinned; somebody who forces it away is told what it was."""
    table = "features.student_activity"
    told = load_artifact(moved_on, version(moved_on, "dropout", "1"), TRAINING_SET)
    pin = told["pins"][table]
    name, check = moved_on.name(table), "spark.databricks.delta.retentionDurationCheck.enabled"
    moved_on.spark.conf.set(check, "false")
    for hours in (24 * 365, 0, 24 * 7):
        moved_on.spark.sql(f"VACUUM {name} RETAIN {hours} HOURS").collect()
    moved_on.spark.conf.unset(check)
    vacuums = moved_on.history(table).where("operation = 'VACUUM END'").orderBy(F.desc("version")).limit(3).collect()
    let_go = [row.timestamp for row in vacuums][1]
    assert _let_go(moved_on, table, pin) == let_go
    assert len({row.timestamp for row in vacuums}) == 3
    with pytest.raises(RadarError, match=rf"version {pin} of {table} can no longer be read, .* on 20\d\d-.* UTC"):
        rebuild(moved_on, told)


def test_what_replaces_no_file_lets_go_of_none(lake: Lake) -> None:
    """A vacuum before the next write has taken nothing of a version."""
    table = "features.small"
    lake.create(Contract(table, "Small.", columns("n | BIGINT | a number")))
    name, rows = lake.name(table), lake.spark.range(3).selectExpr("id AS n")
    rows.writeTo(name).append()
    pin = lake.version(table)
    lake.spark.sql(f"ALTER TABLE {name} SET TBLPROPERTIES ('a' = 'b')").collect()
    lake.spark.sql(f"VACUUM {name} RETAIN 0 HOURS").collect()
    assert _let_go(lake, table, pin) is None
    rows.writeTo(name).overwrite(F.lit(True))
    lake.spark.sql(f"VACUUM {name} RETAIN 0 HOURS").collect()
    assert _let_go(lake, table, pin) == lake.history(table, 1).collect()[0].timestamp
