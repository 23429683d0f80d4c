"""The rules for the raw tables: which bronze column becomes which silver column, and what must hold in a row."""

from __future__ import annotations

from pipelines.silver.contracts import CORRECTIONS, SKILLS
from pipelines.silver.typed import (
    RawTable,
    choice,
    day,
    flag,
    identifier,
    integer,
    json,
    language,
    length,
    level,
    moment,
    number,
    text,
)  # fmt: skip

RULES: dict[str, RawTable] = {
    "conversations": RawTable(
        [
            identifier("conversation_id", "id"), identifier("student_id", "user_id"), language(),
            level("cefr_level", "difficulty_level"), text("topic", "topic_id"), moment("started_at", "created_at"),
        ]
    ),
    "messages": RawTable(
        [
            identifier("message_id", "id"), identifier("conversation_id", "conversation_id"),
            choice("role", "role", "user", "assistant"), length("content_length", "content"),
            json("corrections", "corrections", CORRECTIONS), moment("sent_at", "created_at"),
        ]
    ),
    "lessons": RawTable(
        [
            identifier("lesson_id", "id"), language(), text("lesson_type", "lesson_type"), text("title", "title"),
            text("subject", "subject"), level("cefr_level", "difficulty_level"),
            integer("order_index", "order_index"), flag("is_active", "is_active"),
        ]
    ),
    "assessments": RawTable(
        [
            identifier("assessment_id", "id"), language(), text("assessment_type", "assessment_type"),
            text("title", "title"), level("cefr_level", "difficulty_level"),
            number("duration_minutes", "duration_minutes", 0, 10_000), flag("is_active", "is_active"),
        ]
    ),
    "lesson_progress": RawTable(
        [
            identifier("progress_id", "id"), identifier("student_id", "user_id"),
            identifier("lesson_id", "lesson_id"), language(),
            choice("status", "status", "not_started", "in_progress", "completed"),
            number("completion_percentage", "completion_percentage", 0, 100),
            number("mastery_score", "mastery_score", 0, 1), moment("started_at", "started_at", required=False),
            moment("completed_at", "completed_at", required=False),
            moment("last_accessed_at", "last_accessed_at", required=False),
        ],
        [
            ("completed_at < started_at", "completed_at is before started_at"),
            ("status = 'completed' AND completed_at IS NULL", "completed_at is empty though status is completed"),
            ("status <> 'not_started' AND started_at IS NULL", "started_at is empty though the lesson was begun"),
        ],
    ),
    "assessment_attempts": RawTable(
        [
            identifier("attempt_id", "id"), identifier("student_id", "user_id"),
            identifier("assessment_id", "assessment_id"), language(), number("score", "score", 0, 100),
            integer("total_questions", "total_questions"), integer("correct_answers", "correct_answers"),
            moment("started_at", "started_at", required=False),
            moment("completed_at", "completed_at", required=False),
            level("recommended_level", "recommended_level"), json("skills", "skill_scores_json", SKILLS),
        ],
        [
            ("completed_at < started_at", "completed_at is before started_at"),
            ("correct_answers > total_questions", "correct_answers is more than total_questions"),
            ("started_at IS NULL AND completed_at IS NULL", "started_at and completed_at are both empty"),
        ],
    ),
    "user_levels": RawTable(
        [
            identifier("level_id", "id"), identifier("student_id", "user_id"), language(),
            level("cefr_level", "cefr_level", required=True),
            number("proficiency_score", "proficiency_score", 0, 100), moment("assessed_at", "assessed_at"),
        ]
    ),
    "closures": RawTable(
        [
            language(), day("closed_from", "closed_from"), day("closed_to", "closed_to"),
            flag("cancelled", "cancelled"),
        ],
        [("closed_to < closed_from", "closed_to is before closed_from")],
    ),
    "interventions": RawTable(
        [identifier("student_id", "user_id"), moment("contacted_at", "contacted_at"), text("channel", "channel")]
    ),
}  # fmt: skip
