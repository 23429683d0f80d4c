"""Looking up: the joins behind a training set, pure functions."""

from __future__ import annotations

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

from features.store.spec import Function, Lookup


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

    A feature row is valid until the next one of its key. With a lookback, a row older than that many whole seconds
    counts as none, as Databricks' client counts them; a lookback of 0 takes rows of the very time alone.
    """
    until = F.lead(lookup.time).over(Window.partitionBy(*lookup.keys).orderBy(lookup.time))
    right = features.select(
        *_keys(lookup), F.col(lookup.time).alias("_from"), until.alias("_until"), *_named(wanted)
    )  # fmt: skip
    moment = F.col(lookup.lookup_time)
    valid = (moment >= F.col("_from")) & (F.col("_until").isNull() | (moment < F.col("_until")))
    if lookup.lookback_seconds == 0:
        valid &= moment == F.col("_from")
    elif lookup.lookback_seconds is not None:
        valid &= F.unix_timestamp(moment) - F.unix_timestamp("_from") <= lookup.lookback_seconds
    joined = frame.join(right, [*_same(lookup), valid], "left")
    return joined.drop("_from", "_until", *_key_names(lookup))


def compute(frame: DataFrame, function: Function) -> DataFrame:
    """The frame with an SQL function of its columns beside each row; left as it is where it holds the output."""
    if function.output in frame.columns:
        return frame
    bound = ", ".join(f"{name} => `{column}`" for name, column in function.bindings.items())
    return frame.withColumn(function.output, F.expr(f"{function.name}({bound})"))


def _join(frame: DataFrame, features: DataFrame, lookup: Lookup, wanted: dict[str, str]) -> DataFrame:
    right = features.select(*_keys(lookup), *_named(wanted))
    return frame.join(right, _same(lookup), "left").drop(*_key_names(lookup))


def _keys(lookup: Lookup) -> list[Column]:
    return [F.col(key).alias(f"_key_{n}") for n, key in enumerate(lookup.keys)]


def _key_names(lookup: Lookup) -> list[str]:
    return [f"_key_{n}" for n in range(len(lookup.keys))]


def _same(lookup: Lookup) -> list[Column]:
    return [F.col(key) == F.col(f"_key_{n}") for n, key in enumerate(lookup.lookup_keys)]


def _named(wanted: dict[str, str]) -> list[Column]:
    return [F.col(f"`{name}`").alias(output) for name, output in wanted.items()]
