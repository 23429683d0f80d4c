"""Active days as arrays, by hand and beside plain Python."""

from __future__ import annotations

from itertools import groupby, pairwise
from random import Random
from statistics import median as plain_median

import numpy as np
import pytest
from pyspark.sql import SparkSession

from features.active_days import Lists, lasting_weeks, longest_weeks, median, with_told
from tests.features.feature_frames import event, known


def lists(*rows: list[int]) -> Lists:
    return Lists(np.array([value for row in rows for value in row], dtype=int), np.array([len(row) for row in rows]))


def test_places_gaps_totals_and_spans_by_hand() -> None:
    agos = lists([3, 5, 9, 10, 30], [], [8])
    np.testing.assert_equal(agos.at(0), [3, np.nan, 8])
    np.testing.assert_equal(agos.at(-1), [30, np.nan, 8])
    np.testing.assert_equal(agos.at(np.array([1, 0, 1])), [5, np.nan, np.nan])
    assert agos.total(agos.values < 10).tolist() == [3, 0, 1]
    assert (agos.gaps.values.tolist(), agos.gaps.lengths.tolist()) == ([1, 2, 4, 20], [4, 0, 0])
    assert agos.spans(7, 3).tolist() == [[2, 2, 0], [0, 0, 0], [0, 1, 0]]
    np.testing.assert_equal(median(agos.gaps), [3, np.nan, np.nan])


def test_weeks_that_last_and_weeks_that_lasted() -> None:
    agos = lists([2, 22, 29, 36], list(range(1, 180, 7)), [15], [])
    assert lasting_weeks(agos).tolist() == [1, 26, 0, 0]
    assert longest_weeks(agos).tolist() == [3, 26, 1, 0]


@pytest.mark.parametrize("seed", range(5))
def test_as_plain_python(seed: int) -> None:
    random = Random(seed)
    rows = [sorted(random.sample(range(1, 181), random.choice((0, 1, 2, 20, 180)))) for _ in range(40)]
    agos = lists(*rows)
    gaps = [sorted(far - near for near, far in pairwise(row)) for row in rows]
    weeks = [[any(7 * w < ago <= 7 * w + 7 for ago in row) for w in range(26)] for row in rows]
    runs = [[(on, len(list(run))) for on, run in groupby(row)] for row in weeks]
    assert agos.gaps.values.tolist() == [gap for row in gaps for gap in row]
    np.testing.assert_equal(median(agos.gaps), [plain_median(row) if row else np.nan for row in gaps])
    assert longest_weeks(agos).tolist() == [max((n for on, n in row if on), default=0) for row in runs]
    assert lasting_weeks(agos).tolist() == [row[0][1] if row[0][0] else 0 for row in runs]


def test_what_cannot_be_told_is_null(spark: SparkSession) -> None:
    _, _, students = known(spark, [event("conversation", day) for day in (4, 6)])
    told = with_told(
        students, {"near": "int", "third": "double"}, lambda agos: {"near": agos.at(0), "third": agos.at(2)}
    )
    assert [tuple(row)[2:] for row in told.collect()] == [(students.first().first_day, 0, 4, None)]
