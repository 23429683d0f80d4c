"""Feature tables in the lake's own Delta tables: what they are, how they are made and written."""

from __future__ import annotations

import argparse
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from pyspark.sql import DataFrame
from pyspark.sql import functions as F
from pyspark.sql.types import StructType

from features.store.errors import SpecError, refuse_twice
from lakehouse.cli import Run
from lakehouse.contracts import KEYS, TIMESERIES, Column, Contract, Publish, sql_text
from lakehouse.errors import RadarError
from lakehouse.lake import Lake
from lakehouse.run_ids import new_run_id
from lakehouse.words import count

SCHEMA = "features"
SUPPORTED = frozenset(
    {
        "integer", "long", "short", "float", "double", "string", "boolean", "date", "timestamp", "array", "map",
        "binary", "decimal", "struct",
    }
)  # fmt: skip
TIMES = ("date", "timestamp")
NAME = re.compile(rf"{SCHEMA}\.[a-z0-9_]+")
SHOWN = 5


@dataclass(frozen=True)
class FeatureTable:
    """A feature table's metadata, with the names that Databricks' client gives it.

    Attributes:
        name: `<schema>.<table>`.
        primary_keys: every key, the time last.
        timestamp_keys: the time column, or nothing.
        schema: every column.
        description: what it holds.
    """

    name: str
    primary_keys: list[str]
    timestamp_keys: list[str]
    schema: StructType
    description: str = ""

    @property
    def features(self) -> list[str]:
        """Every column, as with Databricks' client."""
        return list(self.schema.names)

    @property
    def entity_keys(self) -> list[str]:
        """The keys but the time."""
        return [name for name in self.primary_keys if name not in self.timestamp_keys]

    @property
    def values(self) -> list[str]:
        """The columns that are no key."""
        return [name for name in self.schema.names if name not in self.primary_keys]

    def contract(self, schema: StructType) -> Contract:
        """What a batch of that schema is held against on its way into the table."""
        return _contract(self.name, schema, self.primary_keys, next(iter(self.timestamp_keys), ""), "")


def describe(lake: Lake, name: str) -> FeatureTable:
    """A feature table's metadata.

    Raises:
        SpecError: when there is no such table, or it has no keys.
    """
    table = lake.short(name)
    schema = rows(lake, name).schema
    properties = lake.properties(table)
    if KEYS not in properties:
        raise SpecError(f"{table} is no feature table: it has no primary keys.")
    time = properties.get(TIMESERIES, "")
    keys = [key for key in properties[KEYS].split(",") if key != time]
    told = lake.spark.sql(f"DESCRIBE DETAIL {lake.name(table)}").first()
    times = [time] if time else []
    return FeatureTable(table, [*keys, *times], times, schema, (told.description or "") if told else "")


def rows(lake: Lake, name: str) -> DataFrame:
    """The rows of a table.

    Raises:
        SpecError: when there is no such table.
    """
    try:
        return lake.table(lake.short(name))
    except RadarError as error:
        raise SpecError(str(error)) from None


def create(
    lake: Lake, name: str, primary_keys: Sequence[str], time: str, schema: StructType, description: str,
    tags: Mapping[str, str],
) -> None:  # fmt: skip
    """Make an empty feature table of keys and columns that `check_creation` lets pass."""
    table = lake.short(name)
    contract = _contract(table, schema, primary_keys, time, description)
    lake.create(contract)
    named = {KEYS: ",".join(primary_keys), TIMESERIES: time} | {f"tag.{k}": v for k, v in tags.items()}
    properties = ", ".join(f"{sql_text(key)} = {sql_text(value)}" for key, value in named.items())
    lake.spark.sql(f"ALTER TABLE {lake.name(table)} SET TBLPROPERTIES ({properties})").collect()


def write(lake: Lake, table: FeatureTable, rows: DataFrame) -> None:
    """Merge rows into a feature table by its keys, through staging and gate; columns that are new become features.

    Raises:
        SpecError: when a key is missing, of another type, null, or there twice, or a column does not fit the table.
    """
    keys = table.primary_keys
    _check_columns(table, keys, rows.schema)
    added = [name for name in rows.columns if name not in table.schema.names]
    with Run(lake, new_run_id(), None, argparse.Namespace()).step("write_table") as step:
        batch = step.scratch("write_table", rows)
        _check_rows(table, keys, batch)
        for name in added:
            kind = rows.schema[name].dataType.simpleString()
            lake.spark.sql(f"ALTER TABLE {lake.name(table.name)} ADD COLUMNS (`{name}` {kind})").collect()
        whole = _with_columns_left_out(lake, table, keys, batch)
        step.stage(table.contract(lake.table(table.name).schema), whole)
        step.publish()
        step.message = f"{table.name}: {count(step.rows[table.name]['written'], 'row')} written, where they differed"


def _with_columns_left_out(lake: Lake, table: FeatureTable, keys: list[str], batch: DataFrame) -> DataFrame:
    """A table without a time may be written column by column: what the batch leaves out stays as it is."""
    absent = [name for name in table.schema.names if name not in batch.columns]
    if not absent:
        return batch
    standing = lake.table(table.name).select(*keys, *absent)
    return batch.join(standing, keys, "left")


def check_creation(table: str, keys: Sequence[str], time: str, schema: StructType) -> None:
    """Refuse keys or columns that make no feature table; `time` is empty for one without a time.

    Raises:
        SpecError: saying why.
    """
    if not NAME.fullmatch(table):
        raise SpecError(
            f"A feature table is called {SCHEMA}.<name>, or so with the catalog before it, with small letters, digits "
            f"and _ in its name, not {table!r}."
        )
    if not keys:
        raise SpecError(f"{table}: primary_keys is empty; name the columns that tell its rows apart.")
    refuse_twice(f"{table}: primary_keys names", keys)
    if time and time not in keys:
        raise SpecError(f"{table}: the timeseries column {time} is not among primary_keys; it has to be.")
    if list(keys) == [time]:
        raise SpecError(f"{table}: needs a primary key besides its timeseries column.")
    missing = [key for key in keys if key not in schema.names]
    if missing:
        raise SpecError(f"{table}: the schema has no column {', '.join(missing)}; it has {', '.join(schema.names)}.")
    _check_types(table, schema)
    if time and (kind := schema[time].dataType.typeName()) not in TIMES:
        raise SpecError(f"{table}: the timeseries column {time} is {kind}; it has to be {' or '.join(TIMES)}.")
    _check_case(table, [], schema)


def _check_columns(table: FeatureTable, keys: list[str], schema: StructType) -> None:
    _check_types(table.name, schema)
    for key in keys:
        wanted = table.schema[key].dataType
        if key not in schema.names or schema[key].dataType.typeName() != wanted.typeName():
            found = f"is {schema[key].dataType.typeName()}" if key in schema.names else "is missing"
            raise SpecError(f"{table.name}: the key {key} {found} in the frame; it has to be {wanted.typeName()}.")
    absent = [name for name in table.schema.names if name not in schema.names]
    if table.timestamp_keys and absent:
        raise SpecError(
            f"{table.name} holds features over time, so a write gives whole rows; the frame has no column "
            f"{', '.join(absent)}."
        )
    _check_case(table.name, table.schema.names, schema)
    for field in schema:
        known = table.schema[field.name].dataType if field.name in table.schema.names else field.dataType
        if known.simpleString() != field.dataType.simpleString():  # whatever may be null in arrays and structs
            raise SpecError(
                f"{table.name}: {field.name} is {field.dataType.simpleString()} in the frame and "
                f"{known.simpleString()} in the table; cast it."
            )


def _check_rows(table: FeatureTable, keys: list[str], batch: DataFrame) -> None:
    blank = batch.where(" OR ".join(f"`{key}` IS NULL" for key in keys)).count()
    if blank:
        raise SpecError(
            f"{table.name}: {count(blank, 'row has', 'rows have')} no {' or '.join(keys)}; "
            "a feature row needs every key."
        )
    again = batch.groupBy(*keys).agg(F.count("*").alias("_rows")).where("_rows > 1")
    shown = again.select(*keys).limit(SHOWN).collect()
    if shown:
        told = "; ".join(", ".join(f"{key}={row[key]}" for key in keys) for row in shown)
        raise SpecError(f"{table.name}: the frame holds a key more than once, for example {told}.")


def _check_types(table: str, schema: StructType) -> None:
    odd = [f"{f.name} ({f.dataType.simpleString()})" for f in schema if f.dataType.typeName() not in SUPPORTED]
    if odd:
        raise SpecError(f"{table}: no feature can be of the type of {', '.join(odd)}.")


def _check_case(table: str, known: Sequence[str], schema: StructType) -> None:
    lower = {name.lower(): name for name in known}
    for name in schema.names:
        if lower.setdefault(name.lower(), name) != name or schema.names.count(name) > 1:
            raise SpecError(
                f"{table}: the column {name} is there twice, or differs from {lower[name.lower()]} by case."
            )


def _contract(
    table: str, schema: StructType, keys: Sequence[str], time: str, description: str
) -> Contract:  # fmt: skip
    columns = tuple(
        Column(f.name, f.dataType.simpleString(), (f.metadata or {}).get("comment", ""), f.name not in keys)
        for f in schema
    )  # fmt: skip
    return Contract(
        table, description, columns, key=tuple(keys), publish=Publish.MERGE, timeseries=time,
        pinned=True,
    )  # fmt: skip
