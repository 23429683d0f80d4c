"""Which table versions the registered models stand on."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from lakehouse.lake import Lake
from lakehouse.registry import MODELS, load_card, versions


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
    """The pins of every registered version; none where no model has been trained yet."""
    if lake.settings.local and not (lake.settings.lake / "mlflow.db").exists():
        return []
    return [
        Pin(model, found.version, table, int(number))
        for model in MODELS
        for found in versions(lake, model)
        for table, number in load_card(lake, found).get("pins", {}).items()
    ]


def oldest_pinned(lake: Lake, table: str, held: list[Pin]) -> datetime | None:
    """When the oldest pinned version of a table was written, UTC; None when no version of it is pinned.

    A version that the table's log no longer knows cannot be kept any more and does not count.
    """
    mine = [pin.table_version for pin in held if pin.table == table]
    if not mine:
        return None
    history = lake.spark.sql(f"DESCRIBE HISTORY {lake.name(table)}").select("version", "timestamp")
    row = history.where(history.version.isin(mine)).orderBy("version").first()
    return row.timestamp if row else None
