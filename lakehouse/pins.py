"""Which table versions the registered models stand on."""

from __future__ import annotations

import json
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime

from pyspark.errors import PySparkException
from pyspark.sql import functions as F

from lakehouse.errors import RadarError
from lakehouse.lake import Lake
from lakehouse.model_files import load_card
from lakehouse.registry import FEATURE_SPEC, PINS, Version, client, every_version


@dataclass(frozen=True)
class Pin:
    """A registered version of a model, and the version of a table that it was trained on."""

    model: str
    model_version: str
    table: str
    table_version: int

    def __str__(self) -> str:
        return f"{self.model} version {self.model_version} ({self.table} version {self.table_version})"


def pins(lake: Lake) -> list[Pin]:
    """The pins of every registered version, whoever registered it; none where no model has been trained yet."""
    if lake.settings.local and not (lake.settings.lake / "mlflow.db").exists():
        return []
    return [
        Pin(found.model, found.version, table, int(number))
        for found in every_version(lake)
        for table, number in _pinned_by(lake, found).items()
    ]


def _pinned_by(lake: Lake, found: Version) -> Mapping[str, int]:
    """By the version's tag, which stays readable wherever the files are; of one without it by the model card, or else
    by the metadata of a model that the feature store logged. Nothing of one that has none of them.
    """
    from mlflow.exceptions import MlflowException
    from mlflow.models import get_model_info

    if PINS in found.tags:
        return dict(json.loads(found.tags[PINS]))
    with suppress(RadarError):
        if told := load_card(lake, found).get("pins"):
            return dict(told)
    try:
        return dict((get_model_info(found.uri).metadata or {}).get(FEATURE_SPEC, {}).get("versions", {}))
    except (MlflowException, OSError):
        return {}


def pin(lake: Lake, name: str, number: str, tables: Mapping[str, int]) -> None:
    """Tag a registered version with the versions of tables that it was trained on."""
    client(lake.settings).set_model_version_tag(name, number, PINS, json.dumps(dict(tables)))


def oldest_pinned(lake: Lake, table: str, held: list[Pin]) -> datetime | None:
    """When the oldest pinned version of a table was written, UTC; None when no version of it is pinned.

    A version that the table's log no longer knows cannot be kept any more and does not count.
    """
    mine = [pin.table_version for pin in held if pin.table == table]
    if not mine:
        return None
    history = lake.history(table).select("version", "timestamp")
    row = history.where(history.version.isin(mine)).orderBy("version").first()
    return row.timestamp if row else None


def readable(lake: Lake, table: str, version: int) -> bool:
    """Whether a version can still be read: its entry in the log and its files are there."""
    try:
        rows = lake.table(table, version)
        rows.select(F.max(F.xxhash64(rows.columns[0]))).collect()
    except PySparkException:
        return False
    return True
