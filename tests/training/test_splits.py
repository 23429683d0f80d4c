from __future__ import annotations

from datetime import date, timedelta

import pandas as pd
import pytest

from lakehouse.errors import RadarError
from tests.training.training_frames import weekly
from training.splits import GAP, TooLittle, Windows, folds, windows


def test_by_default_the_last_quarter_is_the_test_and_the_eighth_before_a_gap_the_calibration() -> None:
    found = windows(weekly(40, 60, 10))
    assert isinstance(found, Windows)
    first = date(2024, 1, 1)
    assert found.test.first == first + timedelta(weeks=30)
    assert found.test.last == first + timedelta(weeks=39)
    assert found.calibration.last == first + timedelta(weeks=27)
    assert found.calibration.first == first + timedelta(weeks=23)
    assert found.train.last == first + timedelta(weeks=20)
    assert found.train.first == first


@pytest.mark.parametrize("mondays", [22, 30, 57, 90])
def test_17_days_lie_between_windows(mondays: int) -> None:
    found = windows(weekly(mondays, 60, 10))
    assert isinstance(found, Windows)
    assert found.calibration.first - found.train.last >= GAP
    assert found.test.first - found.calibration.last >= GAP


def test_the_window_given_is_the_test_and_later_mondays_are_left_alone() -> None:
    found = windows(weekly(60, 60, 10), date(2024, 10, 1), date(2024, 12, 3))
    assert isinstance(found, Windows)
    assert (found.test.first, found.test.last) == (date(2024, 10, 7), date(2024, 12, 2))
    assert found.calibration.last <= date(2024, 10, 7) - GAP


def test_a_window_without_a_labelled_monday_is_the_users_mistake() -> None:
    with pytest.raises(RadarError, match="2024-01-01 to"):
        windows(weekly(30, 60, 10), date(2030, 1, 1), date(2030, 2, 1))


def test_calibration_reaches_back_until_it_holds_30_positives() -> None:
    found = windows(weekly(80, 100, 2))
    assert isinstance(found, Windows)
    rows = found.calibration.rows(weekly(80, 100, 2))
    assert 30 <= rows["dropped_out"].sum() < 32 + 2


def test_folds_look_ahead_over_the_gap_and_never_overlap() -> None:
    seen = []
    for earlier, later in folds(weekly(40, 60, 10)):
        assert later["as_of"].min() - earlier["as_of"].max() >= GAP
        seen += later["as_of"].unique().tolist()
    assert len(seen) == len(set(seen)) == 30


def test_folds_with_too_few_positives_are_left_out() -> None:
    assert list(folds(weekly(40, 60, 0))) == []


@pytest.mark.parametrize(
    ("frame", "reason"),
    [
        (weekly(0, 60, 10), "no Monday"),
        (weekly(5, 60, 10), "too few for train"),
        (weekly(12, 60, 10), "Mondays to train on"),
        (weekly(40, 60, 1), "dropouts to train on"),
        (weekly(40, 20, 10), "students who drop out in the test window"),
    ],
)
def test_too_little_says_what_is_short(frame, reason: str) -> None:
    found = windows(frame)
    assert isinstance(found, TooLittle)
    assert reason in found.reason


def test_a_platform_that_grows_too_fast_to_compare_candidates_has_too_little() -> None:
    """5 dropouts on the first Monday, 10 on the next and so on: there is nothing to compare candidates on."""
    growing = pd.concat(
        weekly(1, 200, 5 * week, str(date(2024, 1, 1) + timedelta(weeks=week - 1))) for week in range(1, 14)
    )
    found = windows(growing)
    assert isinstance(found, TooLittle)
    assert found.reason == "no part of the train window has 10 dropouts, and as many in the weeks before it"


def test_a_calibration_window_in_which_nobody_stays_is_too_little_to_learn_from() -> None:
    rows = weekly(40, 60, 40)
    found = windows(rows)
    assert isinstance(found, Windows)
    of_it = rows["as_of"].isin(found.calibration.rows(rows)["as_of"])
    told = windows(rows.assign(dropped_out=rows["dropped_out"].where(~of_it, 1)))
    assert isinstance(told, TooLittle)
    assert told.reason == "nobody stays in the calibration window"
