"""The feature lookups of this project's models, in the words of Databricks' client."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from pyspark.sql import DataFrame

from features.feature_view import views
from features.store import open_store
from lakehouse.lake import Lake

if TYPE_CHECKING:
    from databricks.feature_engineering import FeatureLookup


def lookups(lake: Lake, names: Sequence[str] | None = None) -> list[FeatureLookup]:
    """Features of the feature tables, as of the frame's `as_of`: these, or every one."""
    from databricks.feature_engineering import FeatureLookup

    return [
        FeatureLookup(
            table_name=lake.name(table), lookup_key="student_id", timestamp_lookup_key="as_of", feature_names=wanted
        )
        for table in (view.name for view in views())
        if (wanted := _of(lake, table, names)) != []
    ]


def _of(lake: Lake, table: str, names: Sequence[str] | None) -> list[str] | None:
    if names is None:
        return None
    held = lake.table(table).columns
    return [name for name in names if name in held]


def with_features(lake: Lake, keys: DataFrame, names: Sequence[str] | None = None) -> DataFrame:
    """The frame with features as they stood at its (student_id, as_of): these, or every one."""
    wanted = lookups(lake, names)
    return open_store(lake).create_training_set(df=keys, feature_lookups=wanted, label=None).load_df()
