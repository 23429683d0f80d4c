"""How messages read: their amounts, and where their further lines begin."""

from __future__ import annotations

INDENT = 28 * " "
"""Under the first word of a step's message."""


def count(amount: float, noun: str, plural: str = "") -> str:
    """`1 student`, `1,204 students`."""
    return f"{amount:,.0f} {noun if amount == 1 else plural or noun + 's'}"
