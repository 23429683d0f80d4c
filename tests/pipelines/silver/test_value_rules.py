"""The rules for values, one case each: what is taken as it is, what is mended, and what is refused in which words."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date, datetime
from typing import Any

import pytest
from pyspark.sql import Row, SparkSession

from pipelines.bronze.contracts import RAW_TABLES
from pipelines.silver.raw import RULES
from pipelines.silver.typed import typed
from tests.pipelines.silver.frames import at, bronze

MORNING = "2024-11-04T10:00:00"
SOUND: dict[str, dict[str, Any]] = {
    "conversations": {
        "id": "1", "user_id": "2", "language": "spanish", "difficulty_level": "A2", "topic_id": "travel",
        "created_at": MORNING,
    },
    "messages": {"id": "1", "conversation_id": "2", "role": "user", "content": "hola", "created_at": MORNING},
    "lessons": {"id": "1", "language": "spanish", "title": "Greetings", "order_index": "3", "is_active": "true"},
    "lesson_progress": {
        "id": "1", "user_id": "2", "lesson_id": "3", "language": "spanish", "status": "completed",
        "completion_percentage": "100.0", "mastery_score": "0.8", "started_at": MORNING,
        "completed_at": "2024-11-04T11:00:00",
    },
    "assessment_attempts": {
        "id": "1", "user_id": "2", "assessment_id": "3", "language": "spanish", "score": "80.0",
        "total_questions": "10", "correct_answers": "8", "started_at": MORNING,
        "completed_at": "2024-11-04T10:30:00", "recommended_level": "B1",
    },
    "user_levels": {
        "id": "1", "user_id": "2", "language": "spanish", "cefr_level": "A2", "proficiency_score": "40.0",
        "assessed_at": MORNING,
    },
}  # fmt: skip

ONE_FIX = [Row(type="grammar")]
TAKEN: list[tuple[str, str, str | None, str, Any]] = [
    ("conversations", "language", "klingon", "language", "klingon"),
    ("conversations", "language", "Haitian Creole", "language", "haitian creole"),
    ("conversations", "language", "中文", "language", "中文"),
    ("conversations", "language", " ES ", "language", "spanish"),
    ("conversations", "language", "ja", "language", "japanese"),
    ("conversations", "language", "es-MX", "language", "spanish"),
    ("conversations", "language", "es-419", "language", "spanish"),
    ("conversations", "language", "zh_Hant_TW", "language", "chinese"),
    ("conversations", "language", "pt_br", "language", "portuguese"),
    ("conversations", "difficulty_level", "beginner", "cefr_level", "A1"),
    ("conversations", "difficulty_level", "Intermediate", "cefr_level", "B1"),
    ("conversations", "difficulty_level", "advanced", "cefr_level", "C1"),
    ("conversations", "difficulty_level", "b2", "cefr_level", "B2"),
    ("conversations", "difficulty_level", None, "cefr_level", None),
    ("conversations", "topic_id", "tra\0vel\0", "topic", "travel"),
    ("conversations", "topic_id", "pizza 🍕👩‍🍳", "topic", "pizza 🍕👩‍🍳"),
    ("conversations", "topic_id", "سفر", "topic", "سفر"),
    ("conversations", "topic_id", " \t ", "topic", None),
    ("conversations", "topic_id", "x" * 1000, "topic", "x" * 1000),
    ("conversations", "id", "7.0", "conversation_id", "7"),
    ("conversations", "id", " a\0b ", "conversation_id", "ab"),
    ("conversations", "user_id", "x" * 255, "student_id", "x" * 255),
    ("conversations", "created_at", "2024-11-04", "started_at", at(4)),
    ("conversations", "created_at", "2024-11-04T10:00:00Z", "started_at", at(4, 10)),
    ("conversations", "created_at", "2024-11-04T12:30:00.000+02:00", "started_at", at(4, 10, 30)),
    ("conversations", "created_at", "2000-01-01T00:00:00", "started_at", datetime(2000, 1, 1)),
    ("messages", "role", "USER", "role", "user"),
    ("messages", "content", "¡Qué rico! 🍕", "content_length", 12),
    ("messages", "content", "שלום", "content_length", 4),
    ("messages", "content", None, "content_length", None),
    ("messages", "corrections", None, "corrections", None),
    ("messages", "corrections", "[]", "corrections", []),
    ("messages", "corrections", "null", "corrections", None),
    ("messages", "corrections", '[{"type": "grammar", "original": "a", "corrected": "b"}]', "corrections", ONE_FIX),
    ("lessons", "order_index", "12.0", "order_index", 12),
    ("lessons", "is_active", "0", "is_active", False),
    ("lessons", "is_active", "1.0", "is_active", True),
    ("lesson_progress", "mastery_score", "nan", "mastery_score", None),
    ("lesson_progress", "last_accessed_at", None, "last_accessed_at", None),
    ("assessment_attempts", "score", "0", "score", 0.0),
    ("assessment_attempts", "score", "100", "score", 100.0),
    ("assessment_attempts", "score", "NaN", "score", None),
    ("assessment_attempts", "total_questions", "10.0", "total_questions", 10),
    ("assessment_attempts", "started_at", None, "started_at", None),
    ("assessment_attempts", "completed_at", None, "completed_at", None),
    ("assessment_attempts", "recommended_level", "advanced", "recommended_level", "C1"),
    ("assessment_attempts", "skill_scores_json", '[{"skill": "grammar", "total": 5, "correct": 4, "score": 80}]',
     "skills", [Row(skill="grammar", total=5, correct=4, score=80.0)]),
]  # fmt: skip

LIVE = {"_arrived_at": date(2024, 11, 4)}
NO_JSON = "is not a JSON array of the kind expected"
REFUSED: list[tuple[str, Mapping[str, Any], str]] = [
    ("conversations", {"language": "spanish123!?"}, 'language "spanish123!?" is no name of a language'),
    ("conversations", {"language": " "}, "language is empty"),
    ("conversations", {"language": "x" * 41}, f'language "{"x" * 40}" is no name of a language'),
    ("conversations", {"difficulty_level": "D1"}, 'difficulty_level "D1" is not a level from A1 to C2'),
    ("conversations", {"difficulty_level": "native"}, 'difficulty_level "native" is not a level from A1 to C2'),
    ("user_levels", {"cefr_level": "C3"}, 'cefr_level "C3" is not a level from A1 to C2'),
    ("user_levels", {"cefr_level": None}, "cefr_level is empty"),
    ("user_levels", {"proficiency_score": "101"}, 'proficiency_score "101" is not a number from 0 to 100'),
    ("assessment_attempts", {"score": "-1.0"}, 'score "-1.0" is not a number from 0 to 100'),
    ("assessment_attempts", {"score": "100.5"}, 'score "100.5" is not a number from 0 to 100'),
    ("assessment_attempts", {"score": "Infinity"}, 'score "Infinity" is not a number from 0 to 100'),
    ("assessment_attempts", {"score": "very good"}, 'score "very good" is not a number from 0 to 100'),
    ("assessment_attempts", {"total_questions": "9.5"},
     'total_questions "9.5" is not a whole number from 0 to 2147483647'),
    ("assessment_attempts", {"correct_answers": "11"}, "correct_answers is more than total_questions"),
    ("assessment_attempts", {"completed_at": "2024-11-04T09:00:00"}, "completed_at is before started_at"),
    ("assessment_attempts", {"started_at": None, "completed_at": None}, "started_at and completed_at are both empty"),
    ("lesson_progress", {"completed_at": "2024-11-04T09:00:00"}, "completed_at is before started_at"),
    ("lesson_progress", {"completed_at": None}, "completed_at is empty though status is completed"),
    ("lesson_progress", {"started_at": None}, "started_at is empty though the lesson was begun"),
    ("lesson_progress", {"status": "done"}, 'status "done" is none of not_started, in_progress, completed'),
    ("lesson_progress", {"mastery_score": "1.01"}, 'mastery_score "1.01" is not a number from 0 to 1'),
    ("messages", {"role": "tutor"}, 'role "tutor" is none of user, assistant'),
    ("messages", {"corrections": "see above"}, f'corrections "see above" {NO_JSON}'),
    ("messages", {"corrections": '[{"type'}, f'corrections "[{{\\"type" {NO_JSON}'),
    ("messages", {"corrections": "5"}, f'corrections "5" {NO_JSON}'),
    ("messages", {"corrections": '{"type": "grammar"}'}, f'corrections "{{\\"type\\": \\"grammar\\"}}" {NO_JSON}'),
    ("messages", {"corrections": "[] and so on"}, f'corrections "[] and so on" {NO_JSON}'),
    ("lessons", {"is_active": "2.0"}, 'is_active "2.0" is neither true nor false'),
    ("assessment_attempts", {"skill_scores_json": "{"}, f'skill_scores_json "{{" {NO_JSON}'),
    ("messages", {"created_at": "yesterday"}, 'created_at "yesterday" is not a time since 2000'),
    ("messages", {"created_at": "2024-02-30"}, 'created_at "2024-02-30" is not a time since 2000'),
    ("messages", {"created_at": "1999-12-31T23:59:59"}, 'created_at "1999-12-31T23:59:59" is not a time since 2000'),
    ("messages", {"created_at": "2000-01-01T00:30:00+02:00"},
     'created_at "2000-01-01T00:30:00+02:00" is not a time since 2000'),
    ("messages", {"created_at": "2024-11-06T00:00:01"} | LIVE,
     'created_at "2024-11-06T00:00:01" lies in the future of its arrival'),
    ("messages", {"created_at": "2024-12-01T00:00:01"},
     'created_at "2024-12-01T00:00:01" lies in the future of its arrival'),
    ("messages", {"created_at": None}, "created_at is empty"),
    ("messages", {"id": None}, "id is empty"),
    ("messages", {"id": ""}, "id is empty"),
    ("messages", {"id": " \0 "}, "id is empty"),
    ("messages", {"conversation_id": None}, "conversation_id is empty"),
    ("conversations", {"user_id": "\n"}, "user_id is empty"),
    ("messages", {"id": "x" * 256}, "id has 256 characters"),
    ("conversations", {"topic_id": "x" * 1001}, "topic_id has 1001 characters, over 1000"),
    ("messages", {"content": "x" * 100_001}, "content has 100001 characters"),
    ("conversations", {"id": None, "language": None}, "id is empty; language is empty"),
]  # fmt: skip

CASES = [(table, {raw: value}) for table, raw, value, _, _ in TAKEN] + [(t, dict(row)) for t, row, _ in REFUSED]
Judge = Callable[[int], Row]


@pytest.fixture(scope="module")
def judged(spark: SparkSession) -> Judge:
    """The typed row of each of `CASES`, by its place among them: one query a table."""
    found: dict[int, Row] = {}
    for table, sound in SOUND.items():
        rows = [sound | case | {"_file_hash": str(n)} for n, (of, case) in enumerate(CASES) if of == table]
        found |= {int(row._file_hash): row for row in typed(bronze(spark, table, *rows), RULES[table]).collect()}
    return found.__getitem__


def test_the_rows_that_cases_are_made_from_are_sound(spark: SparkSession) -> None:
    for table, row in SOUND.items():
        (found,) = typed(bronze(spark, table, row), RULES[table]).collect()
        assert found.reasons == []


def _named(value: Any) -> str:
    return value[:30].encode("unicode_escape").decode() if isinstance(value, str) else ""


@pytest.mark.parametrize("n", range(len(TAKEN)), ids=lambda n: f"{TAKEN[n][1]}-{_named(TAKEN[n][2])}")
def test_taken_or_mended(judged: Judge, n: int) -> None:
    _, _, _, column, expected = TAKEN[n]
    assert (judged(n).reasons, judged(n)[column]) == ([], expected)


@pytest.mark.parametrize("n", range(len(REFUSED)), ids=lambda n: _named(REFUSED[n][2]))
def test_refused(judged: Judge, n: int) -> None:
    assert "; ".join(judged(len(TAKEN) + n).reasons) == REFUSED[n][2]


def test_a_live_row_may_be_a_day_ahead_of_its_arrival(spark: SparkSession) -> None:
    """Phones have clocks of their own: midnight after the day after the arrival is the limit."""
    row = SOUND["messages"] | {"created_at": "2024-11-06T00:00:00"} | LIVE
    (found,) = typed(bronze(spark, "messages", row), RULES["messages"]).collect()
    assert (found.reasons, found.sent_at) == ([], at(6))


def test_every_raw_column_that_silver_has_comes_by_a_rule() -> None:
    """What no rule reads is told here, so that a column is left in bronze on purpose."""
    left = {t: set(names.split()) - {rule.raw for rule in RULES[t].rules} for t, names in RAW_TABLES.items()}
    assert left == {
        "conversations": {"updated_at"},
        "messages": {"audio_path"},
        "lessons": {"created_at"},
        "lesson_progress": set(),
        "assessments": {"description", "created_at"},
        "assessment_attempts": {"answers_json"},
        "user_levels": {"updated_at"},
        "closures": {"id"},
        "interventions": {"id"},
    }
