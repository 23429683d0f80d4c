"""Which join a lookup gets; what it finds is held by the random cases beside Databricks' client."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import Any

import pytest
from pyspark.sql import DataFrame, SparkSession

from features.store import join
from features.store.join import Moment, look_up, single_moments
from features.store.spec import Lookup

MOOD = Lookup("features.mood", ("who",), "at", ("who",), "day", None, {"mood": "mood"}, {})
HELD = [("a", date(2024, 11, 4), 1.0), ("a", date(2024, 11, 11), None), ("a", date(2024, 11, 18), 3.0)]


def asked(spark: SparkSession, *days: int | None) -> DataFrame:
    rows = [("a", day and date(2024, 11, day)) for day in days]
    return spark.createDataFrame(rows, "who string, day date")


def held(spark: SparkSession) -> DataFrame:
    return spark.createDataFrame(HELD, "who string, at date, mood double")


@pytest.mark.parametrize(
    ("days", "moments"),
    [
        ((12, 12), {"day": Moment("2024-11-12", met=False, rows=2)}),
        ((18, 18), {"day": Moment("2024-11-18", met=True, rows=2)}),
        ((12, 13), {}), ((12, None), {}), ((None, None), {}), ((), {}),
    ],
)  # fmt: skip
def test_a_single_moment_is_one_value_in_every_row(
    spark: SparkSession, days: tuple[int | None, ...], moments: dict[str, Moment]
) -> None:
    assert single_moments(asked(spark, *days), [MOOD], lambda _: held(spark)) == moments


def test_a_moment_is_met_when_every_table_has_a_row_of_it_for_every_key(spark: SparkSession) -> None:
    tables = {MOOD.table: held(spark), "features.pace": held(spark).where("mood = 3")}
    lookups = [MOOD, replace(MOOD, table="features.pace", outputs={"mood": "pace"})]

    def met(frame: DataFrame, lookups: list[Lookup] = lookups) -> bool:
        return single_moments(frame, lookups, tables.__getitem__)["day"].met

    assert met(asked(spark, 18, 18))
    assert met(asked(spark, 11), lookups[:1])
    assert not met(asked(spark, 11)), "pace has no row of that day"
    stranger = spark.createDataFrame([("a", date(2024, 11, 18)), ("z", date(2024, 11, 18))], "who string, day date")
    assert not met(stranger)
    assert not met(stranger.selectExpr("nullif(who, 'z') AS who", "day"))
    assert not met(asked(spark, 18), [MOOD, replace(MOOD, lookup_keys=("mood",), outputs={"mood": "other"})])


@pytest.mark.parametrize("change", [{"lookback_seconds": 60.0}, {"lookup_time": ""}, {"outputs": {"mood": "who"}}])
def test_no_moment_is_sought_that_no_lookup_has_use_for(spark: SparkSession, change: dict[str, Any]) -> None:
    assert single_moments(asked(spark, 12, 12), [replace(MOOD, **change)], lambda _: held(spark)) == {}


@pytest.mark.parametrize(
    ("days", "mood", "way"),
    [
        ((11, 11), None, "that day"), ((12, 12), None, "the newest"), ((18, 18), 3.0, "that day"),
        ((12, 13), None, "Python"),
    ],
)  # fmt: skip
def test_a_frame_of_one_moment_is_joined_without_python(
    spark: SparkSession, capsys: pytest.CaptureFixture[str], days: tuple[int, ...], mood: float | None, way: str
) -> None:
    frame = asked(spark, *days)
    found = look_up(frame, held(spark), MOOD, single_moments(frame, [MOOD], lambda _: held(spark)))
    assert [row.mood for row in found.collect()] == [mood, mood], "the whole newest row wins, nulls and all"
    found.explain()
    plan = capsys.readouterr().out
    assert ("MapInArrow" in plan) == (way == "Python")
    assert plan.count("Join") == {"Python": 0, "that day": 1, "the newest": 2}[way]


def test_keys_that_are_too_many_to_be_sent_tell_the_same(spark: SparkSession, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(join, "SENT_VALUES", 1)
    for days, met in (((18, 18), True), ((12, 12), False)):
        assert single_moments(asked(spark, *days), [MOOD], lambda _: held(spark))["day"].met == met
