"""Bands, reasons and actions."""

from __future__ import annotations

from collections import Counter
from datetime import date

import numpy as np
import pandas as pd
import pytest
from pyspark.sql import SparkSession

from features.segments import BEHAVIOUR, ERRORS
from lakehouse.errors import RadarError
from lakehouse.registry import Version
from scoring.reasons import REASONS, contributions, explain
from scoring.risk import banded, nearest, playbook, risk_of, suggested, typical_values
from scoring.run import _names, missing_values, movement

TYPICAL = {
    "days_since_active": 2.0, "usual_gap": 3.0, "gap_ratio": 0.4, "messages_14": 20.0, "score_latest": 70.0,
    "score_mean": 70.0, "error_rate_14": 0.1, "error_rate_28": 0.1, "active_days_28": 8.0, "active_days_14": 4.0,
    "activity_trend": 0.0, "lessons_completed_28": 3.0, "days_since_lesson": 5.0, "days_since_attempt": 10.0,
    "tenure_days": 100.0,
}  # fmt: skip
WEIGHTS = {"days_since_active": 0.3, "score_latest": -0.05, "messages_14": -0.02}


def predict(rows: pd.DataFrame) -> np.ndarray:
    """A linear model in the log-odds."""
    log_odds = sum(weight * rows[name] for name, weight in WEIGHTS.items()).to_numpy(float)
    return 1 / (1 + np.exp(-log_odds))


def test_reasons_are_ordered_by_what_they_add_and_told_in_the_students_own_numbers() -> None:
    rows = pd.DataFrame([TYPICAL | {"days_since_active": 12.0, "score_latest": 40.0}], dtype=float)
    told = explain(rows, TYPICAL, predict).iloc[0]
    # 10 days x .3 = 3.0 in the log-odds, 30 points x .05 = 1.5; the rest is typical.
    assert told["reason_1"] == "12 days since the last session; usual gap 3 days"
    assert told["reason_2"] == "latest assessment 40 of 100; their mean is 70"
    assert told["reason_3"] is None
    assert told["cause"] == "silence"


def test_the_strongest_reason_of_a_family_speaks_first_for_it_and_others_fill_up() -> None:
    def practice_and_scores(rows: pd.DataFrame) -> np.ndarray:
        odds = 0.3 * rows["days_since_active"] - 0.05 * rows["messages_14"] - 0.2 * rows["active_days_28"]
        return 1 / (1 + np.exp(-(odds - 0.01 * rows["score_latest"]).to_numpy(float)))

    rows = TYPICAL | {"days_since_active": 12.0, "messages_14": 0.0, "active_days_28": 2.0}
    low = pd.DataFrame([rows | {"score_latest": 40.0}, rows], dtype=float)
    told = explain(low, TYPICAL, practice_and_scores)
    assert told.loc[0, ["reason_1", "reason_2", "reason_3"]].to_list() == [
        "12 days since the last session; usual gap 3 days",
        "active on 2 of the last 28 days; typical 8",
        "latest assessment 40 of 100; their mean is 70",
    ]
    assert told.loc[1, "reason_3"] == "0 messages in 14 days; typical 20"
    assert told.loc[0, "effect_2"] == pytest.approx(1.2)


def test_a_typical_student_has_no_reason() -> None:
    told = explain(pd.DataFrame([TYPICAL], dtype=float), TYPICAL, predict).iloc[0]
    assert told.isna().all()


def test_a_feature_that_the_model_does_not_use_is_never_a_reason() -> None:
    rows = pd.DataFrame([TYPICAL | {"error_rate_14": 0.9, "lessons_completed_28": 0.0}], dtype=float)
    assert explain(rows, TYPICAL, predict).iloc[0].isna().all()


def test_contributions_sum_to_the_difference_from_typical_and_are_exact_for_a_linear_model() -> None:
    rows = pd.DataFrame([TYPICAL | {"days_since_active": 12.0, "score_latest": 40.0, "messages_14": 30.0}], dtype=float)
    added = dict(zip([reason.name for reason in REASONS], contributions(rows, TYPICAL, predict)[0], strict=True))
    assert added["silence"] == pytest.approx(3.0)
    assert added["scores"] == pytest.approx(1.5)
    assert added["effort"] == pytest.approx(-0.2)
    assert sum(abs(value) for value in added.values()) == pytest.approx(4.7)


def test_what_two_groups_do_together_is_shared_between_them() -> None:
    def together(rows: pd.DataFrame) -> np.ndarray:
        odds = np.where((rows["days_since_active"] > 5) & (rows["score_latest"] < 50), 2.0, 0.0)
        return 1 / (1 + np.exp(-odds))

    rows = pd.DataFrame([TYPICAL | {"days_since_active": 12.0, "score_latest": 40.0}], dtype=float)
    added = dict(zip([reason.name for reason in REASONS], contributions(rows, TYPICAL, together)[0], strict=True))
    assert (added["silence"], added["scores"]) == (pytest.approx(1.0), pytest.approx(1.0))


def test_a_tiny_change_of_input_changes_no_reason() -> None:
    rows = pd.DataFrame([TYPICAL | {"days_since_active": 12.0, "score_latest": 40.0}] * 2, dtype=float)
    rows.loc[1] += 1e-6
    told = explain(rows, TYPICAL, predict)
    assert told.loc[0, ["reason_1", "reason_2", "cause"]].equals(told.loc[1, ["reason_1", "reason_2", "cause"]])
    assert told.loc[0, "effect_1"] == pytest.approx(told.loc[1, "effect_1"], abs=1e-3)


def test_the_risk_is_what_the_probability_of_staying_leaves(spark: SparkSession) -> None:
    predicted = spark.createDataFrame([("a", 0.75)], "student_id string, prediction double")
    assert [tuple(row) for row in risk_of(predicted).collect()] == [("a", 0.25)]


def test_a_student_is_told_by_the_two_nearest_centroids(spark: SparkSession) -> None:
    rows = [("typical", [3.0, 0.0, 4.0]), ("between", [2.0, 5.0, 2.0]), ("near", [4.0, 1.0, 9.0])]
    rows += [("both", [0.0, 0.0, 1.0])]
    apart = spark.createDataFrame(rows, "student_id string, distances array<double>")
    found = {row.student_id: tuple(row)[1:] for row in nearest(apart, ["A", "B", "C"]).collect()}
    assert found == {
        "typical": ("B", 0.0, "A", 1.0),
        "between": ("A", 2.0, "C", 0.0),
        "near": ("B", 1.0, "A", 0.75),
        "both": ("A", 0.0, "B", 0.0),
    }


def test_movement_between_segments_counts_who_came_and_who_went(spark: SparkSession) -> None:
    schema = "student_id string, as_of date, segment string"
    june, july = date(2024, 6, 3), date(2024, 7, 1)
    before = spark.createDataFrame([("a", june, "X"), ("b", june, "X"), ("gone", june, "Y")], schema)
    now = spark.createDataFrame([("a", july, "X"), ("b", july, "Y"), ("new", july, "Y")], schema)
    found = movement(now, before).collect()
    assert {(row.from_segment, row.to_segment): row.students for row in found} == {
        ("X", "X"): 1, ("X", "Y"): 1, ("Y", "none"): 1, ("none", "Y"): 1,
    }  # fmt: skip
    assert {(row.since, row.as_of) for row in found} == {(june, july)}
    assert movement(now, before.limit(0)).collect() == []


def test_bands_follow_capacity(spark: SparkSession) -> None:
    risks = [(f"s{n:02}", n / 100) for n in range(50)]
    bands = banded(spark.createDataFrame(risks, "student_id string, risk double")).collect()
    assert Counter(row.risk_band for row in bands) == {"high": 5, "medium": 10, "low": 35}
    assert {row.student_id for row in bands if row.risk_band == "high"} == {f"s{n}" for n in range(45, 50)}


def test_a_segments_own_line_goes_before_the_general_one(spark: SparkSession) -> None:
    rows = [("1", "silence", "High Performers"), ("2", "silence", "Casual Users"), ("3", None, "Casual Users")]
    told = suggested(spark.createDataFrame(rows, "student_id string, cause string, segment string")).collect()
    book = playbook()
    assert {row.student_id: row.suggested_action for row in told} == {
        "1": book["silence"]["High Performers"],
        "2": book["silence"]["any"],
        "3": book["none"]["any"],
    }


def test_every_reason_has_a_line_in_the_playbook() -> None:
    assert {reason.name for reason in REASONS} | {"none"} == set(playbook())
    assert all("any" in lines for lines in playbook().values())
    assert {name for lines in playbook().values() for name in lines} <= {"any", *BEHAVIOUR, *ERRORS}


def test_segments_without_names_are_told_from_a_program_error() -> None:
    found = Version("models.segments", "3", "run", {"kind": "mine"})
    with pytest.raises(RadarError, match=r"Version 3 of models\.segments has no tag `segments`"):
        _names(found)


def test_what_is_missing_is_counted(spark: SparkSession) -> None:
    rows = [("a", 1.0, None), ("b", None, None), ("c", 2.0, 3.0)]
    students = spark.createDataFrame(rows, "student_id string, mood double, pace double")
    assert missing_values(students, ["mood", "pace"]) == {"mood": 1, "pace": 2}
    assert missing_values(students.where("student_id = 'c'"), ["mood", "pace"]) == {}


def test_words_that_their_own_numbers_would_contradict_are_not_said() -> None:
    """A silence no longer than usual or typical, a number that looks as large as the typical one."""

    def anything(rows: pd.DataFrame) -> np.ndarray:
        odds = 0.3 * rows["gap_ratio"] - 0.3 * (rows["messages_7"] + rows["active_days_14"] + rows["score_slope"])
        return 1 / (1 + np.exp(-odds.to_numpy(float)))

    more = {"messages_7": 9.0, "score_slope": 4.0}
    typical = TYPICAL | more | {"messages_14": 12.4, "active_days_28": 8.5, "days_since_active": 3.0}
    low = {"gap_ratio": 4.0, "messages_7": 0.0, "active_days_14": 0.0, "score_slope": 0.0}
    same = {"messages_14": 12.0, "active_days_28": 8.0, "days_since_active": 2.0}
    told = explain(pd.DataFrame([typical | low | same], dtype=float), typical, anything).iloc[0]
    assert told.isna().all()
    fewer = {"messages_14": 11.0, "active_days_28": 7.0, "days_since_active": 4.0}
    told = explain(pd.DataFrame([typical | low | fewer], dtype=float), typical, anything).iloc[0]
    assert told[["reason_1", "reason_2", "reason_3"]].notna().all()


def test_what_nobody_has_a_value_of_is_typical_and_no_reason(spark: SparkSession) -> None:
    held = spark.createDataFrame([("a", None, 4.0)], "student_id string, days_since_attempt double, pace double")
    typical = typical_values(held, ["days_since_attempt", "pace"])
    assert (np.isnan(typical["days_since_attempt"]), typical["pace"]) == (True, 4.0)
    rows = pd.DataFrame([{"days_since_attempt": None}], dtype=float)
    told = explain(rows, typical, lambda frame: np.where(frame["days_since_attempt"].isna(), 0.9, 0.1)).iloc[0]
    assert told.isna().all()


@pytest.mark.parametrize(
    ("rank", "words"),
    [
        (0.0, "no more lessons than any other who began when they did"),
        (0.2, "more lessons than only 20% of the students who began when they did"),
        (0.004, "fewer lessons than nearly everybody who began when they did"),
    ],
)
def test_peers_are_told_by_how_many_have_fewer(rank: float, words: str) -> None:
    peers = next(reason for reason in REASONS if reason.name == "peers")
    typical = pd.Series({"lessons_rank": 0.4})
    assert peers.tell(pd.Series({"attempts_behind": 0.0, "lessons_rank": rank}), typical) == words
