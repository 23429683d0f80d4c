"""The app's SQLite file into the landing folder: what is new or changed since the user's last export."""

import re
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import NamedTuple
from urllib.parse import quote

import pyarrow as pa
import pyarrow.parquet as pq

from data_gen.raw import RAW_COLUMNS, RawRows, moment, raw_rows
from data_gen.sqlite import Row, Unusable, Value, read_app
from data_gen.write import files_of

NAMED_IN_REPORT = 5
A_FEW, A_SMALL_SHARE = 3, 0.05
"""Rows of wrong times that no arrival date is doubted for: as many as ingest bears with."""


class EarlierFile(NamedTuple):
    """A file of an earlier export; `arrived` is the ISO date of its folder, empty for a backfill."""

    number: int
    arrived: str
    path: Path


@dataclass(frozen=True)
class Difference:
    """What an export finds in a table: rows to export, how many need not be, and raw ids that the app has no more."""

    new: list[Row]
    changed: list[Row]
    unchanged: int
    gone: list[str]

    @property
    def rows(self) -> list[Row]:
        """What there is to export."""
        return self.new + self.changed


@dataclass(frozen=True)
class Exported:
    """What became of a table.

    Attributes:
        table: one of the seven raw tables.
        difference: what was found.
        file: the file within the landing folder, None when none was written.
        missing: raw columns that the app does not have, exported as nulls.
        left_out: columns of the app that may hold secrets.
        late: ids of rows that happened after their arrival.
    """

    table: str
    difference: Difference
    file: Path | None
    missing: list[str]
    left_out: list[str]
    late: list[str]


def export(db: Path, user_id: str, out: Path, arrived: date | None = None) -> list[Exported]:
    """Add to the landing folder `out` what it does not hold yet of this user's app.

    Files are `<table>/user-<user>-<k>.parquet`, or `<table>/arrived=<date>/user-<user>-<k>.parquet` with `arrived`; k
    counts the user's files of the table, and what is awkward in a file name is percent-encoded. A first export writes
    all seven tables, even empty ones: a first load wants them all. The files appear together at the end.

    Raises:
        Unusable: when the app's file or an earlier export cannot be used, `arrived` is before an earlier export's or
            before what many rows tell of, or `out` has another user of that name.
        OSError: when a file cannot be read or written.
    """
    app = read_app(db, RAW_COLUMNS)
    _refuse_another_of_that_name(out, user_id)
    earlier = {table: _earlier_files(out / table, user_id) for table in RAW_COLUMNS}
    _refuse_a_day_to_come(arrived)
    _refuse_to_go_back(arrived, earlier.values())
    before = {table: _newest(files) for table, files in earlier.items()}
    exported, content = [], {}
    for table, rows in raw_rows(app, user_id, before).items():
        columns = RAW_COLUMNS[table].split()
        found, file = difference(before[table], rows), None
        if found.rows or not earlier[table]:
            number = max((earlier_file.number for earlier_file in earlier[table]), default=0) + 1
            folder = Path(table, f"arrived={arrived}") if arrived else Path(table)
            file = folder / f"{_stem(user_id)}-{number}.parquet"
            content[out / file] = _arrow(found.rows, columns)
        missing = [name for name in columns if name not in (*app[table].columns, "user_id")]
        late = [str(row["id"]) for row in found.rows if arrived and _is_late(row, columns, arrived)]
        exported.append(Exported(table, found, file, missing, app[table].left_out, late))
    _refuse_before_its_time(arrived, exported)
    _write(content)
    return exported


def difference(before: RawRows, now: RawRows) -> Difference:
    """How the rows differ from those exported before."""
    new = [row for key, row in now.items() if key not in before]
    known = [key for key in now if key in before]
    changed = [now[key] for key in known if _content(now[key]) != _content(before[key])]
    return Difference(new, changed, len(known) - len(changed), [key for key in before if key not in now])


def report(exported: list[Exported]) -> str:
    """What an export did: a line a table, then what a reader may not expect."""
    lines, remarks = [], []
    for table in exported:
        found = table.difference
        counts = f"{len(found.new):>8,} new {len(found.changed):>8,} changed {found.unchanged:>8,} unchanged"
        lines.append(f"{table.table:<20}{counts}   {table.file or ''}".rstrip())
        if found.gone:
            remarks.append(f"{table.table}: no longer in the app, still in the landing folder: {_some(found.gone)}")
        if table.late:
            remarks.append(f"{table.table}: happened after --arrived, ingest will set aside: {_some(table.late)}")
        if table.missing:
            remarks.append(f"{table.table}: the app has no {', '.join(table.missing)}, exported as null")
        if table.left_out:
            remarks.append(f"{table.table}: {', '.join(table.left_out)} left out, may hold a secret")
    if not any(table.file for table in exported):
        remarks.append("nothing changed since the last export, no file written")
    return "\n".join(f"  {line}" for line in lines + remarks)


def _some(ids: list[str]) -> str:
    """How many they are, and the first of them."""
    return f"{len(ids):,} ({', '.join(ids[:NAMED_IN_REPORT])}{', ...' if len(ids) > NAMED_IN_REPORT else ''})"


def _stem(user_id: str) -> str:
    return f"user-{quote(user_id, safe='@')}"


def _earlier_files(folder: Path, user_id: str) -> list[EarlierFile]:
    """The user's files of one table, oldest first."""
    name = re.compile(re.escape(_stem(user_id)) + r"-([0-9]+)\.parquet")
    paths = [*folder.glob("*.parquet"), *folder.glob("arrived=*/*.parquet")]
    matched = [(name.fullmatch(path.name), path) for path in paths]
    return sorted(EarlierFile(int(m[1]), path.parent.name.partition("arrived=")[2], path) for m, path in matched if m)


def _refuse_a_day_to_come(arrived: date | None) -> None:
    """Ingest sets such a batch aside, and later exports would have to arrive after it; a day is left for time zones."""
    if arrived and arrived > datetime.now(UTC).date() + timedelta(days=1):
        raise Unusable(f"--arrived {arrived} is yet to come: give the day on which the export is made")


def _refuse_to_go_back(arrived: date | None, earlier: Iterable[list[EarlierFile]]) -> None:
    """The version of a row that arrived last counts: what is exported later may not seem to have arrived before."""
    last = max((file.arrived for files in earlier for file in files), default="")
    if (arrived.isoformat() if arrived else "") < last:
        asked = f"arrive on {arrived}" if arrived else "be a backfill"
        raise Unusable(
            f"an earlier export arrived on {last}, so this one cannot {asked}: give --arrived {last} or later"
        )


def _refuse_another_of_that_name(out: Path, user_id: str) -> None:
    """Whatever files name the user but exports of this user: two people would become one student."""
    for table in (name for name, columns in RAW_COLUMNS.items() if "user_id" in columns.split()):
        mine = {file.path for file in _earlier_files(out / table, user_id)}
        for path in sorted(files_of(out, table) - mine):
            # What cannot be read, ingest will name.
            with suppress(pa.ArrowException, OSError, KeyError):
                names = pq.ParquetFile(path).read(["user_id"])["user_id"].unique().drop_null().to_pylist()
                if _as_silver_knows(user_id) in map(_as_silver_knows, names):
                    raise Unusable(f"{path} holds another user {user_id}: choose another --user-id, or another --out")


def _as_silver_knows(user: Value) -> str:
    """A user's id without what silver takes away: NUL bytes, space around it, the fraction of a whole number."""
    return re.sub(r"^(-?[0-9]+)\.0+$", r"\1", str(user).replace("\x00", "").strip())


def _is_late(row: Row, columns: list[str], arrived: date) -> bool:
    """Whether silver will say of a row that it happened after its arrival; when it was updated, silver does not ask."""
    latest = datetime.combine(arrived + timedelta(days=2), time(), UTC)
    told = [moment(row.get(name)) for name in columns if name.endswith("_at") and name != "updated_at"]
    return any(isinstance(at, datetime) and at > latest for at in told)


def _refuse_before_its_time(arrived: date | None, exported: list[Exported]) -> None:
    """What arrived before it happened will be set aside and never be exported again; a few wrong times, of all rows and
    of each table's, are left to the rules of silver.
    """
    rows = sum(len(table.difference.rows) for table in exported)
    late = [f"{table.table} {name}" for table in exported for name in table.late]
    told = [(len(late), rows), *[(len(table.late), len(table.difference.rows)) for table in exported]]
    if any(wrong > max(A_FEW, A_SMALL_SHARE * of) for wrong, of in told):
        raise Unusable(
            f"{len(late):,} of the {rows:,} rows to be exported happened after --arrived {arrived}, such as {late[0]}: "
            "give the day on which the export is made"
        )


def _newest(files: list[EarlierFile]) -> RawRows:
    """The newest exported version of each row."""
    rows: RawRows = {}
    for file in files:
        try:
            rows |= {row["id"]: row for row in pq.ParquetFile(file.path).read().to_pylist()}
        except (pa.ArrowException, OSError, KeyError) as error:
            raise Unusable(f"the earlier export {file.path} cannot be read: move it away and export again") from error
    return rows


def _content(row: Row) -> dict[str, str]:
    """A row as bronze takes it: values as text, and an absent column as good as a null."""
    return {name: str(value) for name, value in row.items() if value is not None}


def _arrow(rows: list[Row], columns: list[str]) -> pa.Table:
    """The rows as a table; `columns` are those of no rows."""
    return pa.table({name: _array([row[name] for row in rows]) for name in (rows[0] if rows else columns)})


def _array(values: list[Value]) -> pa.Array:
    """Whole numbers, fractions or text; mixed kinds and nothing but nulls are text."""
    kinds = {type(value) for value in values if value is not None}
    if kinds in ({int}, {float}):
        return pa.array(values)
    return pa.array([None if value is None else str(value) for value in values], pa.string())


def _write(content: dict[Path, pa.Table]) -> None:
    """Write files under hidden names, then give them their own; after an error none is half there."""
    hidden = {path: path.with_name(f".{path.name}.unfinished") for path in content}
    try:
        for path, table in content.items():
            path.parent.mkdir(parents=True, exist_ok=True)
            pq.write_table(table, hidden[path], compression="zstd")
        for path, unfinished in hidden.items():
            unfinished.replace(path)
    except BaseException:
        for unfinished in hidden.values():
            with suppress(OSError):
                unfinished.unlink()
        raise
