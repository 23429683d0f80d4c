"""When to train again, and why not."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from lakehouse.lake import Lake
from lakehouse.rows import append_rows
from monitoring.alerts import Alert, load
from monitoring.contracts import RETRAINING
from monitoring.retraining import Decision, decide
from monitoring.run import _decided

RULES, TODAY = load(), date(2024, 12, 30)


def alert(rule: str, severity: str = "warning") -> Alert:
    return Alert(rule, severity, "x", 1.0, 0.5, "", None)


@pytest.mark.parametrize(
    ("alerts", "trained", "retrain", "because"),
    [
        ([], None, True, "there is no model yet"),
        ([alert("auc_below_promise")], TODAY, False, "training ran as of 2024-12-30 already"),
        ([alert("auc_below_promise")], date(2025, 1, 1), False, "training ran as of 2025-01-01 already"),
        ([], date(2024, 12, 9), False, "21 days ago and no alert asks for it"),
        ([], date(2024, 12, 8), True, "22 days ago, more than 21"),
        ([alert("auc_below_promise")], date(2024, 12, 23), True, r"auc_below_promise \(x\); .* 7 days ago"),
        ([alert("auc_below_promise")], date(2024, 12, 24), False, "6 days ago, too lately for auc_below_promise"),
        ([alert("risks_off"), alert("score_drifted")], date(2024, 12, 1), True, "and 1 more"),
        ([alert("auc_below_promise", "info")], date(2024, 12, 23), False, "no alert asks for it"),
        ([alert("new_language")], date(2024, 12, 16), False, "no alert asks for it"),
        ([alert("silent_client", "critical")], date(2024, 11, 1), False, "must not be learnt from: silent_client"),
    ],
)
def test_decisions(alerts: list[Alert], trained: date | None, retrain: bool, because: str) -> None:
    import re

    found = decide(alerts, trained, TODAY, RULES)
    assert found.retrain is retrain
    assert re.search(because, found.because)
    assert str(found).startswith("retrain: yes, because " if retrain else "retrain: no, ")


def test_a_yes_that_was_acted_on_stays_a_yes_with_its_reason(lake: Lake) -> None:
    asked = _decided(lake, Decision(True, "they are 28 days old"), TODAY, acted_on=False)
    assert {row[2:] for row in asked} == {(True, "they are 28 days old", False)}
    lake.create(RETRAINING)
    append_rows(lake, RETRAINING, asked)
    after = _decided(lake, Decision(False, "trained already"), TODAY, acted_on=True)
    assert {row[2:] for row in after} == {(True, "they are 28 days old", True)}
    mended = _decided(lake, Decision(False, "no alert asks for it"), TODAY, acted_on=False)
    assert {row[2:] for row in mended} == {(False, "no alert asks for it", False)}
    other = _decided(lake, Decision(False, "trained lately"), TODAY + timedelta(days=7), acted_on=False)
    assert {row[2:] for row in other} == {(False, "trained lately", False)}
