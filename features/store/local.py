"""The store on a laptop: Delta tables of the lake and MLflow, behind the names of Databricks' client."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from types import ModuleType
from typing import TYPE_CHECKING, Any, cast

import numpy as np
import pandas as pd
from pyspark.sql import DataFrame
from pyspark.sql import functions as F
from pyspark.sql.pandas.functions import pandas_udf
from pyspark.sql.types import StructType

from features.store import tables
from features.store.errors import SpecError, refuse_twice
from features.store.join import Moment, Table, compute, look_up, single_moments
from features.store.protocol import Features, TrainingSet
from features.store.resolve import check_keys, in_order, refuse_other_type, resolve
from features.store.spec import Lookup, Spec
from features.store.tables import FeatureTable
from lakehouse.lake import Lake
from lakehouse.model_files import refuse_unsafe
from lakehouse.pins import pin
from lakehouse.registry import FEATURE_SPEC, use_mlflow

if TYPE_CHECKING:
    from mlflow.pyfunc import PyFuncModel

PREDICTION = "prediction"


class LocalFeatureStore:
    """Feature tables in the lake's own Delta tables; keys are kept as table properties."""

    def __init__(self, lake: Lake) -> None:
        self.lake = lake

    def create_table(
        self, *, name: str, primary_keys: str | Sequence[str], df: DataFrame | None = None,
        timeseries_column: str | None = None, schema: StructType | None = None, description: str | None = None,
        partition_columns: str | Sequence[str] | None = None, tags: Mapping[str, str] | None = None,
    ) -> FeatureTable:  # fmt: skip
        """As Databricks' client; a table that is there with rows is left as it is. Partitions are checked and not made
        here.

        Raises:
            SpecError: for keys or columns that make no feature table.
        """
        if df is not None:
            _check_frame(name, df)
        shape = schema if schema is not None else None if df is None else df.schema
        if shape is None:
            raise SpecError(f"{name}: give the table's rows as df, or its columns as schema.")
        if df is not None and schema is not None and set(df.schema.fields) != set(schema.fields):
            raise SpecError(f"{name}: df and schema are both given and differ.")
        if not isinstance(timeseries_column, str | None):
            raise SpecError(f"{name}: timeseries_column is the name of one column, not {timeseries_column!r}.")
        absent = [column for column in _listed(partition_columns) if column not in shape.names]
        if absent:
            raise SpecError(f"{name}: the schema has no partition column {', '.join(absent)}.")
        keys, time, table = _listed(primary_keys), timeseries_column or "", self.lake.short(name)
        tables.check_creation(table, keys, time, shape)

        def stands() -> bool:
            return self.lake.exists(table) and not self._was_stopped(table, keys, time, df is not None)

        if stands():
            return self.get_table(name=name)
        with self._as_writer() as lake:
            if stands():  # made by another process, while this one waited
                return self.get_table(name=name)
            there = lake.exists(table)
            try:
                tables.create(lake, name, keys, time, shape, description or "", tags or {})
                if df is not None:
                    tables.write(lake, tables.describe(lake, name), df)
            except BaseException:
                # Without its first rows it is none, as with Databricks' client.
                if not there and lake.exists(table):
                    lake.drop(table)
                raise
        return self.get_table(name=name)

    def _was_stopped(self, table: str, keys: list[str], time: str, with_rows: bool) -> bool:
        """Whether a table that is there may be one whose maker was killed: it has no rows, and should have, or no keys.

        Raises:
            SpecError: when it was made with other keys.
        """
        if not self.lake.table(table).isEmpty():
            return False
        try:
            held = self.get_table(name=table)
        except SpecError:
            return True
        if with_rows and (set(held.primary_keys) != set(keys) or held.timestamp_keys != [time] * bool(time)):
            raise SpecError(f"{table} is there with the keys {', '.join(held.primary_keys)}; give the same.")
        return with_rows

    def write_table(self, *, name: str, df: DataFrame, mode: str = "merge") -> None:
        """As Databricks' client, but for streams: rows are merged by their keys, through staging and gate.

        Raises:
            SpecError: for another mode, a stream, or rows that do not fit the table.
        """
        if mode != "merge":
            raise SpecError(f"{name}: mode is {mode!r}; a feature table is written by mode 'merge' alone.")
        _check_frame(name, df)
        if df.isStreaming:
            raise SpecError(f"{name}: a stream cannot be written here; write each batch in foreachBatch.")
        with self._as_writer() as lake:
            tables.write(lake, tables.describe(lake, name), df)

    def read_table(self, *, name: str) -> DataFrame:
        """As Databricks' client: the rows of a feature table by its two- or three-level name.

        Raises:
            SpecError: when there is no such table.
        """
        return tables.rows(self.lake, name)

    def get_table(self, *, name: str) -> FeatureTable:
        """As Databricks' client.

        Raises:
            SpecError: when there is no such table, or it is no feature table.
        """
        return tables.describe(self.lake, name)

    def create_training_set(
        self, *, df: DataFrame, feature_lookups: Features, label: str | Sequence[str] | None,
        exclude_columns: Sequence[str] | None = None,
    ) -> LocalTrainingSet:  # fmt: skip
        """As Databricks' client; every table is pinned to its newest version now.

        Raises:
            SpecError: for what the client refuses too; see `resolve`.
        """
        _check_frame("create_training_set", df)
        spec, pins = pinned(self.lake, df, feature_lookups, label, exclude_columns or ())
        return LocalTrainingSet(self.lake, df, spec, tuple(_listed(label)), pins)

    def log_model(
        self, *, model: Any, artifact_path: str, flavor: ModuleType, training_set: TrainingSet,
        registered_model_name: str | None = None, **kwargs: Any,
    ) -> Any:  # fmt: skip
        """As Databricks' client; the spec and the table versions travel in the model's metadata."""
        if not isinstance(training_set, LocalTrainingSet):
            raise SpecError("training_set is none of this store; make it with create_training_set.")
        use_mlflow(self.lake.settings)
        told = training_set.spec.to_dict() | {"versions": training_set.pins}
        metadata = dict(kwargs.pop("metadata", None) or {}) | {FEATURE_SPEC: told}
        logged = flavor.log_model(
            model, name=artifact_path, registered_model_name=registered_model_name, metadata=metadata, **kwargs
        )
        if registered_model_name:
            pin(self.lake, registered_model_name, str(logged.registered_model_version), training_set.pins)
        return logged

    def score_batch(self, *, model_uri: str, df: DataFrame, result_type: str = "double") -> DataFrame:
        """As Databricks' client: a column of the frame takes the place of the feature of that name. The model is loaded
        once, here, and travels to the workers.

        Args:
            model_uri: a model that this store logged.
            df: keys, times and whatever else the model's lookups need. It is computed more than once, so it has to
                give the same rows each time.
            result_type: what the model predicts; of several outputs a type that is no array takes the first.

        Raises:
            SpecError: for a stream; when the model knows no features, or the frame lacks a column that it needs or has
                it in a type that is not the feature table's.
            RadarError: for a model whose reading could run code; see `model_files.refuse_unsafe`.
        """
        use_mlflow(self.lake.settings)
        import mlflow

        _check_frame("score_batch", df)
        if df.isStreaming:
            raise SpecError("A stream cannot be scored; score each batch in foreachBatch.")
        refuse_unsafe(model_uri)
        spec = logged_spec(model_uri)
        if PREDICTION in df.columns:
            raise SpecError(f"The frame has a column {PREDICTION}, which is what score_batch adds; rename it.")
        lacking = [name for name in spec.required if name not in df.columns]
        if lacking:
            raise SpecError(f"{model_uri} needs the column {', '.join(lacking)}, which the frame lacks.")
        check_keys(spec.lookups, df.schema, {one.table: tables.describe(self.lake, one.table) for one in spec.lookups})
        frame = augmented(df, spec, self.lake.table, single_moments(df, spec.lookups, self.lake.table))
        told = frame.select(*dict.fromkeys([*df.columns, *spec.inputs]))
        return predicted(told, mlflow.pyfunc.load_model(model_uri), spec.inputs, result_type)

    @contextmanager
    def _as_writer(self) -> Iterator[Lake]:
        if self.lake.writable:
            yield self.lake
            return
        with Lake.writing(self.lake.settings, "the feature store") as lake:
            yield lake


@dataclass(frozen=True)
class LocalTrainingSet:
    """A frame and what is looked up for it, pinned to table versions."""

    lake: Lake
    df: DataFrame
    spec: Spec
    labels: tuple[str, ...]
    pins: dict[str, int]

    def load_df(self) -> DataFrame:
        """See `TrainingSet.load_df`."""
        frame = augmented(self.df, self.spec, self._rows, single_moments(self.df, self.spec.lookups, self._rows))
        return frame.select(*self.spec.inputs, *self.labels)

    def _rows(self, table: str) -> DataFrame:
        """A feature table's rows, of the version that is pinned."""
        return self.lake.table(table, self.pins[table])


def pinned(
    lake: Lake, df: DataFrame, feature_lookups: Features, label: str | Sequence[str] | None,
    exclude_columns: Sequence[str] = (),
) -> tuple[Spec, dict[str, int]]:  # fmt: skip
    """What lookups mean for a frame, and the newest version of every feature table that they read.

    Raises:
        SpecError: for what Databricks' client refuses too; see `resolve`.
    """
    find = cache(lambda name: tables.describe(lake, name))
    spec = resolve(df.schema, feature_lookups, _listed(label), exclude_columns, find)
    return spec, {lookup.table: lake.version(lookup.table) for lookup in spec.lookups}


def augmented(frame: DataFrame, spec: Spec, table: Table, moments: Mapping[str, Moment] | None = None) -> DataFrame:
    """The frame with everything that the spec looks up and computes, defaults filled in last.

    Args:
        frame: rows to look up for.
        spec: what to look up; what the frame holds already is left as it is.
        table: a feature table's rows by name.
        moments: see `single_moments`.
    """
    made = {function.output for function in spec.functions}
    for part in in_order(spec, frame.columns):
        if isinstance(part, Lookup) and made.intersection(part.needs):
            _check_made_keys(part, frame.schema, table(part.table).schema)
        frame = look_up(frame, table(part.table), part, moments) if isinstance(part, Lookup) else compute(frame, part)
    defaults = {name: value for lookup in spec.lookups for name, value in lookup.defaults.items()}
    return frame.fillna(defaults) if defaults else frame


def _check_made_keys(lookup: Lookup, given: StructType, held: StructType) -> None:
    """The keys that a function makes, of whose type nothing is known before, are of the table's very type too."""
    for mine, key in lookup.pairs.items():
        refuse_other_type(lookup.table, held[key], mine, given[mine].dataType)


def predicted(frame: DataFrame, model: PyFuncModel, inputs: Sequence[str], result_type: str) -> DataFrame:
    """A frame and what a model that is loaded makes of its rows, as `prediction`.

    A UDF, so that Spark sends the inputs alone to Python and drops the columns that nobody asks for. MLflow's own
    `spark_udf` has every task load the model.
    """
    every, names = result_type.startswith("array"), list(inputs)

    def predict(batches: Iterator[tuple[pd.Series, ...]]) -> Iterator[pd.Series]:
        for batch in batches:
            columns = batch if isinstance(batch, tuple) else (batch,)  # Spark gives one column as itself
            rows = pd.DataFrame(dict(zip(names, columns, strict=True)), copy=False)
            found = np.asarray(model.predict(rows)).reshape(len(rows), -1)
            yield pd.Series(list(found) if every else found[:, 0])

    asked = cast(Any, pandas_udf)(predict, result_type)  # its stubs know no iterators
    return frame.withColumn(PREDICTION, asked(*[F.col(f"`{name}`") for name in names]))


def logged_spec(model_uri: str) -> Spec:
    """The spec that a model was logged with.

    Raises:
        SpecError: when it was logged without one.
    """
    from mlflow.models import get_model_info

    metadata = get_model_info(model_uri).metadata or {}
    if FEATURE_SPEC not in metadata:
        raise SpecError(f"{model_uri} was logged without its features; log it with the store's log_model.")
    return Spec.of_dict(metadata[FEATURE_SPEC])


def _listed(names: str | Sequence[str] | None) -> list[str]:
    return [names] if isinstance(names, str) else list(names or [])


def _check_frame(of: str, df: object) -> None:
    """Refuse what is no frame of Spark's, such as one of pandas', and one that has a column twice."""
    if not isinstance(df, DataFrame):
        raise SpecError(f"{of}: df is {type(df).__module__}.{type(df).__name__}; it has to be a DataFrame of Spark's.")
    refuse_twice(f"{of}: the frame has the column", df.columns)
