"""How amounts read in messages."""

from __future__ import annotations


def count(amount: float, noun: str, plural: str = "") -> str:
    """`1 student`, `1,204 students`."""
    return f"{amount:,.0f} {noun if amount == 1 else plural or noun + 's'}"
