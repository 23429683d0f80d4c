"""Merge a staged batch into its table: only what differs is written, and nothing at all when nothing does."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

from lakehouse.contracts import Contract
from lakehouse.lake import Lake


@dataclass(frozen=True)
class Bounds:
    """Where in a clustered table the rows of a batch's keys can lie, from what the step knows of all their versions.

    Spark collects timestamps as naive times of this machine's zone, and so `low` and `high` are read.
    """

    column: str
    low: datetime
    high: datetime

    def condition(self, alias: str = "") -> str:
        """As SQL, a literal range, so that files outside it are not read; a null lies anywhere."""
        column = f"{alias}.`{self.column}`" if alias else f"`{self.column}`"
        low, high = (moment.astimezone(UTC).replace(tzinfo=None) for moment in (self.low, self.high))
        return f"({column} BETWEEN TIMESTAMP'{low}' AND TIMESTAMP'{high}' OR {column} IS NULL)"


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
        counted = differing.groupBy("_change").count().collect()
        kinds = {row["_change"]: int(row["count"]) for row in counted}
        if set(kinds) == {"insert"}:
            differing.drop("_change").write.mode("append").saveAsTable(target)
        elif kinds:
            lake.spark.sql(_merge(contract, target, changes, bounds)).collect()
    finally:
        lake.unstage(changes)
    return sum(kinds.values())


def _changes(contract: Contract, staged: str, target: str, replaced: str | None, bounds: Bounds | None) -> str:
    """A query for the rows of the batch that are new or differ, and the published ones that go, with `_change`."""
    values = [c.name for c in contract.columns if c.name not in contract.key]
    differs = " OR ".join(f"NOT (t.`{v}` <=> s.`{v}`)" for v in values) or "false"
    where = f" WHERE {bounds.condition('p')}" if bounds else ""
    columns = ", ".join(f"IF(s._here, s.`{name}`, t.`{name}`) AS `{name}`" for name in contract.column_names())
    change = "CASE WHEN t._there IS NULL THEN 'insert' WHEN s._here IS NULL THEN 'delete' ELSE 'update' END AS _change"
    published = f"(SELECT p.*, true AS _there FROM {replaced or target} p{where})"
    return (
        f"SELECT {columns}, {change} FROM (SELECT *, true AS _here FROM {staged}) s "
        f"{'FULL' if replaced else 'LEFT'} JOIN {published} t ON {_same_key(contract)} "
        f"WHERE t._there IS NULL OR s._here IS NULL OR {differs}"
    )


def _merge(contract: Contract, target: str, changes: str, bounds: Bounds | None) -> str:
    names = contract.column_names()
    updates = ", ".join(f"t.`{name}` = s.`{name}`" for name in names)
    where = f" AND {bounds.condition('t')}" if bounds else ""
    return (
        f"MERGE INTO {target} t USING {changes} s ON {_same_key(contract)}{where} "
        f"WHEN MATCHED AND s._change = 'delete' THEN DELETE WHEN MATCHED THEN UPDATE SET {updates} "
        f"WHEN NOT MATCHED THEN INSERT ({', '.join(f'`{n}`' for n in names)}) "
        f"VALUES ({', '.join(f's.`{n}`' for n in names)})"
    )


def _same_key(contract: Contract) -> str:
    return " AND ".join(f"t.`{k}` <=> s.`{k}`" for k in contract.key)
