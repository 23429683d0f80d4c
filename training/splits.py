"""Windows over time: train, a gap, calibration, the gap again, test; and forward-chaining folds inside train.

A label looks at the 17 days after its as-of (14 of outcome, 3 of grace), so with 17 days between two windows nothing
that the later one is about has touched the earlier one, and no student's outcome lies in two of them. Labels of
another horizon have a gap of their own.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import pairwise

import pandas as pd

from features.student_labels import GRACE_DAYS, HORIZON_DAYS
from lakehouse.errors import RadarError

TEST_SHARE = 4
CALIBRATION_SHARE = 8
FEWEST_CALIBRATION_MONDAYS = 2
FEWEST_TRAIN_MONDAYS = 4
FEWEST_TRAIN_POSITIVES = 50
FEWEST_CALIBRATION_POSITIVES = 30
FEWEST_TEST_STUDENTS = 30
FOLDS = 3
FEWEST_FOLD_POSITIVES = 10


def gap(horizon_days: int) -> timedelta:
    """The time between two windows: until the outcomes of the earlier one are settled."""
    return timedelta(days=horizon_days + GRACE_DAYS)


GAP = gap(HORIZON_DAYS)


@dataclass(frozen=True)
class Span:
    """As-of dates from `first` to `last`, both of them included."""

    first: date
    last: date

    def rows(self, frame: pd.DataFrame) -> pd.DataFrame:
        """The rows whose as_of lies in the span."""
        return frame[frame["as_of"].between(pd.Timestamp(self.first), pd.Timestamp(self.last))]


@dataclass(frozen=True)
class Windows:
    """Train, calibration and test, 17 days or more between them."""

    train: Span
    calibration: Span
    test: Span


@dataclass(frozen=True)
class TooLittle:
    """The verdict that there is too little to learn from, and why."""

    reason: str


def windows(
    frame: pd.DataFrame, test_from: date | None = None, test_to: date | None = None, between: timedelta = GAP
) -> Windows | TooLittle:  # fmt: skip
    """The windows of a training set, or why there are none.

    The test window is the last quarter of the labelled Mondays unless given. The calibration window is an eighth of
    the labelled Mondays and ends a gap before the test; with fewer than 30 positives it reaches further back while
    the train window keeps more than half of the rows before the test.

    Args:
        frame: student_id, as_of, dropped_out.
        test_from: first as-of of the test window.
        test_to: last as-of of the test window.
        between: the gap; see `gap`.

    Raises:
        RadarError: when the test window given holds no labelled Monday.
    """
    mondays = sorted(day.date() for day in frame["as_of"].unique())
    if not mondays:
        return TooLittle("no Monday has a matured outcome yet")
    tested = _tested(mondays, test_from, test_to)
    eighth = max(FEWEST_CALIBRATION_MONDAYS, len(mondays) // CALIBRATION_SHARE)
    before = [day for day in mondays if day <= tested[0] - between]
    chosen = None
    for size in range(eighth, len(before)):
        made = _before(before, size, between)
        if made is None or (chosen and not _majority(frame, *made)):
            break
        chosen = made
        if chosen[1].rows(frame)["dropped_out"].sum() >= FEWEST_CALIBRATION_POSITIVES:
            break
    if chosen is None:
        return TooLittle(f"{len(mondays)} Mondays have a matured outcome, too few for train, calibration and test")
    found = Windows(*chosen, Span(tested[0], tested[-1]))
    return _verdict(frame, found, between) or found


def folds(
    frame: pd.DataFrame, between: timedelta = GAP, count: int = FOLDS
) -> Iterator[tuple[pd.DataFrame, pd.DataFrame]]:
    """Forward-chaining folds: learn from all Mondays up to a gap before a block, and look at the block.

    The Mondays are cut into `count` + 1 blocks of equal number; the first is only learnt from. A fold with fewer than
    10 positives on either side, or no negative, is left out.

    Args:
        frame: rows of the train window.
        between: the gap; see `gap`.
        count: how many folds at most.
    """
    mondays = sorted(day.date() for day in frame["as_of"].unique())
    edges = [round(len(mondays) * i / (count + 1)) for i in range(count + 2)]
    for start, end in pairwise(edges[1:]):
        if start == end:
            continue
        earlier = Span(mondays[0], mondays[start] - between).rows(frame)
        later = Span(mondays[start], mondays[end - 1]).rows(frame)
        if all(_enough(side) for side in (earlier, later)):
            yield earlier, later


def _tested(mondays: Sequence[date], test_from: date | None, test_to: date | None) -> list[date]:
    if test_from is None and test_to is None:
        return list(mondays[-max(1, len(mondays) // TEST_SHARE) :])
    last = test_to or mondays[-1]
    up_to = [day for day in mondays if day <= last]
    first = test_from or (up_to[-max(1, len(up_to) // TEST_SHARE)] if up_to else last)
    found = [day for day in up_to if day >= first]
    if not found:
        raise RadarError(
            f"The test window {first} to {last} holds no Monday with a matured outcome; "
            f"those run from {mondays[0]} to {mondays[-1]}. Choose test_from and test_to among them."
        )
    return found


def _before(before: Sequence[date], size: int, between: timedelta) -> tuple[Span, Span] | None:
    calibration = before[-size:]
    train = [day for day in before if day <= calibration[0] - between]
    return (Span(train[0], train[-1]), Span(calibration[0], calibration[-1])) if train else None


def _majority(frame: pd.DataFrame, train: Span, calibration: Span) -> bool:
    return len(train.rows(frame)) > len(calibration.rows(frame))


def _enough(rows: pd.DataFrame) -> bool:
    positives = rows["dropped_out"].sum()
    return FEWEST_FOLD_POSITIVES <= positives < len(rows)


def _verdict(frame: pd.DataFrame, found: Windows, between: timedelta) -> TooLittle | None:
    train, calibration, test = (span.rows(frame) for span in (found.train, found.calibration, found.test))
    lost = test.loc[test["dropped_out"] == 1, "student_id"].nunique()
    shortages = [
        (train["as_of"].nunique(), FEWEST_TRAIN_MONDAYS, "Mondays to train on"),
        (train["dropped_out"].sum(), FEWEST_TRAIN_POSITIVES, "dropouts to train on"),
        (calibration["dropped_out"].sum(), FEWEST_CALIBRATION_POSITIVES, "dropouts to calibrate on"),
        (lost, FEWEST_TEST_STUDENTS, "students who drop out in the test window"),
    ]
    for have, need, what in shortages:
        if have < need:
            return TooLittle(f"{have} {what}, and it takes {need}")
    for name, rows in (("train", train), ("calibration", calibration), ("test", test)):
        if rows["dropped_out"].min() == 1:
            return TooLittle(f"nobody stays in the {name} window")
    if next(folds(train, between), None) is None:
        return TooLittle(
            f"no part of the train window has {FEWEST_FOLD_POSITIVES} dropouts, and as many in the weeks before it"
        )
    return None
