from __future__ import annotations

import warnings

import numpy as np
import pandas as pd
import pytest

from lakehouse.errors import RadarError
from lakehouse.registry import RECENCY
from training.calibration import calibrated, method
from training.candidates import SPACES, Candidate, candidates, fixed_recency_rule, usable


def rows(size: int = 600) -> tuple[pd.DataFrame, pd.Series]:
    random = np.random.default_rng(0)
    frame = pd.DataFrame(random.normal(size=(size, 3)), columns=["a", "b", "c"])
    frame["gap_ratio"] = random.exponential(size=size)
    frame["empty"], frame["constant"] = np.nan, 3.0
    frame.loc[::3, "a"] = np.nan
    frame.loc[0, "b"] = 1e12
    outcome = pd.Series((frame["gap_ratio"] + random.normal(size=size) > 1.5).astype(int))
    return frame, outcome


@pytest.mark.parametrize("kind", [RECENCY, "logistic", "gradient_boosting"])
def test_empty_constant_missing_and_huge_values_are_borne_without_a_warning(kind: str) -> None:
    frame, outcome = rows()
    parameters = candidates(kind, 1, 0)[0].parameters if kind != RECENCY else {}
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        model = Candidate(kind, parameters).fit(frame, outcome, 1)
        risk = model.predict_proba(frame.assign(empty=7.0))[:, 1]
    assert np.isfinite(risk).all()
    assert risk[outcome == 1].mean() > risk[outcome == 0].mean() + 0.05


def test_usable_columns_hold_two_values() -> None:
    assert usable(rows()[0]) == ["a", "b", "c", "gap_ratio"]


def test_the_fixed_rule_is_what_its_comment_says() -> None:
    risk = fixed_recency_rule().predict_proba(pd.DataFrame({"gap_ratio": [0.0, 1.0, 2.0, 5.0]}))[:, 1]
    assert risk.round(2).tolist() == [0.05, 0.17, 0.31, 0.64]


def test_an_unknown_candidate_is_named() -> None:
    with pytest.raises(RadarError, match="'forest'"):
        candidates("forest", 1, 0)


def test_a_search_draws_without_repetition_the_same_for_a_seed_and_no_more_than_there_is() -> None:
    drawn = candidates("logistic", 4, 7)
    assert drawn == candidates("logistic", 4, 7)
    assert len({candidate.parameters["C"] for candidate in drawn}) == 4
    assert len(candidates("logistic", 99, 7)) == len(SPACES["logistic"]["C"])


def test_a_longer_silence_never_lowers_the_risk_of_boosting_and_a_day_of_practice_never_raises_it() -> None:
    random = np.random.default_rng(0)
    frame = pd.DataFrame({"gap_ratio": random.exponential(size=3000), "active_days_28": random.integers(0, 9, 3000)})
    outcome = pd.Series((random.random(3000) < 0.2 + 0.2 * np.sin(frame["gap_ratio"] * 4)).astype(int))
    parameters = {"max_leaf_nodes": 8, "min_samples_leaf": 20}
    model = Candidate("gradient_boosting", parameters).fit(frame, outcome, 1)
    grid = pd.DataFrame({"gap_ratio": np.linspace(0, 5, 50), "active_days_28": 3})
    assert (np.diff(model.predict_proba(grid)[:, 1]) >= 0).all()
    days = pd.DataFrame({"gap_ratio": 1.0, "active_days_28": np.arange(9)})
    assert (np.diff(model.predict_proba(days)[:, 1]) <= 0).all()


@pytest.mark.parametrize(
    ("positives", "share", "how"),
    [(40, 0.1, "sigmoid"), (999, 0.1, "sigmoid"), (1000, 0.1, "isotonic"), (900, 0.3, "none"), (900, 0.04, "none")],
)
def test_the_calibration_method_follows_the_window(positives: int, share: float, how: str) -> None:
    assert method(positives, share, 0.1) == how


def test_calibration_mends_probabilities_and_leaves_the_model_and_the_ranks() -> None:
    frame, outcome = rows(2000)
    fitted = Candidate("logistic", {"C": 0.03}).fit(frame[:1000], outcome[:1000], 1)
    before = fitted.predict_proba(frame)[:, 1]
    fewer = (np.arange(2000) % 3 == 0) | (outcome == 0)
    model = calibrated(fitted, frame[fewer], outcome[fewer], "sigmoid")
    after = model.predict_proba(frame)[:, 1]
    assert after[fewer].mean() == pytest.approx(outcome[fewer].mean(), abs=0.01)
    assert (np.argsort(after) == np.argsort(before)).all()
    assert (fitted.predict_proba(frame)[:, 1] == before).all()
    assert calibrated(fitted, frame, outcome, "none") is fitted
