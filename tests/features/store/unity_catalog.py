"""What a Unity Catalog answers to the REST calls that Databricks' feature client makes to read.

It is built from feature tables, in the shapes that the package of version 0.18 parses. The YAML of a training set's
spec, which Databricks makes on its side, is made by the package's own legacy code.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import yaml
from databricks.feature_engineering import FeatureLookup
from databricks.ml_features.entities.data_type import DataType
from databricks.ml_features.utils import training_scoring_utils as theirs

from features.store.tables import FeatureTable
from tests.features.store.client import metadata
from tests.loopback import Answer

Tables = Mapping[str, FeatureTable]


def catalog(tables: Tables) -> Answer:
    """What the catalog answers about these tables, by their three-level names."""
    return lambda _, path, said: _answer(tables, path, said)


def _answer(tables: Tables, path: str, said: dict[str, Any]) -> dict[str, Any] | None:
    name = path.rpartition("/")[2]
    if path.startswith("/api/2.1/unity-catalog/tables/"):
        return _table(name, tables[name]) if name in tables else None
    if path.startswith("/api/2.0/unity-catalog/securable-tags/TABLE/"):
        return {"tag_assignments": [{"tag_key_value_pairs": [{"key": "owner", "value": "Learner Radar"}]}]}
    if path == "/api/2.0/feature-store/features/get":
        return {"features": _features(said["feature_table"], tables[said["feature_table"]])}
    if path == "/api/2.0/feature-store/feature-tables/get-online-stores":
        return {"feature_table_online_stores": [{"feature_table": table} for table in said.get("feature_tables", [])]}
    if path == "/api/2.0/feature-store/feature-spec/generate-yaml":
        return {"feature_spec_yaml": _spec(tables, said)}
    return None


def _table(name: str, table: FeatureTable) -> dict[str, Any]:
    constraint = {"child_columns": table.primary_keys, "timeseries_columns": table.timestamp_keys}
    return {
        "full_name": name, "securable_kind": "TABLE_DELTA", "table_type": "MANAGED", "table_id": "1",
        "comment": table.description, "created_at": 0, "columns": [{"name": field} for field in table.schema.names],
        "table_constraints": [{"primary_key_constraint": constraint}],
    }  # fmt: skip


def _features(name: str, table: FeatureTable) -> list[dict[str, str]]:
    types = {field.name: DataType.spark_type_to_string(field.dataType) for field in table.schema}
    return [{"table": name, "name": field, "data_type": kind} for field, kind in types.items()]


def _spec(tables: Tables, said: dict[str, Any]) -> str:
    lookups = [_lookup(found["feature_lookup"]) for found in said["features"]]
    known = metadata({name: (table, None) for name, table in tables.items()})
    infos = theirs.get_column_infos(lookups, [], known, said["input_columns"], [])
    spec = theirs.build_feature_spec(lookups, known, infos, said.get("exclude_columns", []), 0)
    return yaml.safe_dump(spec._to_dict())


def _lookup(said: dict[str, Any]) -> FeatureLookup:
    seconds = said.get("lookback_window_seconds")
    return FeatureLookup(
        table_name=said["table_name"], lookup_key=said["lookup_keys"], feature_names=said.get("feature_names"),
        timestamp_lookup_key=said.get("timestamp_lookup_keys"),
        rename_outputs={pair["feature_name"]: pair["output_name"] for pair in said.get("rename_outputs", [])},
        lookback_window=None if seconds is None else timedelta(seconds=seconds),
    )  # fmt: skip
