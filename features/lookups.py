"""The feature lookups of this project's models, in the words of Databricks' client."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pyspark.sql import DataFrame

from features.store import open_store
from lakehouse.lake import Lake

if TYPE_CHECKING:
    from databricks.feature_engineering import FeatureLookup

FEATURE_TABLES = (
    "features.student_activity", "features.student_learning", "features.student_rhythm", "features.student_progress",
)  # fmt: skip


def lookups(lake: Lake) -> list[FeatureLookup]:
    """Every feature of every feature table, as of the frame's `as_of`."""
    from databricks.feature_engineering import FeatureLookup

    return [
        FeatureLookup(table_name=lake.name(table), lookup_key=["student_id"], timestamp_lookup_key="as_of")
        for table in FEATURE_TABLES
    ]


def with_features(lake: Lake, keys: DataFrame) -> DataFrame:
    """The frame with every feature as it stood at its (student_id, as_of)."""
    return open_store(lake).create_training_set(df=keys, feature_lookups=lookups(lake), label=None).load_df()
