"""The adapter of Databricks' store against the real client: its signatures, and its reading over a stubbed catalog."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any
from unittest.mock import create_autospec

import mlflow.sklearn
import pytest
from databricks.feature_engineering import FeatureEngineeringClient, FeatureFunction, FeatureLookup
from databricks.ml_features._spark_client._spark_client import SparkClient
from pyspark.sql import DataFrame, SparkSession

from features.store.databricks import DatabricksFeatureStore
from features.store.local import LocalFeatureStore
from features.store.protocol import FeatureStore
from features.store.tables import FeatureTable
from lakehouse.lake import Lake
from lakehouse.settings import Settings
from tests.features.store.cases import rows_of
from tests.features.store.unity_catalog import catalog
from tests.loopback import serving

NAME = "features.practice"
FULL = "cat.dev_features.practice"
LOOKUP = {"table_name": NAME, "lookup_key": "who", "timestamp_lookup_key": "day"}
VERBS = [name for name, _ in inspect.getmembers(FeatureStore, inspect.isfunction) if not name.startswith("_")]


@pytest.fixture
def elsewhere(spark: SparkSession, tmp_path: Path) -> Lake:
    """A lake in a Unity Catalog, as far as names go."""
    return Lake(Settings(tmp_path, tmp_path, "cat", "dev_"), spark)


@pytest.fixture
def practice(spark: SparkSession) -> DataFrame:
    rows = [
        ("ann", date(2024, 11, 4), 3, 0.5), ("ann", date(2024, 11, 11), 5, 0.25), ("bob", date(2024, 11, 11), 1, None)
    ]  # fmt: skip
    return spark.createDataFrame(rows, "who string, day date, sessions int, gap double")


@pytest.fixture
def real(
    spark: SparkSession, practice: DataFrame, monkeypatch: pytest.MonkeyPatch
) -> Iterator[tuple[FeatureEngineeringClient, list[tuple[str, str]]]]:
    """The real client, whose REST calls a stub answers and whose Spark knows the one table under its full name."""

    def read(_: SparkClient, name: str, *__: Any) -> DataFrame:
        assert name == FULL
        return practice

    monkeypatch.setattr(SparkClient, "catalog_exists", lambda _, name: name == "cat")
    monkeypatch.setattr(SparkClient, "database_exists", lambda _, catalog, schema: schema == "dev_features")
    monkeypatch.setattr(SparkClient, "table_exists", lambda _, name: name == FULL)
    monkeypatch.setattr(SparkClient, "get_current_catalog", lambda _: "workspace")
    monkeypatch.setattr(SparkClient, "read_table", read)
    table = FeatureTable(FULL, ["who", "day"], ["day"], practice.schema, "How much somebody practised.")
    with serving(catalog({FULL: table})) as (address, asked):
        monkeypatch.setenv("DATABRICKS_HOST", address)
        monkeypatch.setenv("DATABRICKS_TOKEN", "no secret")
        monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
        yield FeatureEngineeringClient(), asked


def test_every_verb_calls_the_client_as_its_signature_allows(elsewhere: Lake, practice: DataFrame) -> None:
    """A mock with the real signatures refuses what they refuse."""
    client = create_autospec(FeatureEngineeringClient, instance=True)
    store = DatabricksFeatureStore(elsewhere, client)
    function = FeatureFunction(udf_name="cat.dev_features.age", input_bindings={"x": "sessions"}, output_name="age")
    store.create_table(
        name=NAME, primary_keys=["who", "day"], df=practice, timeseries_column="day", schema=practice.schema,
        description="", partition_columns=["day"], tags={"owner": "us"},
    )  # fmt: skip
    store.write_table(name=NAME, df=practice)
    store.read_table(name=NAME)
    store.get_table(name=FULL)
    lookup = FeatureLookup(**LOOKUP)
    made = store.create_training_set(df=practice, feature_lookups=[lookup, function], label=None)
    store.log_model(
        model=None, artifact_path="model", flavor=mlflow.sklearn, training_set=made, registered_model_name="cat.m.x",
        signature=None, input_example=None,
    )  # fmt: skip
    store.score_batch(model_uri="models:/cat.m.x/1", df=practice)

    called = {name: call.kwargs for name in VERBS for call in getattr(client, name).call_args_list}
    assert set(called) == set(VERBS)
    assert {told["name"] for told in called.values() if "name" in told} == {FULL}
    passed = called["create_training_set"]["feature_lookups"]
    assert [passed[0].table_name, passed[1]] == [FULL, function]
    assert lookup.table_name == NAME
    assert called["create_training_set"]["use_spark_native_join"]
    assert called["create_training_set"]["use_scalable_native_join"]
    assert called["score_batch"]["use_spark_native_join"]


@pytest.mark.parametrize("verb", VERBS)
def test_both_stores_take_what_the_protocol_says(verb: str) -> None:
    asked = inspect.signature(getattr(FeatureStore, verb)).parameters
    for store in (LocalFeatureStore, DatabricksFeatureStore):
        assert inspect.signature(getattr(store, verb)).parameters.keys() == asked.keys()
    theirs = inspect.signature(getattr(FeatureEngineeringClient, verb)).parameters
    assert asked.keys() - {"self", "kwargs"} <= theirs.keys()


def test_the_real_client_reads_and_describes(
    elsewhere: Lake, real: tuple[FeatureEngineeringClient, list[tuple[str, str]]]
) -> None:
    client, asked = real
    store = DatabricksFeatureStore(elsewhere, client)
    assert store.read_table(name=NAME).count() == 3
    table = store.get_table(name=NAME)
    assert (table.name, table.primary_keys, table.timestamp_keys) == (FULL, ["who", "day"], ["day"])
    assert (table.description, table.tags) == ("How much somebody practised.", {"owner": "Learner Radar"})
    assert ("GET", f"/api/2.1/unity-catalog/tables/{FULL}") in asked


def test_the_real_client_refuses_two_levels(real: tuple[FeatureEngineeringClient, list[tuple[str, str]]]) -> None:
    """Which is why the adapter gives three."""
    with pytest.raises(ValueError, match="2-part"):
        real[0].read_table(name=NAME)


def test_the_real_client_makes_a_training_set(
    elsewhere: Lake, spark: SparkSession, real: tuple[FeatureEngineeringClient, list[tuple[str, str]]]
) -> None:
    """By hand: the newest row of each student that is not after the day asked about."""
    client, asked = real
    df = spark.createDataFrame(
        [("ann", date(2024, 11, 10), 1), ("ann", date(2024, 11, 12), 0), ("bob", date(2024, 11, 4), 1)],
        "who string, day date, left_us int",
    )
    lookup = FeatureLookup(**LOOKUP, feature_names=["sessions", "gap"], rename_outputs={"gap": "usual_gap"})
    made = DatabricksFeatureStore(elsewhere, client).create_training_set(
        df=df, feature_lookups=[lookup], label="left_us", exclude_columns=["day"]
    )
    found = rows_of(made.load_df())
    assert list(found.columns) == ["who", "sessions", "usual_gap", "left_us"]
    expected = [("ann", 3, 0.5, 1), ("ann", 5, 0.25, 0), ("bob", None, None, 1)]
    assert sorted(found.itertuples(index=False, name=None), key=repr) == sorted(expected, key=repr)
    assert ("POST", "/api/2.0/feature-store/feature-spec/generate-yaml") in asked
