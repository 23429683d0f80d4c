"""What lies in the landing folder: each file's table, arrival date and schema, and whether it can be used. No Spark."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import date, datetime
from functools import cached_property
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from lakehouse.errors import RadarError
from pipelines.bronze.contracts import OPTIONAL, RAW_TABLES

ARRIVED = "arrived="
ANY_CASE = ".[pP][aA][rR][qQ][uU][eE][tT]"
EVENT_COLUMNS = {
    "conversations": "created_at",
    "lesson_progress": "started_at",
    "assessment_attempts": "completed_at",
}


@dataclass(frozen=True)
class Listed:
    """A raw file as the folder lists it, unread: its table, and what tells whether it was touched.

    `taken_in` is when bronze took it in already, where it lost the rows since and takes them in again.
    """

    table: str
    path: Path
    name: str
    size: int
    changed_ns: int
    taken_in: datetime | None = None

    @property
    def mark(self) -> tuple[str, str, int, int]:
        """Equal marks mean an untouched file."""
        return self.table, self.name, self.size, self.changed_ns

    @cached_property
    def file_hash(self) -> str:
        """SHA-256 of the content; of size and time of change where it cannot be read."""
        try:
            with self.path.open("rb") as stream:
                return hashlib.file_digest(stream, "sha256").hexdigest()
        except OSError:
            return hashlib.sha256(f"unreadable {self.size} {self.changed_ns}".encode()).hexdigest()

    @property
    def identity(self) -> tuple[str, str, str]:
        """What a file is known by: table, name and content."""
        return self.table, self.name, self.file_hash


@dataclass(frozen=True)
class LandingFile:
    """One raw file, read. `schema` is None and `error` says why when it cannot be used.

    `int96` are its columns of Parquet's oldest kind of time, which Spark reads as times, where it reads nanoseconds of
    any other kind as numbers; to Arrow both are the same.
    """

    listed: Listed
    arrived: date | None
    schema: pa.Schema | None = None
    rows: int = 0
    first_event: date | None = None
    error: str | None = None
    int96: frozenset[str] = frozenset()

    @property
    def table(self) -> str:
        """Its raw table."""
        return self.listed.table

    @property
    def name(self) -> str:
        """Its path relative to the landing folder."""
        return self.listed.name

    def new_columns(self) -> list[str]:
        """Columns that the contract does not know."""
        return [name for name in self.schema.names if name not in RAW_TABLES[self.table].split()] if self.schema else []


def listing(landing: Path) -> list[Listed]:
    """Every Parquet file of the seven tables under `landing`, in order of name.

    Takes `<table>.parquet`, `<table>/*.parquet` and `<table>/arrived=YYYY-MM-DD/*.parquet`; a name that begins with a
    dot or an underscore is none yet.

    Raises:
        RadarError: when there is no such folder, or nothing of ours in it.
    """
    if not landing.is_dir():
        raise RadarError(
            f"There is no landing folder {landing}. Put the seven tables' Parquet files there, name another with "
            "-P landing=<folder>, or make some with `python -m data_gen --out <folder>`."
        )
    found = raw_files(landing)
    if not found:
        raise RadarError(
            f"The landing folder {landing} holds none of the seven tables; expected files such as "
            f"{landing / 'conversations.parquet'} or {landing / 'messages' / 'arrived=2024-11-04' / 'part.parquet'}."
        )
    return found


def raw_files(landing: Path) -> list[Listed]:
    """What `listing` finds, be it nothing."""
    found = []
    for table in RAW_TABLES:
        for path in _paths(landing, table):
            with suppress(FileNotFoundError):  # one that was moved away meanwhile
                found.append(listed_file(table, path, landing))
    return found


def passed_by(landing: Path, listed: Iterable[Listed]) -> list[str]:
    """The names of the Parquet files that `listing` leaves where they are: unfinished ones, and those that lie where no
    raw file does.
    """
    taken = {file.path for file in listed}
    others = [path for path in landing.rglob(f"*{ANY_CASE}*") if path not in taken and path.suffix != ".crc"]
    return sorted(str(path.relative_to(landing)) for path in others if path.is_file())


def misplaced(landing: Path, listed: Iterable[Listed]) -> list[str]:
    """Of the files that are passed by, the finished ones: each lies where no raw file does."""
    names = [name for name in passed_by(landing, listed) if name.lower().endswith(".parquet")]
    return [name for name in names if not any(map(_hidden, Path(name).parts))]


def refuse_incomplete(files: Sequence[Listed], loaded: Callable[[str], bool]) -> None:
    """A first load needs every table, unless files arrive day by day: then one may come later.

    Args:
        files: what the landing folder holds.
        loaded: whether a bronze table, by name, has been loaded before.

    Raises:
        RadarError: naming each table that has neither been loaded nor one usable file.
    """
    if any(file.path.parent.name.startswith(ARRIVED) for file in files):
        return
    lacking = []
    for table in RAW_TABLES:
        if table in OPTIONAL or loaded(f"bronze.{table}"):
            continue
        mine = [footer(file) for file in files if file.table == table]
        if not any(file.error is None for file in mine):
            why = "; ".join(f"{file.name}: {file.error}" for file in mine) or "no file"
            lacking.append(f"{table} ({why})")
    if lacking:
        raise RadarError(
            f"A first load needs all seven tables, and the landing folder lacks {', '.join(lacking)}. "
            "Nothing was loaded; add a usable file and run again."
        )


def refuse_as_of_before_first_event(files: Iterable[Listed], as_of: date | None) -> None:
    """Raises RadarError when `as_of` is not after the first event that the files' footers tell of."""
    if as_of is None:
        return
    events = [event for file in files if (event := footer(file).first_event)]
    if events and as_of <= min(events):
        raise RadarError(
            f"as_of {as_of} is not after the first event in the log, which is on {min(events)}; choose a later day."
        )


def footer(listed: Listed) -> LandingFile:
    """A file by its Parquet footer."""
    try:
        arrived = _arrival(listed.path)
    except ValueError:
        return LandingFile(listed, None, error=f"its folder {listed.path.parent.name} is of no day (YYYY-MM-DD)")
    try:
        opened = pq.ParquetFile(listed.path)
        schema = opened.schema_arrow
        if "id" not in schema.names and listed.table not in OPTIONAL:
            return LandingFile(listed, arrived, error="it has no column id")
        twice = sorted(name for name, times in Counter(schema.names).items() if times > 1)
        if twice:
            return LandingFile(listed, arrived, error=f"it has the column {', '.join(twice)} twice")
        columns = [opened.schema.column(place) for place in range(len(opened.schema.names))]
        int96 = frozenset(column.name for column in columns if column.physical_type == "INT96")
        first = _first_event(listed.table, opened)
        return LandingFile(listed, arrived, schema, opened.metadata.num_rows, first, int96=int96)
    except (OSError, ValueError, pa.ArrowException) as error:
        return LandingFile(listed, None, error=_unreadable(listed, str(error)))


def read_through(listed: Listed) -> LandingFile:
    """A file by its footer and every page: one whose pages cannot be decoded, or hold other than the rows that the
    footer counts, cannot be used.
    """
    file = footer(listed)
    if file.error:
        return file
    try:
        found = sum(batch.num_rows for batch in pq.ParquetFile(listed.path).iter_batches())
    except (OSError, ValueError, pa.ArrowException) as error:
        return LandingFile(listed, file.arrived, error=_unreadable(listed, str(error)))
    if found != file.rows:
        return LandingFile(listed, file.arrived, error=f"it holds {found} rows where its footer says {file.rows}")
    return file


def unusable(file: LandingFile, why: str) -> LandingFile:
    """The file with what Spark said of it."""
    return LandingFile(file.listed, file.arrived, error=_unreadable(file.listed, why))


def _unreadable(listed: Listed, why: str) -> str:
    said = next(iter(why.splitlines()), "no reason given")[:200]
    return f"not a readable Parquet file of {listed.size} bytes ({said})"


def listed_file(table: str, path: Path, landing: Path) -> Listed:
    """A file of a table, as it lies there."""
    stat = path.stat()
    return Listed(table, path, str(path.relative_to(landing)), stat.st_size, max(stat.st_mtime_ns, stat.st_ctime_ns))


def table_of(path: Path, landing: Path) -> str | None:
    """The raw table that a file belongs to by its place; None when it lies where no raw file does."""
    *folders, name = path.relative_to(landing).parts
    table = folders[0] if folders else name.removesuffix(".parquet")
    placed = len(folders) < 2 or (len(folders) == 2 and folders[1].startswith(ARRIVED))
    return table if table in RAW_TABLES and placed and name.endswith(".parquet") and not _hidden(name) else None


def _hidden(name: str) -> bool:
    """Whether Spark passes a file by: one that its producer has not finished, by a custom that is older than Spark."""
    return name.startswith((".", "_"))


def _paths(landing: Path, table: str) -> list[Path]:
    folder = landing / table
    within = [*folder.glob("*.parquet"), *folder.glob(f"{ARRIVED}*/*.parquet")]
    found = sorted(path for path in within if not _hidden(path.name))
    paths = [path for path in (landing / f"{table}.parquet", *found) if path.exists()]
    for path in paths:
        if path.is_dir():
            raise RadarError(f"{path} is a folder, as Spark writes one; move the files in it to {folder}.")
    return paths


def _arrival(path: Path) -> date | None:
    key, _, value = path.parent.name.partition("=")
    return date.fromisoformat(value) if key == ARRIVED.removesuffix("=") else None


def _first_event(table: str, opened: pq.ParquetFile) -> date | None:
    """The first event's date from the column statistics in the footer; None where they do not tell."""
    column = EVENT_COLUMNS.get(table)
    if column not in opened.schema_arrow.names or pa.types.is_nested(opened.schema_arrow.field(column).type):
        return None
    metadata = opened.metadata
    places = [i for i in range(metadata.num_columns) if metadata.schema.column(i).path == column]
    groups = [metadata.row_group(i).column(places[0]).statistics for i in range(metadata.num_row_groups)]
    lowest = [_lowest(s) for s in groups if s is not None and s.has_min_max]
    return min((day for day in lowest if day), default=None)


def _lowest(statistics: pq.Statistics) -> date | None:
    """None where it is no time that Python knows: its row is for the rules of silver."""
    try:
        value = statistics.min
        return value.date() if isinstance(value, datetime) else date.fromisoformat(str(value)[:10])
    except (OverflowError, ValueError, pa.ArrowException):
        return None
