"""Which store serves a lake."""

from __future__ import annotations

from features.store.databricks import DatabricksFeatureStore
from features.store.local import LocalFeatureStore
from features.store.protocol import FeatureStore
from lakehouse.lake import Lake


def model_store(lake: Lake) -> LocalFeatureStore:
    """The store that this project's own models are logged by, on a laptop and on Databricks alike.

    Databricks' client packs a model so that only its own loader reads it, which runs code of the package; the registry
    reads models as skops alone, see `model_files.refuse_unsafe`.
    """
    return LocalFeatureStore(lake)


def open_store(lake: Lake) -> FeatureStore:
    """The store of a lake: Databricks' own client on Databricks, the local one elsewhere."""
    return LocalFeatureStore(lake) if lake.settings.local else DatabricksFeatureStore(lake)
