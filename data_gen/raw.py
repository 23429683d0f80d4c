"""From the app's rows to raw rows: whose they are, and ids that agree between users or cannot collide."""

import hashlib
import json
import re
from datetime import UTC, datetime
from typing import NamedTuple

from data_gen.sqlite import AppTable, Row, Value

RAW_COLUMNS = {
    "conversations": "id user_id language difficulty_level topic_id created_at updated_at",
    "messages": "id conversation_id role content audio_path corrections created_at",
    "lessons": "id language lesson_type title subject difficulty_level order_index is_active created_at",
    "lesson_progress": (
        "id user_id lesson_id language status completion_percentage mastery_score started_at completed_at "
        "last_accessed_at"
    ),
    "assessments": (
        "id language assessment_type title description difficulty_level duration_minutes is_active created_at"
    ),
    "assessment_attempts": (
        "id user_id assessment_id language score total_questions correct_answers started_at completed_at answers_json "
        "recommended_level skill_scores_json"
    ),
    "user_levels": "id user_id language cefr_level proficiency_score assessed_at updated_at",
}
REFERENCES = {
    "messages": ("conversation_id", "conversations"),
    "lesson_progress": ("lesson_id", "lessons"),
    "assessment_attempts": ("assessment_id", "assessments"),
}
IDENTITY = {
    "lessons": "language lesson_type title subject difficulty_level order_index",
    "assessments": "language assessment_type title difficulty_level",
}
"""What makes an entry of a shared catalogue that entry, in whoever's app it is."""
BORN = {
    "conversations": "created_at", "messages": "created_at", "lesson_progress": "started_at",
    "assessment_attempts": "started_at",
}  # fmt: skip
"""The moment that is written once in a record: another one under the same id is another record."""
LANGUAGES = {
    "de": "german", "en": "english", "es": "spanish", "fr": "french", "it": "italian", "ja": "japanese",
    "ko": "korean", "nl": "dutch", "pt": "portuguese", "ru": "russian", "zh": "chinese",
}  # fmt: skip
LEVELS = {"BEGINNER": "A1", "INTERMEDIATE": "B1", "ADVANCED": "C1"}
SEPARATOR = ":"

AGAIN = "~"
"""What parts a record's id from the number of the record that the app gave it to, from the second on."""

RawRows = dict[str, Row]
Moment = datetime | str | None


class Life(NamedTuple):
    """A record that was exported under one of the app's ids: the how-manieth, its raw id, when it began."""

    number: int
    raw_id: str
    born: Moment


def is_user_id(text: str) -> bool:
    """Whether `text` can name a user: printable, no whitespace, and not the separator of record ids."""
    return text.isprintable() and re.fullmatch(rf"[^\s{SEPARATOR}]+", text) is not None


def raw_rows(app: dict[str, AppTable], user_id: str, before: dict[str, RawRows]) -> dict[str, RawRows]:
    """The rows of each raw table by raw id: the raw columns, null where the app has none, then the app's others.

    A record's id is `<user>:<id>`, a catalogue entry's a hash of its IDENTITY; entries with the same are one, in the
    words of the last. SQLite gives the id of a deleted last row to the next one, and an app that was set up anew begins
    at 1: where a record of that id was exported that was BORN at another moment, the id is `<user>:<id>~2`, and so on.

    A reference to what the app does not hold stays as it was exported, or else becomes `<user>:<id>`, so that it waits
    in quarantine and never finds another user's row. Whatever the app may say of a user, user_id is `user_id`.

    Args:
        app: the app's tables.
        user_id: whose app it is.
        before: the newest exported version of each row.
    """
    lives = {table: _lives(table, before.get(table, {})) for table in app}
    ids = {
        table: {row["id"]: _id(table, row, user_id, lives[table]) for row in found.rows} for table, found in app.items()
    }
    raw: dict[str, RawRows] = {}
    for table, found in app.items():
        rows = [_raw_row(table, row, user_id, ids, before.get(table, {})) for row in found.rows]
        raw[table] = {str(row["id"]): row for row in rows}
    return raw


def _raw_row(table: str, row: Row, user_id: str, ids: dict[str, dict[Value, str]], before: RawRows) -> Row:
    columns = RAW_COLUMNS[table].split()
    raw: Row = dict.fromkeys(columns) | row
    raw["id"] = ids[table][row["id"]]
    if "user_id" in columns:
        raw["user_id"] = user_id
    if table in REFERENCES:
        column, parent = REFERENCES[table]
        if raw[column] is not None:
            known = before.get(str(raw["id"]), {}).get(column)
            raw[column] = ids[parent].get(raw[column], known or _scoped(raw[column], user_id))
    if table in IDENTITY:
        # When an entry was created, changed or last opened is true of one user's copy alone. Exported, each user's
        # times would supersede the others', and whenever a lesson is opened it would be a new version of the lesson.
        raw |= {name: None for name in raw if name.endswith("_at")}
    return raw


def _id(table: str, row: Row, user_id: str, lives: dict[str, list[Life]]) -> str:
    if table not in IDENTITY:
        scoped = _scoped(row["id"], user_id)
        return _of_record(scoped, _born(table, row), lives.get(scoped, []))
    identity = [_as_one(name, row.get(name)) for name in IDENTITY[table].split()]
    return hashlib.sha256(json.dumps(identity).encode()).hexdigest()[:32]


def _of_record(scoped: str, born: Moment, lives: list[Life]) -> str:
    same = [life for life in lives if born is not None and life.born == born]
    untold = [life for life in lives if born is None or life.born is None]
    if found := same or untold:
        return max(found).raw_id
    return f"{scoped}{AGAIN}{max(lives).number + 1}" if lives else scoped


def _lives(table: str, before: RawRows) -> dict[str, list[Life]]:
    """The records that were exported under each of the app's ids."""
    found: dict[str, list[Life]] = {}
    for raw_id, row in before.items():
        scoped, _, number = raw_id.rpartition(AGAIN)
        again = bool(scoped) and number.isdecimal()
        life = Life(int(number) if again else 1, raw_id, _born(table, row))
        found.setdefault(scoped if again else raw_id, []).append(life)
    return found


def _born(table: str, row: Row) -> Moment:
    return moment(row.get(BORN.get(table, "")))


def moment(value: Value) -> Moment:
    """A time to the second, whatever its spelling; the app's times without an offset are UTC."""
    try:
        told = datetime.fromisoformat(str(value))
    except ValueError:
        return None if value is None else str(value)
    return (told if told.tzinfo else told.replace(tzinfo=UTC)).replace(microsecond=0)


def _as_one(name: str, value: Value) -> Value:
    """A language or a level as one, however an app spells it: `es`, `es-MX` and `Spanish`; `beginner` and `a1`."""
    if name == "language" and isinstance(value, str):
        plain = value.strip().lower()
        return LANGUAGES.get(re.sub(r"^([a-z]{2})([-_]([a-z]{2}|[a-z]{4}|[0-9]{3}))+$", r"\1", plain), plain)
    if name == "difficulty_level" and isinstance(value, str):
        return LEVELS.get(value.strip().upper(), value.strip().upper())
    return value


def _scoped(app_id: Value, user_id: str) -> str:
    return f"{user_id}{SEPARATOR}{app_id}"
