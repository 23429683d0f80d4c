"""Raw rows: what the app's export holds of a chunk of students."""

from collections import Counter

import numpy as np
import pyarrow as pa

from data_gen.answers import QUESTIONS, answers, skill_scores
from data_gen.arrays import Floats, Ints, pick, timestamps
from data_gen.behaviour import DAY, History
from data_gen.catalogue import CEFR, LESSONS_PER_LANGUAGE, assessment_ids
from data_gen.messages import message_table
from data_gen.phrases import LANGUAGES, TOPICS
from data_gen.state import COMPLETED

STATUSES = ("not_started", "in_progress", "completed")
SELF_PLACED_SHARE, SELF_PLACED_SCORE = 0.5, 50


def activity_tables(
    history: History, first_user: int, rows_before: Counter[str], rng: np.random.Generator, versions: bool = False
) -> dict[str, pa.Table]:
    """The five tables that students fill, by name; ids follow `rows_before`, user ids start at `first_user`.

    versions: what the app overwrites, once for each evening of a day on which it changed, not only the newest.
    """
    conversations, messages = _conversation_tables(history, first_user, rows_before, rng)
    return {
        "conversations": conversations,
        "messages": messages,
        "lesson_progress": _lesson_progress(history, first_user, rows_before["lesson_progress"] + 1, versions),
        "assessment_attempts": _assessment_attempts(history, first_user, rows_before["assessment_attempts"] + 1),
        "user_levels": _user_levels(history, first_user, rows_before["user_levels"] + 1, versions, rng),
    }


def _ids(first: int, count: int) -> pa.Array:
    return pa.array(np.arange(first, first + count), pa.int64())


def _conversation_tables(
    history: History, first_user: int, rows_before: Counter[str], rng: np.random.Generator
) -> tuple[pa.Table, pa.Table]:
    talks = history.life.conversations.columns()
    talks["language"] = history.students.languages[talks["student"], talks["slot"]]
    ids = np.arange(len(talks["start"])) + rows_before["conversations"] + 1
    faulty = history.life.student_messages.columns()["faulty"]
    messages, ends = message_table(rows_before["messages"] + 1, talks, ids, faulty, rng)
    conversations = pa.table(
        {
            "id": pa.array(ids, pa.int64()),
            "user_id": pa.array(first_user + talks["student"], pa.int64()),
            "language": pick(LANGUAGES, talks["language"]),
            "difficulty_level": pick(CEFR, talks["level"]),
            "topic_id": pick(TOPICS, talks["topic"]),
            "created_at": timestamps(talks["start"]),
            "updated_at": timestamps(ends),
        }
    )
    return conversations, messages


def _lesson_progress(history: History, first_user: int, first_id: int, versions: bool) -> pa.Table:
    """Ids in the order in which rows were last touched; not started: no times but the last access."""
    rows = history.life.lesson_evenings.columns()
    cell = np.ravel_multi_index((rows["student"], rows["slot"], rows["lesson"]), history.life.shelf.status.shape)
    newest = _newest(cell)
    newest = newest[np.argsort(rows["accessed"][newest], kind="stable")]
    ids = _numbered(cell, cell[newest], first_id)
    kept = slice(None) if versions else newest
    rows = {name: column[kept] for name, column in rows.items()}
    language = history.students.languages[rows["student"], rows["slot"]]
    return pa.table(
        {
            "id": pa.array(ids[kept], pa.int64()),
            "user_id": pa.array(first_user + rows["student"], pa.int64()),
            "lesson_id": pa.array(language * LESSONS_PER_LANGUAGE + rows["lesson"] + 1, pa.int64()),
            "language": pick(LANGUAGES, language),
            "status": pick(STATUSES, rows["status"] - 1),
            "completion_percentage": pa.array(rows["percent"], pa.float64()),
            "mastery_score": _mastery(rows["mastery"], rows["status"]),
            "started_at": timestamps(rows["started"]),
            "completed_at": timestamps(rows["completed"]),
            "last_accessed_at": timestamps(rows["accessed"]),
        }
    )


def _newest(keys: Ints) -> Ints:
    """The position of the last row of each key, in order of key."""
    return len(keys) - 1 - np.unique(keys[::-1], return_index=True)[1]


def _numbered(keys: Ints, in_order: Ints, first_id: int) -> Ints:
    """The id of each row: its key's place in `in_order`, counted from `first_id`."""
    ids = np.zeros(in_order.max(initial=0) + 1, np.int64)
    ids[in_order] = np.arange(first_id, first_id + len(in_order))
    return ids[keys]


def _mastery(mastery: Floats, status: Ints) -> pa.Array:
    return pa.array(mastery.astype(np.float64).round(2), pa.float64(), mask=status != COMPLETED)


def _assessment_attempts(history: History, first_user: int, first_id: int) -> pa.Table:
    taken = history.life.assessment_attempts.columns()
    language = history.students.languages[taken["student"], taken["slot"]]
    n = len(language)
    return pa.table(
        {
            "id": _ids(first_id, n),
            "user_id": pa.array(first_user + taken["student"], pa.int64()),
            "assessment_id": pa.array(assessment_ids(language, taken["kind"], taken["level"]), pa.int64()),
            "language": pick(LANGUAGES, language),
            "score": pa.array(taken["score"], pa.float64()),
            "total_questions": pa.array(np.full(n, QUESTIONS), pa.int64()),
            "correct_answers": pa.array(taken["correct"].sum(axis=1), pa.int64()),
            "started_at": timestamps(taken["start"]),
            "completed_at": timestamps(taken["end"]),
            "answers_json": answers(taken["correct"]),
            "recommended_level": pick(CEFR, taken["reached"]),
            "skill_scores_json": skill_scores(taken["kind"], taken["correct"]),
        }
    )


def _user_levels(
    history: History, first_user: int, first_id: int, versions: bool, rng: np.random.Generator
) -> pa.Table:
    """Levels by student and language: half place themselves with the first talk, any attempt gives a new one."""
    languages, taken = history.students.languages, history.life.assessment_attempts.columns()
    first_talk = _first(history.life.conversations.columns(), "start", languages.shape)
    first_attempt = _first(taken, "end", languages.shape)
    drawn = rng.random(languages.shape) < SELF_PLACED_SHARE
    placed = np.nonzero(drawn & (first_talk // DAY < first_attempt // DAY))
    at = tuple(np.concatenate([placed[axis], taken[name]]) for axis, name in enumerate(("student", "slot")))
    level = np.concatenate([history.students.level[placed], taken["reached"]])
    score = np.concatenate([np.full(len(placed[0]), SELF_PLACED_SCORE), taken["score"]])
    assessed = np.concatenate([first_talk[placed], taken["end"]])
    cell = np.ravel_multi_index(at, languages.shape)
    newest = _newest(cell)
    kept = slice(None) if versions else newest
    return pa.table(
        {
            "id": pa.array(_numbered(cell, cell[newest], first_id), pa.int64()),
            "user_id": pa.array(first_user + at[0], pa.int64()),
            "language": pick(LANGUAGES, languages[at]),
            "cefr_level": pick(CEFR, level),
            "proficiency_score": pa.array(((level + score / 100) / len(CEFR) * 100).round(1), pa.float64()),
            "assessed_at": timestamps(assessed),
            "updated_at": timestamps(assessed),
        }
    ).take(np.arange(len(cell))[kept])


def _first(log: dict[str, np.ndarray], moment: str, shape: tuple[int, ...]) -> Ints:
    """The first `moment` of a log by student and slot; the end of time where there is none."""
    first = np.full(shape, np.iinfo(np.int64).max)
    np.minimum.at(first, (log["student"], log["slot"]), log[moment])
    return first
