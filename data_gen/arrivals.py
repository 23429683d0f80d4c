"""What the app sends at the end of each day: the rows created or changed on it, as they stand that evening."""

from collections import Counter
from collections.abc import Iterator
from datetime import date
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from data_gen.generate import Plan, catalogues, chunks
from data_gen.tables import activity_tables
from data_gen.write import TableFolder

CHANGED_AT = {
    "conversations": "updated_at",
    "messages": "created_at",
    "lesson_progress": "last_accessed_at",
    "assessment_attempts": "completed_at",
    "user_levels": "updated_at",
}


class Place(NamedTuple):
    """Where a file of a table lies in the landing folder; `name` without its ending."""

    table: str
    arrived: date
    name: str

    @property
    def path(self) -> str:
        """Relative to the landing folder."""
        return f"{self.table}/arrived={self.arrived}/{self.name}.parquet"


def deliver(plan: Plan, landing: TableFolder, truth: TableFolder) -> None:
    """Write the daily files to `landing` and the hidden tables to `truth`; OSError if the disk refuses.

    The newest version of each row is the row that `generate` writes.
    """
    for place, rows in deliveries(plan, truth):
        landing.put(place.path, rows)


def deliveries(plan: Plan, truth: TableFolder) -> Iterator[tuple[Place, pa.Table]]:
    """Every daily file with its rows: the catalogues on the first day, then each chunk's activity day by day."""
    for table, rows in catalogues(plan).items():
        yield Place(table, plan.first_date, "part-0"), rows
    ids_given: Counter[str] = Counter()
    for chunk in chunks(plan, truth):
        tables = activity_tables(chunk.history, chunk.first_user, ids_given, chunk.rng, versions=True)
        for table, rows in tables.items():
            ids_given[table] += pc.count_distinct(rows["id"]).as_py()
        for table, rows in plan.planted.sent(tables).items():
            for day, that_day in by_day(rows, CHANGED_AT[table]):
                yield Place(table, day, f"part-{chunk.number}"), that_day


def by_day(rows: pa.Table, changed_at: str) -> Iterator[tuple[date, pa.Table]]:
    """The rows of each date of an ISO-8601 column, in order of date; those of one date stay in their order."""
    dates = pc.utf8_slice_codeunits(rows[changed_at], 0, 10).to_numpy().astype("datetime64[D]")
    order = np.argsort(dates, kind="stable")
    days, first = np.unique(dates[order], return_index=True)
    in_order, bounds = rows.take(order), np.append(first, len(rows))
    for day, start, end in zip(days, bounds[:-1], bounds[1:], strict=True):
        yield day.item(), in_order.slice(start, end - start)
