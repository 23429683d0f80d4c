"""Drift, realised performance and data quality, by hand and against pandas."""

from __future__ import annotations

from datetime import date, datetime

import numpy as np
import pandas as pd
import pytest
from pyspark.sql import SparkSession
from sklearn.metrics import average_precision_score, brier_score_loss, roc_auc_score

from monitoring.drift import feature_drift
from monitoring.performance import beside_promises, realised
from monitoring.quality import data_quality

REFERENCE = {"pace": {"edges": [1.0, 2.0], "shares": [0.5, 0.25, 0.25], "missing": 0.0}}


def drift(spark: SparkSession, values: list[float | None]) -> object:
    return feature_drift(spark.createDataFrame([(v,) for v in values], "pace double"), REFERENCE).collect()[0]


def test_the_same_distribution_has_not_drifted(spark: SparkSession) -> None:
    row = drift(spark, [0.5, 1.0, 1.5, 3.0])
    assert (row.psi, row.jensen_shannon, row.missing_share, row.status) == (0.0, 0.0, 0.0, "ok")


def test_psi_and_jensen_shannon_by_hand(spark: SparkSession) -> None:
    row = drift(spark, [0.5, 1.5, 3.0, 3.0, None])
    p, q = np.array([0.25, 0.25, 0.5]), np.array([0.5, 0.25, 0.25])
    m = (p + q) / 2
    assert row.psi == pytest.approx(float(((p - q) * np.log(p / q)).sum()))
    divergence = float((p * np.log2(p / m)).sum() + (q * np.log2(q / m)).sum()) / 2
    assert row.jensen_shannon == pytest.approx(divergence**0.5)
    assert row.missing_share == pytest.approx(0.2)
    assert row.status == "drifted"


def test_a_feature_that_is_missing_altogether_has_no_distance(spark: SparkSession) -> None:
    row = drift(spark, [None, None])
    assert (row.psi, row.jensen_shannon, row.missing_share) == (None, None, 1.0)


def test_realised_metrics_equal_scikit_learn() -> None:
    random = np.random.default_rng(1)
    risk = random.random(300).round(2)
    left = (random.random(300) < risk).astype(int)
    rows = pd.DataFrame(
        {"as_of": date(2024, 12, 2), "model_name": "m", "model_version": "2", "risk": risk, "dropped_out": left}
    )
    found = realised(rows).set_index("metric")["realised"]
    assert found["roc_auc"] == pytest.approx(roc_auc_score(left, risk))
    assert found["average_precision"] == pytest.approx(average_precision_score(left, risk))
    assert found["brier"] == pytest.approx(brier_score_loss(left, risk))
    assert found["base_rate"] == pytest.approx(left.mean())
    assert (found["mean_risk"], found["students"]) == (pytest.approx(risk.mean()), 300)


def test_a_day_with_one_outcome_has_no_auc_rather_than_a_made_up_one() -> None:
    rows = pd.DataFrame(
        {"as_of": date(2024, 12, 2), "model_name": "m", "model_version": "2", "risk": [0.1, 0.2], "dropped_out": [0, 0]}
    )
    assert "roc_auc" not in set(realised(rows)["metric"])


def test_before_labels_mature_there_is_nothing() -> None:
    rows = pd.DataFrame({name: [] for name in ("as_of", "model_name", "model_version", "risk", "dropped_out")})
    assert realised(rows).empty


def test_promises_come_from_the_versions_own_card() -> None:
    found = pd.DataFrame({"model_version": ["1", "2"], "metric": ["roc_auc", "students"], "realised": [0.7, 9.0]})
    beside = beside_promises(found, {"1": {"metrics": {"roc_auc": {"value": 0.8}}}, "2": {"metrics": {}}})
    assert beside["promised"].tolist()[0] == 0.8
    assert np.isnan(beside["promised"].tolist()[1])


def test_data_quality_counts_what_was_there_on_the_day(spark: SparkSession) -> None:
    shape = "started_at timestamp, known_at timestamp"
    rows = [
        (datetime(2024, 12, 1, 12), datetime(2024, 12, 1, 12)),
        (datetime(2024, 12, 1, 18), datetime(2024, 12, 3)),
        (datetime(2024, 12, 2, 1), datetime(2024, 12, 2, 1)),
    ]
    quarantine = spark.createDataFrame(
        [("silver.conversations", None, None), ("silver.conversations", None, datetime(2024, 12, 1))],
        "table_name string, arrived_at date, released_at timestamp",
    )
    found = data_quality({"silver.conversations": spark.createDataFrame(rows, shape)}, quarantine, date(2024, 12, 2))
    row = found.collect()[0]
    assert (row.row_count, row.newest_at, row.hours_behind, row.quarantined) == (1, datetime(2024, 12, 1, 12), 12.0, 1)
