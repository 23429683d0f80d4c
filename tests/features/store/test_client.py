"""The local store against Databricks' own code and pandas, on random cases."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime, timedelta
from importlib.metadata import version
from typing import Any

import pandas as pd
import pytest
from databricks.feature_engineering import FeatureLookup
from pyspark.errors import AnalysisException
from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from features.store.errors import SpecError
from features.store.join import single_moments
from features.store.local import augmented
from features.store.resolve import resolve
from features.store.tables import FeatureTable
from tests.features.store import client
from tests.features.store.cases import Case, by_pandas, random_case, rows_of

CASES = 30
SHAPE = "who string, at date, score double, steps int, name string, sure boolean"


def by_us(case: Case) -> pd.DataFrame:
    spec = resolve(case.df.schema, case.lookups, case.labels, case.excluded, lambda name: case.tables[name][0])
    frame = augmented(case.df, spec, case.rows, single_moments(case.df, spec.lookups, case.rows))
    return rows_of(frame.select(*spec.inputs, *case.labels))


def by_client(case: Case) -> pd.DataFrame:
    made = client.training_set(case.df, case.lookups, case.labels, case.excluded, case.tables)
    return rows_of(made.load_df())


def in_order(frame: pd.DataFrame) -> list[tuple[Any, ...]]:
    return sorted(frame.itertuples(index=False, name=None), key=repr)


def agree(case: Case) -> None:
    """The same columns in the same order, and the same rows."""
    ours, theirs, plain = by_us(case), by_client(case), by_pandas(case)
    assert list(ours.columns) == list(theirs.columns) == list(plain.columns)
    assert in_order(ours) == in_order(plain)
    assert in_order(theirs) == in_order(plain)


def test_the_package_is_the_one_these_private_parts_are_of() -> None:
    assert version("databricks-feature-engineering").startswith("0.18.")


@pytest.mark.parametrize("seed", range(CASES))
def test_random_cases_agree(spark: SparkSession, seed: int) -> None:
    agree(random_case(spark, seed))


@pytest.mark.parametrize(
    ("keys", "met", "time"),
    [
        (["who", "friend"], ["who", "who"], "moment"),
        (["who", "day"], ["who", "moment"], "moment"),
        (["who", "friend"], ["who", "who"], None),
    ],
)
def test_one_column_meets_one_key_alone(spark: SparkSession, keys: list[str], met: list[str], time: str | None) -> None:
    columns = [*keys, *(["at"] if time else []), "score"]
    row = [("a", "a", date(2024, 11, 4), date(2024, 11, 4), 1.0)]
    held = spark.createDataFrame(row, "who string, friend string, day date, at date, score double").select(*columns)
    times = ["at"] if time else []
    table = FeatureTable("features.pairs", [*keys, *times], times, held.schema)
    df = spark.createDataFrame([(1, "a", date(2024, 11, 7), 0)], "row int, who string, moment date, label int")
    lookup = FeatureLookup(table_name=table.name, lookup_key=met, timestamp_lookup_key=time)
    case = Case(df, [lookup], ["label"], [], {table.name: (table, held)})
    with pytest.raises(AnalysisException):
        by_client(case)
    with pytest.raises(SpecError, match="under a name of its own"):
        by_us(case)


LOOKUP = {"table_name": "features.first", "lookup_key": "who", "timestamp_lookup_key": "moment"}
REFUSED: list[tuple[list[dict[str, Any]], list[str], list[str]]] = [
    ([{"feature_names": ["hope"]}], ["label"], []),
    ([{"feature_names": ["score", "score"]}], ["label"], []),
    ([{"timestamp_lookup_key": None}], ["label"], []),
    ([{"lookup_key": ["who", "row"]}], ["label"], []),
    ([{"lookup_key": ["nobody"]}], ["label"], []),
    ([{"timestamp_lookup_key": "when"}], ["label"], []),
    ([{"lookup_key": ["row"]}], ["label"], []),
    ([{"lookup_key": ["tag"]}], ["tag"], []),
    ([{"feature_names": ["steps"], "default_values": {"steps": 99_999_999_999}}], [], []),
    ([{"feature_names": ["steps"], "default_values": {"steps": 5.0}}], [], []),
    ([{"feature_names": ["steps"], "default_values": {"steps": True}}], [], []),
    ([{"feature_names": ["steps"], "default_values": {"steps": [1]}}], [], []),
    ([{"timestamp_lookup_key": "at"}], ["label"], []),
    ([{"rename_outputs": {"score": "row"}}], ["label"], []),
    ([{"rename_outputs": {"score": "name"}}], ["label"], []),
    ([{"rename_outputs": {"score": "label"}}], ["label"], []),
    ([{}, {"lookback_window": timedelta(1), "feature_names": ["score"], "rename_outputs": {"score": "s"}}], [], []),
    ([{"feature_names": ["score"]}, {"feature_names": ["score"], "rename_outputs": {"score": "s"}}], [], []),
    ([{"feature_names": ["steps"], "default_values": {"steps": "many"}}], [], []),
    ([{}], ["gone"], []),
    ([{}], ["label", "label"], []),
    ([{}], ["label"], ["label"]),
]


@pytest.mark.parametrize(("changes", "labels", "excluded"), REFUSED)
def test_what_the_client_refuses_is_refused(
    spark: SparkSession, changes: list[dict[str, Any]], labels: list[str], excluded: list[str]
) -> None:
    case = invalid(spark, changes, labels, excluded)
    with pytest.raises((ValueError, KeyError, OverflowError)):
        by_client(case)
    with pytest.raises(ValueError, match=r"[A-Za-z]"):
        by_us(case)


@pytest.mark.parametrize(
    ("feature", "default", "filled"),
    [
        ("name", 5, "5"), ("steps", "7", 7), ("score", "1.5", 1.5), ("score", 2, 2.0), ("score", "", None),
        ("name", None, None), ("sure", "TRUE", True), ("sure", 1, False), ("steps", -(2**31), -(2**31)),
    ],
)  # fmt: skip
def test_a_default_is_read_as_the_client_reads_it(
    spark: SparkSession, feature: str, default: Any, filled: object
) -> None:
    asked = {"feature_names": [feature], "default_values": {feature: default}}
    case = invalid(spark, [asked], ["label"], [])
    case = replace(case, df=case.df.withColumn("who", F.lit("nobody")))
    for found in (by_us(case), by_client(case)):
        assert [None if pd.isna(value) else value for value in found[feature]] == [filled]


def test_features_that_nobody_names_come_by_name(spark: SparkSession) -> None:
    case = invalid(spark, [{}], ["label"], [])
    named = ["row", "who", "moment", "at", "tag", "name", "score", "steps", "sure", "label"]
    assert list(by_us(case).columns) == list(by_client(case).columns) == named


def found_by_round(spark: SparkSession, key: str) -> Case:
    """Features of a tutor, by a time that another lookup gives, which is of the same round where both ask by `who`."""
    of = spark.createDataFrame([("a", "t", date(2024, 11, 4))], "who string, tutor string, since date")
    loads = spark.createDataFrame(
        [("t", date(2024, 11, 1), 3), ("a", date(2024, 11, 1), 4)], "x string, at date, n int"
    )
    tables = {
        "features.of": (FeatureTable("features.of", ["who"], [], of.schema), of),
        "features.loads": (FeatureTable("features.loads", ["x", "at"], ["at"], loads.schema), loads),
    }
    lookups = [
        FeatureLookup(table_name="features.of", lookup_key="who"),
        FeatureLookup(table_name="features.loads", lookup_key=key, timestamp_lookup_key="since"),
    ]
    return Case(spark.createDataFrame([("a", 1)], "who string, label int"), lookups, ["label"], [], tables)


def test_a_time_of_another_lookup_has_to_be_there_before(spark: SparkSession) -> None:
    for found in (by_us(found_by_round(spark, "tutor")), by_client(found_by_round(spark, "tutor"))):
        assert list(found["n"]) == [3]
    with pytest.raises(ValueError, match="since"):
        by_client(found_by_round(spark, "who"))
    with pytest.raises(SpecError, match="since of another lookup comes too late to be the time of one"):
        by_us(found_by_round(spark, "who"))


def invalid(spark: SparkSession, changes: list[dict[str, Any]], labels: list[str], excluded: list[str]) -> Case:
    rows = spark.createDataFrame(
        [("a", date(2024, 11, 4), 1.0, 2, "x", True)],
        SHAPE,
    )
    table = FeatureTable("features.first", ["who", "at"], ["at"], rows.schema)
    df = spark.createDataFrame(
        [(1, "a", date(2024, 11, 4), datetime(2024, 11, 4), 1, "a")],
        "row int, who string, moment date, at timestamp, label int, tag string",
    )
    lookups = [FeatureLookup(**(LOOKUP | change)) for change in changes]
    return Case(df, lookups, labels, excluded, {"features.first": (table, rows)})
