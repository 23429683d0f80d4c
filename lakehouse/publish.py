"""Write, audit, publish: a batch reaches its table only after the gate has read what was written."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import Any

from pyspark.sql import DataFrame

from lakehouse.contracts import Contract, Publish
from lakehouse.errors import GateFailed
from lakehouse.lake import Lake
from lakehouse.ops import GATE_RESULTS, RUNS
from lakehouse.quality import Finding, audit

WORKERS = 3
Make = Callable[[], DataFrame]


@dataclass
class Step:
    """One step of a run: stages batches, audits them, publishes all or none, and logs itself last."""

    lake: Lake
    name: str
    run_id: str
    as_of: date | None = None
    message: str = ""
    rows: dict[str, Any] = field(default_factory=dict)
    _staged: dict[str, Contract] = field(default_factory=dict)
    _scratch: list[str] = field(default_factory=list)
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
        """Stage and audit independent batches side by side; every failing gate is reported, then the step fails."""
        with ThreadPoolExecutor(WORKERS) as pool:
            list(pool.map(lambda item: self.write(*item), batches.items()))
            failures = [f for found in pool.map(self._look, batches) for f in found]
        self._refuse(failures)

    def write(self, contract: Contract, frame: DataFrame) -> None:
        """Write a batch to `staging.<schema>__<table>__<run_id>`."""
        self.lake.stage(self._staging(contract), contract.conform(frame))
        self._staged[contract.name] = contract

    def scratch(self, name: str, frame: DataFrame) -> DataFrame:
        """Keep an intermediate result in staging until the step ends; returns its rows."""
        table = f"staging.{name}__{self.run_id}"
        self._scratch.append(table)
        return self.lake.stage(table, frame)

    def staged(self, contract: Contract) -> DataFrame:
        """The rows of a staged batch."""
        return self.lake.spark.table(self.lake.name(self._staging(contract)))

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

    def fail(self, error: Exception) -> None:
        """Log a failed step; its staged batches are dropped and nothing of it is published."""
        self._drop_staged()
        self._log_findings()
        self._log("failed", str(error))

    def _staging(self, contract: Contract) -> str:
        return f"staging.{contract.name.replace('.', '__')}__{self.run_id}"

    def _look(self, contract: Contract) -> list[Finding]:
        findings = audit(contract, self.staged(contract))
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
        staged, target = lake.name(self._staging(contract)), lake.name(contract.name)
        if not fresh and contract.publish is not Publish.APPEND and not self._changed(contract, staged, target):
            written = 0
        else:
            written = self.staged(contract).count()
            self._commit(contract, staged, target)
        self.rows[contract.name] = {"written": written} | self.rows.get(contract.name, {})

    def _changed(self, contract: Contract, staged: str, target: str) -> bool:
        names = ", ".join(f"`{name}`" for name in contract.column_names())
        new = f"SELECT {names} FROM {staged}"
        scope = f" WHERE {self._scope(staged)}" if contract.publish is Publish.REPLACE_AS_OF else ""
        old = f"SELECT {names} FROM {target}{scope}"
        arrived = f"SELECT 1 FROM ({new} EXCEPT ALL {old}) LIMIT 1"
        vanished = f"SELECT 1 FROM ({old} EXCEPT ALL {new}) LIMIT 1"
        if self.lake.one(arrived) is not None:
            return True
        return contract.publish is not Publish.MERGE and self.lake.one(vanished) is not None

    def _commit(self, contract: Contract, staged: str, target: str) -> None:
        frame = self.lake.spark.table(staged)
        match contract.publish:
            case Publish.APPEND:
                frame.write.mode("append").saveAsTable(target)
            case Publish.REPLACE:
                frame.write.mode("overwrite").saveAsTable(target)
            case Publish.REPLACE_AS_OF:
                where = self._scope(staged)
                frame.write.mode("overwrite").option("replaceWhere", where).saveAsTable(target)
            case Publish.MERGE:
                _merge(self.lake, contract, staged, target)

    def _scope(self, staged: str) -> str:
        days = {row[0] for row in self.lake.spark.sql(f"SELECT DISTINCT as_of FROM {staged}").collect()}
        days |= {self.as_of} if self.as_of else set()
        return "as_of IN (" + ", ".join(f"DATE'{day}'" for day in sorted(days)) + ")"

    def _drop_staged(self) -> None:
        staged = [self._staging(contract) for contract in self._staged.values()]
        for table in staged + self._scratch:
            self.lake.unstage(table)
        self._staged.clear()
        self._scratch.clear()

    def _log_findings(self) -> None:
        now = datetime.now(UTC)
        rows = [
            (self.run_id, f.table, f.expectation, f.column, f.success, f.rows_checked, f.failures, f.sample, now)
            for f in self._findings
        ]
        append_rows(self.lake, GATE_RESULTS, rows)
        self._findings.clear()

    def _log(self, status: str, message: str) -> None:
        ended = datetime.now(UTC)
        row = (self.run_id, self.name, self.as_of, self._started, ended, status, message, json.dumps(self.rows))
        append_rows(self.lake, RUNS, [row])


def append_rows(lake: Lake, contract: Contract, rows: list[tuple[Any, ...]]) -> None:
    """Append a few rows to a log table, straight."""
    if not rows:
        return
    lake.create(contract)
    schema = ", ".join(f"`{c.name}` {c.type}" for c in contract.columns)
    frame = lake.spark.createDataFrame(rows, schema)
    contract.conform(frame).write.mode("append").saveAsTable(lake.name(contract.name))


def new_run_id() -> str:
    """An id for one command: the UTC time to the millisecond, which also sorts."""
    now = time.time()
    return f"{datetime.fromtimestamp(now, UTC):%Y%m%dt%H%M%S}{int(now * 1000) % 1000:03d}"


def _merge(lake: Lake, contract: Contract, staged: str, target: str) -> None:
    same_key = " AND ".join(f"t.`{k}` <=> s.`{k}`" for k in contract.key)
    values = [c.name for c in contract.columns if c.name not in contract.key]
    differs = " OR ".join(f"NOT (t.`{v}` <=> s.`{v}`)" for v in values) or "false"
    lake.spark.sql(
        f"MERGE INTO {target} t USING {staged} s ON {same_key} "
        f"WHEN MATCHED AND ({differs}) THEN UPDATE SET * WHEN NOT MATCHED THEN INSERT *"
    ).collect()
