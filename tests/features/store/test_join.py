"""Which join a lookup gets; what it finds is held by the random cases beside Databricks' client."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import Any

import pytest
from pyspark.sql import DataFrame, SparkSession

from features.store.join import look_up, single_moments
from features.store.spec import Lookup

MOOD = Lookup("features.mood", ("who",), "at", ("who",), "day", None, {"mood": "mood"}, {})
HELD = [("a", date(2024, 11, 4), 1.0), ("a", date(2024, 11, 11), None), ("a", date(2024, 11, 18), 3.0)]


def asked(spark: SparkSession, *days: int | None) -> DataFrame:
    rows = [("a", day and date(2024, 11, day)) for day in days]
    return spark.createDataFrame(rows, "who string, day date")


@pytest.mark.parametrize(
    ("days", "moments"),
    [((12, 12), {"day": "2024-11-12"}), ((12, 13), {}), ((12, None), {}), ((None, None), {}), ((), {})],
)
def test_a_single_moment_is_one_value_in_every_row(
    spark: SparkSession, days: tuple[int | None, ...], moments: dict[str, str]
) -> None:
    assert single_moments(asked(spark, *days), [MOOD]) == moments


@pytest.mark.parametrize("change", [{"lookback_seconds": 60.0}, {"lookup_time": ""}, {"outputs": {"mood": "who"}}])
def test_no_moment_is_sought_that_no_lookup_has_use_for(spark: SparkSession, change: dict[str, Any]) -> None:
    assert single_moments(asked(spark, 12, 12), [replace(MOOD, **change)]) == {}


@pytest.mark.parametrize("days", [(12, 12), (12, 13)])
def test_a_frame_of_one_moment_is_joined_without_python(
    spark: SparkSession, capsys: pytest.CaptureFixture[str], days: tuple[int, ...]
) -> None:
    frame = asked(spark, *days)
    held = spark.createDataFrame(HELD, "who string, at date, mood double")
    found = look_up(frame, held, MOOD, single_moments(frame, [MOOD]))
    assert [row.mood for row in found.collect()] == [None, None], "the whole newest row wins, nulls and all"
    found.explain()
    assert ("MapInArrow" in capsys.readouterr().out) == (len(set(days)) > 1)
