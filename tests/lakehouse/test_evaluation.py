from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from lakehouse.evaluation import METRICS, evaluate, evaluate_slices, metrics, point, resampled
from tests.training.training_frames import scored


def one(outcome: list[int], probability: list[float], weights: list[float] | None = None) -> dict[str, float]:
    weighted = np.array([weights or [1.0] * len(outcome)])
    found = metrics(np.array(outcome, float), np.array(probability), weighted)
    return {name: float(value[0]) for name, value in found.items()}


def test_metrics_computed_by_hand() -> None:
    found = one([1, 0, 1, 0, 0], [0.9, 0.8, 0.7, 0.2, 0.1])
    assert found["roc_auc"] == pytest.approx(5 / 6)
    assert found["average_precision"] == pytest.approx((1 + 2 / 3) / 2)
    assert found["brier"] == pytest.approx((0.01 + 0.64 + 0.09 + 0.04 + 0.01) / 5)
    assert found["calibration_error"] == pytest.approx((0.1 + 0.8 + 0.3 + 0.2 + 0.1) / 5)
    assert found["calibration_gap"] == pytest.approx(0.4 - 0.54)
    assert found["base_rate"] == pytest.approx(0.4)
    assert found["precision_at_10"] == pytest.approx(1.0)
    assert found["lift_at_10"] == pytest.approx(2.5)


def test_tied_probabilities_tell_nothing() -> None:
    found = one([1, 0, 0, 0], [0.25] * 4)
    assert found["roc_auc"] == pytest.approx(0.5)
    assert found["average_precision"] == pytest.approx(0.25)
    assert found["precision_at_10"] == pytest.approx(0.25)
    assert found["calibration_error"] == pytest.approx(0)


def test_agrees_with_scikit_learn_and_weights_are_repetitions() -> None:
    from sklearn.metrics import average_precision_score, brier_score_loss, roc_auc_score

    random = np.random.default_rng(1)
    outcome, probability = random.integers(0, 2, 300), random.random(300).round(2)
    weights = random.integers(0, 4, 300)
    found = one(outcome.tolist(), probability.tolist(), weights.tolist())
    y, p = outcome.repeat(weights), probability.repeat(weights)
    assert found["roc_auc"] == pytest.approx(roc_auc_score(y, p))
    assert found["average_precision"] == pytest.approx(average_precision_score(y, p))
    assert found["brier"] == pytest.approx(brier_score_loss(y, p))


def test_one_outcome_only_is_no_number_and_becomes_none() -> None:
    rows = pd.DataFrame({"student_id": ["a", "b"], "dropped_out": [0, 0], "probability": [0.1, 0.2]})
    assert np.isnan(point(rows, "probability")["roc_auc"])
    assert evaluate(rows, "probability", 1)["roc_auc"] == {"value": None, "low": None, "high": None}


def test_intervals_hold_the_value_and_do_not_shrink_with_repeated_rows_of_a_student() -> None:
    rows = scored(students=150, weeks=1)
    single = evaluate(rows, "probability", 3)
    repeated = evaluate(pd.concat([rows] * 4), "probability", 3)
    for name in METRICS:
        assert single[name]["low"] <= single[name]["value"] <= single[name]["high"]
        if name != "calibration_error":
            assert repeated[name] == pytest.approx(single[name], abs=0.02)


def test_the_same_seed_draws_the_same_students_for_every_column() -> None:
    rows = scored()
    same = rows.assign(copy=rows["probability"])
    first, second = resampled(same, "probability", 7), resampled(same, "copy", 7)
    assert all((first[name] == second[name]).all() for name in METRICS)


def test_slices_cover_every_row_once() -> None:
    rows = scored()
    found = evaluate_slices(rows, "probability", 1)
    for name in ("language", "level", "tenure"):
        parts = [part for part in found if part["slice"] == name]
        assert sum(part["rows"] for part in parts) == len(rows)
    assert {part["value"] for part in found} == {"french", "spanish", "A2", "4 to 13 weeks"}
