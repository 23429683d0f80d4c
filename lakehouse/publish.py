"""Write, audit, publish: a batch reaches its table only after the gate has read what was written."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import Any

import pandas as pd
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from lakehouse.contracts import Contract, Publish
from lakehouse.errors import GateFailed
from lakehouse.lake import Lake
from lakehouse.merge import Bounds, merge
from lakehouse.ops import GATE_RESULTS, RUNS
from lakehouse.quality import Finding, audit, small_enough, validate
from lakehouse.rows import append_rows

WORKERS = 3


@dataclass
class Step:
    """One step of a run: stages batches, audits them, publishes them once all have passed, and logs itself last."""

    lake: Lake
    name: str
    run_id: str
    as_of: date | None = None
    message: str = ""
    rows: dict[str, Any] = field(default_factory=dict)
    _staged: dict[str, Contract] = field(default_factory=dict)
    _counted: dict[str, int] = field(default_factory=dict)
    _scratch: list[str] = field(default_factory=list)
    _replaced: dict[str, str] = field(default_factory=dict)
    _bounds: dict[str, Bounds] = field(default_factory=dict)
    _dates: dict[str, Collection[date]] = field(default_factory=dict)
    _findings: list[Finding] = field(default_factory=list)
    _started: datetime = field(default_factory=lambda: datetime.now(UTC))

    def stage(self, contract: Contract, frame: DataFrame) -> DataFrame:
        """Write a batch to staging and audit it; returns the staged rows.

        Raises:
            GateFailed: naming table, column, expectation, count and sample keys.
        """
        self.write(contract, frame)
        self.audit(contract)
        return self.staged(contract)

    def stage_all(self, batches: Mapping[Contract, DataFrame]) -> None:
        """Stage and audit independent batches side by side, the first first, and publish them in this order.

        Every failing gate is reported, then the step fails.
        """
        with ThreadPoolExecutor(WORKERS) as pool:
            list(pool.map(lambda item: self.write(*item), batches.items()))
            self._staged = {contract.name: contract for contract in batches} | self._staged
            failures = [f for found in pool.map(self._look, batches) for f in found]
        self._refuse(failures)

    def write(self, contract: Contract, frame: DataFrame) -> None:
        """Write a batch to staging, under the table's name and the run's id."""
        self._counted.pop(contract.name, None)
        self.lake.stage(self._staging(contract), contract.conform(frame))
        self._staged[contract.name] = contract

    def scratch(self, name: str, frame: DataFrame) -> DataFrame:
        """Keep an intermediate result in staging until the step ends; returns its rows."""
        staging = f"scratch__{name}__{self.run_id}"
        self._scratch.append(staging)
        return self.lake.stage(staging, frame)

    def replaces(self, contract: Contract, published: DataFrame) -> None:
        """Name the published rows whose place the staged batch takes: those that it does not hold go."""
        self._replaced[contract.name] = f"replaced__{_flat(contract)}__{self.run_id}"
        published.createOrReplaceTempView(self._replaced[contract.name])

    def within(self, contract: Contract, low: str, high: str) -> None:
        """Say between which times, as Spark writes them, every published row of the batch's keys lies by
        `contract.clustered`.
        """
        self._bounds[contract.name] = Bounds(contract.clustered, low, high)

    def replaces_dates(self, dates: Mapping[Contract, Collection[date]]) -> None:
        """Say which as-of dates the batches are made for: a date that no row is left of loses those it had."""
        self._dates |= {contract.name: days for contract, days in dates.items()}

    def staged(self, contract: Contract) -> DataFrame:
        """The rows of a staged batch."""
        return self.lake.staged(self._staging(contract))

    def count(self, contract: Contract) -> int:
        """How many rows a staged batch has; counted once, most often by the gate that read them."""
        if contract.name not in self._counted:
            self._counted[contract.name] = self.staged(contract).count()
        return self._counted[contract.name]

    def audit(self, contract: Contract) -> None:
        """Hold a staged batch against its contract.

        Raises:
            GateFailed: when an expectation fails.
        """
        self._refuse(self._look(contract))

    def check(self, contract: Contract, frame: DataFrame) -> None:
        """Hold rows that are not published, such as sums over several tables, against a contract.

        Raises:
            GateFailed: when an expectation fails.
        """
        findings = audit(contract, contract.conform(frame))
        self._findings += findings
        self._refuse([f for f in findings if not f.success])

    def publish(self) -> None:
        """Publish every staged batch, each in one commit, and nothing where the content is already there."""
        with ThreadPoolExecutor(WORKERS) as pool:
            list(pool.map(self._publish_one, self._staged.values()))
        self._drop_staged()

    def finish(self) -> None:
        """Write the gate results and the step's row in `ops.runs`, the last thing a step does."""
        self._log_findings()
        self._log("done", self.message)

    def fail(self, why: str) -> None:
        """Log a failed step; its staged batches are dropped and nothing of it is published."""
        self._drop_staged()
        self._log_findings()
        self._log("failed", why)

    def _staging(self, contract: Contract) -> str:
        return f"staged__{_flat(contract)}__{self.run_id}"

    def _look(self, contract: Contract) -> list[Finding]:
        batch = small_enough(self.staged(contract))
        if isinstance(batch, pd.DataFrame):
            self._counted[contract.name] = len(batch)
        findings = validate(contract, batch)
        self._findings += findings
        return [f for f in findings if not f.success]

    def _refuse(self, failures: list[Finding]) -> None:
        if failures:
            told = "\n  ".join(f.sentence() for f in failures)
            raise GateFailed(
                f"The gate refused the {self.name} batch; nothing of it was published.\n  {told}\n"
                "Mend the source or the contract and run again; ops.gate_results keeps the details."
            )

    def _publish_one(self, contract: Contract) -> None:
        lake = self.lake
        fresh = not lake.exists(contract.name)
        lake.create(contract)
        staged, target = self._staging(contract), lake.name(contract.name)
        if fresh or contract.publish is Publish.APPEND:
            written = self.count(contract)
            self._in_order(contract).write.mode("append").saveAsTable(target)
        elif contract.publish is Publish.MERGE:
            replaced, bounds = self._replaced.get(contract.name), self._bounds.get(contract.name)
            written = merge(lake, contract, staged, replaced, bounds)
        else:
            written = self._replace(contract, staged, target)
        self.rows[contract.name] = {"written": written} | self.rows.get(contract.name, {})

    def _replace(self, contract: Contract, staged: str, target: str) -> int:
        by = "as_of" if contract.publish is Publish.REPLACE_AS_OF else "true"
        new = self._counts(staged, by)
        scope = self._scope(contract, new) if contract.publish is Publish.REPLACE_AS_OF else "true"
        old = self._counts(target, by, scope)
        if new == old and not self._differs(contract, staged, target, scope):
            return 0
        one_date = contract.order() == [by] and len(new) == 1
        rows = (self.staged(contract) if one_date else self._in_order(contract)).writeTo(target)
        if old:
            rows.overwrite(F.expr(scope))
        else:
            rows.append()
        return sum(new.values())

    def _in_order(self, contract: Contract) -> DataFrame:
        """A staged batch in the order of its table, so that each file holds a stretch of it."""
        order = contract.order()
        return self.staged(contract).sort(*order) if order else self.staged(contract)

    def _counts(self, table: str, by: str, scope: str = "true") -> dict[Any, int]:
        query = f"SELECT {by}, count(*) FROM {table} WHERE {scope} GROUP BY ALL"
        return {row[0]: row[1] for row in self.lake.spark.sql(query).collect()}

    def _differs(self, contract: Contract, staged: str, target: str, scope: str) -> bool:
        names = ", ".join(f"`{name}`" for name in contract.column_names())
        new = f"SELECT {names}, 1 AS staged__more FROM {staged}"
        old = f"SELECT {names}, -1 AS staged__more FROM {target} WHERE {scope}"
        apart = f"SELECT 1 FROM ({new} UNION ALL {old}) GROUP BY {names} HAVING sum(staged__more) <> 0 LIMIT 1"
        return self.lake.one(apart) is not None

    def _scope(self, contract: Contract, staged: Iterable[date]) -> str:
        of_run = [self.as_of] if self.as_of and contract.of_run else []
        days = {*staged, *of_run, *self._dates.get(contract.name, ())}
        return "as_of IN (" + ", ".join(f"DATE'{day}'" for day in sorted(days)) + ")" if days else "false"

    def _drop_staged(self) -> None:
        staged = [self._staging(contract) for contract in self._staged.values()]
        for table in staged + self._scratch:
            self.lake.unstage(table)
        self._staged.clear()
        self._counted.clear()
        self._scratch.clear()
        for view in self._replaced.values():
            self.lake.spark.catalog.dropTempView(view)
        self._replaced.clear()
        self._bounds.clear()
        self._dates.clear()

    def _log_findings(self) -> None:
        now = datetime.now(UTC)
        rows = [
            (
                self.run_id, f.table, f.expectation, f.column, f.success, f.rows_checked, f.failures, f.sample,
                f.arguments, now,
            )
            for f in self._findings
        ]  # fmt: skip
        append_rows(self.lake, GATE_RESULTS, rows)
        self._findings.clear()

    def _log(self, status: str, message: str) -> None:
        ended = datetime.now(UTC)
        row = (self.run_id, self.name, self.as_of, self._started, ended, status, message, json.dumps(self.rows))
        append_rows(self.lake, RUNS, [row])


def _flat(contract: Contract) -> str:
    return contract.name.replace(".", "__")
