from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import Any

import numpy as np
import pandas as pd
import pytest

from tests.training.training_frames import scored
from training.rules import Answer, Fresh, Grouped, Papers, answers, dropout_questions, load, refusal, segment_questions

RULES = load()
DAY = date(2024, 8, 1)
TAGS = {
    "as_of": "2024-07-22", "horizon_days": "14", "trained_to": "2024-04-01", "calibrated_to": "2024-05-06",
    "test_from": "2024-06-03", "test_to": "2024-07-01",
}  # fmt: skip
PAPERS = Papers(DAY, TAGS | {"calibrated_to": "2024-04-29"}, TAGS, ["a", "b"], ("[p]", "[p]"), {"a", "b", "c"})
GROUPED = Grouped(["a", "b", "c", "d"], {"a": 0.3, "b": 0.3, "c": 0.3, "d": 0.1}, 0.8, True)


def told(
    rows: pd.DataFrame, rules: Any = RULES["dropout"], papers: Papers = PAPERS, took: float = 0.01
) -> list[Answer]:
    return answers(dropout_questions(papers, lambda: Fresh(rows, took), rules, 1))


def refused(rows: pd.DataFrame) -> str:
    return refusal(told(rows))


def evaluated(rows: pd.DataFrame) -> pd.DataFrame:
    return rows.assign(evaluated=rows["probability"])


def test_a_good_challenger_keeps_every_rule() -> None:
    assert refused(evaluated(scored())) == ""


@pytest.mark.parametrize(
    ("spoil", "rule"),
    [
        (lambda r: r.assign(probability=r["dropped_out"].mean()), "better_than_recency_rule"),
        (lambda r: r.assign(probability=r["probability"].where(r.index != 3)), "valid_probabilities"),
        (lambda r: r.assign(probability=r["probability"] + 0.9), "valid_probabilities"),
        (lambda r: r.head(0), "valid_probabilities"),
        (lambda r: r.drop(columns="champion"), "valid_probabilities"),
        (lambda r: r.head(20), "enough_positive_students"),
        (lambda r: r.assign(champion=r["probability"]), "differs_from_champion"),
        (lambda r: r.assign(probability=r["dropped_out"] * 0.9 + 0.01), "plausible"),
        (lambda r: r.assign(recency=r["dropped_out"] * 0.5 + 0.2), "better_than_recency_rule"),
        (lambda r: r.assign(champion=r["dropped_out"] * 0.5 + 0.2), "not_worse_than_champion"),
        (lambda r: r.assign(probability=r["probability"] ** 0.3), "calibrated"),
        (lambda r: r.drop(columns="level_index"), "no_slice_far_behind"),
    ],
)
def test_a_spoilt_challenger_is_refused_by_the_rule_it_breaks(spoil: Any, rule: str) -> None:
    assert refused(evaluated(spoil(scored()))).startswith(rule)


def test_a_gain_that_may_be_noise_is_refused() -> None:
    rows = scored()
    noise = np.random.default_rng(1).normal(0, 0.08, len(rows))
    said = refused(evaluated(rows.assign(recency=(rows["probability"] + noise).clip(0, 1))))
    assert said.startswith("better_than_recency_rule: average_precision +0.012")
    assert "roc_auc +0.034" in said
    assert "below the interval of neither" in said


def test_nine_students_who_drop_out_are_too_few_whatever_the_rows() -> None:
    rows = scored(students=600)
    lost = rows.loc[rows["dropped_out"] == 1, "student_id"].unique()
    few = evaluated(rows[~rows["student_id"].isin(lost[9:])])
    assert refused(few).startswith("enough_positive_students: 9 students")


def test_probabilities_that_its_training_did_not_log_are_refused() -> None:
    rows = scored()
    for logged in (rows["probability"] + 0.01, np.nan):
        assert refused(rows.assign(evaluated=logged)).startswith("as_evaluated: 0 of 1,000")


def test_a_slow_challenger_is_refused() -> None:
    assert refusal(told(evaluated(scored()), took=1.5)).startswith("fast_enough: 1.500 s")


@pytest.mark.parametrize(
    ("changed", "rule"),
    [
        ({"challenger": TAGS | {"horizon_days": "7"}}, "same_question"),
        ({"challenger": TAGS | {"feature_set": "errors"}}, "same_question"),
        ({"inputs": ["a", "dropped_out"]}, "features_available: no feature table holds dropped_out"),
        ({"inputs": []}, "features_available"),
        ({"outputs": ("[p]", "[long]")}, "signature_equal"),
        ({"outputs": ("", "")}, "signature_equal"),
        ({"as_of": date(2024, 9, 1)}, "evidence_fresh: its evidence ended on 2024-07-01 and is 45 days old"),
        ({"as_of": date(2024, 7, 10)}, "evidence_fresh"),
        ({"challenger": TAGS | {"test_to": "", "as_of": ""}}, "evidence_fresh"),
        ({"challenger": TAGS | {"calibrated_to": "2024-05-20"}}, "test_window_unseen: the challenger"),
        ({"challenger": TAGS | {"trained_to": "2024-06-10"}}, "test_window_unseen: the challenger"),
        ({"challenger": TAGS | {"trained_to": "", "calibrated_to": ""}}, "test_window_unseen: it does not say"),
        ({"champion": TAGS | {"trained_to": "2024-06-03"}}, "test_window_unseen: the champion"),
    ],
)  # fmt: skip
def test_papers_that_do_not_hold_are_refused_by_the_rule_they_break(changed: dict[str, Any], rule: str) -> None:
    assert refusal(told(evaluated(scored()), papers=replace(PAPERS, **changed))).startswith(rule)


def test_a_recency_rule_may_have_seen_any_day() -> None:
    """It ranks by one feature: fitted on every row, it would forbid a challenger for months."""
    champion = TAGS | {"kind": "recency_rule", "trained_to": "2024-07-01", "calibrated_to": ""}
    assert refusal(told(evaluated(scored()), papers=replace(PAPERS, champion=champion))) == ""
    tuned = told(evaluated(scored()), papers=replace(PAPERS, champion=champion | {"kind": "logistic"}))
    assert refusal(tuned).startswith("test_window_unseen: the champion")


def test_rows_that_cannot_be_made_are_a_refusal() -> None:
    def raises() -> Fresh:
        raise ValueError("no model")

    said = refusal(answers(dropout_questions(PAPERS, raises, RULES["dropout"], 1)))
    assert said == "valid_probabilities: could not be answered (ValueError: no model)"


def test_a_slice_far_behind_is_named() -> None:
    rows = scored(students=600)
    french = rows["language"] == "french"
    noise = np.random.default_rng(2).permutation(rows["champion"])
    behind = rows.assign(champion=rows["probability"] * 0.999, probability=rows["probability"].mask(french, noise))
    said = {answer.rule: answer for answer in told(evaluated(behind))}
    assert not said["no_slice_far_behind"].kept
    assert "language french" in said["no_slice_far_behind"].said


def test_a_missing_threshold_is_a_refusal() -> None:
    rules = {key: value for key, value in RULES["dropout"].items() if key != "max_calibration_error"}
    broken = [a for a in told(evaluated(scored()), rules) if not a.kept]
    assert [a.rule for a in broken] == ["calibrated"]
    assert "KeyError" in broken[0].said


def test_no_rule_at_all_is_a_refusal() -> None:
    assert refusal([])


def grouped(**changes: Any) -> str:
    found = replace(GROUPED, **changes)
    return refusal(answers(segment_questions(PAPERS, lambda: found, RULES["segments"])))


def test_good_segments_keep_every_rule() -> None:
    assert grouped() == ""


@pytest.mark.parametrize(
    ("changed", "rule"),
    [
        ({"stability": 0.5}, "stable"),
        ({"stability": float("nan")}, "stable"),
        ({"shares": {"a": 0.5, "b": 0.3, "c": 0.18, "d": 0.02}}, "no_segment_too_small"),
        ({"shares": {"a": 0.5, "b": 0.3, "c": 0.2}}, "no_segment_too_small"),
        ({"shares": {}}, "no_segment_too_small"),
        ({"names_hold": False}, "names_hold"),
    ],
)
def test_poor_segments_are_refused_by_the_rule_they_break(changed: dict[str, Any], rule: str) -> None:
    assert grouped(**changed).startswith(rule)
