"""What lies in the landing folder: each file's table, arrival date and schema, and whether it can be used. No Spark."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime
from functools import cached_property
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from lakehouse.errors import RadarError
from pipelines.bronze.contracts import RAW_TABLES

EVENT_COLUMNS = {
    "conversations": "created_at",
    "lesson_progress": "started_at",
    "assessment_attempts": "completed_at",
}


@dataclass(frozen=True)
class LandingFile:
    """One raw file. `schema` is None and `error` says why when it cannot be used."""

    table: str
    path: Path
    name: str
    arrived: date | None
    schema: pa.Schema | None
    rows: int
    first_event: date | None
    error: str | None = None

    @cached_property
    def file_hash(self) -> str:
        """SHA-256 of the content."""
        with self.path.open("rb") as stream:
            return hashlib.file_digest(stream, "sha256").hexdigest()


def look(landing: Path) -> list[LandingFile]:
    """Every Parquet file of the seven tables under `landing`, in order of name.

    Takes `<table>.parquet`, `<table>/*.parquet` and `<table>/arrived=YYYY-MM-DD/*.parquet`.

    Raises:
        RadarError: when there is no such folder, or nothing of ours in it.
    """
    if not landing.is_dir():
        raise RadarError(
            f"There is no landing folder {landing}. Put the seven tables' Parquet files there, name another with "
            "-P landing=<folder>, or make some with `python -m data_gen --out <folder>`."
        )
    found = [_look_at(table, path, landing) for table in RAW_TABLES for path in _paths(landing, table)]
    if not found:
        raise RadarError(
            f"The landing folder {landing} holds none of the seven tables; expected files such as "
            f"{landing / 'conversations.parquet'} or {landing / 'messages' / 'arrived=2024-11-04' / 'part.parquet'}."
        )
    return found


def refuse_incomplete(files: list[LandingFile], loaded: Callable[[str], bool]) -> None:
    """A first load needs every table.

    Args:
        files: what the landing folder holds.
        loaded: whether a bronze table, by name, has been loaded before.

    Raises:
        RadarError: naming each table that has neither been loaded nor one usable file.
    """
    lacking = []
    for table in RAW_TABLES:
        mine = [file for file in files if file.table == table]
        if loaded(f"bronze.{table}") or any(file.error is None for file in mine):
            continue
        why = "; ".join(f"{file.name}: {file.error}" for file in mine) or "no file"
        lacking.append(f"{table} ({why})")
    if lacking:
        raise RadarError(
            f"A first load needs all seven tables, and the landing folder lacks {', '.join(lacking)}. "
            "Nothing was loaded; add a usable file and run again."
        )


def refuse_as_of_before_first_event(files: list[LandingFile], as_of: date | None) -> None:
    """Raises RadarError when `as_of` is not after the first event that the files tell of."""
    events = [file.first_event for file in files if file.first_event]
    if as_of and events and as_of <= min(events):
        raise RadarError(
            f"as_of {as_of} is not after the first event in the log, which is on {min(events)}; choose a later day."
        )


def _paths(landing: Path, table: str) -> list[Path]:
    flat = [landing / f"{table}.parquet"] if (landing / f"{table}.parquet").is_file() else []
    folder = landing / table
    return flat + sorted([*folder.glob("*.parquet"), *folder.glob("arrived=*/*.parquet")])


def _look_at(table: str, path: Path, landing: Path) -> LandingFile:
    name = str(path.relative_to(landing))
    try:
        arrived = _arrival(path)
        footer = pq.ParquetFile(path)
    except (OSError, ValueError, pa.ArrowException) as error:
        reason = f"not a readable Parquet file of {path.stat().st_size} bytes ({str(error).splitlines()[0]})"
        return LandingFile(table, path, name, None, None, 0, None, reason)
    schema = footer.schema_arrow
    if "id" not in schema.names:
        return LandingFile(table, path, name, arrived, None, 0, None, "it has no column id")
    return LandingFile(table, path, name, arrived, schema, footer.metadata.num_rows, _first_event(table, footer))


def _arrival(path: Path) -> date | None:
    key, _, value = path.parent.name.partition("=")
    return date.fromisoformat(value) if key == "arrived" else None


def _first_event(table: str, footer: pq.ParquetFile) -> date | None:
    """The first event's date from the column statistics in the footer; None where they do not tell."""
    column = EVENT_COLUMNS.get(table)
    if column not in footer.schema_arrow.names:
        return None
    index = footer.schema_arrow.get_field_index(column)
    groups = [footer.metadata.row_group(i).column(index).statistics for i in range(footer.metadata.num_row_groups)]
    lowest = [_as_date(s.min) for s in groups if s is not None and s.has_min_max]
    return min((day for day in lowest if day), default=None)


def _as_date(value: object) -> date | None:
    if isinstance(value, datetime):
        return value.date()
    try:
        return date.fromisoformat(str(value)[:10])
    except ValueError:
        return None
