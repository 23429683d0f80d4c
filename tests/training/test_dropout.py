from __future__ import annotations

from datetime import date

import numpy as np
import pandas as pd
import pytest
from training_frames import set_of

from lakehouse.errors import RadarError
from lakehouse.lake import Lake
from lakehouse.registry import challenger, champion, decisions, load_card, load_reference, versions
from training import dropout, promotion
from training.data import TrainingSet
from training.dropout import Parameters, train

DAY = date(2024, 12, 2)
FEATURES = ("gap_ratio", "active_days_28", "level_index", "tenure_days", "mastery_mean")


@pytest.fixture
def store(tracked_lake: Lake, monkeypatch: pytest.MonkeyPatch) -> Lake:
    monkeypatch.setattr(dropout, "languages", lambda *_: pd.Series({"s000": "french"}))
    return tracked_lake


def learnable(mondays: int, students: int = 80, lake: Lake | None = None) -> TrainingSet:
    """Dropout follows active days much and the gap a little."""
    random = np.random.default_rng(5)
    days = pd.date_range("2024-01-01", periods=mondays, freq="7D")
    size = mondays * students
    frame = pd.DataFrame(
        {
            "student_id": np.tile([f"s{i:03}" for i in range(students)], mondays),
            "as_of": np.repeat(days, students),
            "gap_ratio": random.exponential(size=size),
            "active_days_28": random.integers(0, 15, size).astype(float),
            "level_index": 2.0,
            "tenure_days": 40.0,
            "mastery_mean": np.nan,
        }
    )
    odds = frame["gap_ratio"] * 0.5 - frame["active_days_28"] * 0.4
    frame["dropped_out"] = (random.random(size) < 1 / (1 + np.exp(-odds))).astype(int)
    return set_of(frame, FEATURES, DAY, lake)


def test_from_nothing_to_a_promoted_model_and_nothing_new_the_second_time(
    store: Lake, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dropout, "training_set", lambda *_: learnable(40, lake=store))
    parameters = Parameters(candidates=("logistic",))
    assert "version 2 (logistic)" in train(store, DAY, parameters)
    first, second = champion(store, "dropout"), challenger(store, "dropout")
    assert first is not None
    assert second is not None
    assert (first.version, first.kind, second.version) == ("1", "recency_rule", "2")

    card = load_card(store, second)
    assert card["metrics"]["roc_auc"]["low"] > card["recency"]["roc_auc"]["high"]
    assert card["test_students"] == 80
    assert not card["too_little_data"]
    reference = load_reference(store, second)
    assert reference["features"]["mastery_mean"] == {"edges": [], "shares": [], "missing": 1.0}
    assert sum(reference["features"]["gap_ratio"]["shares"]) == pytest.approx(1)
    assert len(reference["features"]["gap_ratio"]["shares"]) == 10

    import mlflow

    model = mlflow.pyfunc.load_model(second.uri)
    assert tuple(model.metadata.get_input_schema().input_names()) == FEATURES
    risk = model.predict(learnable(1).frame[list(FEATURES)])[:, 1]
    assert ((risk > 0) & (risk < 1)).all()

    assert "nothing new" in train(store, DAY, parameters)
    assert len(versions(store, "dropout")) == 2
    assert "version 2 (logistic) is champion" in promotion.promote(store, "dropout", DAY)
    assert "champion already" in promotion.promote(store, "dropout", DAY)
    assert len(decisions(store, "dropout")) == 2


def test_with_too_little_data_the_recency_rule_is_champion_and_the_card_says_why(
    store: Lake, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dropout, "training_set", lambda *_: learnable(3, 10, store))
    said = train(store, DAY, Parameters())
    assert "too little data to learn from: 3 Mondays" in said
    assert "version 1 (recency_rule) stays champion" in said
    found = champion(store, "dropout")
    assert found is not None
    card = load_card(store, found)
    assert card["too_little_data"]
    assert "3 Mondays" in card["reason"]
    assert card["metrics"]["roc_auc"]["value"] is None
    assert challenger(store, "dropout") is None
    train(store, DAY, Parameters())
    assert len(versions(store, "dropout")) == 1


def test_options_that_make_no_sense_are_named() -> None:
    parser_args = {"candidates": "logistic", "test_from": "soon", "test_to": "", "seed": 1}
    import argparse

    with pytest.raises(RadarError, match="test_from is 'soon'"):
        Parameters.of(argparse.Namespace(**parser_args))
    with pytest.raises(RadarError, match="candidates is empty"):
        Parameters.of(argparse.Namespace(**parser_args | {"candidates": " ,"}))
