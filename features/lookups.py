"""The feature lookups of this project's models, in the words of Databricks' client."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import TYPE_CHECKING

from pyspark.sql import DataFrame
from pyspark.sql.types import DoubleType, IntegerType

from features.feature_view import views
from features.store import open_store
from lakehouse.errors import RadarError, entry_point
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
        for table, held in features_held(lake).items()
        if (wanted := [name for name in (held if names is None else names) if name in held])
    ]


def features_held(lake: Lake) -> dict[str, list[str]]:
    """By feature table, the features that its view defines and that it has: one that a definition has dropped stays in
    its table as a column without values.
    """
    tables = {view: set(lake.table(view.name).columns) for view in views() if lake.exists(view.name)}
    return {view.name: [name for name in view.features if name in columns] for view, columns in tables.items()}


def refuse_without_features(lake: Lake, keys: DataFrame, as_of: date) -> None:
    """Stop where no student of a day has features.

    Args:
        lake: whose feature tables are asked for.
        keys: the rows of the day.
        as_of: the day.

    Raises:
        RadarError: naming the command that makes them.
    """
    if keys.isEmpty():
        features = entry_point("features", lake=lake.settings.lake, as_of=as_of)
        raise RadarError(f"There are no features for {as_of}; run `{features}` first.")


def known_features(lake: Lake) -> set[str]:
    """Every feature that a feature table has."""
    return {name for names in features_held(lake).values() for name in names}


def learnable(lake: Lake) -> list[str]:
    """The features that a model can take: INT and DOUBLE columns, which every way of scoring reads alike."""
    held, kinds = features_held(lake), (IntegerType, DoubleType)
    schemas = {table: lake.table(table).schema for table in held}
    return [name for table, names in held.items() for name in names if isinstance(schemas[table][name].dataType, kinds)]


def with_features(lake: Lake, keys: DataFrame, names: Sequence[str] | None = None) -> DataFrame:
    """The frame with features as they stood at its (student_id, as_of): these, or every one."""
    wanted = lookups(lake, names)
    return open_store(lake).create_training_set(df=keys, feature_lookups=wanted, label=None).load_df()
