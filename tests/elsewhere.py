"""A lake whose tables a catalog keeps, as Unity Catalog does, over Spark's own catalog: no folder, no file lock.

What Spark's catalog lacks is left out: the primary keys of feature tables. Volumes are folders, models are registered
in a database, and features are looked up by the local store.
"""

from __future__ import annotations

import argparse
import uuid
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path

import pytest
from pyspark.sql import SparkSession

import features.lookups
import features.run
import monitoring.run
import pipelines.gold.run
import scoring.run
import training.dropout
import training.promotion
import training.segments
from features.store.local import LocalFeatureStore
from lakehouse.cli import Run, resolve_as_of
from lakehouse.contracts import Contract
from lakehouse.lake import SCHEMAS, Lake
from lakehouse.run_ids import new_run_id
from lakehouse.settings import LOCAL_CATALOG, Settings
from pipelines.ingest import ingest

OPTIONS = argparse.Namespace(
    candidates="logistic", trials=1, horizon_days=14, test_from="", test_to="", seed=42, feature_set="behaviour",
    model="", version="", override="", first="", last="", champions="now",
)  # fmt: skip
STEPS: dict[str, Callable[[Run, date], None]] = {
    "gold": pipelines.gold.run.run,
    "features": features.run.run,
    "train_segments": training.segments.run,
    "train_dropout": training.dropout.run,
    "promote": training.promotion.run,
    "score": scoring.run.run,
    "monitor": monitoring.run.run,
}
"""The tasks of the bundle's two jobs after `ingest`."""


class Elsewhere(Settings):
    """Settings of a lake that is no folder."""

    @property
    def local(self) -> bool:
        return False

    @property
    def tracking_uri(self) -> str:
        return f"sqlite:///{self.lake / 'mlflow.db'}"

    @property
    def registry_uri(self) -> str:
        return self.tracking_uri


@contextmanager
def elsewhere(spark: SparkSession, folder: Path) -> Iterator[Elsewhere]:
    """The bundle's part: schemas of a prefix of their own, and two volumes."""
    chosen = Elsewhere(folder / "files", folder / "landing", LOCAL_CATALOG, f"t{uuid.uuid4().hex[:8]}_")
    chosen.lake.mkdir()
    for schema in SCHEMAS:
        spark.sql(f"CREATE SCHEMA {chosen.schema(schema)}")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Contract, "_constraint", lambda _: [])
        patch.setattr(features.lookups, "open_store", LocalFeatureStore)
        patch.chdir(folder)
        yield chosen
    for schema in SCHEMAS:
        spark.sql(f"DROP SCHEMA {chosen.schema(schema)} CASCADE")


def walk(chosen: Settings, steps: Iterable[str]) -> Lake:
    """Ingest and these steps, each opening the lake for itself as a task does."""
    with Lake.writing(chosen, "ingest") as lake:
        ingest(Run(lake, new_run_id(), None, OPTIONS))
        as_of = resolve_as_of(lake, None)
    for name in steps:
        with Lake.writing(chosen, name) as lake:
            STEPS[name](Run(lake, new_run_id(), as_of, OPTIONS), as_of)
    return Lake.open(chosen)
