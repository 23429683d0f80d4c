"""The one protocol of both stores."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import ModuleType
from typing import TYPE_CHECKING, Any, Protocol

from pyspark.sql import DataFrame
from pyspark.sql.types import StructType

if TYPE_CHECKING:
    from databricks.feature_engineering import FeatureFunction, FeatureLookup

Features = Sequence["FeatureLookup | FeatureFunction"]


class TrainingSet(Protocol):
    """What `create_training_set` gives."""

    def load_df(self) -> DataFrame:
        """The joined rows: the frame's columns, then features in order of lookup, then labels; none that is excluded.

        Every row of the frame stays, once; features are null where nothing is found.
        """
        ...


class FeatureStore(Protocol):
    """The part of `databricks.feature_engineering.FeatureEngineeringClient` that a data scientist here needs.

    Names are `<schema>.<table>` or with the catalog before them. What makes no sense raises `ValueError`.
    """

    def create_table(
        self, *, name: str, primary_keys: str | Sequence[str], df: DataFrame | None = None,
        timeseries_column: str | None = None, schema: StructType | None = None, description: str | None = None,
        partition_columns: str | Sequence[str] | None = None, tags: Mapping[str, str] | None = None,
    ) -> Any:  # fmt: skip
        """Make a feature table, empty or of the rows of `df`; gives its metadata, as `get_table` does."""
        ...

    def write_table(self, *, name: str, df: DataFrame, mode: str = "merge") -> None:
        """Merge rows into a feature table by its keys."""
        ...

    def read_table(self, *, name: str) -> DataFrame:
        """A feature table's rows."""
        ...

    def get_table(self, *, name: str) -> Any:
        """A feature table's metadata: `name`, `primary_keys` (every key, the time last), `timestamp_keys`, `features`
        (every column), `description`.
        """
        ...

    def create_training_set(
        self, *, df: DataFrame, feature_lookups: Features, label: str | Sequence[str] | None,
        exclude_columns: Sequence[str] | None = None,
    ) -> TrainingSet:  # fmt: skip
        """A frame of keys, times and labels with features looked up as they were at those times."""
        ...

    def log_model(
        self, *, model: Any, artifact_path: str, flavor: ModuleType, training_set: TrainingSet,
        registered_model_name: str | None = None, **kwargs: Any,
    ) -> Any:  # fmt: skip
        """Log a model with the lookups of its training set; gives MLflow's `ModelInfo`."""
        ...

    def score_batch(self, *, model_uri: str, df: DataFrame, result_type: str = "double") -> DataFrame:
        """The frame, the model's inputs that it lacks, looked up by the model's own spec, and `prediction`."""
        ...
