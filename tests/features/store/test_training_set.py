"""The local store's join, against hand-computed answers: time, ties, lookbacks, defaults, names and order."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any

import numpy as np
import pytest
from databricks.feature_engineering import FeatureFunction, FeatureLookup
from pyspark.sql import DataFrame

from features.store import SpecError, open_store
from lakehouse.lake import Lake
from lakehouse.settings import Settings, settings

MONDAY = date(2024, 11, 4)
MOODS = "student_id string, as_of date, mood double, pace double"
SPINE = "student_id string, day date, row int"
Row = tuple[Any, ...]


def day(n: int) -> date:
    return MONDAY + timedelta(days=n)


ROWS = [("a", day(0), 1.0, 10.0), ("a", day(7), None, 20.0), ("b", day(7), 3.0, 30.0)]


def put(lake: Lake, rows: list[Row] = ROWS) -> None:
    """The feature table features.mood, of a student and a day."""
    frame = lake.spark.createDataFrame(rows, MOODS)
    store = open_store(lake)
    if lake.exists("features.mood"):
        store.write_table(name="features.mood", df=frame)
    else:
        store.create_table(
            name="features.mood", primary_keys=["student_id", "as_of"], timeseries_column="as_of", df=frame
        )


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """A lake with features.mood, made once for the tests that only read it."""
    chosen = settings(str(tmp_path_factory.mktemp("moods")))
    with Lake.writing(chosen, "test") as lake:
        put(lake)
    return chosen


@pytest.fixture
def moods(made: Settings) -> Lake:
    """That lake, opened anew since another may have been served meanwhile."""
    return Lake.open(made)


def lookup(**changes: Any) -> FeatureLookup:
    given = {"table_name": "spark_catalog.features.mood", "lookup_key": "student_id", "timestamp_lookup_key": "day"}
    return FeatureLookup(**(given | changes))


def loaded(lake: Lake, spine: list[Row], *parts: Any, schema: str = SPINE, **given: Any) -> DataFrame:
    frame = lake.spark.createDataFrame(spine, schema)
    asked = {"label": None} | given
    return open_store(lake).create_training_set(df=frame, feature_lookups=list(parts), **asked).load_df()


def found(frame: DataFrame, *names: str) -> list[Row]:
    return [tuple(row) for row in frame.orderBy("row").select(*names).collect()]


def test_the_newest_whole_row_at_or_before_the_time(moods: Lake) -> None:
    spine = [("a", day(n), n) for n in (-1, 0, 6, 7, 30)]
    frame = loaded(moods, spine, lookup(), label="row")
    assert frame.columns == ["student_id", "day", "mood", "pace", "row"]
    assert found(frame, "mood", "pace") == [(None, None), (1.0, 10.0), (1.0, 10.0), (None, 20.0), (None, 20.0)]


@pytest.mark.parametrize(("second", "by_python"), [(day(7), False), (day(8), True)])
def test_a_frame_of_one_day_is_loaded_without_python(
    moods: Lake, capsys: pytest.CaptureFixture[str], second: date, by_python: bool
) -> None:
    frame = loaded(moods, [("a", day(7), 0), ("b", second, 1)], lookup())
    assert found(frame, "mood", "pace") == [(None, 20.0), (3.0, 30.0)]
    frame.explain()
    assert ("MapInArrow" in capsys.readouterr().out) == by_python


def test_a_null_among_several_keys_finds_nothing(lake: Lake) -> None:
    shape = "student_id string, level int, as_of date, mood double"
    rows = [(who, level, day(0), 1.0) for who in ("a", "b", "c", "d") for level in (0, 1)]
    keys = ["student_id", "level", "as_of"]
    store = open_store(lake)
    frame = lake.spark.createDataFrame(rows, shape)
    store.create_table(name="features.mood", primary_keys=keys, timeseries_column="as_of", df=frame)
    spine = [("a", None, day(1), 0), ("b", None, day(1), 1), (None, 1, day(1), 2), ("c", 1, day(1), 3)]
    given = loaded(
        lake,
        spine,
        lookup(lookup_key=["student_id", "level"]),
        schema="student_id string, level int, day date, row int",
    )
    assert found(given, "mood") == [(None,), (None,), (None,), (1.0,)]


def test_duplicate_labels_stay_and_null_keys_and_times_find_nothing(moods: Lake) -> None:
    spine = [("a", day(1), 1), ("a", day(1), 1), (None, day(1), 2), ("a", None, 3), ("nobody", day(1), 4)]
    assert found(loaded(moods, spine, lookup()), "row", "pace") == [
        (1, 10.0), (1, 10.0), (2, None), (3, None), (4, None),
    ]  # fmt: skip


@pytest.mark.parametrize(("days", "paces"), [(6, [10.0, 10.0, None]), (7, [10.0, 10.0, 30.0]), (0, [10.0, None, None])])
def test_a_lookback_counts_the_whole_row_out(moods: Lake, days: int, paces: list[float | None]) -> None:
    spine = [("a", day(0), 1), ("a", day(6), 2), ("b", day(14), 3)]
    assert [p for (p,) in found(loaded(moods, spine, lookup(lookback_window=timedelta(days=days))), "pace")] == paces


def test_a_lookback_of_timestamps_counts_whole_seconds(lake: Lake) -> None:
    """As the client does: half a second beyond the window is within it."""
    at = datetime(2024, 11, 4, 12)
    rows = lake.spark.createDataFrame([("a", at, 1.0)], "student_id string, at timestamp, mood double")
    keys = ["student_id", "at"]
    open_store(lake).create_table(name="features.beat", primary_keys=keys, timeseries_column="at", df=rows)
    asked = lookup(table_name="features.beat", lookback_window=timedelta(seconds=10))
    spine = [("a", at + timedelta(seconds=s), n) for n, s in enumerate((10, 10.5, 11))]
    frame = loaded(lake, spine, asked, schema="student_id string, day timestamp, row int")
    assert found(frame, "mood") == [(1.0,), (1.0,), (None,)]


def test_defaults_fill_after_the_join_by_output_name(moods: Lake) -> None:
    asked = lookup(feature_names=["mood"], rename_outputs={"mood": "feeling"}, default_values={"feeling": -1.0})
    frame = loaded(moods, [("a", day(0), 1), ("a", day(8), 2), ("z", day(8), 3)], asked)
    assert found(frame, "feeling") == [(1.0,), (-1.0,), (-1.0,)]


def test_a_default_of_numpy_fills_as_pythons_own(moods: Lake) -> None:
    asked = lookup(feature_names=["mood"], default_values={"mood": np.float64(-1.0)})
    assert found(loaded(moods, [("z", day(8), 1)], asked), "mood") == [(-1.0,)]


def test_features_come_in_order_of_lookup_and_labels_last(moods: Lake) -> None:
    frame = loaded(
        moods, [("a", day(0), 1, 2)],
        lookup(feature_names=["pace"], rename_outputs={"pace": "speed"}), lookup(feature_names="mood"),
        exclude_columns=["student_id", "row"], label="extra", schema=f"{SPINE}, extra int",
    )  # fmt: skip
    assert frame.columns == ["day", "speed", "mood", "extra"]


def test_two_students_of_one_row_are_looked_up_each_for_itself(moods: Lake) -> None:
    friend = lookup(lookup_key=["friend"], feature_names="pace", rename_outputs={"pace": "pace_of_friend"})
    frame = loaded(
        moods, [("a", "b", day(9), 1)], lookup(), friend, schema="student_id string, friend string, day date, row int"
    )
    assert found(frame, "pace", "pace_of_friend") == [(20.0, 30.0)]


def test_a_table_without_time_and_a_feature_that_is_the_key_of_another_lookup(lake: Lake) -> None:
    put(lake)
    store = open_store(lake)
    tutors = lake.spark.createDataFrame([("a", "t1"), ("b", "t2")], "student_id string, tutor string")
    store.create_table(name="features.tutor_of", primary_keys="student_id", df=tutors)
    load = lake.spark.createDataFrame([("t1", 12), ("t2", 7)], "tutor string, pupils int")
    store.create_table(name="features.tutors", primary_keys=["tutor"], df=load)
    pupils = FeatureLookup(table_name="features.tutors", lookup_key="tutor")
    tutor = FeatureLookup(table_name="features.tutor_of", lookup_key="student_id")
    frame = loaded(lake, [("a", day(0), 1), ("b", day(0), 2), ("c", day(0), 3)], pupils, tutor)
    assert frame.columns == ["student_id", "day", "row", "pupils", "tutor"]
    assert found(frame, "pupils") == [(12,), (7,), (None,)]


def test_a_function_of_columns_and_features(moods: Lake) -> None:
    moods.spark.sql("CREATE OR REPLACE TEMPORARY FUNCTION ahead(a DOUBLE, b DOUBLE) RETURNS DOUBLE RETURN a - b")
    twice = FeatureFunction(udf_name="ahead", input_bindings={"a": "pace", "b": "mood"}, output_name="lead")
    frame = loaded(moods, [("a", day(0), 1)], twice, lookup())
    assert frame.columns == ["student_id", "day", "row", "mood", "pace", "lead"]
    assert found(frame, "lead") == [(9.0,)]


def test_a_pinned_set_does_not_see_later_writes(lake: Lake) -> None:
    put(lake)
    spine = lake.spark.createDataFrame([("b", day(8), 1)], SPINE)
    made = open_store(lake).create_training_set(df=spine, feature_lookups=[lookup()], label=None)
    put(lake, [("b", day(7), 99.0, 99.0)])
    assert made.load_df().collect()[0].mood == 3.0


def test_times_are_moments_whatever_the_zone_of_the_session(lake: Lake) -> None:
    """A feature of 23:30 UTC is of that moment, also where it is another day."""
    rows = lake.spark.sql("SELECT 'a' student_id, TIMESTAMP'2024-11-04T23:30:00Z' at, 1D mood")
    keys = ["student_id", "at"]
    open_store(lake).create_table(name="features.zoned", primary_keys=keys, timeseries_column="at", df=rows)
    spine = lake.spark.sql(
        "SELECT 'a' student_id, TIMESTAMP'2024-11-05T00:29:59+01:00' day, 1 row UNION ALL "
        "SELECT 'a', TIMESTAMP'2024-11-05T00:30:00+01:00', 2"
    )
    asked = lookup(table_name="features.zoned")
    frame = open_store(lake).create_training_set(df=spine, feature_lookups=[asked], label=None).load_df()
    assert found(frame, "mood") == [(None,), (1.0,)]


@pytest.mark.parametrize(
    ("changes", "given", "said"),
    [
        ({"feature_names": ["hope"]}, {}, "features.mood has no feature hope"),
        ({"feature_names": ["mood", "mood"]}, {}, "names the feature mood twice"),
        ({"timestamp_lookup_key": None}, {}, "its lookup needs a timestamp_lookup_key"),
        ({"lookup_key": ["student_id", "row"]}, {}, "the lookup gives"),
        ({"lookup_key": ["who"]}, {}, "The frame has no column who"),
        ({"timestamp_lookup_key": "when"}, {}, "The frame has no column when"),
        ({"lookup_key": ["row"]}, {}, "student_id of type string, and the frame's row is integer"),
        ({"timestamp_lookup_key": "at"}, {}, "as_of of type date, and the frame's at is timestamp"),
        ({"rename_outputs": {"mood": "row"}}, {}, "row of features.mood would appear twice: it is a column"),
        ({"rename_outputs": {"mood": "pace"}}, {}, "pace of features.mood would appear twice: it is an output"),
        ({"rename_outputs": {"mood": "left"}}, {"label": "left"}, "it is a label already"),
        ({"default_values": {"hope": 1.0}}, {}, "a default for hope, which the lookup of features.mood does not give"),
        ({"default_values": {"mood": "high"}}, {}, "The default 'high' for mood of features.mood is no double"),
        ({}, {"label": "gone"}, "The label gone is not a column"),
        ({}, {"label": ["left", "left"]}, "The labels name left twice"),
        ({}, {"label": "left", "exclude_columns": ["left"]}, "The label left is excluded"),
    ],
)
def test_a_lookup_that_makes_no_sense_is_refused(
    moods: Lake, changes: dict[str, Any], given: dict[str, Any], said: str
) -> None:
    schema = "student_id string, day date, row int, at timestamp, left boolean"
    with pytest.raises(SpecError, match=said):
        loaded(moods, [("a", MONDAY, 1, datetime(2024, 11, 4), True)], lookup(**changes), schema=schema, **given)


@pytest.mark.parametrize(
    ("parts", "said"),
    [
        ([lookup(lookback_window=timedelta(1)), lookup(rename_outputs={"mood": "m", "pace": "p"})], "several lookback"),
        (
            [
                lookup(lookback_window=timedelta(1), feature_names="mood"),
                lookup(table_name="features.mood", lookback_window=timedelta(7), feature_names="pace"),
            ],
            "several lookback",
        ),
        ([lookup(), lookup(rename_outputs={"mood": "m", "pace": "p"})], "mood of features.mood is looked up twice"),
        ([FeatureFunction(udf_name="f", input_bindings={"x": "hope"}, output_name="y")], "has no column hope"),
        (["features.mood"], "neither a FeatureLookup nor a FeatureFunction"),
    ],
)
def test_parts_that_do_not_go_together_are_refused(moods: Lake, parts: list[Any], said: str) -> None:
    with pytest.raises(SpecError, match=said):
        loaded(moods, [("a", MONDAY, 1)], *parts)


def test_neither_lookups_nor_functions_are_asked_by_a_label(moods: Lake) -> None:
    hint = FeatureFunction(udf_name="ahead", input_bindings={"a": "left", "b": "mood"}, output_name="hint")
    schema = "student_id string, day date, row int, left double, friend string"
    for asked, label, said in (
        ([lookup(), hint], "left", "left is a label, and an input of ahead"),
        ([lookup(lookup_key="friend")], "friend", "friend is a label, and a key of the lookup of features.mood"),
    ):
        with pytest.raises(SpecError, match=said):
            loaded(moods, [("a", MONDAY, 1, 1.0, "b")], *asked, schema=schema, label=label)


def test_a_key_that_a_function_makes_is_of_the_tables_type_too(lake: Lake) -> None:
    rows = lake.spark.createDataFrame([(1, 2.0)], "bucket bigint, load double")
    open_store(lake).create_table(name="features.buckets", primary_keys="bucket", df=rows)
    for name, kind in (("tenth", "INT"), ("tenth_long", "BIGINT")):
        how = f"RETURNS {kind} RETURN CAST(a / 10 AS {kind})"
        lake.spark.sql(f"CREATE OR REPLACE TEMPORARY FUNCTION {name}(a INT) {how}")
    asked = FeatureLookup(table_name="features.buckets", lookup_key="b")
    for name in ("tenth", "tenth_long"):
        made = FeatureFunction(udf_name=name, input_bindings={"a": "row"}, output_name="b")
        if name == "tenth_long":
            assert found(loaded(lake, [("a", MONDAY, 12)], made, asked), "load") == [(2.0,)]
        else:
            with pytest.raises(SpecError, match=r"features\.buckets has the key bucket of type long, and b is integer"):
                loaded(lake, [("a", MONDAY, 12)], made, asked)


@pytest.mark.parametrize(
    "given",
    [
        {"timestamp_lookup_key": ["day", "row"]},
        {"lookback_window": timedelta(seconds=-1)},
        {"timestamp_lookup_key": None, "lookback_window": timedelta(1)},
        {"feature_names": ["mood"], "default_values": {"pace": 1.0}},
    ],
)
def test_the_package_itself_refuses_these(given: dict[str, Any]) -> None:
    with pytest.raises(ValueError):  # noqa: PT011
        lookup(**given)
