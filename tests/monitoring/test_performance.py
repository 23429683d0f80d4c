"""Realised metrics against scikit-learn and pandas; absent before outcomes are known."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import numpy as np
import pandas as pd
import pytest
from pyspark.sql import SparkSession
from sklearn.metrics import average_precision_score, brier_score_loss, roc_auc_score

from monitoring.performance import matured, realised, unseen

MONDAY = date(2024, 12, 2)
SCORES = "as_of date, student_id string, model_name string, model_version string, risk double, language string"


def scored(students: int = 300) -> pd.DataFrame:
    random = np.random.default_rng(1)
    risk = random.random(students).round(2)
    return pd.DataFrame(
        {
            "as_of": MONDAY, "model_name": "m", "model_version": "2", "risk": risk,
            "student_id": [*map(str, range(students))], "dropped_out": (random.random(students) < risk).astype(int),
            "language": np.where(np.arange(students) % 3, "french", "spanish"), "level_index": 2.0, "tenure_days": 40,
        }
    )  # fmt: skip


def of(found: pd.DataFrame, **where: str) -> pd.Series:
    wanted = {"slice": "all", "slice_value": "all"} | where
    mine = found[(found["slice"] == wanted["slice"]) & (found["slice_value"] == wanted["slice_value"])]
    return mine.set_index("metric")["realised"]


@pytest.mark.parametrize("language", ["", "french", "spanish"])
def test_realised_metrics_equal_pandas_and_scikit_learn(language: str) -> None:
    rows = scored()
    found = of(realised(rows, {"2": {}}), **({"slice": "language", "slice_value": language} if language else {}))
    mine = rows[rows["language"] == language] if language else rows
    left, risk = mine["dropped_out"], mine["risk"]
    assert found["roc_auc"] == pytest.approx(roc_auc_score(left, risk))
    assert found["average_precision"] == pytest.approx(average_precision_score(left, risk))
    assert found["brier"] == pytest.approx(brier_score_loss(left, risk))
    assert found["base_rate"] == pytest.approx(left.mean())
    assert found["calibration_gap"] == pytest.approx((left - risk).mean())
    places = np.searchsorted(np.quantile(risk, np.linspace(0, 1, 11)[1:-1]), risk)
    by_bin = pd.Series((left - risk).to_numpy()).groupby(places).sum()
    assert found["calibration_error"] == pytest.approx(by_bin.abs().sum() / len(mine))


def test_precision_at_capacity_by_hand() -> None:
    rows = scored(20).assign(risk=np.linspace(0.95, 0.05, 20), dropped_out=[1, 0] + [1] * 9 + [0] * 9)
    assert of(realised(rows, {"2": {}}))["precision_at_10"] == pytest.approx(0.5)


def test_each_slice_stands_beside_its_own_promise() -> None:
    interval = {"value": 0.8, "low": 0.7, "high": 0.9}
    part = {"slice": "language", "value": "french", "metrics": {"roc_auc": interval | {"value": 0.75}}}
    found = realised(scored(), {"2": {"metrics": {"roc_auc": interval}, "slices": [part]}})
    auc = found[found["metric"] == "roc_auc"].set_index(["slice", "slice_value"])
    assert auc.loc[("all", "all"), ["promised", "promised_low", "promised_high"]].tolist() == [0.8, 0.7, 0.9]
    assert auc.loc[("language", "french"), "promised"] == 0.75
    assert pd.isna(auc.loc[("language", "spanish"), "promised"])
    assert (auc["realised_low"] <= auc["realised"]).all()
    row = auc.loc[("all", "all")]
    assert (row["students"], row["dropouts"]) == (300, scored()["dropped_out"].sum())


def test_those_who_were_contacted_are_told_apart() -> None:
    rows = scored().assign(contacted=np.arange(300) % 4 == 0)
    left = rows[~rows["contacted"]]
    found = of(realised(rows, {"2": {}}), slice="contact", slice_value="not contacted")
    assert found["roc_auc"] == pytest.approx(roc_auc_score(left["dropped_out"], left["risk"]))


def test_one_outcome_has_no_auc_rather_than_a_made_up_one() -> None:
    found = of(realised(scored(20).assign(dropped_out=0), {"2": {}}))
    assert "roc_auc" not in found.index
    assert found["students"] == 20


def test_before_labels_mature_there_is_nothing() -> None:
    assert realised(scored().head(0), {}).empty


def frames(spark: SparkSession, *days: date, labelled: bool = True) -> tuple[Any, Any]:
    rows = [(day, "a", "m", "2", 0.5, "french") for day in days]
    outcomes = [("a", day, True if labelled else None) for day in days]
    labels = spark.createDataFrame(outcomes, "student_id string, as_of date, dropped_out boolean")
    return spark.createDataFrame(rows, SCORES), labels


def weeks(spark: SparkSession, as_of: date, *days: date, labelled: bool = True) -> list[tuple[date, date]]:
    found = matured(*frames(spark, *days, labelled=labelled), as_of)
    return sorted((row.as_of, row.scored_for) for row in found.collect())


def test_a_week_appears_when_all_its_scored_days_have_outcomes(spark: SparkSession) -> None:
    wednesday, next_week = MONDAY + timedelta(2), MONDAY + timedelta(7)
    days = (MONDAY, wednesday, next_week)
    assert weeks(spark, wednesday + timedelta(16), *days) == []
    assert weeks(spark, wednesday + timedelta(17), *days) == [(MONDAY, MONDAY), (MONDAY, wednesday)]
    assert weeks(spark, next_week + timedelta(17), *days)[-1] == (next_week, next_week)
    assert weeks(spark, next_week + timedelta(17), *days, labelled=False) == []


def test_old_weeks_keep_the_rows_they_have(spark: SparkSession) -> None:
    assert weeks(spark, MONDAY + timedelta(weeks=13), MONDAY) == [(MONDAY, MONDAY)]
    assert weeks(spark, MONDAY + timedelta(weeks=14), MONDAY) == []


def test_days_that_a_version_may_have_learnt_from_do_not_count(spark: SparkSession) -> None:
    scores, _ = frames(spark, MONDAY, MONDAY + timedelta(7))
    learnt = unseen(scores, {"2": MONDAY + timedelta(17), "1": MONDAY})
    assert [row.as_of for row in learnt.collect()] == [MONDAY + timedelta(7)]
    assert unseen(scores, {"2": MONDAY + timedelta(16)}).count() == 2
    assert unseen(scores, {}).isEmpty()
