from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from training_frames import scored

from training.rules import answers, dropout_questions, load, refusal, segment_questions

RULES = load()
CARD: dict[str, Any] = {
    "segments": ["a", "b", "c", "d"],
    "shares": {"a": 0.3, "b": 0.3, "c": 0.3, "d": 0.1},
    "stability": {"4": 0.8},
    "names_matched": True,
}


def refused(rows: pd.DataFrame) -> str:
    return refusal(answers(dropout_questions(rows, RULES["dropout"], 1)))


def test_a_good_challenger_keeps_every_rule() -> None:
    assert refused(scored()) == ""


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
        (lambda r: r.assign(recency=r["dropped_out"] * 0.5 + 0.2), "better_than_recency_rule"),
        (lambda r: r.assign(champion=r["dropped_out"] * 0.5 + 0.2), "not_worse_than_champion"),
        (lambda r: r.assign(probability=r["probability"] ** 0.3), "calibrated"),
        (lambda r: r.drop(columns="level_index"), "no_slice_far_behind"),
    ],
)
def test_a_spoilt_challenger_is_refused_by_the_rule_it_breaks(spoil: Any, rule: str) -> None:
    assert refused(spoil(scored())).startswith(rule)


def test_a_slice_far_behind_is_named() -> None:
    rows = scored(students=600)
    french = rows["language"] == "french"
    noise = np.random.default_rng(2).permutation(rows["champion"])
    behind = rows.assign(champion=rows["probability"] * 0.999, probability=rows["probability"].mask(french, noise))
    said = {answer.rule: answer for answer in answers(dropout_questions(behind, RULES["dropout"], 1))}
    assert not said["no_slice_far_behind"].kept
    assert "language french" in said["no_slice_far_behind"].said


def test_a_missing_threshold_is_a_refusal() -> None:
    rules = {key: value for key, value in RULES["dropout"].items() if key != "max_calibration_error"}
    broken = [a for a in answers(dropout_questions(scored(), rules, 1)) if not a.kept]
    assert [a.rule for a in broken] == ["calibrated"]
    assert "KeyError" in broken[0].said


def test_no_rule_at_all_is_a_refusal() -> None:
    assert refusal([])


def test_good_segments_keep_every_rule() -> None:
    assert refusal(answers(segment_questions(CARD, RULES["segments"]))) == ""


@pytest.mark.parametrize(
    ("changed", "rule"),
    [
        ({"stability": {"4": 0.5}}, "stable"),
        ({"stability": {"4": float("nan")}}, "stable"),
        ({"stability": {}}, "stable"),
        ({"shares": {"a": 0.5, "b": 0.3, "c": 0.18, "d": 0.02}}, "no_segment_too_small"),
        ({"shares": {"a": 0.5, "b": 0.3, "c": 0.2}}, "no_segment_too_small"),
        ({"names_matched": False}, "names_hold"),
        ({"names_matched": None}, "names_hold"),
    ],
)
def test_poor_segments_are_refused_by_the_rule_they_break(changed: dict[str, Any], rule: str) -> None:
    assert refusal(answers(segment_questions(CARD | changed, RULES["segments"]))).startswith(rule)
