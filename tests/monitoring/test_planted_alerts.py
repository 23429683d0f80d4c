"""Planted drift raises its alert and no other, and undisturbed weeks none, from the generator's rows to the rules.

The way through the whole lake, with features, scores and outcomes, is `soak/test_drift.py`.
"""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path

import pandas as pd
import pytest

from data_gen.__main__ import main as generate
from monitoring.weekly import by_language
from tests.conftest import BuiltLake
from tests.data_gen.delivered import planted
from tests.monitoring.raw_weeks import acts, found, weeks

SINCE = date(2024, 11, 18)
TRAINED_TO = date(2024, 9, 1)


def generated(folder: Path, kind: str) -> pd.DataFrame:
    generate(["--students", "800", "--days", "200", *planted(kind, SINCE), "--out", str(folder / "landing")])
    return acts(folder / "landing")


def test_spark_and_pandas_sum_alike(built_lake: BuiltLake) -> None:
    ours = by_language(built_lake.lake.table("silver.learning_events"), built_lake.as_of, {}).toPandas()
    theirs = weeks(acts(built_lake.landing), built_lake.as_of)
    ours, theirs = (frame.set_index(["week", "language"]).sort_index() for frame in (ours, theirs))
    pd.testing.assert_frame_equal(ours, theirs[ours.columns], check_dtype=False, check_index_type=False)


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        ("error_rate", ("error_rate_of_language", "french")),
        ("silent_client", ("silent_client", "silver.messages")),
        ("exodus", ("students_gone", "students")),
        ("new_language", ("new_language", "dutch")),
    ],
)
def test_a_planted_drift_raises_its_alert_and_no_other(kind: str, expected: tuple[str, str], tmp_path: Path) -> None:
    done = generated(tmp_path, kind)
    assert found(done, SINCE, TRAINED_TO) == []
    assert found(done, SINCE + timedelta(weeks=1), TRAINED_TO) == [expected]
    for week in range(2, 7):
        assert set(found(done, SINCE + timedelta(weeks=week), TRAINED_TO)) <= {expected}


def test_twenty_undisturbed_weeks_raise_none(tmp_path: Path) -> None:
    done = generated(tmp_path, "none")
    mondays = [date(2024, 12, 30) - timedelta(weeks=back) for back in range(20)]
    assert {day: found(done, day, TRAINED_TO) for day in mondays} == {day: [] for day in mondays}
