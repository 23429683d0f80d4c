"""What tables say, as observations."""

from __future__ import annotations

from datetime import date
from typing import Any

import pandas as pd

from monitoring.observations import of_drift, of_health, of_tables

DRIFT: dict[str, Any] = {
    "feature": "pace", "students": 80, "psi": 1.5, "recent_psi": 0.6, "noise": 0.3, "usual_psi": 0.1,
    "missing_share": 0.5, "recent_missing_share": 0.25,
}  # fmt: skip
HEALTH: dict[str, Any] = {
    "as_of": date(2024, 12, 2), "model_version": "2", "slice": "all", "slice_value": "all", "metric": "roc_auc",
    "promised_low": 0.75, "promised_high": 0.85, "realised_low": 0.5, "realised_high": 0.5, "dropouts": 12,
}  # fmt: skip


def seen(*rows: dict[str, Any]) -> dict[str, tuple[float, float | None]]:
    return {found.measure: (found.value, found.usual) for found in of_drift(pd.DataFrame(list(rows)), {"habit"})}


def healthy(*rows: dict[str, Any]) -> list[tuple[str, str, float, float]]:
    return [
        (found.measure, found.subject, found.value, found.size) for found in of_health(pd.DataFrame(list(rows)), "2")
    ]


def test_drift_is_usual_up_to_noise_or_twice_its_habit() -> None:
    assert seen(DRIFT) == {"feature_psi": (0.6, 0.3), "training_psi": (1.5, None), "feature_missing": (0.25, None)}
    assert seen(DRIFT | {"usual_psi": 0.25})["feature_psi"] == (0.6, 0.5)
    assert seen(DRIFT | {"usual_psi": None})["feature_psi"] == (0.6, None)


def test_features_that_the_model_goes_by_and_the_risk_have_names_of_their_own() -> None:
    assert "important_feature_psi" in seen(DRIFT | {"feature": "habit"})
    assert seen(DRIFT | {"feature": "risk"}).keys() == {"risk_psi", "feature_missing"}


def test_what_is_not_known_is_not_observed() -> None:
    assert seen(DRIFT | {"recent_psi": None, "recent_missing_share": None}) == {}
    table = {"table_name": "t", "hours_behind": None, "quarantined_share": 0.1, "gate_failures": None}
    assert [(found.measure, found.subject) for found in of_tables(pd.DataFrame([table]))] == [
        ("quarantined_share", "t")
    ]


def test_realised_lies_below_the_promise_by_the_gap_between_the_intervals() -> None:
    assert healthy(HEALTH) == [("roc_auc_short", "all", 0.25, 12)]
    assert healthy(HEALTH | {"realised_high": 0.875}) == [("roc_auc_short", "all", -0.125, 12)]
    assert healthy(HEALTH | {"slice": "language", "slice_value": "dutch"})[0][1] == "language dutch"
    assert healthy(HEALTH | {"promised_low": None}) == []
    assert healthy(HEALTH | {"metric": "brier"}) == []


def test_risks_are_off_in_both_directions() -> None:
    gap = HEALTH | {"metric": "calibration_gap", "promised_low": -0.25, "promised_high": 0.25}
    assert healthy(gap | {"realised_low": 0.5, "realised_high": 0.75}) == [("calibration_gap_off", "all", 0.25, 12)]
    assert healthy(gap | {"realised_low": -0.75, "realised_high": -0.5}) == [("calibration_gap_off", "all", 0.25, 12)]


def test_only_the_newest_week_speaks() -> None:
    assert healthy(HEALTH, HEALTH | {"as_of": date(2024, 11, 25), "realised_high": 0.25}) == [
        ("roc_auc_short", "all", 0.25, 12)
    ]
    assert healthy() == []


def test_of_two_versions_of_one_week_the_one_in_charge_speaks() -> None:
    assert healthy(HEALTH, HEALTH | {"model_version": "1", "realised_high": 0.25}) == [
        ("roc_auc_short", "all", 0.25, 12)
    ]
