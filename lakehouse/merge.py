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


def merge(lake: Lake, contract: Contract, staged: str, retired: str | None, bounds: Bounds | None) -> int:
    """Bring a staged batch into the published table in one commit.

    Args:
        lake: open for writing.
        contract: of the table; has a key.
        staged: name of the staged batch.
        retired: name of a view of keys whose published rows go, or None.
        bounds: where the published rows of these keys can lie, or None for anywhere.

    Returns:
        Rows inserted, updated and deleted.
    """
    target, changes = lake.name(contract.name), f"{staged}__changes"
    differing = lake.stage(changes, lake.spark.sql(_changes(contract, staged, target, retired, bounds)))
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


def _changes(contract: Contract, staged: str, target: str, retired: str | None, bounds: Bounds | None) -> str:
    values = [c.name for c in contract.columns if c.name not in contract.key]
    differs = " OR ".join(f"NOT (t.`{v}` <=> s.`{v}`)" for v in values) or "false"
    where = f" WHERE {bounds.condition('p')}" if bounds else ""
    published = f"(SELECT p.*, true AS _there FROM {target} p{where})"
    columns = ", ".join(f"s.`{name}`" for name in contract.column_names())
    came = (
        f"SELECT {columns}, IF(t._there, 'update', 'insert') AS _change FROM {staged} s "
        f"LEFT JOIN {published} t ON {_same_key(contract)} WHERE t._there IS NULL OR {differs}"
    )
    if retired is None:
        return came
    gone = ", ".join(f"t.`{name}`" for name in contract.column_names())
    return (
        f"{came} UNION ALL SELECT {gone}, 'delete' FROM {published} t LEFT SEMI JOIN {retired} s "
        f"ON {_same_key(contract)}"
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
