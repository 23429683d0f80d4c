"""Active days as arrays: what is told from a student's own silences, by NumPy on the workers.

Spark interprets SQL's lambdas, and a large app has many days of many students at many dates.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
from pyspark.sql import DataFrame

if TYPE_CHECKING:
    import pyarrow as pa

WEEKS = 26
"""Weeks that are looked at: those of 180 days."""
OWN = {"student_id": "string", "as_of": "date", "first_day": "date", "closed_before": "int"}

Numbers = np.ndarray


@dataclass(frozen=True)
class Lists:
    """Lists of whole numbers, one a row.

    Attributes:
        values: those of all rows, one row after another.
        lengths: how many each row has.
    """

    values: Numbers
    lengths: Numbers

    @cached_property
    def row(self) -> Numbers:
        """The row of each value."""
        return np.repeat(np.arange(len(self.lengths)), self.lengths)

    @cached_property
    def _start(self) -> Numbers:
        return np.cumsum(self.lengths) - self.lengths

    def total(self, of_values: Numbers) -> Numbers:
        """The sum over each row's values of something that was told of each; of truths, how many hold."""
        return np.bincount(self.row, of_values, len(self.lengths))

    def at(self, place: Numbers | int) -> Numbers:
        """The value at a place of each row, from its end where negative; NaN where the row has none there."""
        from_start = np.where(np.asarray(place) < 0, self.lengths + place, place)
        there = (from_start >= 0) & (from_start < self.lengths)
        found = np.full(len(self.lengths), np.nan)
        found[there] = self.values[(self._start + from_start)[there]]
        return found

    @cached_property
    def gaps(self) -> Lists:
        """The distances from each value of a row to the next, smallest first."""
        inner = self.row[1:] == self.row[:-1]
        distance, row = np.diff(self.values)[inner], self.row[1:][inner]
        return Lists(distance[np.lexsort((distance, row))], np.maximum(self.lengths - 1, 0))

    def spans(self, days: int, count: int) -> Numbers:
        """How many values of each row lie in each of `count` spans of so many days, nearest first: rows by spans."""
        span = (self.values - 1) // days
        near = span < count
        cells = np.bincount(self.row[near] * count + span[near], minlength=len(self.lengths) * count)
        return cells.reshape(-1, count)


def median(ordered: Lists) -> Numbers:
    """The median of each row of ordered values; NaN for an empty one."""
    return (ordered.at((ordered.lengths - 1) // 2) + ordered.at(ordered.lengths // 2)) / 2


def lasting_weeks(agos: Lists) -> Numbers:
    """Consecutive weeks with an active day, counted back from as_of."""
    return np.cumprod(agos.spans(7, WEEKS) > 0, axis=1).sum(axis=1)


def longest_weeks(agos: Lists) -> Numbers:
    """The most consecutive weeks with an active day."""
    active = agos.spans(7, WEEKS) > 0
    run = best = np.zeros(len(active), dtype=np.int64)
    for week in range(WEEKS):
        run = (run + 1) * active[:, week]
        best = np.maximum(best, run)
    return best


def with_told(
    students: DataFrame, kinds: Mapping[str, str], tell: Callable[[Lists], Mapping[str, Numbers]]
) -> DataFrame:
    """The students with what a function tells from their active days.

    Args:
        students: from `days.students_at`.
        kinds: the new columns, each `int` or `double`.
        tell: makes them from the days back of each student's active days, nearest first; NaN is null in a double.

    Returns:
        student_id, as_of, first_day, closed_before and the new columns.
    """
    schema = ", ".join(f"{name} {kind}" for name, kind in (OWN | dict(kinds)).items())

    def told(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        import pyarrow as pa

        types = {"int": pa.int32(), "double": pa.float64()}
        for batch in batches:
            agos = batch["agos"]
            found = tell(Lists(agos.flatten().to_numpy(), agos.value_lengths().to_numpy()))
            new = [pa.array(found[name], from_pandas=True).cast(types[kind]) for name, kind in kinds.items()]
            own = [batch[name] for name in OWN]
            yield pa.RecordBatch.from_arrays([*own, *new], names=[*OWN, *kinds])

    return students.mapInArrow(told, schema)
