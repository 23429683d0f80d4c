"""What monitoring asks of the lake beside the tables it measures: alerts of before, and the last delivery."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, date, datetime
from math import inf
from types import SimpleNamespace

import pytest

import monitoring.run
from lakehouse.lake import Lake
from lakehouse.ops import FILES
from lakehouse.registry import Version
from lakehouse.rows import append_rows
from monitoring.alerts import Observation
from monitoring.contracts import ALERTS
from monitoring.run import _in_use, _lately, _since_intake
from pipelines.silver.contracts import CLOSURES, LEARNING_EVENTS

AS_OF = date(2024, 12, 2)


def test_alerts_of_the_weeks_before_tell_how_many_students_they_stood_on(lake: Lake) -> None:
    """Those of an earlier release do not: they may stand on any number."""
    append_rows(
        lake,
        replace(ALERTS, columns=ALERTS.columns[:-1]),
        [(date(2024, 11, 18), "silent_client", "critical", "silver.messages", 3.9, 5.6, "few")],
    )
    lake._whole.clear()
    assert _lately(lake, AS_OF) == {"silent_client": inf}
    told = (
        (date(2024, 11, 25), "new_language", "warning", 5.0),
        (date(2024, 11, 18), "new_language", "warning", 7.0),
        (date(2024, 11, 25), "far_from_training", "info", 9.0),
        (date(2024, 11, 3), "feature_missing", "warning", 9.0),
        (AS_OF, "students_gone", "critical", 9.0),
    )
    append_rows(lake, ALERTS, [(day, rule, how, rule, 1.0, 0.5, "", size) for day, rule, how, size in told])
    assert _lately(lake, AS_OF) == {"silent_client": inf, "new_language": 7.0}


def test_why_there_was_too_little_data_is_told_with_its_day(lake: Lake, monkeypatch: pytest.MonkeyPatch) -> None:
    rule = Version("models.dropout", "1", "", {"kind": "recency_rule"})
    monkeypatch.setattr(monitoring.run, "versions", lambda *_: [rule])
    monkeypatch.setattr(monitoring.run, "decisions", lambda *_: [SimpleNamespace(reason="first model")])
    card = {"too_little_data": True, "as_of": "2024-07-10", "reason": "no Monday has a matured outcome yet"}
    told = _in_use(lake, rule, card)
    assert told["reason"] == "On 2024-07-10: no Monday has a matured outcome yet"
    assert "reason" not in _in_use(lake, rule, card | {"reason": ""})


def file(  # type: ignore[type-arg]
    name: str,
    arrived: date | None,
    taken_in: date,
    bronze_hash: str | None = None,
    rows: int = 3,
    table: str = "messages",
) -> tuple:
    at = datetime(taken_in.year, taken_in.month, taken_in.day, 3, tzinfo=UTC)
    return table, name, name, 10, 0, arrived, rows, None, None, at, bronze_hash


@pytest.mark.parametrize(
    ("files", "closed", "days"),
    [
        ((), (), None),
        ((file("a", None, date(2024, 12, 2)),), (), None),
        ((file("a", date(2024, 12, 1), date(2024, 12, 2)),), (), 6.0),
        ((file("a", date(2024, 12, 1), date(2024, 12, 2)),), (date(2024, 12, 3), date(2024, 12, 8)), 4.0),
        (
            (
                file("a", date(2024, 12, 1), date(2024, 12, 2)),
                file("b", date(2024, 12, 1), date(2024, 12, 7), bronze_hash="a"),
                file("c", date(2024, 12, 6), date(2024, 12, 7), rows=0),
                file("d", date(2024, 12, 6), date(2024, 12, 7), table="interventions"),
            ),
            (),
            6.0,
        ),
    ],
)
def test_days_since_the_last_delivery(
    lake: Lake,
    monkeypatch: pytest.MonkeyPatch,
    files: Sequence[tuple[object, ...]],
    closed: Sequence[date],
    days: float | None,
) -> None:
    append_rows(lake, FILES, files)
    monkeypatch.setattr(monitoring.run, "resolve_as_of", lambda *_: AS_OF)
    monkeypatch.setattr(monitoring.run, "_closed", lambda *_: {"all": set(closed)})
    today = date(2024, 12, 8)
    found = [] if days is None else [Observation("days_since_intake", "landing", days)]
    assert _since_intake(lake, AS_OF, today) == found
    assert _since_intake(lake, date(2024, 11, 25), today) == []


def test_a_holiday_that_was_announced_is_no_lack_of_deliveries(lake: Lake, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its days lie after the newest of the log, so they are asked for as known today."""
    append_rows(lake, FILES, [file("a", date(2024, 12, 1), date(2024, 12, 2))])
    announced = datetime(2024, 11, 1, tzinfo=UTC)
    append_rows(lake, CLOSURES, [("all", date(2024, 12, 3), date(2024, 12, 6), announced, None)])
    monkeypatch.setattr(monitoring.run, "resolve_as_of", lambda *_: AS_OF)
    monkeypatch.setattr(monitoring.run, "learnt", lambda *_: set())
    lake.create(LEARNING_EVENTS)
    assert _since_intake(lake, AS_OF, date(2024, 12, 8)) == [Observation("days_since_intake", "landing", 2.0)]
