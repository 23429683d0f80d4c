"""How numbers and days read on the page; a missing value is a dash."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import date, datetime
from typing import Any

import pandas as pd

from lakehouse import words

DASH = "—"
_DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_MONTHS = (
    "January", "February", "March", "April", "May", "June",
    "July", "August", "September", "October", "November", "December",
)  # fmt: skip


def missing(value: Any) -> bool:
    """True for None, NaN and NaT."""
    return value is None or value is pd.NA or value is pd.NaT or (isinstance(value, float) and value != value)


def number(value: Any, digits: int = 0) -> str:
    """`1,234.5`; true minus sign."""
    if missing(value):
        return DASH
    return f"{float(value):,.{digits}f}".replace("-", "−")


def signed(value: Any, digits: int = 1) -> str:
    """`+1.5` or `−1.5`."""
    if missing(value):
        return DASH
    return f"{float(value):+,.{digits}f}".replace("-", "−")


def percent(value: Any, digits: int = 0) -> str:
    """A share as `24%`."""
    return DASH if missing(value) else f"{number(100 * float(value), digits)}%"


def share(part: float, whole: float) -> str:
    """`part` of `whole` as a percentage, a dash when the whole is 0."""
    return percent(part / whole) if whole else DASH


def count(amount: Any, noun: str, plural: str = "") -> str:
    """`1 student`, `1,204 students`, `— students`."""
    return f"{DASH} {plural or noun + 's'}" if missing(amount) else words.count(amount, noun, plural)


def change(new: float, old: float) -> str:
    """`12% more than`, `8% fewer than` or `as many as`."""
    if not old:
        return "against none in"
    relative = new / old - 1
    if abs(relative) < 0.005:
        return "as many as"
    return f"{percent(abs(relative))} {'more' if relative > 0 else 'fewer'} than"


def long_day(day: date) -> str:
    """`Monday 2 December 2024`, whatever the locale."""
    return f"{_DAYS[day.weekday()]} {day.day} {_MONTHS[day.month - 1]} {day.year}"


def short_day(day: Any) -> str:
    """`2 Dec 2024` from a date, a timestamp or ISO text."""
    if missing(day) or day == "":
        return DASH
    if isinstance(day, str):
        try:
            day = datetime.fromisoformat(day)
        except ValueError:
            return day
    return f"{day.day} {_MONTHS[day.month - 1][:3]} {day.year}"


def minute(moment: Any) -> str:
    """`2 Dec 2024, 07:05`."""
    return DASH if missing(moment) else f"{short_day(moment)}, {moment:%H:%M}"


def feature_name(feature: Any) -> str:
    """A feature as it is written on the page: `minutes_7` → `Minutes, 7 days`."""
    return re.sub(r" (7|14|28|180)$", r", \1 days", title(feature))


def title(name: Any) -> str:
    """A language, topic or feature as it is written on the page: `lesson_progress` → `Lesson progress`."""
    text = DASH if missing(name) else str(name).replace("_", " ").strip()
    return text[:1].upper() + text[1:]


def listed(names: Iterable[str], most: int = 3) -> str:
    """`A`, `A and B`, `A, B and C`, and of more the first: `A, B and 4 others`."""
    told = list(names)
    if len(told) > most:
        told = [*told[: most - 1], f"{len(told) - most + 1} others"]
    return " and ".join(filter(None, [", ".join(told[:-1]), told[-1]]))
