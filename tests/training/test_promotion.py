"""Models that must not pass, each refused by the rule that it breaks; and what a person may do all the same."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.dummy import DummyClassifier
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline

import training.rollback
from lakehouse.cli import Run
from lakehouse.errors import RadarError
from lakehouse.lake import Lake
from lakehouse.ledger import champion, decisions, is_decided, move_alias, rollback
from lakehouse.model_files import load_model, refuse_unsafe
from lakehouse.registry import RECENCY, tracked_run, versions
from lakehouse.run_ids import new_run_id
from tests.training.training_frames import LEARNABLE, learnable
from training import dropout, evidence, experiment, history, promotion
from training.candidates import Candidate, Trained
from training.dropout import Parameters, ensure_first
from training.experiment import Experiment
from training.promotion import Wish, promote
from training.splits import Span, TooLittle, windows

DAY = date(2024, 12, 2)
Spoil = Callable[[Experiment], Trained]


@pytest.fixture
def tried(tracked_lake: Lake, monkeypatch: pytest.MonkeyPatch) -> Experiment:
    """An experiment on a lake whose champion is the recency rule."""
    french = pd.Series(dtype=object)
    monkeypatch.setattr(experiment, "languages", lambda *_: french)
    whole = learnable(40, as_of=DAY, lake=tracked_lake)
    monkeypatch.setattr(
        evidence, "window_rows", lambda _, test, *__: test.rows(whole.frame).assign(language="french")
    )  # fmt: skip
    monkeypatch.setattr(evidence, "known_features", lambda _: set(LEARNABLE))
    split = windows(whole.frame)
    assert not isinstance(split, TooLittle)
    made = Experiment(tracked_lake, whole, split)
    ensure_first(tracked_lake, whole, made, Parameters())
    return made


def good(tried: Experiment) -> Trained:
    return tried.fit_candidate(Candidate("logistic", {"C": 0.1}))


def plain(tried: Experiment, columns: tuple[str, ...] = LEARNABLE[:2]) -> tuple[Any, list[str]]:
    rows = tried.train_rows
    return LogisticRegression().fit(rows[list(columns)], rows["dropped_out"]), list(columns)


def trained_on_the_label(tried: Experiment) -> Trained:
    leaked = {"hint": lambda rows: rows["dropped_out"] + 0.1 * rows["gap_ratio"]}
    rows = tried.train_rows.assign(**leaked)
    object.__setattr__(tried, "tested", tried.tested.assign(**leaked))
    frame = tried.data.frame.assign(**leaked)
    object.__setattr__(tried, "data", replace(tried.data, frame=frame))
    model = LogisticRegression().fit(rows[["hint"]], rows["dropped_out"])
    return Trained("leaky", model, ["hint"], {})


def constant(tried: Experiment) -> Trained:
    return tried.fit("constant", DummyClassifier(strategy="prior"))


def with_a_swapped_column(tried: Experiment) -> Trained:
    """What was learnt and tested with two columns in each other's place."""
    swapped = {LEARNABLE[0]: LEARNABLE[1], LEARNABLE[1]: LEARNABLE[0]}
    rows = tried.train_rows[list(LEARNABLE[:2])].rename(columns=swapped)[list(LEARNABLE[:2])]
    model = LogisticRegression().fit(rows, tried.train_rows["dropped_out"])
    object.__setattr__(tried, "tested", tried.tested.rename(columns=swapped))
    return Trained("swapped", model, list(LEARNABLE[:2]), {})


@pytest.mark.parametrize(
    ("make", "rule"),
    [
        (trained_on_the_label, "features_available: no feature table holds hint"),
        (constant, "better_than_recency_rule"),
        (with_a_swapped_column, "as_evaluated: 0 of"),
    ],
)
def test_a_model_that_must_not_pass_is_refused_by_the_rule_it_breaks(tried: Experiment, make: Spoil, rule: str) -> None:
    made = tried.submit(make(tried))
    said = promote(tried.lake, "dropout", DAY)
    assert f"version 1 (recency_rule) stays, version {made.version} is refused by rule {rule}" in said
    assert versions(tried.lake, "dropout")[0].tags["decision"].startswith(f"refused against version 1: {rule}")
    assert len(decisions(tried.lake, "dropout")) == 1


@dataclass(frozen=True)
class Broken:
    """A model whose probabilities are missing, or that has none to give."""

    raises: bool

    def predict_proba(self, rows: pd.DataFrame) -> Any:
        if self.raises:
            raise ValueError("cannot score")
        return np.full((len(rows), 2), np.nan)


@pytest.mark.parametrize("raises", [False, True])
def test_a_model_that_scores_nan_or_raises_is_refused(
    tried: Experiment, raises: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    tried.submit(good(tried))
    read = evidence.load_model
    monkeypatch.setattr(evidence, "load_model", lambda lake, v: Broken(raises) if v.version == "2" else read(lake, v))
    said = promote(tried.lake, "dropout", DAY)
    assert "refused by rule valid_probabilities" in said
    assert ("ValueError: cannot score" in said) == raises


def test_a_challenger_equal_to_the_champion_is_no_change(tried: Experiment) -> None:
    tried.submit(good(tried))
    assert "version 2 (logistic) is champion: AP" in promote(tried.lake, "dropout", DAY)
    tried.submit(good(tried))
    assert "version 3 is refused by rule differs_from_champion" in promote(tried.lake, "dropout", DAY)
    assert "is champion already" in promote(tried.lake, "dropout", DAY, Wish(version="2"))


def test_a_champion_that_saw_the_test_window_is_found(tried: Experiment) -> None:
    late = replace(tried.split, train=Span(tried.split.train.first, tried.split.test.last))
    seen = Experiment(tried.lake, tried.data, late).submit(constant(tried))
    promote(tried.lake, "dropout", DAY, Wish(seen.version, "nobody looked"))
    tried.submit(good(tried))
    said = promote(tried.lake, "dropout", DAY)
    assert (
        f"refused by rule test_window_unseen: the champion was learnt or tuned on days up to {late.train.last}" in said
    )


def test_a_person_may_override_with_a_reason_and_it_is_written_down(
    tried: Experiment, capsys: pytest.CaptureFixture[str]
) -> None:
    tried.submit(constant(tried))
    said = promote(tried.lake, "dropout", DAY, Wish("2", "the fair on Monday needs it", "ada"))
    assert "version 2 (constant) is champion, over rule better_than_recency_rule" in said
    last = decisions(tried.lake, "dropout")[-1]
    assert (last.version, last.previous, last.by, last.reason) == ("2", "1", "ada", "the fair on Monday needs it")
    assert "better_than_recency_rule" in last.evidence["broken"]
    lines = history.lines(decisions(tried.lake, "dropout"))
    assert "version   1   on no day" in lines[0]
    assert "by ada" in lines[1]
    assert "after version 1: the fair on Monday needs it (over rule" in lines[1]


def test_a_person_may_bring_back_what_was_taken_back_and_it_is_theirs(tried: Experiment) -> None:
    tried.submit(good(tried))
    promote(tried.lake, "dropout", DAY)
    rollback(tried.lake, "dropout", DAY, "tutors complained")
    assert "has been champion before, and the rules promote none" in promote(tried.lake, "dropout", DAY, Wish("2"))
    assert "version 2 (logistic) is champion" in promote(tried.lake, "dropout", DAY, Wish("2", "tutors agree", "ada"))
    last = decisions(tried.lake, "dropout")[-1]
    assert (last.by, last.reason, last.evidence["broken"]) == ("ada", "tutors agree", ["taken_back"])


def test_a_feature_that_the_champion_has_lost_is_named(tried: Experiment, monkeypatch: pytest.MonkeyPatch) -> None:
    tried.submit(good(tried))
    promote(tried.lake, "dropout", DAY)
    lost, whole = LEARNABLE[-1], evidence.window_rows
    monkeypatch.setattr(evidence, "window_rows", lambda *found: whole(*found).drop(columns=lost))
    tried.submit(Trained("plain", *plain(tried), {}))
    said = promote(tried.lake, "dropout", DAY)
    assert (
        f"the champion, version 2, needs {lost}, which no feature table holds any more; go back by `rollback`" in said
    )


def test_who_never_was_champion_is_promoted_and_not_gone_back_to(tried: Experiment) -> None:
    tried.submit(constant(tried))
    asked = argparse.Namespace(model="dropout", version="2", reason="why not")
    with pytest.raises(RadarError, match=r"version 2 has never been champion.*-e promote .*override"):
        training.rollback.run(Run(tried.lake, new_run_id(), DAY, asked), DAY)
    promote(tried.lake, "dropout", DAY, Wish("2", "the fair on Monday needs it", "ada"))
    asked.version = "1"
    training.rollback.run(Run(tried.lake, new_run_id(), DAY, asked), DAY)
    held = champion(tried.lake, "dropout")
    assert held
    assert held.version == "1"


def test_a_challenger_that_nobody_decided_on_is_named_when_another_takes_its_place(
    tried: Experiment, capsys: pytest.CaptureFixture[str]
) -> None:
    tried.submit(good(tried))
    assert "waited for promotion" not in capsys.readouterr().out
    tried.submit(constant(tried))
    assert "dropout: version 2 waited for promotion until now; `" in capsys.readouterr().out
    promote(tried.lake, "dropout", DAY)
    tried.submit(constant(tried))
    assert "waited for promotion" not in capsys.readouterr().out


def test_a_promotion_that_was_killed_before_its_note_is_noted(tried: Experiment) -> None:
    """A version that the rules refused, and a person promoted all the same."""
    made = tried.submit(constant(tried))
    promote(tried.lake, "dropout", DAY)
    assert versions(tried.lake, "dropout")[0].tags["decision"].startswith("refused")
    move_alias(tried.lake, "dropout", made.version, DAY, "the fair needs it", by="ada")
    assert is_decided(tried.lake, made)
    assert "is champion already" in promote(tried.lake, "dropout", DAY)
    assert versions(tried.lake, "dropout")[0].tags["decision"] == "promoted by ada: the fair needs it"


def test_without_a_champion_nothing_is_promoted_and_a_wish_is_refused(tracked_lake: Lake) -> None:
    assert "no champion yet; `mlflow run" in promote(tracked_lake, "dropout", DAY)
    with pytest.raises(RadarError, match="dropout has no champion yet"):
        promote(tracked_lake, "dropout", DAY, Wish("1", "why not"))


def test_a_decision_for_an_earlier_day_leaves_later_ones_no_day(tried: Experiment) -> None:
    tried.submit(good(tried))
    for number, day in (("2", 14), ("1", 7)):
        move_alias(tried.lake, "dropout", number, DAY + timedelta(days=day), "asked for")
    stood = [line.split("  by ")[0].split() for line in history.lines(decisions(tried.lake, "dropout"))]
    assert stood == [
        ["version", "1", "2024-12-02", "to", "2024-12-09"],
        ["version", "2", "on", "no", "day"],
        ["version", "1", "2024-12-09", "to", "now"],
    ]


def test_an_unknown_version_is_named(tried: Experiment) -> None:
    with pytest.raises(RadarError, match="no version 9"):
        promote(tried.lake, "dropout", DAY, Wish("9"))


def test_a_promotion_leaves_metrics_window_and_rules_as_evidence(tried: Experiment) -> None:
    tried.submit(good(tried))
    promote(tried.lake, "dropout", DAY)
    told = decisions(tried.lake, "dropout")[-1].evidence
    assert told["window"] == [str(tried.split.test.first), str(tried.split.test.last)]
    assert told["challenger_metrics"]["roc_auc"] > told["recency_metrics"]["roc_auc"] + 0.02
    assert told["pins"] == {"features.student_labels": 3}
    assert told["broken"] == []
    assert "at most 0.05" in told["rules"]["calibrated"]


def test_a_model_whose_reading_could_run_code_is_not_read(tried: Experiment) -> None:
    import mlflow

    model, columns = plain(tried)
    with tracked_run(tried.lake.settings, "dropout", "elsewhere", {}):
        pickled = mlflow.sklearn.log_model(
            model, name="pickled", serialization_format="cloudpickle", input_example=tried.train_rows[columns].head(2)
        )
        odd = mlflow.sklearn.log_model(
            make_pipeline(SimpleImputer(), model), name="trusting", serialization_format="skops",
            skops_trusted_types=["os.system"],
        )  # fmt: skip
    with pytest.raises(RadarError, match="it is stored as cloudpickle"):
        refuse_unsafe(pickled.model_uri)
    with pytest.raises(RadarError, match=r"it asks to trust os\.system"):
        refuse_unsafe(odd.model_uri)
    made = mlflow.register_model(pickled.model_uri, versions(tried.lake, "dropout")[0].name)
    move_alias(tried.lake, "dropout", str(made.version), DAY, "somebody's own", by="eve")
    held = champion(tried.lake, "dropout")
    assert held is not None
    with pytest.raises(RadarError, match="could run code of whoever wrote it"):
        load_model(tried.lake, held)


def test_the_same_pins_and_seed_give_the_same_metrics_to_the_last_digit(tried: Experiment) -> None:
    for kind in ("logistic", "gradient_boosting"):
        once, twice = (tried.compare(tried.fit_candidate(Candidate(kind))) for _ in range(2))
        pd.testing.assert_frame_equal(once, twice, check_exact=True)


def test_training_again_on_the_same_rows_registers_nothing(tried: Experiment, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dropout, "training_set", lambda *_: tried.data)
    parameters = Parameters(("logistic",), trials=1)
    dropout.train(tried.lake, DAY, parameters)
    assert "nothing new to learn: version 2" in dropout.train(tried.lake, DAY, parameters)
    assert promotion.promote(tried.lake, "dropout", DAY).startswith("dropout: version 2 (logistic) is champion")


def test_an_experiment_that_was_registered_first_is_no_champion(
    tracked_lake: Lake, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of 28 days, as `train_dropout -P horizon_days=28` on a fresh lake leaves it."""
    monkeypatch.setattr(experiment, "languages", lambda *_: pd.Series(dtype=object))
    whole = learnable(40, as_of=DAY, lake=tracked_lake)
    other = replace(whole, recipe=replace(whole.recipe, horizon_days=28))
    split = windows(whole.frame)
    assert not isinstance(split, TooLittle)
    asked_first = Experiment(tracked_lake, other, split)
    asked_first.submit(asked_first.fit_candidate(Candidate("logistic", {"C": 0.1})), "mark", {})
    ensure_first(tracked_lake, whole, Experiment(tracked_lake, whole, split), Parameters())
    held = champion(tracked_lake, "dropout")
    assert held
    assert (held.version, held.kind) == ("2", RECENCY)
