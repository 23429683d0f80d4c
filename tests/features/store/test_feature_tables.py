"""Making and writing feature tables: merged by key, and what makes no sense refused."""

from __future__ import annotations

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import date, datetime
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from pyspark.sql import functions as F

from features.store import SpecError, open_store
from lakehouse.errors import RadarError
from lakehouse.lake import Lake
from lakehouse.lock import single_writer
from lakehouse.settings import Settings, settings

SHAPE = "student_id string, as_of date, mood double"
KEYS = ["student_id", "as_of"]
DAY = date(2024, 11, 4)


def make(lake: Lake, *rows: Any, shape: str = SHAPE, **changes: Any) -> Any:
    frame = lake.spark.createDataFrame(list(rows), shape)
    given = {"name": "features.mood", "primary_keys": KEYS, "timeseries_column": "as_of", "df": frame} | changes
    return open_store(lake).create_table(**given)


def rows(lake: Lake, name: str = "features.mood") -> set[tuple[Any, ...]]:
    return {tuple(row) for row in open_store(lake).read_table(name=name).collect()}


def test_a_table_says_what_it_is(lake: Lake) -> None:
    made = make(lake, ("a", DAY, 1.0), description="How students feel.")
    assert (made.name, made.primary_keys, made.timestamp_keys) == ("features.mood", ["student_id", "as_of"], ["as_of"])
    assert (made.features, made.description) == (["student_id", "as_of", "mood"], "How students feel.")
    assert open_store(lake).get_table(name="spark_catalog.features.mood") == made


def test_a_write_replaces_rows_of_its_keys_and_keeps_the_others(lake: Lake) -> None:
    make(lake, ("a", DAY, 1.0), ("b", DAY, 2.0))
    frame = lake.spark.createDataFrame([("a", DAY, 9.0), ("c", DAY, None)], SHAPE)
    open_store(lake).write_table(name="features.mood", df=frame, mode="merge")
    assert rows(lake) == {("a", DAY, 9.0), ("b", DAY, 2.0), ("c", DAY, None)}
    version = lake.version("features.mood")
    open_store(lake).write_table(name="features.mood", df=frame)
    assert lake.version("features.mood") == version


def test_a_new_column_becomes_a_feature(lake: Lake) -> None:
    make(lake, ("a", DAY, 1.0))
    frame = lake.spark.createDataFrame([("b", DAY, 2.0, 7)], f"{SHAPE}, steps int")
    open_store(lake).write_table(name="features.mood", df=frame)
    assert rows(lake) == {("a", DAY, 1.0, None), ("b", DAY, 2.0, 7)}
    assert open_store(lake).get_table(name="features.mood").values == ["mood", "steps"]


def test_what_may_be_null_within_an_array_or_a_struct_is_no_other_type(lake: Lake) -> None:
    mine = lake.spark.createDataFrame([("a", DAY)], "student_id string, as_of date").withColumns(
        {"topics": F.split(F.lit("travel,food"), ","), "place": F.struct(F.lit(1).alias("n"))}
    )
    open_store(lake).create_table(name="features.mood", primary_keys=KEYS, timeseries_column="as_of", df=mine)
    open_store(lake).write_table(name="features.mood", df=mine.withColumn("student_id", F.lit("b")))
    assert {row.student_id: row.topics for row in lake.table("features.mood").collect()} == {
        "a": ["travel", "food"], "b": ["travel", "food"],
    }  # fmt: skip


def test_a_table_that_is_there_needs_sound_keys_too(lake: Lake) -> None:
    make(lake, ("a", DAY, 1.0))
    with pytest.raises(SpecError, match="primary_keys is empty"):
        make(lake, ("a", DAY, 1.0), primary_keys=[], timeseries_column=None)
    with pytest.raises(SpecError, match=r"called features\.<name>"):
        make(lake, ("a", DAY, 1.0), name="mood")
    with pytest.raises(RadarError, match=r"table is 'mood'; name it as <schema>\.<table>"):
        open_store(lake).get_table(name="mood")
    with pytest.raises(SpecError, match="mode is 'Merge'"):
        open_store(lake).write_table(name="features.mood", df=lake.table("features.mood"), mode="Merge")


def test_a_table_without_time_may_be_written_column_by_column(lake: Lake) -> None:
    shape = "student_id string, city string, age int"
    make(lake, ("a", "Oslo", 30), shape=shape, primary_keys="student_id", timeseries_column=None)
    frame = lake.spark.createDataFrame([("a", 31), ("b", 20)], "student_id string, age int")
    open_store(lake).write_table(name="features.mood", df=frame)
    assert rows(lake) == {("a", "Oslo", 31), ("b", None, 20)}


def test_maps_are_written_where_they_differ(lake: Lake) -> None:
    shape = "student_id string, as_of date, minutes map<string, int>"
    make(lake, ("a", DAY, {"spanish": 5, "french": 1}), ("b", DAY, None), shape=shape)
    version = lake.version("features.mood")
    same = lake.spark.createDataFrame([("a", DAY, {"french": 1, "spanish": 5})], shape)
    open_store(lake).write_table(name="features.mood", df=same)
    assert lake.version("features.mood") == version
    other = lake.spark.createDataFrame([("a", DAY, {"spanish": 6}), ("b", DAY, {"french": 2})], shape)
    open_store(lake).write_table(name="features.mood", df=other)
    found = open_store(lake).read_table(name="features.mood").collect()
    assert {row.student_id: row.minutes for row in found} == {"a": {"spanish": 6}, "b": {"french": 2}}


def test_creating_it_again_leaves_it_as_it_is(lake: Lake) -> None:
    make(lake, ("a", DAY, 1.0))
    make(lake, ("b", DAY, 1.0))
    assert rows(lake) == {("a", DAY, 1.0)}


def test_a_table_whose_first_rows_are_refused_is_not_made(lake: Lake) -> None:
    with pytest.raises(SpecError, match="holds a key more than once"):
        make(lake, ("a", DAY, 1.0), ("a", DAY, 2.0))
    assert not lake.exists("features.mood")
    make(lake, ("a", DAY, 1.0))
    assert rows(lake) == {("a", DAY, 1.0)}


@pytest.mark.parametrize("part", ["create", "write"])
def test_a_table_whose_making_was_stopped_is_made_by_the_next(
    part: str, lake: Lake, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ctrl-C takes it away again; of a killed process it stays, without rows, and perhaps without keys."""
    of = open_store(lake).create_table.__globals__["tables"]

    def stopped(*_: Any) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(of, part, stopped)
        with pytest.raises(KeyboardInterrupt):
            make(lake, ("a", DAY, 1.0))
    assert not lake.exists("features.mood")
    with monkeypatch.context() as patch:
        patch.setattr(of, part, stopped)
        patch.setattr(lake, "drop", lambda table: None)
        if part == "create":
            lake.create(of._contract("features.mood", lake.spark.createDataFrame([], SHAPE).schema, KEYS, "as_of", ""))
        with pytest.raises(KeyboardInterrupt):
            make(lake, ("a", DAY, 1.0))
    assert lake.table("features.mood").isEmpty()
    make(lake, ("a", DAY, 1.0))
    assert rows(lake) == {("a", DAY, 1.0)}
    assert open_store(lake).get_table(name="features.mood").primary_keys == KEYS


def test_an_empty_table_keeps_its_keys(lake: Lake) -> None:
    make(lake, df=None, schema=lake.spark.createDataFrame([], SHAPE).schema)
    with pytest.raises(SpecError, match=r"features\.mood is there with the keys student_id, as_of; give the same"):
        make(lake, ("a", DAY, 1.0), primary_keys="student_id", timeseries_column=None)
    assert open_store(lake).get_table(name="features.mood").primary_keys == KEYS


def test_columns_and_rows_agree_in_any_order(lake: Lake) -> None:
    shape = lake.spark.createDataFrame([], "mood double, as_of date, student_id string").schema
    make(lake, ("a", DAY, 1.0), schema=shape)
    assert {(r.student_id, r.mood) for r in lake.table("features.mood").collect()} == {("a", 1.0)}
    other = lake.spark.createDataFrame([], "mood float, as_of date, student_id string").schema
    with pytest.raises(SpecError, match="df and schema are both given and differ"):
        make(lake, ("a", DAY, 1.0), schema=other)


def test_a_table_that_another_process_made_meanwhile_is_left_as_it_is(
    lake: Lake, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = open_store(lake)
    as_writer = store._as_writer

    @contextmanager
    def waits() -> Iterator[Lake]:
        make(lake, ("b", DAY, 2.0))
        with as_writer() as held:
            yield held

    monkeypatch.setattr(store, "_as_writer", waits)
    twice = lake.spark.createDataFrame([("a", DAY, 1.0)] * 2, SHAPE)
    store.create_table(name="features.mood", primary_keys=KEYS, timeseries_column="as_of", df=twice)
    assert rows(lake) == {("b", DAY, 2.0)}


@pytest.mark.parametrize("kind", ["timestamp", "timestamp_ntz"])
def test_maps_within_other_types_are_written_where_they_differ(lake: Lake, kind: str) -> None:
    shape = f"student_id string, as_of date, told struct<by: map<string, int>, at: {kind}>"
    noon, later = datetime(2024, 11, 4, 12), datetime(2024, 11, 4, 12, microsecond=1)
    make(lake, ("a", DAY, ({"x": 1}, noon)), ("b", DAY, (None, None)), shape=shape)
    version = lake.version("features.mood")
    for given, moved in ((({"x": 1}, noon), 0), (({"x": 2}, noon), 1), (({"x": 2}, later), 2)):
        frame = lake.spark.createDataFrame([("a", DAY, given)], shape)
        open_store(lake).write_table(name="features.mood", df=frame)
        assert lake.version("features.mood") == version + moved
    assert {r.student_id: r.told.by for r in lake.table("features.mood").collect()} == {"a": {"x": 2}, "b": None}


def test_a_table_that_is_not_there_makes_no_sense(lake: Lake) -> None:
    make(lake, ("a", DAY, 1.0))
    store = open_store(lake)
    frame = lake.table("features.mood")
    for ask in (store.read_table, store.get_table, lambda name: store.write_table(name=name, df=frame)):
        with pytest.raises(SpecError, match=r"has no table features\.mod; .* or is features\.mood meant"):
            ask(name="features.mod")


def test_a_reader_takes_the_lock_to_write(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    chosen = settings(str(tmp_path / "lake"))
    with Lake.writing(chosen, "test") as lake:
        make(lake, ("a", DAY, 1.0))
    reader = Lake.open(chosen)
    assert not reader.writable
    more = reader.spark.createDataFrame([("b", DAY, 2.0)], SHAPE)
    with ThreadPoolExecutor(1) as beside:
        with single_writer(chosen.lake, "another"):
            written = beside.submit(open_store(reader).write_table, name="features.mood", df=more)
            until = time.monotonic() + 60
            while "Waiting for run another" not in capsys.readouterr().err:
                assert not written.done()
                assert time.monotonic() < until
                time.sleep(0.05)
            assert rows(reader) == {("a", DAY, 1.0)}
        written.result(timeout=120)
    assert rows(reader) == {("a", DAY, 1.0), ("b", DAY, 2.0)}


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"primary_keys": ["student_id"]}, "the timeseries column as_of is not among primary_keys"),
        ({"primary_keys": []}, "primary_keys is empty"),
        ({"primary_keys": ["as_of"]}, "needs a primary key besides its timeseries column"),
        ({"primary_keys": ["student_id", "as_of", "as_of"]}, "primary_keys names as_of twice"),
        ({"primary_keys": ["who", "as_of"]}, "the schema has no column who"),
        ({"timeseries_column": ["as_of", "student_id"]}, "timeseries_column is the name of one column"),
        ({"timeseries_column": ["as_of"]}, "timeseries_column is the name of one column"),
        ({"timeseries_column": "student_id"}, "the timeseries column student_id is string; it has to be date or time"),
        ({"name": "gold.mood"}, "A feature table is called features.<name>"),
        ({"name": "features.my-mood"}, "small letters, digits and _ in its name"),
        ({"name": "features.Mood"}, "small letters, digits and _ in its name"),
        ({"df": pd.DataFrame({"student_id": ["a"]})}, "df is pandas.*; it has to be a DataFrame of Spark's"),
        ({"df": None}, "give the table's rows as df, or its columns as schema"),
        ({"partition_columns": "week"}, "no partition column week"),
    ],
)
def test_a_table_that_makes_no_sense_is_refused(lake: Lake, changes: dict[str, Any], said: str) -> None:
    with pytest.raises(SpecError, match=said):
        make(lake, ("a", DAY, 1.0), **changes)
    assert not lake.exists("features.mood")


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """A lake with a feature table of one row, made once for the writes that are refused."""
    chosen = settings(str(tmp_path_factory.mktemp("made")))
    with Lake.writing(chosen, "test") as lake:
        make(lake, ("z", DAY, 0.0))
    return chosen


@pytest.mark.parametrize(
    ("given", "shape", "mode", "said"),
    [
        ([("a", DAY, 1.0)], SHAPE, "overwrite", "by mode 'merge' alone"),
        ([(DAY, 1.0)], "as_of date, mood double", "merge", "the key student_id is missing in the frame"),
        ([(1, DAY, 1.0)], "student_id int, as_of date, mood double", "merge", "the key student_id is integer"),
        ([("a", "2024", 1.0)], "student_id string, as_of string, mood double", "merge", "the key as_of is string"),
        ([("a", DAY)], "student_id string, as_of date", "merge", "a write gives whole rows; .* no column mood"),
        ([("a", DAY, "x")], "student_id string, as_of date, mood string", "merge", "mood is string in the frame"),
        ([("a", DAY, 1.0, 2.0)], f"{SHAPE}, MOOD double", "merge", "differs from mood by case"),
        ([("a", DAY, 1.0), ("a", DAY, 2.0)], SHAPE, "merge", "holds a key more than once, .* student_id=a"),
        ([(None, DAY, 1.0)], SHAPE, "merge", "1 row has no student_id or as_of"),
    ],
)
def test_a_write_that_makes_no_sense_is_refused(
    made: Settings, given: list[Any], shape: str, mode: str, said: str
) -> None:
    lake = Lake.open(made)
    with pytest.raises(SpecError, match=said):
        open_store(lake).write_table(name="features.mood", df=lake.spark.createDataFrame(given, shape), mode=mode)
    assert rows(lake) == {("z", DAY, 0.0)}


def test_a_table_that_is_no_feature_table_is_refused(lake: Lake) -> None:
    lake.spark.sql(
        f"CREATE TABLE {lake.name('gold.plain')} (id INT) LOCATION '{lake.settings.table_folder('gold.plain')}'"
    )
    with pytest.raises(SpecError, match=r"gold\.plain is no feature table"):
        open_store(lake).get_table(name="gold.plain")
