"""Looking up: the joins behind a training set, pure functions."""

from __future__ import annotations

from collections.abc import Callable
from functools import reduce
from operator import and_
from typing import TYPE_CHECKING

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F
from pyspark.sql.types import StructField, StructType

from features.store.spec import Function, Lookup

if TYPE_CHECKING:
    import pyarrow as pa

BUCKETS = 16
"""Parts that an as-of join is done in; a worker holds one at a time."""


def look_up(frame: DataFrame, features: DataFrame, lookup: Lookup) -> DataFrame:
    """The frame with a lookup's features beside each row; a feature that the frame holds already is left as it is.

    Args:
        frame: holds the columns that the lookup needs.
        features: the feature table, unique by its keys and time.
        lookup: which columns meet which.
    """
    wanted = {name: output for name, output in lookup.outputs.items() if output not in frame.columns}
    if not wanted:
        return frame
    return as_of_join(frame, features, lookup, wanted) if lookup.time else _join(frame, features, lookup, wanted)


def as_of_join(frame: DataFrame, features: DataFrame, lookup: Lookup, wanted: dict[str, str]) -> DataFrame:
    """Each row of the frame with the newest feature row at or before its time, whole; nulls where there is none.

    Rows meet in buckets of their keys' hash, each joined by Arrow's as-of join: no interval of a feature row and no
    pair of a label and an older row is ever made. With a lookback, a row older than that many whole seconds counts as
    none, as Databricks' client counts them; a lookback of 0 takes rows of the very time alone.
    """
    output = StructType(
        [*frame.schema.fields, *(StructField(wanted[name], features.schema[name].dataType) for name in wanted)]
    )
    whole = " AND ".join(f"`{name}` IS NOT NULL" for name in (*lookup.keys, lookup.time))
    asked = frame.select(*_placed(lookup.lookup_keys, lookup.lookup_time), "*")
    known = features.where(whole).select(*_placed(lookup.keys, lookup.time), *_named(wanted))
    find = _finder(len(lookup.keys), lookup.lookback_seconds)
    return asked.groupBy("_bucket").cogroup(known.groupBy("_bucket")).applyInArrow(find, output)


def compute(frame: DataFrame, function: Function) -> DataFrame:
    """The frame with an SQL function of its columns beside each row; left as it is where it holds the output."""
    if function.output in frame.columns:
        return frame
    bound = ", ".join(f"{name} => `{column}`" for name, column in function.bindings.items())
    return frame.withColumn(function.output, F.expr(f"{function.name}({bound})"))


def _join(frame: DataFrame, features: DataFrame, lookup: Lookup, wanted: dict[str, str]) -> DataFrame:
    keys = {key: f"_key_{n}" for n, key in enumerate(lookup.keys)}
    right = features.select(*[F.col(f"`{key}`").alias(name) for key, name in keys.items()], *_named(wanted))
    same = [F.col(f"`{mine}`") == F.col(name) for mine, name in zip(lookup.lookup_keys, keys.values(), strict=True)]
    return frame.join(right, same, "left").drop(*keys.values())


def _named(wanted: dict[str, str]) -> list[Column]:
    return [F.col(f"`{name}`").alias(output) for name, output in wanted.items()]


def _placed(keys: tuple[str, ...], time: str) -> list[Column]:
    """What a row is found by: the bucket, the moment in microseconds, the keys; no moment where a key is null.

    Arrow's join takes a null among several keys for a value; a row without a moment finds nothing.
    """
    columns = [F.col(f"`{key}`") for key in keys]
    whole = reduce(and_, [column.isNotNull() for column in columns])
    return [
        F.pmod(F.xxhash64(*columns), F.lit(BUCKETS)).cast("int").alias("_bucket"),
        F.when(whole, F.unix_micros(F.col(f"`{time}`").cast("timestamp"))).alias("_moment"),
        *[column.alias(f"_key_{n}") for n, column in enumerate(columns)],
    ]


def _finder(keys: int, lookback: float | None) -> Callable[[pa.Table, pa.Table], pa.Table]:
    """The join of one bucket, from both sides as `_placed` puts them; it travels to the workers."""
    by = [f"_key_{n}" for n in range(keys)]
    first = 2 + keys

    def find(asked: pa.Table, known: pa.Table) -> pa.Table:
        import pyarrow as pa
        import pyarrow.compute as pc

        own, wanted = asked.column_names[first:], known.column_names[first:]
        never = pc.min(known["_moment"]).as_py() if len(known) else None
        if never is None or not len(asked):
            nothing = [pa.nulls(len(asked), known.schema.field(name).type) for name in wanted]
            return pa.Table.from_arrays([*asked.select(own).columns, *nothing], names=[*own, *wanted])
        left = _numbered(asked, by, "_row", never - 1)
        right = _numbered(known, by, "_found", never - 1)
        span = max(pc.max(left["_moment"]).as_py(), pc.max(right["_moment"]).as_py()) - never + 1
        met = left.join_asof(right, on="_moment", by=by, tolerance=-span)
        rows, found = met["_row"], met["_found"]
        if lookback is not None:
            old = _too_old(met["_moment"], known["_moment"].take(found), lookback)
            found = pc.if_else(old, pa.scalar(None, pa.int64()), found)
        columns = [*asked.select(own).take(rows).columns, *known.select(wanted).take(found).columns]
        return pa.Table.from_arrays(columns, names=[*own, *wanted])

    return find


def _numbered(side: pa.Table, by: list[str], name: str, never: int) -> pa.Table:
    """Moments, keys and row numbers in order of time; a row without a time lies before every feature."""
    import numpy as np
    import pyarrow as pa

    moments = side["_moment"].fill_null(never)
    rows = pa.array(np.arange(len(side), dtype=np.int64))
    columns = [moments, *(side[key] for key in by), rows]
    return pa.Table.from_arrays(columns, names=["_moment", *by, name]).sort_by("_moment")


def _too_old(asked: pa.ChunkedArray, known: pa.ChunkedArray, lookback: float) -> pa.ChunkedArray:
    import pyarrow.compute as pc

    if not lookback:
        return pc.not_equal(asked, known)
    seconds = [pc.floor(pc.divide(side.cast("double"), 1e6)) for side in (asked, known)]
    return pc.greater(pc.subtract(*seconds), lookback)
