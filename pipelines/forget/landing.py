"""One student's rows out of Parquet files. No Spark."""

from __future__ import annotations

import re
from collections.abc import Iterable
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


def ids_of(table: pa.Table, owner: str, student: str) -> set[str]:
    """The ids of the rows whose column `owner` names the student."""
    if owner not in table.column_names or "id" not in table.column_names:
        return set()
    pairs = zip(table["id"].to_pylist(), table[owner].to_pylist(), strict=True)
    return {found for key, whose in pairs if same_id(whose) == student and (found := same_id(key))}


def without(path: Path, table: pa.Table, column: str, values: Iterable[str]) -> tuple[Path, int] | None:
    """Write a file anew beside itself without the rows whose `column` is one of `values`.

    Args:
        path: the file.
        table: its rows.
        column: which may be missing.
        values: ids in their normal form.

    Returns:
        The new file, which has yet to take the old one's place, and the number of rows it lacks; None when the file
        holds no such row.
    """
    gone = set(values)
    if column not in table.column_names or not gone:
        return None
    stays = pa.array([same_id(value) not in gone for value in table[column].to_pylist()], pa.bool_())
    kept = table.filter(stays)
    if len(kept) == len(table):
        return None
    fresh = path.with_name(f".{path.name}.forget")
    pq.write_table(kept, fresh, compression="zstd")
    return fresh, len(table) - len(kept)
