"""The app's SQLite file, only read: it never changes, and nothing appears beside it if SQLite can do without."""

import re
import sqlite3
from collections.abc import Iterable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

Value = str | int | float | None
Row = dict[str, Value]

PATIENCE_SECONDS = 5.0
SECRET = re.compile(
    r"password|passwd|secret|credential|(^|_)pwd(_|$)|(api|access|private)_?key|(^|_)keys?$|tokens?$|tokens?_hash"
)

CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")


class Unusable(Exception):
    """Why nothing can be exported, in one sentence."""


@dataclass(frozen=True)
class AppTable:
    """Rows in order of id, the columns they have, and the columns left out because they may hold a secret."""

    rows: list[Row]
    columns: list[str]
    left_out: list[str]


def read_app(db: Path, tables: Iterable[str]) -> dict[str, AppTable]:
    """The named tables of the file, all as of one moment, with whatever columns they have.

    Values keep SQLite's type; a blob comes as hexadecimal text. Names of columns come in lower case, as SQLite does not
    tell them apart by case. A column whose name speaks of a SECRET (`api_key`, `refreshToken`) is never read: the app
    has none in these tables, but a later version's must not leak.

    Raises:
        Unusable: when there is no such file, it is no SQLite file or locked, or lacks a table, an id column or ids.
        OSError: when the file may not be read.
    """
    if not db.is_file():
        raise Unusable(f"there is no file {db}")
    at_rest, changed_at = _is_wal_at_rest(db), db.stat().st_mtime_ns
    try:
        with closing(_connect(db, at_rest)) as app:
            app.execute("BEGIN")
            named = app.execute("SELECT lower(name) FROM sqlite_master WHERE type IN ('table', 'view')")
            there = {name for (name,) in named}
            if lacking := [table for table in tables if table not in there]:
                raise Unusable(f"{db} is not the app's file: it has no table {', '.join(lacking)}")
            found = {table: _read(app, table) for table in tables}
    except sqlite3.Error as error:
        raise Unusable(_why(db, error)) from error
    if at_rest and (not _is_wal_at_rest(db) or db.stat().st_mtime_ns != changed_at):
        raise Unusable(f"the app opened {db} while it was being read: export it again")
    return found


def _is_wal_at_rest(db: Path) -> bool:
    """Whether the file is in write-ahead mode (byte 18 of its header) and no program has it open."""
    with db.open("rb") as file:
        header = file.read(20)
    return header[18:19] == b"\x02" and not db.resolve().with_name(f"{db.resolve().name}-wal").exists()


def _connect(db: Path, at_rest: bool) -> sqlite3.Connection:
    # Even a read-only connection leaves -wal and -shm files beside a write-ahead file at rest, unless told that nobody
    # writes to it; read_app checks afterwards that nobody did.
    uri = f"{db.resolve().as_uri()}?mode=ro{'&immutable=1' if at_rest else ''}"
    app = sqlite3.connect(uri, uri=True, timeout=PATIENCE_SECONDS, isolation_level=None)
    app.text_factory = lambda raw: raw.decode(errors="backslashreplace")
    return app


def _read(app: sqlite3.Connection, table: str) -> AppTable:
    columns = [name for (name,) in app.execute("SELECT name FROM pragma_table_info(?)", (table,))]
    if "id" not in [name.lower() for name in columns]:
        raise Unusable(f"the app's table {table} has no column id")
    left_out = [name for name in columns if SECRET.search(CAMEL.sub("_", name).lower())]
    kept = [name for name in columns if name not in left_out]
    quoted = ", ".join('"' + name.replace('"', '""') + '"' for name in kept)
    found = app.execute(f"SELECT {quoted} FROM {table} ORDER BY id")
    names = [name.lower() for name in kept]
    rows = [dict(zip(names, map(_value, values), strict=True)) for values in found]
    ids = {str(row["id"]) for row in rows if row["id"] is not None}
    if len(ids) < len(rows):
        raise Unusable(f"the app's table {table} has a row without an id, or two rows with the same")
    return AppTable(rows, names, left_out)


def _value(value: Value | bytes) -> Value:
    return value.hex() if isinstance(value, bytes) else value


def _why(db: Path, error: sqlite3.Error) -> str:
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF
    if code == sqlite3.SQLITE_NOTADB:
        return f"{db} is not an SQLite file"
    if code in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
        return f"{db} is locked by another program: close the app, or export again later"
    if code == sqlite3.SQLITE_READONLY:
        return f"{db} was left half written by a crash: open the app once, then export again"
    return f"cannot read {db}: {error}"
