"""Files that cannot be read, and what becomes of them when whole ones come, in a folder with an odd name."""

from __future__ import annotations

import argparse
import os
import shutil
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pyspark.sql import SparkSession

import pipelines.bronze.ingest
import pipelines.quarantine
import pipelines.silver.replay
import pipelines.silver.run
from lakehouse.cli import Run
from lakehouse.lake import Lake
from lakehouse.run_ids import new_run_id
from lakehouse.settings import settings
from pipelines.bronze.landing import LandingFile, Listed, read_through, unusable

WAITS = "released_at IS NULL"


def test_a_whole_file_releases_the_broken_one_of_its_name(spark: SparkSession, tmp_path: Path) -> None:
    chosen = settings(str(tmp_path / "o'brien [1]" / "lake"), str(tmp_path / "landing"))
    file = tmp_path / "landing" / "messages" / "arrived=2024-11-04" / "part.parquet"
    file.parent.mkdir(parents=True)
    file.write_text("half of a file")
    other = file.with_name("other.parquet")
    other.write_text("half of another")

    def waiting() -> list[str]:
        with Lake.writing(chosen, "test") as lake:
            pipelines.bronze.ingest.run(Run(lake, new_run_id(), None, argparse.Namespace()))
            rows = lake.table("ops.quarantine").where(WAITS).orderBy("source_file").collect()
        return [row.source_file for row in rows]

    names = [f"messages/arrived=2024-11-04/{name}.parquet" for name in ("other", "part")]
    assert waiting() == names
    pd.DataFrame({"id": [1], "conversation_id": [2]}).to_parquet(file)
    assert waiting() == names[:1]
    pd.DataFrame({"id": []}).to_parquet(other)
    assert waiting() == [], "one without rows is whole too"


def test_a_file_that_could_not_be_read_is_tried_again_when_it_comes_again(
    spark: SparkSession, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The same bytes, under a new time: the disk was at fault, not they."""
    chosen = settings(str(tmp_path / "lake"), str(tmp_path / "landing"))
    file = tmp_path / "landing" / "messages" / "arrived=2024-11-04" / "part.parquet"
    file.parent.mkdir(parents=True)
    pd.DataFrame({"id": [1], "conversation_id": [2]}).to_parquet(file)

    def broken(found: Listed) -> LandingFile:
        return unusable(read_through(found), "Input/output error")

    for reads, rows, waits in ((broken, 0, 1), (read_through, 0, 1), (read_through, 1, 0)):
        monkeypatch.setattr(pipelines.bronze.ingest, "read_through", reads)
        if rows:
            os.utime(file, (1, 1))
        with Lake.writing(chosen, "test") as lake:
            pipelines.bronze.ingest.run(Run(lake, new_run_id(), None, argparse.Namespace()))
            assert lake.table("bronze.messages").count() == rows
            assert lake.table("ops.quarantine").where(WAITS).count() == waits


def test_a_file_in_the_place_of_no_table_is_told(spark: SparkSession, tmp_path: Path) -> None:
    chosen = settings(str(tmp_path / "lake"), str(tmp_path / "landing"))
    for day in ("arrived=2024-11-04", "arived=2024-11-05"):
        file = tmp_path / "landing" / "messages" / day / "part.parquet"
        file.parent.mkdir(parents=True)
        pd.DataFrame({"id": [1], "conversation_id": [2]}).to_parquet(file)
    with Lake.writing(chosen, "test") as lake:
        pipelines.bronze.ingest.run(Run(lake, new_run_id(), None, argparse.Namespace()))
        (told,) = [row.message for row in lake.table("ops.runs").collect()]
    assert "1 row from 1 new of 1 file" in told
    assert "passed by 1 file that lies in the place of no raw table: messages/arived=2024-11-05/part.parquet" in told


def test_a_day_to_come_and_a_text_that_is_none(spark: SparkSession, tmp_path: Path) -> None:
    """A folder's typing error is set aside; bytes that are no UTF-8 are mended, since Python would refuse the batch."""
    chosen = settings(str(tmp_path / "lake"), str(tmp_path / "landing"))
    broken = pa.array([b"caf\xe9", b"ol\xc3\xa9"])
    for day, texts in (("2024-11-04", broken.view(pa.string())), ("2024-11-05", broken), ("2999-11-04", broken)):
        file = tmp_path / "landing" / "messages" / f"arrived={day}" / "part.parquet"
        file.parent.mkdir(parents=True)
        pq.write_table(pa.table({"id": ["m1", "m2"], "content": texts, "audio_path": [day, day]}), file)
    with Lake.writing(chosen, "test") as lake:
        pipelines.bronze.ingest.run(Run(lake, new_run_id(), None, argparse.Namespace()))
        assert [row.content for row in lake.table("bronze.messages").orderBy("_arrived_at", "id").collect()] == [
            "caf\ufffd", "olé", "caf\ufffd", "olé",
        ]  # fmt: skip
        (row,) = lake.table("ops.quarantine").where(WAITS).collect()
    assert row.source_file == "messages/arrived=2999-11-04/part.parquet"
    assert row.reason == "its folder is of 2999-11-04, a day that is yet to come"


def test_a_misplaced_file_that_was_copied_to_its_place_waits_no_more(
    spark: SparkSession, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for step in (pipelines.silver.replay, pipelines.silver.run):
        monkeypatch.setattr(step, "run", lambda *_: None)
    chosen = settings(str(tmp_path / "lake"), str(tmp_path / "landing"))
    misplaced = tmp_path / "landing" / "messages" / "arrived=2999-11-04" / "part.parquet"
    place = misplaced.parents[1] / "arrived=2024-11-04" / "part.parquet"
    misplaced.parent.mkdir(parents=True)
    pd.DataFrame({"id": [1], "conversation_id": [2]}).to_parquet(misplaced)
    waiting = []
    with Lake.writing(chosen, "test") as lake:
        run = Run(lake, new_run_id(), None, argparse.Namespace(table="", reason=""))
        for act in (pipelines.bronze.ingest.run, pipelines.quarantine.replay, pipelines.quarantine.replay):
            act(run)
            waiting.append(lake.table("ops.quarantine").where(WAITS).count())
            place.parent.mkdir(exist_ok=True)
            shutil.copy2(misplaced, place)
        assert lake.table("bronze.messages").count() == 1
    assert waiting == [1, 0, 0]
