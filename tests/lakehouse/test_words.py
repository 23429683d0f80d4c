"""How amounts read in messages."""

from __future__ import annotations

from lakehouse.words import count


def test_one_is_singular_and_thousands_are_parted() -> None:
    assert [count(amount, "row") for amount in (0, 1, 2, 1204)] == ["0 rows", "1 row", "2 rows", "1,204 rows"]
    assert [count(amount, "row has", "rows have") for amount in (1, 2)] == ["1 row has", "2 rows have"]
