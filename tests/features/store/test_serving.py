"""Logging a model with its lookups, and scoring keys by them."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from databricks.feature_engineering import FeatureLookup
from mlflow.utils.file_utils import local_file_uri_to_path
from pyspark.sql import functions as F
from sklearn.linear_model import LinearRegression

from features.describe import usage
from features.store import SpecError, open_store
from features.store.local import predicted
from lakehouse.lake import Lake
from lakehouse.pins import pins
from lakehouse.registry import PINS, client, tracked_run
from lakehouse.settings import settings

DAY = date(2024, 11, 4)
SPINE = "student_id string, day date, hours double, left int"


@pytest.fixture(scope="module")
def lake(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lake]:
    with Lake.writing(settings(str(tmp_path_factory.mktemp("serving"))), "test") as opened:
        yield opened


@pytest.fixture(scope="module")
def uri(lake: Lake) -> str:
    """A model of hours (given), mood and pace (looked up)."""
    rows = [("a", DAY, 1.0, 10), ("b", DAY, None, 20)]
    moods = lake.spark.createDataFrame(rows, "student_id string, as_of date, mood double, pace int")
    open_store(lake).create_table(
        name="features.mood", primary_keys=["student_id", "as_of"], timeseries_column="as_of", df=moods
    )
    return logged_sum(lake, ["hours", "mood", "pace"])


def logged_sum(lake: Lake, inputs: list[str]) -> str:
    """A model that adds up its inputs, 100 for a missing one."""
    import mlflow.sklearn
    from mlflow.models import infer_signature
    from sklearn.impute import SimpleImputer
    from sklearn.pipeline import make_pipeline

    store = open_store(lake)
    labels = lake.spark.createDataFrame([("a", DAY, 1.0, 1)], SPINE)
    lookup = FeatureLookup(table_name="features.mood", lookup_key="student_id", timestamp_lookup_key="day")
    others = {"student_id", "day", "hours", "mood", "pace"} - {*inputs}
    made = store.create_training_set(df=labels, feature_lookups=[lookup], label="left", exclude_columns=sorted(others))
    assert made.load_df().columns == [*inputs, "left"]
    frame = pd.DataFrame(np.random.default_rng(1).normal(size=(50, len(inputs))), columns=inputs)
    model = make_pipeline(SimpleImputer(strategy="constant", fill_value=100.0), LinearRegression())
    model.fit(frame, frame.sum(axis=1))
    with tracked_run(lake.settings, "dropout", "test", {}):
        logged = store.log_model(
            model=model, artifact_path="model", flavor=mlflow.sklearn, training_set=made,
            signature=infer_signature(frame, model.predict(frame)), serialization_format="skops",
            skops_trusted_types=["numpy.dtype"], metadata={"kind": "sum"},
        )  # fmt: skip
    assert mlflow.models.get_model_info(logged.model_uri).metadata["kind"] == "sum"
    return str(logged.model_uri)


def scores(lake: Lake, uri: str, rows: list[Any], schema: str) -> list[tuple[Any, ...]]:
    frame = open_store(lake).score_batch(model_uri=uri, df=lake.spark.createDataFrame(rows, schema))
    assert frame.columns[: len(schema.split(","))] == [part.split()[0] for part in schema.split(", ")]
    return [tuple(row) for row in frame.orderBy("student_id").collect()]


def test_keys_alone_are_enough_and_what_is_missing_gets_the_models_imputation(lake: Lake, uri: str) -> None:
    found = scores(
        lake, uri, [("a", DAY, 1.0), ("b", DAY, 1.0), ("z", DAY, 1.0)], "student_id string, day date, hours double"
    )
    assert [row[:5] for row in found] == [
        ("a", DAY, 1.0, 1.0, 10), ("b", DAY, 1.0, None, 20), ("z", DAY, 1.0, None, None),
    ]  # fmt: skip
    assert [row[5] for row in found] == pytest.approx([12.0, 121.0, 201.0])


@pytest.mark.parametrize("other", [DAY, date(2024, 11, 5)])
def test_keys_of_one_day_are_looked_up_without_python(
    lake: Lake, uri: str, capsys: pytest.CaptureFixture[str], other: date
) -> None:
    rows = [("a", DAY, 1.0), ("b", other, 1.0), ("a", DAY, 1.0)]
    asked = lake.spark.createDataFrame(rows, "student_id string, day date, hours double")
    found = open_store(lake).score_batch(model_uri=uri, df=asked)
    assert sorted(row.prediction for row in found.collect()) == pytest.approx([12.0, 12.0, 121.0])
    found.explain()
    assert capsys.readouterr().out.count("MapInArrow") == (other != DAY)


def test_inputs_reach_the_model_as_pandas_has_them_and_pass_by_it_unchanged(lake: Lake) -> None:
    class Told:
        """What stands in for a model: it tells the types that it was given."""

        def predict(self, frame: pd.DataFrame) -> list[str]:
            return [" ".join(str(kind) for kind in frame.dtypes)] * len(frame)

    rows = [("a", 1, None, DAY, datetime(2024, 11, 4, 12)), (None, 2, True, None, datetime(2024, 7, 4))]
    frame = lake.spark.createDataFrame(rows, "name string, n int, yes boolean, day date, at timestamp")
    found = predicted(frame, Told(), ["n", "at"], "string").orderBy("n").collect()
    assert [tuple(row)[:-1] for row in found] == rows
    assert {row.prediction for row in found} == {"int32 datetime64[ns]"}


def test_a_model_of_one_input(lake: Lake, uri: str) -> None:
    asked = lake.spark.createDataFrame([("a", DAY), ("b", DAY)], "student_id string, day date")
    found = open_store(lake).score_batch(model_uri=logged_sum(lake, ["mood"]), df=asked).orderBy("student_id")
    assert [row.prediction for row in found.collect()] == pytest.approx([1.0, 100.0])


def test_an_array_holds_every_output_of_the_model(lake: Lake, uri: str) -> None:
    asked = lake.spark.createDataFrame([("a", DAY, 1.0)], "student_id string, day date, hours double")
    found = open_store(lake).score_batch(model_uri=uri, df=asked, result_type="array<double>")
    assert [row.prediction for row in found.collect()] == [[pytest.approx(12.0)]]


def test_nobody_is_scored_where_nobody_is_asked_for(lake: Lake, uri: str) -> None:
    nobody = lake.spark.createDataFrame([("a", DAY, 1.0)], "student_id string, day date, hours double").limit(0)
    assert open_store(lake).score_batch(model_uri=uri, df=nobody).collect() == []


def test_columns_that_nobody_asks_for_are_left_where_they_are(
    lake: Lake, uri: str, capsys: pytest.CaptureFixture[str]
) -> None:
    asked = lake.spark.createDataFrame([("a", DAY, 1.0)], "student_id string, day date, hours double")
    open_store(lake).score_batch(model_uri=uri, df=asked.withColumn("note", F.lit("x"))).select("prediction").explain()
    assert "note" not in capsys.readouterr().out


def test_a_column_of_the_frame_takes_the_place_of_the_lookup(lake: Lake, uri: str) -> None:
    found = scores(lake, uri, [("a", DAY, 1.0, 50.0)], "student_id string, day date, hours double, mood double")
    assert found == [("a", DAY, 1.0, 50.0, 10, pytest.approx(61.0))]


@pytest.mark.parametrize(
    ("schema", "said"),
    [
        ("student_id string, day date", "needs the column hours"),
        ("student_id string, hours double", "needs the column day"),
        ("student_id string, day date, hours double, prediction double", "has a column prediction"),
        (
            "student_id int, day date, hours double",
            "key student_id of type string, and the frame's student_id is int",
        ),
        ("student_id string, day string, hours double", "the frame's day is string; cast it"),
        ("student_id int, day date, hours double, mood double, pace int", "the frame's student_id is int"),
    ],
)
def test_a_frame_that_lacks_what_the_model_needs_is_refused(lake: Lake, uri: str, schema: str, said: str) -> None:
    with pytest.raises(SpecError, match=said):
        open_store(lake).score_batch(model_uri=uri, df=lake.spark.createDataFrame([], schema))


def test_a_model_logged_without_its_features_is_refused(lake: Lake, uri: str) -> None:
    import mlflow.sklearn

    with tracked_run(lake.settings, "dropout", "plain", {}):
        plain = mlflow.sklearn.log_model(
            LinearRegression().fit([[1.0]], [1.0]), name="model", serialization_format="skops"
        )
    with pytest.raises(SpecError, match="was logged without its features"):
        open_store(lake).score_batch(model_uri=plain.model_uri, df=lake.spark.range(1))


def test_what_a_registered_model_pins_is_known_without_its_files(lake: Lake, uri: str) -> None:
    import mlflow

    labels = lake.spark.createDataFrame([("a", DAY, 1.0, 1)], SPINE)
    lookup = FeatureLookup(table_name="features.mood", lookup_key="student_id", timestamp_lookup_key="day")
    kept = f"{lake.settings.schema('models')}.kept"
    given = {"df": labels, "feature_lookups": [lookup], "label": "left"}
    made = open_store(lake).create_training_set(**given)
    with tracked_run(lake.settings, "dropout", "kept", {}):
        mlflow.log_dict({"owner": "me"}, "model_card.json")
        logged = open_store(lake).log_model(
            model=LinearRegression().fit([[1.0]], [1.0]), artifact_path="model", flavor=mlflow.sklearn,
            training_set=made, registered_model_name=kept,
            serialization_format="skops",
        )  # fmt: skip
    mine = [f"kept version 1 (features.mood version {lake.version('features.mood')})"]
    files = Path(local_file_uri_to_path(client(lake.settings).get_logged_model(logged.model_id).artifact_location))
    away = files.rename(files.with_suffix(".away"))
    assert [str(pin) for pin in pins(lake) if pin.model == "kept"] == mine
    away.rename(files)
    client(lake.settings).delete_model_version_tag(kept, "1", PINS)
    assert [str(pin) for pin in pins(lake) if pin.model == "kept"] == mine
    client(lake.settings).delete_registered_model(kept)


def test_versions_that_others_registered_are_pinned_too_and_one_without_a_card_is_passed_by(
    lake: Lake, uri: str
) -> None:
    import mlflow

    schema = lake.settings.schema("models")
    mlflow.register_model(uri, f"{schema}.mine")
    mlflow.sklearn.log_model(LinearRegression(), name="bare", registered_model_name=f"{schema}.dropout")
    assert [str(pin) for pin in pins(lake)] == [
        f"mine version 1 (features.mood version {lake.version('features.mood')})"
    ]
    assert usage(lake)["features.mood"]["mood"] == ["mine 1"]
