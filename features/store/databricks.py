"""The store on Databricks: a thin pass to Databricks' client, with every name in full, as Unity Catalog wants it."""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from types import ModuleType
from typing import Any

from pyspark.sql import DataFrame
from pyspark.sql.types import StructType

from features.store.protocol import Features, TrainingSet
from lakehouse.lake import Lake


class DatabricksFeatureStore:
    """Passes everything on. Joins are native, since the client's default one imports an undeclared package, and
    scalable, since the plan of the other native one doubles with each table that is looked up.
    """

    def __init__(self, lake: Lake, client: Any = None) -> None:
        if client is None:
            from databricks.feature_engineering import FeatureEngineeringClient

            client = FeatureEngineeringClient()
        self.lake = lake
        self.client: Any = client

    def create_table(
        self, *, name: str, primary_keys: str | Sequence[str], df: DataFrame | None = None,
        timeseries_column: str | None = None, schema: StructType | None = None, description: str | None = None,
        partition_columns: str | Sequence[str] | None = None, tags: Mapping[str, str] | None = None,
    ) -> Any:  # fmt: skip
        """As the client's `create_table`, with every name in full."""
        return self.client.create_table(
            name=self._full(name), primary_keys=primary_keys, df=df, timeseries_column=timeseries_column,
            schema=schema, description=description, partition_columns=partition_columns,
            tags=dict(tags) if tags else None,
        )  # fmt: skip

    def write_table(self, *, name: str, df: DataFrame, mode: str = "merge") -> None:
        """As the client's `write_table`, with every name in full."""
        self.client.write_table(name=self._full(name), df=df, mode=mode)

    def read_table(self, *, name: str) -> DataFrame:
        """As the client's `read_table`, with every name in full."""
        return self.client.read_table(name=self._full(name))

    def get_table(self, *, name: str) -> Any:
        """As the client's `get_table`, with every name in full."""
        return self.client.get_table(name=self._full(name))

    def create_training_set(
        self, *, df: DataFrame, feature_lookups: Features, label: str | Sequence[str] | None,
        exclude_columns: Sequence[str] | None = None,
    ) -> TrainingSet:  # fmt: skip
        """As the client's `create_training_set`, with every name in full."""
        return self.client.create_training_set(
            df=df, feature_lookups=[self._in_full(lookup) for lookup in feature_lookups], label=label,
            exclude_columns=list(exclude_columns or []), use_spark_native_join=True, use_scalable_native_join=True,
        )  # fmt: skip

    def log_model(
        self, *, model: Any, artifact_path: str, flavor: ModuleType, training_set: TrainingSet,
        registered_model_name: str | None = None, **kwargs: Any,
    ) -> Any:  # fmt: skip
        """As the client's `log_model`."""
        return self.client.log_model(
            model=model, artifact_path=artifact_path, flavor=flavor, training_set=training_set,
            registered_model_name=registered_model_name, **kwargs,
        )  # fmt: skip

    def score_batch(self, *, model_uri: str, df: DataFrame, result_type: str = "double") -> DataFrame:
        """As the client's `score_batch`."""
        return self.client.score_batch(
            model_uri=model_uri, df=df, result_type=result_type, use_spark_native_join=True
        )  # fmt: skip

    def _full(self, name: str) -> str:
        """A two-level name with this lake's catalog before it: the client refuses two levels in a Unity Catalog."""
        return self.lake.name(name) if name.count(".") == 1 else name

    def _in_full(self, lookup: Any) -> Any:
        """A lookup whose table is named in full; a function as it is."""
        table = getattr(lookup, "table_name", None)
        if table is None or self._full(table) == table:
            return lookup
        found = copy.copy(lookup)
        found._table_name = self._full(table)
        return found
