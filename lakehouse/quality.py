"""The quality gate: Great Expectations validates a staged batch against its contract."""

from __future__ import annotations

import itertools
import json
import logging
import os
import threading
import warnings
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

import pandas as pd

from lakehouse.contracts import Contract, Expectation
from lakehouse.rows import to_pandas
from lakehouse.words import count

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

SAMPLE = 5
IN_MEMORY_ROWS = 50_000
_names = itertools.count()
_context_lock = threading.Lock()


@dataclass(frozen=True)
class Finding:
    """What one expectation said of one batch."""

    table: str
    expectation: str
    column: str
    success: bool
    arguments: str = "{}"
    rows_checked: int | None = None
    failures: int | None = None
    sample: str = ""

    def sentence(self) -> str:
        """The failure as a person reads it."""
        where = f" in {self.failures} of {count(self.rows_checked or 0, 'row')}" if self.failures is not None else ""
        sample = f"; for example {self.sample}" if self.sample else ""
        return f"{self.table}, column {self.column}: {self.expectation} failed{where}{sample}"


def audit(contract: Contract, frame: DataFrame) -> list[Finding]:
    """Validate a batch; one finding per expectation of the contract, failures with counts and sample keys.

    Raises:
        ValueError: when the contract expects nothing, since a gate that cannot fail is no gate.
    """
    return validate(contract, small_enough(frame))


def validate(contract: Contract, batch: DataFrame | pd.DataFrame) -> list[Finding]:
    """`audit` of a batch that `small_enough` gave."""
    suite = contract.suite()
    if not suite:
        raise ValueError(f"{contract.name}: a contract without expectations gates nothing")
    verdicts = _validate(batch, suite, {"result_format": "BOOLEAN_ONLY"})
    failed = [e for e, verdict in zip(suite, verdicts, strict=True) if not verdict["success"]]
    findings = [_passed(contract.name, e) for e in suite if e not in failed]
    if failed:
        details = {"result_format": "SUMMARY", "partial_unexpected_count": SAMPLE}
        if contract.key:
            details["unexpected_index_column_names"] = list(contract.key)
        explained = _validate(batch, failed, details)
        findings += [_explained(contract.name, e, v) for e, v in zip(failed, explained, strict=True)]
    return findings


def small_enough(frame: DataFrame) -> DataFrame | pd.DataFrame:
    """A batch of few rows as a pandas frame, which Great Expectations looks through ten times as fast; others as is."""
    few = to_pandas(frame.limit(IN_MEMORY_ROWS + 1))
    return few if len(few) <= IN_MEMORY_ROWS else frame


def _validate(
    frame: DataFrame | pd.DataFrame, suite: list[Expectation], result_format: dict[str, Any]
) -> list[dict[str, Any]]:
    import great_expectations as gx

    context = gx_context()
    name = f"batch_{next(_names)}"
    with _context_lock:
        if isinstance(frame, pd.DataFrame):
            source = context.data_sources.add_pandas(name=name)
        else:
            source = context.data_sources.add_spark(name=name, persist=False)
        definition = source.add_dataframe_asset(name=name).add_batch_definition_whole_dataframe(name)
    expectations = [getattr(gx.expectations, e.type)(**e.kwargs) for e in suite]
    try:
        batch = definition.get_batch(batch_parameters={"dataframe": frame})
        result = batch.validate(gx.ExpectationSuite(name=name, expectations=expectations), result_format=result_format)
    finally:
        with _context_lock:
            context.data_sources.delete(name)  # it would keep the batch as long as the process lives
    by_config = {_config_key(r.expectation_config.type, r.expectation_config.kwargs): r for r in result.results}
    return [by_config[_config_key(e.expectation_type, e.configuration.kwargs)].to_json_dict() for e in expectations]


def _config_key(kind: str, kwargs: dict[str, Any]) -> str:
    return f"{kind} {sorted((k, str(v)) for k, v in kwargs.items() if k != 'batch_id')}"


@cache
def gx_context() -> Any:
    """This process's own context of Great Expectations, in memory and silent."""
    os.environ.setdefault("GX_ANALYTICS_ENABLED", "false")
    warnings.filterwarnings("ignore", module="great_expectations")
    import great_expectations as gx
    from great_expectations.data_context.types.base import ProgressBarsConfig

    logging.getLogger("great_expectations").setLevel(logging.ERROR)
    context = gx.get_context(mode="ephemeral")
    context.variables.progress_bars = ProgressBarsConfig(globally=False)
    return context


def _column(expectation: Expectation) -> str:
    kwargs = expectation.kwargs
    if "column" in kwargs:
        return str(kwargs["column"])
    if "column_A" in kwargs:
        return f"{kwargs['column_A']}, {kwargs['column_B']}"
    return ", ".join(kwargs.get("column_list", ["(whole table)"]))


def _arguments(expectation: Expectation) -> str:
    return json.dumps(expectation.kwargs, sort_keys=True, default=str)


def _passed(table: str, expectation: Expectation) -> Finding:
    return Finding(table, expectation.type, _column(expectation), True, _arguments(expectation))


def _explained(table: str, expectation: Expectation, verdict: dict[str, Any]) -> Finding:
    result = verdict["result"]
    raised = [info["exception_message"] for info in _exceptions(verdict.get("exception_info") or {})]
    sample: Any = raised[:1] or result.get("partial_unexpected_index_list") or result.get("partial_unexpected_list")
    if not sample and "observed_value" in result:
        sample = f"observed {result['observed_value']}"
    shown = sample if isinstance(sample, str) else "; ".join(_shown(item) for item in (sample or [])[:SAMPLE])
    return Finding(
        table, expectation.type, _column(expectation), False, _arguments(expectation),
        result.get("element_count"), result.get("unexpected_count"), shown,
    )  # fmt: skip


def _exceptions(info: dict[str, Any]) -> list[dict[str, Any]]:
    entries = [info] if "raised_exception" in info else [v for v in info.values() if isinstance(v, dict)]
    return [entry for entry in entries if entry.get("raised_exception")]


def _shown(item: Any) -> str:
    return ", ".join(f"{k}={v}" for k, v in item.items()) if isinstance(item, dict) else str(item)
