"""Everything that is going to be delivered, with means to tamper with it and a book of what was done."""

import json
from collections.abc import Container, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from itertools import islice
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from data_gen.arrivals import Place
from data_gen.oddities import Row

Record = tuple[str, int]


@dataclass
class Landing:
    """The files by place, at first as the app sends them; `data_gen.chaos` tells what the entries of `defects` mean.

    damaged: files that cannot be read; spent: records, by table and id, to which something was done; awaited:
    messages that come before their conversation.
    """

    files: dict[Place, pa.Table]
    rng: np.random.Generator
    damaged: dict[Place, bytes] = field(default_factory=dict)
    defects: list[dict[str, Any]] = field(default_factory=list)
    spent: set[Record] = field(default_factory=set)
    awaited: set[Record] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.first = min(place.arrived for place in self.files)
        self.last = max(place.arrived for place in self.files)
        self._schemas = {place.table: rows.schema for place, rows in self.files.items()}
        self._last_id = max(pc.max(rows["id"]).as_py() for rows in self.files.values())
        self._next_change = _next_changes(self.files)
        self._parcels: dict[tuple[str, str, date], list[Row]] = {}
        self._places: dict[tuple[str, str, date], Place] = {}
        self._added = 0

    def on_time(self, table: str, before: date = date.max) -> list[Place]:
        """The table's files of the app's own that come on their day, in order; only those of days before `before`."""
        mine = (place for place in self.files if place.table == table and place.name.startswith("part-"))
        return sorted(place for place in mine if place.arrived < before)

    def shuffled(self, places: Sequence[Place]) -> list[Place]:
        """The files in random order."""
        return [places[i] for i in self.rng.permutation(len(places))]

    def ids(self, place: Place) -> list[int]:
        """The ids of a file's rows."""
        return self.files[place]["id"].to_pylist()

    def size(self, places: Sequence[Place]) -> int:
        """How many rows the files hold."""
        return sum(len(self.files[place]) for place in places)

    def spread(self, places: Sequence[Place], count: int) -> list[Place]:
        """The file of each of `count` rows that lie evenly spread over all rows."""
        if not places:
            return []
        until = np.cumsum([len(self.files[place]) for place in places])
        row = (np.arange(count) + 0.5) / count * until[-1]
        return [places[i] for i in np.searchsorted(until, row, side="right")]

    def later(self, place: Place, most: int) -> date:
        """A day of the window, from the next to `most` days after the file's own."""
        most = min(most, (self.last - place.arrived).days)
        return place.arrived + timedelta(days=int(self.rng.integers(1, most + 1)))

    def stands(self, record: Record, arrived: date, until: date) -> bool:
        """Whether the record, as it arrived on a day, does not arrive in a newer state by `until`."""
        return self._next_change.get((record, arrived), date.max) > until

    def take(self, place: Place, until: date, fit: Container[int] | None = None) -> Row | None:
        """A random row to which nothing was done yet, and which still stands on a day; None if the file has none.

        fit: ids to choose from, any if None.
        """
        for position, record in self._rows(place):
            free = record not in self.spent and (fit is None or record[1] in fit)
            if free and self.stands(record, place.arrived, until):
                self.spent.add(record)
                return self._row(place, position)
        return None

    def copies(self, place: Place, count: int) -> list[Row]:
        """Rows like random ones of a file, at most `count`, under numbers that nothing else has."""
        likes = [self._row(place, position) for position, _ in islice(self._rows(place), count)]
        first = self._last_id + 1
        self._last_id += len(likes)
        return [row | {"id": first + i} for i, row in enumerate(likes)]

    def add(self, table: str, arrived: date, rows: pa.Table) -> Place:
        """One more file of a table and day."""
        place = self._one_more(table, arrived)
        self.files[place] = rows
        return place

    def add_damaged(self, table: str, arrived: date, content: bytes) -> Place:
        """One more file of a table and day, which cannot be read."""
        place = self._one_more(table, arrived)
        self.damaged[place] = content
        return place

    def send(self, parcel: str, table: str, arrived: date, row: Row) -> Place:
        """Put a row into the one more file that takes all the parcel's rows of a table and day."""
        key = (parcel, table, arrived)
        if key not in self._places:
            self._places[key] = self._one_more(table, arrived)
        self._parcels.setdefault(key, []).append(row)
        return self._places[key]

    def pack(self) -> None:
        """Make the parcels files."""
        for key, rows in self._parcels.items():
            place = self._places[key]
            self.files[place] = table_of(rows, self._schemas[place.table])

    def note(
        self,
        kind: str,
        place: Place,
        ids: Sequence[object],
        fate: str,
        column: str | None = None,
        expect: Row | None = None,
    ) -> None:
        """Write into the book what was done."""
        texts = ["" if record is None else str(record) for record in ids]
        entry = {"kind": kind, "table": place.table, "file": place.path, "ids": texts, "fate": fate, "column": column}
        self.defects.append(entry | ({"expect": expect} if expect else {}))

    def manifest(self, seed: int) -> bytes:
        """The book, and all files with their rows, as JSON."""
        rows = {place: len(self.files[place]) for place in self.files} | dict.fromkeys(self.damaged)
        files = {place.path: rows[place] for place in sorted(rows)}
        return json.dumps({"seed": seed, "files": files, "defects": self.defects}, ensure_ascii=False).encode()

    def _one_more(self, table: str, arrived: date) -> Place:
        self._added += 1
        return Place(table, arrived, f"chaos-{self._added}")

    def _rows(self, place: Place) -> Iterator[tuple[int, Record]]:
        """Positions and records of a file in random order, without messages that await their conversation."""
        ids = self.files[place]["id"].to_numpy()
        for position in self.rng.permutation(len(ids)).tolist():
            record = (place.table, int(ids[position]))
            if record not in self.awaited:
                yield position, record

    def _row(self, place: Place, position: int) -> Row:
        return self.files[place].slice(position, 1).to_pylist()[0]


def table_of(rows: Sequence[Row], schema: pa.Schema) -> pa.Table:
    """The rows as a table; a column with a value that its type does not hold becomes text."""
    return pa.table({field.name: _array([row[field.name] for row in rows], field.type) for field in schema})


def _array(values: list[Any], kind: pa.DataType) -> pa.Array:
    try:
        return pa.array(values, kind)
    except (pa.ArrowInvalid, pa.ArrowTypeError):
        return pa.array([None if value is None else str(value) for value in values], pa.string())


def _next_changes(files: dict[Place, pa.Table]) -> dict[tuple[Record, date], date]:
    """For each record and day of arrival, the day on which its next state arrives, if one does."""
    arrived: dict[Record, date] = {}
    changes = {}
    for place in sorted(files, key=lambda place: place.arrived):
        for number in files[place]["id"].to_pylist():
            record = (place.table, number)
            if record in arrived:
                changes[record, arrived[record]] = place.arrived
            arrived[record] = place.arrived
    return changes
