"""Databricks' own code for a training set, run here on frames: private parts of the package, in tests alone.

Held against databricks-feature-engineering 0.18; the client's catalog calls are left out, its checks and joins are its.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import SimpleNamespace
from typing import Any

from databricks.feature_engineering import FeatureLookup
from databricks.ml_features.entities.data_type import DataType
from databricks.ml_features.entities.feature_table import FeatureTable as TheirTable
from databricks.ml_features.entities.materialized_feature import MaterializedFeature
from databricks.ml_features.entities.training_set import TrainingSet as TheirTrainingSet
from databricks.ml_features.utils import training_scoring_utils as theirs
from databricks.ml_features_common.utils.data_type_utils import serialize_default_value
from pyspark.sql import DataFrame

from features.store.tables import FeatureTable

Tables = Mapping[str, tuple[FeatureTable, DataFrame]]


def training_set(
    df: DataFrame, lookups: Sequence[FeatureLookup], labels: list[str], excluded: list[str], tables: Tables
) -> TheirTrainingSet:
    """What the client makes of it.

    Raises:
        ValueError: where the client refuses.
    """
    theirs.verify_df_and_labels(df, labels, excluded)
    known = metadata(tables)
    infos = theirs.get_column_infos(list(lookups), [], known, df.columns, labels)
    there = SimpleNamespace(check_feature_table_exists=lambda name: None)
    theirs.validate_column_infos(
        there, None, known, infos.source_data_column_infos, infos.feature_column_infos, [], labels
    )
    defaults = {output: value for lookup in lookups for output, value in lookup.default_values.items()}
    for info in infos.feature_column_infos:
        if info.output_name in defaults:
            info._default_value_str = serialize_default_value(defaults[info.output_name])
    spec = theirs.build_feature_spec(list(lookups), known, infos, excluded, 0)
    frames = known.feature_table_data_map
    made = TheirTrainingSet(
        spec, df, labels, known.feature_table_metadata_map, frames, {}, use_spark_native_join=True,
        use_scalable_native_join=True,
    )  # fmt: skip
    # The client fills with numpy numbers, which plain Spark Connect does not take; Databricks' own does.
    made._default_values = {k: v.item() if hasattr(v, "item") else v for k, v in made._default_values.items()}
    return made


def metadata(tables: Mapping[str, tuple[FeatureTable, Any]]) -> Any:
    """What the client knows of tables, by the names that lookups give them."""
    return theirs._FeatureTableMetadata(
        {name: _features(name, table) for name, (table, _) in tables.items()},
        {name: _table(name, table) for name, (table, _) in tables.items()},
        {name: rows for name, (_, rows) in tables.items()},
    )


def _table(name: str, table: FeatureTable) -> Any:
    return TheirTable(
        name, "1", "", table.entity_keys, [], table.values, timestamp_keys=table.timestamp_keys
    )  # fmt: skip


def _features(name: str, table: FeatureTable) -> list[MaterializedFeature]:
    """As the catalog gives them: those that are no key by name."""
    named = {field.name: DataType.spark_type_to_string(field.dataType) for field in table.schema}
    ordered = sorted(named, key=lambda feature: (feature in table.values, feature))
    return [MaterializedFeature(name, "1", feature, named[feature], "") for feature in ordered]
