"""Merge a staged batch into its table: only what differs is written, and nothing at all when nothing does."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pyspark.sql import Column as SparkColumn
from pyspark.sql import functions as F

from lakehouse.contracts import Column, Contract, sql_text
from lakehouse.lake import Lake

TO_THE_MICROSECOND = "yyyy-MM-dd HH:mm:ss.SSSSSS"


@dataclass(frozen=True)
class Bounds:
    """Where in a clustered table the rows of a batch's keys can lie, from what the step knows of all their versions.

    `low` and `high` are times as Spark writes them. As Python's they would be of this machine's zone, where an hour of
    each autumn is there twice.
    """

    column: str
    low: str
    high: str

    def condition(self) -> str:
        """As SQL, a literal range, so that files outside it are not read; a null lies anywhere."""
        return _between(f"`{self.column}`", f"TIMESTAMP{sql_text(self.low)}", f"TIMESTAMP{sql_text(self.high)}")


def merge(lake: Lake, contract: Contract, staged: str, replaced: str | None, bounds: Bounds | None) -> int:
    """Bring a staged batch into the published table in one commit.

    Args:
        lake: open for writing.
        contract: of the table; has a key.
        staged: name of the staged batch.
        replaced: name of a view of the published rows whose place the batch takes, of which those go that it does not
            hold; None for the rows of its own keys.
        bounds: where the published rows of the batch's keys can lie, or None for anywhere.

    Returns:
        Rows inserted, updated and deleted.
    """
    target, changes = lake.name(contract.name), f"{staged}__changes"
    differing = lake.stage(changes, lake.spark.sql(_changes(contract, staged, target, replaced, bounds)))
    try:
        found = differing.agg(*_summary(contract)).collect()[0].asDict()
        if found["changes"] and not found["replaced"]:
            differing.select(*contract.column_names()).write.mode("append").saveAsTable(target)
        elif found["changes"]:
            lake.spark.sql(_merge(contract, target, changes, _place(contract, found))).collect()
    finally:
        lake.unstage(changes)
    return int(found["changes"])


def _summary(contract: Contract) -> list[SparkColumn]:
    """How many changes there are, how many of published rows, and where in the table those lie."""
    sums = [F.count(F.lit(1)).alias("changes"), F.count_if(F.col("_change") != "insert").alias("replaced")]
    if contract.clustered:
        sums += [F.min("_at").cast("string").alias("low"), F.max("_at").cast("string").alias("high")]
    if contract.partitioned:
        sums += [F.collect_set("_in").alias("parts")]
    return sums


def _place(contract: Contract, found: Mapping[str, Any]) -> str:
    """Where the published rows lie that a merge replaces, as SQL: literals, so that files elsewhere are not read."""
    place = ""
    if contract.clustered and found["low"] is not None:
        place += f" AND {_between(f't.`{contract.clustered}`', sql_text(found['low']), sql_text(found['high']))}"
    if contract.partitioned:
        parts = ", ".join(sql_text(part) for part in sorted(found["parts"]))
        place += f" AND t.`{contract.partitioned}` IN ({parts})"
    return place


def _between(column: str, low: str, high: str) -> str:
    return f"({column} BETWEEN {low} AND {high} OR {column} IS NULL)"


def _changes(contract: Contract, staged: str, target: str, replaced: str | None, bounds: Bounds | None) -> str:
    """A query for the rows of the batch that are new or differ, and the published ones that go.

    Beside the contract's columns it has `_change`, and of a published row `_at` and `_in`, see `_place`.
    """
    values = [column for column in contract.columns if column.name not in contract.key]
    differs = " OR ".join(f"NOT ({_told('t', v)} <=> {_told('s', v)})" for v in values) or "false"
    where = f" WHERE {bounds.condition()}" if bounds else ""
    columns = ", ".join(f"IF(s._here, s.`{name}`, t.`{name}`) AS `{name}`" for name in contract.column_names())
    lies = {"_at": contract.clustered, "_in": contract.partitioned}
    place = "".join(f", t.`{column}` AS {name}" for name, column in lies.items() if column)
    change = "CASE WHEN t._there IS NULL THEN 'insert' WHEN s._here IS NULL THEN 'delete' ELSE 'update' END AS _change"
    published = f"(SELECT p.*, true AS _there FROM {replaced or target} p{where})"
    return (
        f"SELECT {columns}, {change}{place} FROM (SELECT *, true AS _here FROM {staged}) s "
        f"{'FULL' if replaced else 'LEFT'} JOIN {published} t ON {_same_key(contract)} "
        f"WHERE t._there IS NULL OR s._here IS NULL OR {differs}"
    )


def _told(side: str, column: Column) -> str:
    """A value as SQL that can be compared: of maps Spark compares the entries alone, and nothing that holds a map."""
    value, kind = f"{side}.`{column.name}`", column.type.upper()
    if kind.count("MAP<") > kind.startswith("MAP<"):
        formats = f"'timestampFormat', '{TO_THE_MICROSECOND}XXX', 'timestampNTZFormat', '{TO_THE_MICROSECOND}'"
        return f"to_json(struct({value}), map('ignoreNullFields', 'false', {formats}))"
    return f"array_sort(map_entries({value}))" if kind.startswith("MAP<") else value


def _merge(contract: Contract, target: str, changes: str, place: str) -> str:
    names = contract.column_names()
    updates = ", ".join(f"t.`{name}` = s.`{name}`" for name in names)
    return (
        f"MERGE INTO {target} t USING {changes} s ON {_same_key(contract)}{place} "
        f"WHEN MATCHED AND s._change = 'delete' THEN DELETE WHEN MATCHED THEN UPDATE SET {updates} "
        f"WHEN NOT MATCHED THEN INSERT ({', '.join(f'`{n}`' for n in names)}) "
        f"VALUES ({', '.join(f's.`{n}`' for n in names)})"
    )


def _same_key(contract: Contract) -> str:
    return " AND ".join(f"t.`{k}` <=> s.`{k}`" for k in contract.key)
