"""The local store's join, against hand-computed answers and against pandas."""

from __future__ import annotations

import argparse
from datetime import date, timedelta

import numpy as np
import pandas as pd
import pytest
from databricks.feature_engineering import FeatureLookup

from features.store import open_store
from lakehouse.cli import Run
from lakehouse.contracts import Contract, Publish, columns
from lakehouse.errors import RadarError
from lakehouse.lake import Lake
from lakehouse.publish import new_run_id

MONDAY = date(2024, 11, 4)
TABLE = Contract(
    "features.mood",
    "A feature table.",
    columns("""
        student_id | STRING NOT NULL | who
        as_of | DATE NOT NULL | when
        mood | DOUBLE | how
        pace | DOUBLE | how fast
    """),
    key=("student_id", "as_of"),
    publish=Publish.REPLACE_AS_OF,
    timeseries="as_of",
)
ROWS = [
    ("a", MONDAY, 1.0, 10.0),
    ("a", MONDAY + timedelta(days=7), None, 20.0),
    ("b", MONDAY + timedelta(days=7), 3.0, 30.0),
]


def put(lake: Lake, rows: list[tuple[str, date, float | None, float]] = ROWS) -> None:
    with Run(lake, new_run_id(), None, argparse.Namespace()).step("test") as step:
        step.stage(TABLE, lake.spark.createDataFrame(rows, "student_id string, as_of date, mood double, pace double"))
        step.publish()


def lookup(lake: Lake, **changes: object) -> FeatureLookup:
    given = {"table_name": lake.name("features.mood"), "lookup_key": ["student_id"], "timestamp_lookup_key": "day"}
    return FeatureLookup(**(given | changes))


def test_the_newest_whole_row_at_or_before_the_time(lake: Lake) -> None:
    put(lake)
    days = [MONDAY + timedelta(days=n) for n in (-1, 0, 6, 7, 30)]
    spine = lake.spark.createDataFrame([("a", day, True) for day in days], "student_id string, day date, left boolean")
    made = open_store(lake).create_training_set(df=spine, feature_lookups=[lookup(lake)], label="left")
    frame = made.load_df()
    assert frame.columns == ["student_id", "day", "mood", "pace", "left"]
    found = [(row.mood, row.pace) for row in frame.orderBy("day").collect()]
    assert found == [(None, None), (1.0, 10.0), (1.0, 10.0), (None, 20.0), (None, 20.0)]
    assert made.pins == {"features.mood": lake.version("features.mood")}


def test_a_pinned_set_does_not_see_later_writes(lake: Lake) -> None:
    put(lake)
    spine = lake.spark.createDataFrame([("b", MONDAY + timedelta(days=8))], "student_id string, day date")
    made = open_store(lake).create_training_set(df=spine, feature_lookups=[lookup(lake)], label=None)
    put(lake, [("b", MONDAY + timedelta(days=7), 99.0, 99.0)])
    assert made.load_df().collect()[0].mood == 3.0


def test_random_frames_agree_with_pandas_merge_asof(lake: Lake) -> None:
    random = np.random.default_rng(7)
    keys = {(f"s{random.integers(8)}", MONDAY + timedelta(days=int(random.integers(40)))) for _ in range(120)}
    put(lake, [(s, d, float(random.normal()), float(n)) for n, (s, d) in enumerate(sorted(keys))])
    spine = pd.DataFrame(
        [(f"s{random.integers(10)}", MONDAY + timedelta(days=int(random.integers(-5, 45))), n) for n in range(200)],
        columns=["student_id", "day", "row"],
    )
    frame = lake.spark.createDataFrame(list(spine.itertuples(index=False)), "student_id string, day date, row int")
    ours = (
        open_store(lake).create_training_set(df=frame, feature_lookups=[lookup(lake)], label=None).load_df().toPandas()
    )
    table = lake.table("features.mood").toPandas()
    expected = pd.merge_asof(
        spine.assign(day=pd.to_datetime(spine["day"])).sort_values("day"),
        table.assign(as_of=pd.to_datetime(table["as_of"])).sort_values("as_of"),
        left_on="day", right_on="as_of", by="student_id",
    )  # fmt: skip
    pd.testing.assert_frame_equal(
        ours.sort_values("row", ignore_index=True)[["row", "mood", "pace"]],
        expected.sort_values("row", ignore_index=True)[["row", "mood", "pace"]],
        check_dtype=False,
    )


@pytest.mark.parametrize(
    ("changes", "label", "said"),
    [
        ({"feature_names": ["hope"]}, None, "features.mood has no feature hope"),
        ({"timestamp_lookup_key": None}, None, "its lookup needs a timestamp_lookup_key"),
        ({"lookup_key": ["student_id", "row"]}, None, "the lookup gives"),
        ({"lookup_key": ["who"]}, None, "The frame has no column who"),
        ({}, "left", "The label left is not a column"),
        ({"rename_outputs": {"mood": "row"}}, None, "row of features.mood would appear twice"),
    ],
)
def test_a_lookup_that_makes_no_sense_is_refused(
    lake: Lake, changes: dict[str, object], label: str | None, said: str
) -> None:
    put(lake)
    spine = lake.spark.createDataFrame([("a", MONDAY, 1)], "student_id string, day date, row int")
    with pytest.raises(RadarError, match=said):
        open_store(lake).create_training_set(df=spine, feature_lookups=[lookup(lake, **changes)], label=label)
