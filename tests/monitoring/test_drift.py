"""Drift by hand and against pandas: from training, from the weeks before, and beyond what a feature usually does."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import numpy as np
import pandas as pd
import pytest
from pyspark.sql import SparkSession

from monitoring.drift import FLOOR, bin_counts, days_compared, feature_drift
from monitoring.observations import of_drift

AS_OF = date(2024, 12, 2)
COLUMNS = ["feature", "as_of", "bin", "n", "least", "greatest"]
REFERENCE: dict[str, Any] = {"pace": {"edges": [1.0, 2.0], "shares": [0.5, 0.25, 0.25], "missing": 0.0}}


def drift(spark: SparkSession, values: list[float | None]) -> Any:
    frame = spark.createDataFrame([(AS_OF, v) for v in values], "as_of date, pace double")
    return feature_drift(bin_counts(frame, REFERENCE), REFERENCE, AS_OF).iloc[0]


def counted(weeks: list[list[int]], constant: bool = False) -> Any:
    """The drift of AS_OF where each week, newest first, has so many rows in each of the three bins."""
    values = [0.5, 1.5, 3.0]
    rows = [
        ("pace", day, place, n, values[place], values[place] + (0 if constant else 0.1))
        for day, counts in zip(days_compared(AS_OF), weeks, strict=False)
        for place, n in enumerate(counts)
        if n
    ]
    frame = pd.DataFrame(rows, columns=COLUMNS)
    return feature_drift(frame, REFERENCE, AS_OF).iloc[0]


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
    assert (row.missing_share, row.students) == (pytest.approx(0.2), 5)
    assert row.status == "drifted"


def test_a_feature_that_is_missing_altogether_has_no_distance(spark: SparkSession) -> None:
    row = drift(spark, [None, None])
    assert (row.psi, row.jensen_shannon, row.missing_share) == (None, None, 1.0)


def test_a_reference_without_a_value_gives_no_distance() -> None:
    empty = {"pace": {"edges": [], "shares": [], "missing": 1.0}}
    frame = pd.DataFrame([("pace", AS_OF, 0, 5, 1.0, 2.0)], columns=COLUMNS)
    row = feature_drift(frame, empty, AS_OF).iloc[0]
    assert (row.psi, row.missing_share, row.status) == (None, 0.0, "ok")


def test_a_day_without_students_tells_of_no_drift() -> None:
    before = days_compared(AS_OF)[1]
    frame = pd.DataFrame([("pace", before, 0, 5, 0.5, 0.9)], columns=COLUMNS)
    found = feature_drift(frame, REFERENCE, AS_OF)
    assert found.empty
    assert list(of_drift(found, {"pace"})) == []


def test_a_day_is_held_against_mondays_a_week_back_or_more() -> None:
    wednesday = days_compared(date(2024, 12, 4))
    assert wednesday[:3] == [date(2024, 12, 4), date(2024, 11, 25), date(2024, 11, 18)]
    assert days_compared(AS_OF)[:3] == [AS_OF, AS_OF - timedelta(7), AS_OF - timedelta(14)]


def test_the_weeks_before_count_together_and_noise_is_of_one_of_them() -> None:
    row = counted([[20, 20, 40], [40, 20, 20], [40, 20, 20]])
    p, q = np.array([0.25, 0.25, 0.5]), np.array([0.5, 0.25, 0.25])
    assert row.recent_psi == pytest.approx(float(((p - q) * np.log(p / q)).sum()))
    # The chi-squared value with two degrees of freedom that one in a thousand passes is 13.8.
    assert row.noise == pytest.approx(13.8 * (1 / 80 + 1 / 80), rel=0.03)
    assert row.usual_psi is None


def test_what_a_feature_usually_does_is_the_most_of_the_weeks_before() -> None:
    jumpy = [[20, 20, 40], [40, 20, 20], [20, 20, 40], [40, 20, 20], [20, 20, 40], [40, 20, 20]]
    row = counted(jumpy)
    last = np.array([0.5, 0.25, 0.25]), np.array([0.25, 0.25, 0.5])
    assert row.usual_psi == pytest.approx(float(((last[0] - last[1]) * np.log(last[0] / last[1])).sum()))
    assert row.usual_psi > row.recent_psi


def test_what_is_the_same_for_all_students_is_no_drift_of_students() -> None:
    assert counted([[0, 0, 80], [80, 0, 0]], constant=True).recent_psi is None
    spread = counted([[0, 0, 80], [80, 0, 0]]).recent_psi
    assert spread == pytest.approx(2 * (1 - FLOOR) * np.log(1 / FLOOR))


def test_sampling_alone_passes_its_noise_about_once_in_a_thousand() -> None:
    random = np.random.default_rng(3)
    draws = [random.multinomial(300, [0.5, 0.25, 0.25], size=2).tolist() for _ in range(200)]
    passed = sum(row.recent_psi > row.noise for row in map(counted, draws))
    assert passed <= 2
