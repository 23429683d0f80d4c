"""End to end: gold of a lake built by the loop equals what DuckDB finds in the raw files.

Needs the fixture `built_lake` of `tests/conftest.py`: an object with `lake` (Lake), `landing` (Path to the raw files of
a backfill without bad rows) and `as_of` (date) that gold was made for.
"""

from __future__ import annotations

from typing import Any

import pytest

from lakehouse.contracts import Contract
from pipelines.gold.contracts import (
    CEFR_FUNNEL,
    COHORT_RETENTION,
    DAILY_METRICS,
    LESSON_EFFECTIVENESS,
    TOPIC_ENGAGEMENT,
)
from tests import oracle


@pytest.mark.parametrize(
    ("contract", "answer"),
    [
        (DAILY_METRICS, oracle.daily_metrics),
        (LESSON_EFFECTIVENESS, oracle.lesson_effectiveness),
        (CEFR_FUNNEL, oracle.cefr_funnel),
        (TOPIC_ENGAGEMENT, oracle.topic_engagement),
        (COHORT_RETENTION, oracle.cohort_retention),
    ],
    ids=lambda value: value.name if isinstance(value, Contract) else "",
)
def test_gold_equals_what_duckdb_finds(built_lake: Any, contract: Contract, answer: Any) -> None:
    actual = built_lake.lake.table(contract.name).toPandas()
    oracle.compare(actual, answer(built_lake.landing, built_lake.as_of), contract.key)
