"""The feature store: the names of Databricks' client, over Delta and MLflow on a laptop, over that client there.

store = open_store(lake)
made = store.create_training_set(df=labels, feature_lookups=[FeatureLookup(…)], label="dropped_out")
made.load_df()
"""

from features.store.adapters import model_store, open_store
from features.store.errors import SpecError
from features.store.local import augmented, logged_spec, pinned
from features.store.protocol import FeatureStore, TrainingSet

__all__ = [
    "FeatureStore",
    "SpecError",
    "TrainingSet",
    "augmented",
    "logged_spec",
    "model_store",
    "open_store",
    "pinned",
]
