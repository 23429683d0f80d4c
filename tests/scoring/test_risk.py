"""Bands, reasons and actions."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pandas as pd
from pyspark.sql import SparkSession

from scoring.reasons import REASONS, explain
from scoring.risk import banded, playbook, suggested
from scoring.run import imputed

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


def test_a_typical_student_has_no_reason() -> None:
    told = explain(pd.DataFrame([TYPICAL], dtype=float), TYPICAL, predict).iloc[0]
    assert told.isna().all()


def test_a_feature_that_the_model_does_not_use_is_never_a_reason() -> None:
    rows = pd.DataFrame([TYPICAL | {"error_rate_14": 0.9, "lessons_completed_28": 0.0}], dtype=float)
    assert explain(rows, TYPICAL, predict).iloc[0].isna().all()


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


def test_what_a_model_has_to_impute_is_counted(spark: SparkSession) -> None:
    rows = [("a", 1.0, None), ("b", None, None), ("c", 2.0, 3.0)]
    students = spark.createDataFrame(rows, "student_id string, mood double, pace double")
    assert imputed(students, ["mood", "pace"]) == {"mood": 1, "pace": 2}
    assert imputed(students.where("student_id = 'c'"), ["mood", "pace"]) == {}
