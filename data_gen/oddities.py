"""Rows with one unusual value: which to refuse, which to take, which to mend."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

Row = dict[str, Any]
Value = str | int | float | None | Callable[[Row, date], str]

LONG = 5_000


@dataclass(frozen=True)
class Oddity:
    """One column of a good row changed to `value`, or to what it makes of the row and the day of its arrival.

    fate: what must become of the row; expect: what must stand in the column in the end, where that is telling.
    """

    kind: str
    table: str
    column: str
    value: Value
    fate: str
    expect: str | None = None

    def of(self, row: Row, arrived: date) -> Row:
        """The row with this oddity."""
        value = self.value(row, arrived) if callable(self.value) else self.value
        return row | {self.column: value}


def _bad(kind: str, table: str, column: str, *values: Value) -> list[Oddity]:
    return [Oddity(kind, table, column, value, "quarantined") for value in values]


def _good(kind: str, table: str, column: str, mended: dict[str, str | None]) -> list[Oddity]:
    return [Oddity(kind, table, column, value, "accepted", expect) for value, expect in mended.items()]


def _an_hour_too_early(row: Row, arrived: date) -> str:
    return (datetime.fromisoformat(row["started_at"]) - timedelta(hours=1)).isoformat()


def _next_month(row: Row, arrived: date) -> str:
    return f"{arrived + timedelta(days=30)}T12:00:00"


def _in_another_age(row: Row, arrived: date) -> str:
    return f"{arrived.replace(day=1, year=arrived.year + 100)}T12:00:00"


def _long_id(row: Row, arrived: date) -> str:
    return str(row["id"]).ljust(LONG, "-")


NO_SUCH_ID = 2_000_000_000
NOT_JSON = ('[{"type": "grammar", "origi', "see above")
NO_LEVEL = ("D1", "native")
BEFORE_2000 = ("1999-12-31T23:59:59", "1970-01-01T00:00:00")

BAD = (
    *_bad("orphan", "lesson_progress", "lesson_id", NO_SUCH_ID),
    *_bad("orphan", "messages", "conversation_id", NO_SUCH_ID),
    *_bad("orphan", "assessment_attempts", "assessment_id", NO_SUCH_ID),
    *_bad("score_out_of_range", "assessment_attempts", "score", -1.0, 100.5, 1e9),
    *_bad("bad_level", "conversations", "difficulty_level", *NO_LEVEL),
    *_bad("bad_level", "user_levels", "cefr_level", *NO_LEVEL),
    *_bad("end_before_start", "assessment_attempts", "completed_at", _an_hour_too_early),
    *_bad("before_2000", "conversations", "created_at", *BEFORE_2000),
    *_bad("before_2000", "messages", "created_at", *BEFORE_2000),
    *_bad("future", "conversations", "created_at", _next_month, _in_another_age),
    *_bad("future", "messages", "created_at", _next_month, _in_another_age),
    *_bad("future", "user_levels", "assessed_at", _next_month),
    *_bad("bad_json", "messages", "corrections", *NOT_JSON),
    *_bad("bad_json", "assessment_attempts", "skill_scores_json", *NOT_JSON),
    *_bad("empty_id", "messages", "id", None, "", "   "),
    *_bad("empty_id", "conversations", "id", None, "", "   "),
    *_bad("absurd_length", "messages", "id", _long_id),
    *_bad("absurd_length", "conversations", "topic_id", "x" * LONG),
    *_bad("bad_number", "assessment_attempts", "score", "very good"),
    *_bad("bad_status", "lesson_progress", "status", "done", "2"),
    *_bad("bad_role", "messages", "role", "tutor"),
    *_bad("bad_language", "conversations", "language", "spanish123!?"),
    *_bad("bad_language", "lesson_progress", "language", "spanish123!?"),
)

GOOD = (
    *_good("iso_language", "conversations", "language", {"es": "spanish", "ja": "japanese", "DE": "german"}),
    *_good("unknown_language", "conversations", "language", {"klingon": "klingon"}),
    *_good("legacy_level", "conversations", "difficulty_level", {"beginner": "A1", "advanced": "C1"}),
    *_good("legacy_level", "assessment_attempts", "recommended_level", {"intermediate": "B1"}),
    *_good("nul_bytes", "conversations", "topic_id", {"tra\0vel\0": "travel"}),
    *_good("emoji", "conversations", "topic_id", {"pizza 🍕👩‍🍳": "pizza 🍕👩‍🍳"}),
    *_good("emoji", "messages", "content", {"¡Qué rico! 🍕🎉👩‍👩‍👧": None}),
    *_good("right_to_left", "conversations", "topic_id", {"سفر": "سفر"}),
    *_good("right_to_left", "messages", "content", {"أريد أن أتعلم، שלום!": None}),
)
