"""Random frames, feature tables and lookups, and what pandas makes of them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

import numpy as np
import pandas as pd
from databricks.feature_engineering import FeatureLookup
from pyspark.sql import DataFrame, SparkSession

from features.store.tables import FeatureTable
from tests.features.store.client import Tables

KINDS = {"score": "double", "steps": "int", "name": "string", "sure": "boolean"}
DEFAULTS: dict[str, Any] = {"score": -1.5, "steps": -7, "name": "nobody", "sure": True}
START = datetime(2024, 11, 4)


@dataclass(frozen=True)
class Case:
    """A frame to look up for, feature tables and lookups."""

    df: DataFrame
    lookups: list[FeatureLookup]
    labels: list[str]
    excluded: list[str]
    tables: Tables

    def rows(self, table: str) -> DataFrame:
        """A feature table's rows by name."""
        return self.tables[table][1]


def random_case(spark: SparkSession, seed: int) -> Case:
    """A valid case: one or two tables with one or two keys, over days or moments or without time, ties and nulls; half
    of them ask for one moment in every row.
    """
    random = np.random.default_rng(seed)
    dated = bool(random.random() < 0.5)
    names = ["features.first", "features.second"][: 1 + int(random.random() < 0.6)]
    tables = {name: _table(spark, random, name, dated) for name in names}
    time = "date" if dated else "timestamp"
    schema = f"row int, who string, group int, friend string, moment {time}, sent {time}, label int"
    rows = [
        (n, _who(random), _group(random), _who(random), _moment(random, dated), _moment(random, dated), n % 2)
        for n in range(30)
    ]
    if random.random() < 0.5:
        rows = _at_once(random, rows, *tables[names[0]])
    rows += [(30 + n, *row[1:]) for n, row in enumerate(rows[:5])]
    lookups = [lookup for n, name in enumerate(names) for lookup in _lookups(random, tables[name][0], n)]
    outputs = [lookup._get_output_name(name) for lookup in lookups for name in lookup.feature_names]
    excluded = [str(name) for name in random.choice(["group", "friend", *outputs], size=2)] * int(random.random() < 0.5)
    return Case(spark.createDataFrame(rows, schema), lookups, ["label"], sorted(set(excluded)), tables)


def by_pandas(case: Case) -> pd.DataFrame:
    """The case row by row: the newest feature row of the key that is not after the row's time and not too old."""
    frame = rows_of(case.df)
    made: dict[str, list[Any]] = {}
    for lookup in case.lookups:
        table, rows = case.tables[lookup.table_name]
        held = rows_of(rows).to_dict("records")
        find = _finder(held, table, lookup)
        for feature in lookup.feature_names or sorted(table.values):
            output = lookup._get_output_name(feature)
            values = [None if found is None else found[feature] for found in map(find, frame.to_dict("records"))]
            default = lookup.default_values.get(output)
            made[output] = [default if value is None else value for value in values]
    columns = [c for c in frame.columns if c not in case.labels] + list(made)
    whole = frame.assign(**{name: pd.Series(values, dtype=object) for name, values in made.items()})
    return whole[[c for c in columns if c not in case.excluded] + case.labels]


def rows_of(frame: DataFrame) -> pd.DataFrame:
    """A frame's rows as plain values, None for null."""
    return pd.DataFrame([tuple(row) for row in frame.collect()], columns=frame.columns, dtype=object)


def _finder(
    held: list[dict[str, Any]], table: FeatureTable, lookup: FeatureLookup
) -> Callable[[dict[str, Any]], dict[str, Any] | None]:
    keys = [lookup.lookup_key] if isinstance(lookup.lookup_key, str) else lookup.lookup_key

    def find(row: dict[str, Any]) -> dict[str, Any] | None:
        pairs = list(zip(keys, table.entity_keys, strict=True))
        mine = [h for h in held if all(row[k] is not None and row[k] == h[p] for k, p in pairs)]
        if not lookup.timestamp_lookup_key:
            return mine[0] if mine else None
        at, time = row[lookup.timestamp_lookup_key], table.timestamp_keys[0]
        mine = [h for h in mine if at is not None and h[time] <= at]
        newest = max(mine, key=lambda h: h[time], default=None)
        if newest is None or lookup.lookback_window is None:
            return newest
        age = at.replace(microsecond=0) - newest[time].replace(microsecond=0) if _clocked(at) else at - newest[time]
        if lookup.lookback_window == timedelta(0):
            return newest if at == newest[time] else None
        return newest if age <= lookup.lookback_window else None

    return find


def _clocked(moment: date) -> bool:
    return isinstance(moment, datetime)


def _at_once(random: Any, rows: list[tuple[Any, ...]], table: FeatureTable, held: DataFrame) -> list[tuple[Any, ...]]:
    """The rows, all asking for one moment: that of a feature row, half the time by keys that have one of it."""
    found = held.collect()
    if not table.timestamp_keys:
        return [(*row[:4], rows[0][4], *row[5:]) for row in rows]
    moment = found[random.integers(len(found))]["at"]
    if random.random() < 0.5:
        met = {tuple(one[key] for key in table.entity_keys) for one in found if one["at"] == moment}
        rows = [row for row in rows if row[1 : 1 + len(table.entity_keys)] in met]
    return [(*row[:4], moment, *row[5:]) for row in rows]


def _table(spark: SparkSession, random: Any, name: str, dated: bool) -> tuple[FeatureTable, DataFrame]:
    keys = ["who", "group"][: 1 + int(random.random() < 0.4)]
    timed = bool(random.random() < 0.85)
    times = ["at"] if timed else []
    columns = [*keys, *times, *KINDS]
    types = {"who": "string", "group": "int", "at": "date" if dated else "timestamp"} | KINDS
    rows: dict[tuple[Any, ...], tuple[Any, ...]] = {}
    for _ in range(60):
        key = (_who(random, False), *((_group(random, False),) if len(keys) > 1 else ()))
        at = (_moment(random, dated, False),) if timed else ()
        rows[*key, *at] = (*key, *at, *(_value(random, kind) for kind in KINDS))
    frame = spark.createDataFrame(list(rows.values()), ", ".join(f"{c} {types[c]}" for c in columns))
    return FeatureTable(name, [*keys, *times], times, frame.schema), frame


def _lookups(random: Any, table: FeatureTable, n: int) -> list[FeatureLookup]:
    """One lookup by the row's own student, and sometimes one by the friend; they share the table's lookback."""
    timed = bool(table.timestamp_keys)
    window = random.choice([None, 0, 3, 40]) if timed else None
    made = []
    for who, moment in (("who", "moment"), ("friend", "sent"))[: 1 + int(random.random() < 0.5)]:
        chosen = [str(name) for name in random.permutation(list(KINDS))[: int(random.integers(1, 5))]]
        names = {name: f"{name}_{who}_{n}" for name in chosen}
        fill = {names[name]: DEFAULTS[name] for name in chosen if random.random() < 0.3}
        made.append(
            FeatureLookup(
                table_name=table.name, lookup_key=[who, "group"][: len(table.entity_keys)], feature_names=chosen,
                rename_outputs=names, default_values=fill, timestamp_lookup_key=moment if timed else None,
                lookback_window=None if window is None else timedelta(days=int(window)),
            )
        )  # fmt: skip
    return made


def _who(random: Any, nulls: bool = True) -> str | None:
    return None if nulls and random.random() < 0.05 else f"s{random.integers(6)}"


def _group(random: Any, nulls: bool = True) -> int | None:
    return None if nulls and random.random() < 0.05 else int(random.integers(2))


def _moment(random: Any, dated: bool, nulls: bool = True) -> date | None:
    if nulls and random.random() < 0.05:
        return None
    day = START + timedelta(days=int(random.integers(60)))
    return day.date() if dated else day + timedelta(seconds=int(random.integers(3)), microseconds=500_000)


def _value(random: Any, kind: str) -> Any:
    if random.random() < 0.2:
        return None
    values = {"score": float(round(random.normal(), 3)), "steps": int(random.integers(9)), "sure": True}
    return values.get(kind, f"n{random.integers(9)}")
