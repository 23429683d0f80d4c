"""What a command takes for a day and for a share."""

from __future__ import annotations

import argparse
from datetime import UTC, date, datetime

import pytest

from lakehouse.cli import resolve_as_of, share
from lakehouse.errors import RadarError
from lakehouse.lake import Lake
from lakehouse.rows import append_rows
from pipelines.silver.contracts import LEARNING_EVENTS


def test_a_share_is_a_number_from_0_to_1() -> None:
    assert [share(text) for text in ("0", "0.05", "1")] == [0.0, 0.05, 1.0]
    for text in ("5", "-0.1", "nan", "5 %"):
        with pytest.raises(argparse.ArgumentTypeError, match=f"'{text}' is no share: give a number from 0 to 1"):
            share(text)


def happened(lake: Lake, day: int, known: int) -> None:
    row = {
        "event_type": "conversation", "ref_id": f"c{day}", "student_id": "anna", "language": "spanish",
        "event_at": datetime(2024, 11, day, 10, tzinfo=UTC), "known_at": datetime(2024, 11, known, tzinfo=UTC),
    }  # fmt: skip
    append_rows(lake, LEARNING_EVENTS, [tuple(row.get(name) for name in LEARNING_EVENTS.column_names())])


def test_a_day_by_which_nothing_was_known_is_refused(lake: Lake) -> None:
    """A first delivery of things that happened days before it."""
    happened(lake, 1, known=5)
    with pytest.raises(RadarError, match=r"Nothing was known yet on 2024-11-02: .* known from 2024-11-05 on"):
        resolve_as_of(lake, None)
    happened(lake, 4, known=5)
    assert resolve_as_of(lake, None) == date(2024, 11, 5)
    with pytest.raises(RadarError, match="Nothing was known yet on 2024-11-04"):
        resolve_as_of(lake, date(2024, 11, 4))
    with pytest.raises(RadarError, match="as_of 2024-11-06 lies outside the log, which runs from 2024-11-01"):
        resolve_as_of(lake, date(2024, 11, 6))
