"""Looking up: the joins behind a training set, pure functions."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import reduce
from typing import TYPE_CHECKING, NamedTuple

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F
from pyspark.sql.types import StructField, StructType

from features.store.spec import Function, Lookup

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa

BUCKETS = 8
"""Parts that an as-of join is done in, by the hash of the keys; a worker holds one at a time."""
SENT_VALUES = 5_000_000
"""Of how many values at most a frame is sent to every worker, so that a table need not travel to meet it."""
SECOND = 1_000_000

Table = Callable[[str], DataFrame]


class Moment(NamedTuple):
    """The one time that all rows of a frame ask for, as the frame and the feature tables were when it was looked at.

    Attributes:
        time: as text.
        met: whether every row has a feature row of that very time, in each table that is looked up by it.
        rows: how many the frame has.
    """

    time: str
    met: bool
    rows: int


def look_up(
    frame: DataFrame, features: DataFrame, lookup: Lookup, moments: Mapping[str, Moment] | None = None
) -> DataFrame:
    """The frame with a lookup's features beside each row; a feature that the frame holds already is left as it is.

    Args:
        frame: holds the columns that the lookup needs.
        features: the feature table, unique by its keys and time.
        lookup: which columns meet which.
        moments: see `single_moments`.
    """
    wanted = lookup.wanted(frame.columns)
    if not wanted:
        return frame
    if not lookup.time:
        return _join(frame, features, lookup.pairs, wanted)
    if not moments or lookup.lookup_time not in moments or lookup.lookback_seconds is not None:
        return as_of_join(frame, features, lookup, wanted)
    moment = moments[lookup.lookup_time]
    time, asked = _times(features, lookup, moment.time)
    if moment.met:
        # No row is lost by an inner join then, and of two sides of such a join either may be sent to the workers.
        return _join(_sent(frame, moment.rows), features.where(time == asked), lookup.pairs, wanted, "inner")
    return _join_newest(frame, features.where(time <= asked), lookup, wanted)


def single_moments(frame: DataFrame, lookups: Iterable[Lookup], table: Table) -> dict[str, Moment]:
    """The times by which lookups of any age will look in a frame that hold one value in every row. Costs a query, and
    one more for such a time; none when no lookup has use for it.

    Args:
        frame: rows to look up for, with no feature beside them yet.
        lookups: what will be looked up.
        table: a feature table's rows by name.
    """
    held = frame.columns
    asked = [one for one in lookups if one.lookback_seconds is None and one.wanted(held) and one.lookup_time in held]
    times = {lookup.lookup_time for lookup in asked}
    if not times:
        return {}
    bounds = [F.array(F.min(f"`{name}`"), F.max(f"`{name}`")).cast("array<string>").alias(name) for name in times]
    filled = [F.count(F.col(f"`{name}`")).alias(f"_filled_{name}") for name in times]
    seen = frame.agg(F.count("*").alias("_rows"), *bounds, *filled).collect()[0]
    found = {}
    for name in times:
        first, last = seen[name]
        if seen[f"_filled_{name}"] == seen["_rows"] and first is not None and first == last:
            ours = [lookup for lookup in asked if lookup.lookup_time == name]
            found[name] = Moment(first, _met(frame, seen["_rows"], first, ours, table), seen["_rows"])
    return found


def as_of_join(frame: DataFrame, features: DataFrame, lookup: Lookup, wanted: dict[str, str]) -> DataFrame:
    """Each row of the frame with the newest feature row at or before its time, whole; nulls where there is none.

    Rows of both sides travel in one frame, in buckets of their keys' hash; a bucket is put in order once, and the last
    feature row before each label is its answer: no interval of a feature row and no pair of a label and an older row
    is ever made. With a lookback, a row older than that many whole seconds counts as none, as Databricks' client
    counts them; a lookback of 0 takes rows of the very time alone.
    """
    output = StructType(
        [*frame.schema.fields, *(StructField(wanted[name], features.schema[name].dataType) for name in wanted)]
    )
    mine, theirs = (*lookup.lookup_keys, lookup.lookup_time), (*lookup.keys, lookup.time)
    whole = " AND ".join(f"`{name}` IS NOT NULL" for name in theirs)
    places = [F.col(f"`{name}`").alias(place) for place, name in zip(mine, theirs, strict=True)]
    known = features.where(whole).select(F.lit(False).alias("_asks"), *places, *_named(wanted))
    both = frame.select(F.lit(True).alias("_asks"), "*").unionByName(known, allowMissingColumns=True)
    of_keys = both.repartition(BUCKETS, *[F.col(f"`{key}`") for key in lookup.lookup_keys])
    return of_keys.mapInArrow(_finder(lookup, frame.columns, list(wanted.values())), output)


def compute(frame: DataFrame, function: Function) -> DataFrame:
    """The frame with an SQL function of its columns beside each row; left as it is where it holds the output."""
    if function.output in frame.columns:
        return frame
    bound = ", ".join(f"{name} => `{column}`" for name, column in function.bindings.items())
    return frame.withColumn(function.output, F.expr(f"{function.name}({bound})"))


def _met(frame: DataFrame, rows: int, moment: str, lookups: list[Lookup], table: Table) -> bool:
    """Whether each of so many rows has a feature row of the very moment for every lookup; no where that cannot be told
    yet, since a key is a feature itself.
    """
    if any(key not in frame.columns for lookup in lookups for key in lookup.lookup_keys):
        return False
    found = []
    for lookup in lookups:
        features = table(lookup.table)
        time, asked = _times(features, lookup, moment)
        keys = frame.select(*[F.col(f"`{key}`") for key in lookup.pairs])
        of_then = features.where(time == asked)
        found.append(_join(_sent(keys, rows), of_then, lookup.pairs, {}, "inner").select(F.lit(1)))
    return reduce(DataFrame.unionAll, found).count() == rows * len(found)


def _sent(frame: DataFrame, rows: int) -> DataFrame:
    """A frame of so many rows, to be sent to every worker unless it is large."""
    return F.broadcast(frame) if rows * len(frame.columns) <= SENT_VALUES else frame


def _times(features: DataFrame, lookup: Lookup, moment: str) -> tuple[Column, Column]:
    """A feature table's time, and a moment of its type."""
    return F.col(f"`{lookup.time}`"), F.lit(moment).cast(features.schema[lookup.time].dataType)


def _join_newest(frame: DataFrame, known: DataFrame, lookup: Lookup, wanted: dict[str, str]) -> DataFrame:
    """The as-of join of a frame that asks for one moment: which row is newest is found by keys and times alone, and
    none travels to Python. Spark reads every row that was known.
    """
    newest = known.groupBy(*[F.col(f"`{key}`") for key in lookup.keys]).agg(F.max(f"`{lookup.time}`").alias("_newest"))
    told = _join(frame, newest, lookup.pairs, {"_newest": "_newest"})
    return _join(told, known, lookup.pairs | {"_newest": lookup.time}, wanted).drop("_newest")


def _join(
    frame: DataFrame, features: DataFrame, keys: dict[str, str], wanted: dict[str, str], how: str = "left"
) -> DataFrame:
    """Each row of the frame with the feature row of its keys, by column of the frame; nulls where there is none."""
    places = {key: f"_key_{n}" for n, key in enumerate(keys.values())}
    right = features.select(*[F.col(f"`{key}`").alias(place) for key, place in places.items()], *_named(wanted))
    same = [F.col(f"`{mine}`") == F.col(places[key]) for mine, key in keys.items()]
    return frame.join(right, same, how).drop(*places.values())


def _named(wanted: dict[str, str]) -> list[Column]:
    return [F.col(f"`{name}`").alias(output) for name, output in wanted.items()]


def _finder(
    lookup: Lookup, own: list[str], wanted: list[str]
) -> Callable[[Iterator[pa.RecordBatch]], Iterator[pa.RecordBatch]]:
    """The join of one bucket, which holds the rows of both sides; it travels to the workers."""
    keys, time, lookback = lookup.lookup_keys, lookup.lookup_time, lookup.lookback_seconds

    def find(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        import pyarrow as pa

        held = list(batches)
        if not held:
            return
        both = pa.Table.from_batches(held)
        rows, found = _newest(both, keys, time, lookback)
        given = both.select(wanted).take(pa.array(found, mask=found < 0))
        yield from pa.Table.from_arrays(
            [*both.select(own).take(pa.array(rows)).columns, *given.columns], names=[*own, *wanted]
        ).to_batches()

    return find


def _newest(
    both: pa.Table, keys: tuple[str, ...], time: str | None, lookback: float | None
) -> tuple[np.ndarray, np.ndarray]:
    """Row numbers of the labels, and beside each that of the feature row it finds, -1 for none.

    In order of key, time and side (features first) a label's answer is the last feature row above it of its own key.
    """
    import numpy as np

    asks, group, moment = both["_asks"].to_numpy(), _groups(both, keys), _moments(both[time])
    order = np.lexsort((asks, moment, group))
    last = np.where(asks[order], -1, np.arange(len(order)))
    np.maximum.accumulate(last, out=last)
    label, feature = order[asks[order]], order[last[asks[order]]]
    there = (last[asks[order]] >= 0) & (group[feature] == group[label])
    if lookback == 0:
        there &= moment[feature] == moment[label]
    elif lookback is not None:
        there &= moment[label] // SECOND - moment[feature] // SECOND <= lookback
    return label, np.where(there, feature, -1)


def _groups(both: pa.Table, keys: tuple[str, ...]) -> np.ndarray:
    """A number for each combination of keys; a null has a number that no feature row has."""
    import numpy as np

    group = np.zeros(len(both), dtype=np.int64)
    for key in keys:
        parts = both[key].dictionary_encode().unify_dictionaries().chunks
        codes = np.concatenate([part.indices.fill_null(-1).to_numpy(zero_copy_only=False) for part in parts])
        group = group * (codes.max() + 2) + codes + 1
    return group


def _moments(times: pa.ChunkedArray) -> np.ndarray:
    """Microseconds since 1970; before all others where there is no time."""
    import numpy as np
    import pyarrow as pa

    zone = times.type.tz if pa.types.is_timestamp(times.type) else None
    moments = times.cast(pa.timestamp("us", zone)).cast(pa.int64())
    return moments.fill_null(np.iinfo(np.int64).min).to_numpy()
