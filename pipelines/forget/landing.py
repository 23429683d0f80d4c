"""One student's rows out of Parquet files. No Spark."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from pipelines.silver.typed import SPACE, WHOLE


def same_id(value: object) -> str | None:
    """An id as silver knows it: text without NUL bytes and space around it, `12.0` as `12`."""
    if value is None:
        return None
    text = (value.decode(errors="replace") if isinstance(value, bytes) else str(value)).replace("\x00", "").strip(SPACE)
    return re.sub(WHOLE, r"\1", text) or None


def read(path: Path) -> pa.Table | None:
    """The rows of a file, or None when it cannot be searched: it is broken, or a column is there twice."""
    try:
        table = pq.ParquetFile(path).read()
    except (OSError, ValueError, pa.ArrowException):
        return None
    return table if len({*table.column_names}) == table.num_columns else None


def owners(table: pa.Table, owner: str) -> set[tuple[str, str]]:
    """The ids of the rows with whom the column `owner` names, in their normal form."""
    pairs = zip(_ids(table, "id"), _ids(table, owner), strict=True)
    return {(key, whose) for key, whose in pairs if key and whose}


def take_place(fresh: Path, place: Path) -> None:
    """Let a file that was written anew take the old one's place, without the checksum that Hadoop may have left beside
    that: by it Spark would refuse the new one.
    """
    place.with_name(f".{place.name}.crc").unlink(missing_ok=True)
    fresh.replace(place)


def without(path: Path, table: pa.Table, gone: Mapping[str, Collection[str]]) -> tuple[Path, int] | None:
    """Write a file anew beside itself without the rows in which a column has one of some ids.

    Args:
        path: the file.
        table: its rows.
        gone: ids in their normal form, by column; a column may be missing.

    Returns:
        The new file, which has yet to take the old one's place, and the number of rows it lacks; None when the file
        holds no such row.
    """
    goes = [[value in ids for value in _ids(table, column)] for column, ids in gone.items()]
    kept = table.filter(pa.array([not any(row) for row in zip(*goes, strict=True)], pa.bool_()))
    if len(kept) == len(table):
        return None
    fresh = path.with_name(f".{path.name}.forget")
    pq.write_table(kept, fresh, compression="zstd")
    return fresh, len(table) - len(kept)


def _ids(table: pa.Table, column: str) -> list[str | None]:
    """A column's values as ids; none of any row where the column is missing."""
    if column not in table.column_names:
        return [None] * len(table)
    values = table[column]
    if pa.types.is_string(values.type) or pa.types.is_large_string(values.type):
        values = values.cast(pa.large_binary())  # a text that is no UTF-8 is still in the file
    return [same_id(value) for value in values.to_pylist()]
