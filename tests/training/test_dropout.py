from __future__ import annotations

from datetime import date

import pandas as pd
import pytest

from lakehouse.errors import RadarError
from lakehouse.lake import Lake
from lakehouse.ledger import champion, decisions, move_alias
from lakehouse.model_files import load_card, load_reference
from lakehouse.registry import challenger, client, versions
from tests.training.training_frames import LEARNABLE, learnable
from training import dropout, evidence, experiment, promotion
from training.dropout import Parameters, train
from training.versions import recency_rule

DAY = date(2024, 12, 2)


@pytest.fixture
def store(tracked_lake: Lake, monkeypatch: pytest.MonkeyPatch) -> Lake:
    monkeypatch.setattr(experiment, "languages", lambda *_: pd.Series({"s000": "french"}))
    return tracked_lake


def test_from_nothing_to_a_promoted_model_and_nothing_new_the_second_time(
    store: Lake, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dropout, "training_set", lambda *_: learnable(40, lake=store, as_of=DAY))
    monkeypatch.setattr(
        evidence,
        "window_rows",
        lambda _, test, *__: test.rows(learnable(40, as_of=DAY).frame).assign(language="french"),
    )
    monkeypatch.setattr(evidence, "known_features", lambda _: set(LEARNABLE))
    parameters = Parameters(candidates=("logistic",), trials=2)
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
    assert tuple(model.metadata.get_input_schema().input_names()) == LEARNABLE
    risk = model.predict(learnable(1).frame[list(LEARNABLE)])[:, 1]
    assert ((risk > 0) & (risk < 1)).all()

    assert "nothing new" in train(store, DAY, parameters)
    assert len(versions(store, "dropout")) == 2
    assert "version 2 (logistic) is champion" in promotion.promote(store, "dropout", DAY)
    assert "champion already" in promotion.promote(store, "dropout", DAY)
    assert len(decisions(store, "dropout")) == 2


def test_a_test_window_that_leaves_too_little_is_no_lack_of_data(store: Lake, monkeypatch: pytest.MonkeyPatch) -> None:
    data = learnable(40, lake=store)
    monkeypatch.setattr(dropout, "training_set", lambda *_: data)
    second = sorted(data.frame["as_of"].unique())[1]
    with pytest.raises(RadarError, match=r"With that test window .*: leave them out"):
        train(store, DAY, Parameters(test_from=second.date(), test_to=second.date()))
    assert champion(store, "dropout") is None


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


def test_a_recency_rule_that_was_deleted_is_made_anew_and_the_champion_stays(
    store: Lake, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dropout, "training_set", lambda *_: learnable(3, 10, store))
    train(store, DAY, Parameters())
    first = versions(store, "dropout")[0]
    client(store.settings).copy_model_version(first.uri, first.name)
    client(store.settings).set_model_version_tag(first.name, "2", "kind", "logistic")
    move_alias(store, "dropout", "2", DAY, "better")
    client(store.settings).delete_model_version(first.name, "1")
    assert recency_rule(store) is None
    assert "version 2 (logistic) stays champion" in train(store, DAY, Parameters())
    made = recency_rule(store)
    assert made is not None
    assert made.version == "3"


def test_options_that_make_no_sense_are_named() -> None:
    parser_args = {
        "candidates": "logistic", "trials": 2, "horizon_days": 14, "test_from": "soon", "test_to": "", "seed": 1,
    }  # fmt: skip
    import argparse

    with pytest.raises(RadarError, match="test_from is 'soon'"):
        Parameters.of(argparse.Namespace(**parser_args))
    with pytest.raises(RadarError, match="candidates is empty"):
        Parameters.of(argparse.Namespace(**parser_args | {"candidates": " ,"}))
    with pytest.raises(RadarError, match="'forest'; choose among logistic, gradient_boosting"):
        Parameters.of(argparse.Namespace(**parser_args | {"candidates": "logistic,forest"}))
    with pytest.raises(RadarError, match="horizon_days is 90; choose from 7 to 28"):
        Parameters.of(argparse.Namespace(**parser_args | {"horizon_days": 90}))
    with pytest.raises(RadarError, match="seed is -1; choose from 0 to 4294967295"):
        Parameters.of(argparse.Namespace(**parser_args | {"test_from": "", "seed": -1}))
    with pytest.raises(RadarError, match="trials is 0"):
        Parameters.of(argparse.Namespace(**parser_args | {"trials": 0}))
