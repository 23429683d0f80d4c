"""Files whose columns are named, ordered or typed unlike the day before, and files that are none."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone
from io import BytesIO
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

Reshape = Callable[[pa.Table], pa.Table]


@dataclass(frozen=True)
class Drift:
    """Good rows in a file of another shape; `telling`: columns whose values must come through all the same."""

    kind: str
    table: str
    reshape: Reshape
    telling: tuple[str, ...] = ()


def _renamed(old: str, new: str) -> Reshape:
    return lambda rows: rows.rename_columns([new if name == old else name for name in rows.column_names])


def _with(name: str, value: str | int) -> Reshape:
    return lambda rows: rows.append_column(name, pa.array([value] * len(rows)))


def _without(name: str) -> Reshape:
    return lambda rows: rows.drop_columns([name])


def _backwards(rows: pa.Table) -> pa.Table:
    return rows.select(rows.column_names[::-1])


def _retyped(columns: tuple[str, ...], kind: pa.DataType, change: Callable[[Any], object]) -> Reshape:
    def reshape(rows: pa.Table) -> pa.Table:
        for name in columns:
            values = [None if value is None else change(value) for value in rows[name].to_pylist()]
            rows = rows.set_column(rows.column_names.index(name), name, pa.array(values, kind))
        return rows

    return reshape


def _ids(table: str, columns: str, kind: pa.DataType, change: Callable[[int], object]) -> Drift:
    return Drift("other_types", table, _retyped(("id", *columns.split()), kind, change), tuple(columns.split()))


def _times(table: str, columns: str, kind: pa.DataType, change: Callable[[datetime], object]) -> Drift:
    def from_text(text: str) -> object:
        return change(datetime.fromisoformat(text))

    return Drift("other_types", table, _retyped(tuple(columns.split()), kind, from_text), tuple(columns.split()))


def _in_utc(moment: datetime) -> datetime:
    return moment.replace(tzinfo=UTC)


def _with_z(moment: datetime) -> str:
    return f"{moment.isoformat()}Z"


def _two_hours_east(moment: datetime) -> str:
    return _in_utc(moment).astimezone(timezone(timedelta(hours=2))).isoformat()


def _with_milliseconds(moment: datetime) -> str:
    return moment.isoformat(timespec="milliseconds")


def _as_it_is(moment: datetime) -> datetime:
    return moment


DRIFTS = (
    Drift("renamed_column", "messages", _renamed("audio_path", "audio")),
    Drift("renamed_column", "assessment_attempts", _renamed("answers_json", "answers")),
    Drift("added_column", "messages", _with("mood", "cheerful")),
    Drift("added_column", "conversations", _with("app_version", 7)),
    Drift("missing_column", "messages", _without("audio_path")),
    Drift("missing_column", "conversations", _without("updated_at")),
    Drift("missing_column", "assessment_attempts", _without("recommended_level")),
    Drift("reordered_columns", "messages", _backwards),
    Drift("reordered_columns", "assessment_attempts", _backwards),
    _ids("conversations", "user_id", pa.int32(), int),
    _ids("messages", "conversation_id", pa.string(), str),
    _ids("assessment_attempts", "user_id assessment_id", pa.float64(), float),
    _times("conversations", "created_at", pa.timestamp("us"), _as_it_is),
    _times("messages", "created_at", pa.timestamp("ns"), _as_it_is),
    _times("assessment_attempts", "started_at completed_at", pa.timestamp("us", "UTC"), _in_utc),
    _times("messages", "created_at", pa.string(), _with_z),
    _times("conversations", "created_at", pa.string(), _two_hours_east),
    _times("assessment_attempts", "started_at completed_at", pa.string(), _with_milliseconds),
)


def parquet(rows: pa.Table) -> bytes:
    """The rows as a Parquet file."""
    file = BytesIO()
    pq.write_table(rows, file)
    return file.getvalue()


def _cut_in_half(file: bytes) -> bytes:
    return file[: len(file) // 2]


def _text(file: bytes) -> bytes:
    return b"id,created_at\n1,2024-12-24T08:00:00\n"


def _nothing(file: bytes) -> bytes:
    return b""


def _scrambled(file: bytes) -> bytes:
    """The footer is whole, the pages of the first column are not."""
    column = pq.read_metadata(BytesIO(file)).row_group(0).column(0)
    start = column.dictionary_page_offset or column.data_page_offset
    end = start + column.total_compressed_size
    return file[:start] + b"\xff" * (end - start) + file[end:]


DAMAGES: tuple[Callable[[bytes], bytes], ...] = (_cut_in_half, _text, _nothing, _scrambled)
