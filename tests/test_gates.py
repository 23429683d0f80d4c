"""Every expectation of every contract can fail: one row is spoilt for each, and each must be found."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from pyspark.sql import DataFrame, SparkSession

import pipelines.silver.contracts
from lakehouse import quality
from lakehouse.contracts import Contract, Expectation, Publish
from lakehouse.ops import SUMS
from lakehouse.quality import audit, gx_context
from lakehouse.rows import frame_of
from pipelines import dictionary
from pipelines.bronze.contracts import INTAKE
from pipelines.silver.balance import MOST_REFUSED, balance_contract

CHECKS = (INTAKE, balance_contract(MOST_REFUSED))
"""Sums over a batch that are gated and not published."""


def _gated(contract: Contract) -> bool:
    """Streams and logs are appended to without a gate; their contracts expect nothing beyond types and nulls."""
    return bool(contract.expectations) or contract.publish is not Publish.APPEND


CONTRACTS = (*filter(_gated, dictionary.CONTRACTS), *CHECKS)
ROWS = "ExpectTableRowCountToBeBetween"
Row = dict[str, Any]


@pytest.mark.parametrize("contract", CONTRACTS, ids=lambda c: c.name)
def test_a_sound_batch_passes_and_every_expectation_can_fail(spark: SparkSession, contract: Contract) -> None:
    sound = [_sound_row(contract, n) for n in range(3)]
    assert [f.sentence() for f in audit(contract, _frame(spark, contract, sound)) if not f.success] == []

    spoilt = [_spoilt_row(contract, e, n + 3) for n, e in enumerate(contract.suite()) if e.type != ROWS]
    findings = audit(contract, _frame(spark, contract, sound + spoilt))
    passed = {(f.expectation, f.column) for f in findings if f.success}
    assert passed <= {(ROWS, "(whole table)")}
    assert all(f.failures and f.sample for f in findings if not f.success)


@pytest.mark.parametrize(
    "contract", [c for c in CONTRACTS if any(e.type == ROWS for e in c.suite())], ids=lambda c: c.name
)
def test_an_empty_batch_fails_where_rows_are_expected(spark: SparkSession, contract: Contract) -> None:
    failed = {f.expectation for f in audit(contract, _frame(spark, contract, [])) if not f.success}
    assert failed == {ROWS}


def test_what_is_gated_and_no_table_is_known_by_name() -> None:
    assert tuple(contract.name for contract in CHECKS) == SUMS


def test_the_gate_keeps_no_batch(spark: SparkSession) -> None:
    wide = pipelines.silver.contracts.LEARNING_EVENTS
    audit(wide, _frame(spark, wide, [_sound_row(wide, 1)]))
    audit(wide, _frame(spark, wide, []))
    assert gx_context().data_sources.all() == {}


def test_a_batch_too_large_for_memory_is_judged_alike_by_spark(
    spark: SparkSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One contract of every kind of expectation, looked through where it lies."""
    wide = pipelines.silver.contracts.LEARNING_EVENTS
    rows = [_sound_row(wide, n) for n in range(3)]
    spoilt = [_spoilt_row(wide, e, n + 3) for n, e in enumerate(wide.suite()) if e.type != ROWS]
    in_pandas = audit(wide, _frame(spark, wide, rows + spoilt))
    monkeypatch.setattr(quality, "IN_MEMORY_ROWS", 0)
    in_spark = audit(wide, _frame(spark, wide, rows + spoilt))
    assert [f.success for f in in_spark] == [f.success for f in in_pandas]
    assert [(f.expectation, f.column, f.failures, f.rows_checked) for f in in_spark] == [
        (f.expectation, f.column, f.failures, f.rows_checked) for f in in_pandas
    ]


def test_a_contract_that_expects_nothing_is_an_error(spark: SparkSession) -> None:
    with pytest.raises(ValueError, match="gates nothing"):
        audit(Contract("silver.nothing", "", ()), spark.range(1))


def _frame(spark: SparkSession, contract: Contract, rows: list[Row]) -> DataFrame:
    return frame_of(spark, contract, [tuple(row[c.name] for c in contract.columns) for row in rows])


def _sound_row(contract: Contract, n: int) -> Row:
    row = {c.name: _value(c.type, n) for c in contract.columns}
    for e in contract.expectations:
        if e.type == "ExpectColumnValuesToBeInSet":
            row[e.kwargs["column"]] = e.kwargs["value_set"][0]
        if e.type == "ExpectColumnValuesToBeBetween" and isinstance(row[e.kwargs["column"]], int | float):
            low, high = e.kwargs["min_value"], e.kwargs["max_value"]
            row[e.kwargs["column"]] = type(row[e.kwargs["column"]])(low if low is not None else high)
    for e in contract.expectations:
        if "column_A" in e.kwargs:
            row[e.kwargs["column_A"]] = max(row[e.kwargs["column_A"]], row[e.kwargs["column_B"]])
    return row


def _spoilt_row(contract: Contract, expectation: Expectation, n: int) -> Row:
    row, kwargs = _sound_row(contract, n), expectation.kwargs
    match expectation.type:
        case "ExpectColumnValuesToNotBeNull":
            return row | {kwargs["column"]: None}
        case "ExpectColumnValuesToBeUnique":
            return _sound_row(contract, 0)
        case "ExpectCompoundColumnsToBeUnique":
            return _sound_row(contract, 0)
        case "ExpectColumnValuesToBeInSet":
            return row | {kwargs["column"]: "nothing of the kind"}
        case "ExpectColumnValuesToBeBetween":
            high, low = kwargs["max_value"], kwargs["min_value"]
            kind = type(row[kwargs["column"]])
            return row | {kwargs["column"]: kind(high + 1) if high is not None else kind(low - 1)}
        case "ExpectColumnPairValuesAToBeGreaterThanB":
            return row | {kwargs["column_A"]: _less(row[kwargs["column_B"]])}
    raise AssertionError(f"no mutation is known for {expectation.type}: add one here")


def _value(kind: str, n: int) -> Any:
    if kind.startswith("ARRAY"):
        return []
    return {
        "STRING": f"text {n}",
        "INT": n,
        "BIGINT": n,
        "DOUBLE": float(n),
        "BOOLEAN": True,
        "DATE": date(2024, 11, 4) + timedelta(days=n),
        "TIMESTAMP": datetime(2024, 11, 4, n % 24, tzinfo=UTC),
    }[kind]


def _less(value: Any) -> Any:
    return value - timedelta(days=1) if isinstance(value, date) else value - 1
