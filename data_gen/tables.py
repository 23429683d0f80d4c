"""Raw rows: what the app's export holds of a chunk of students."""

from collections import Counter

import numpy as np
import pyarrow as pa

from data_gen.answers import QUESTIONS, answers, skill_scores
from data_gen.arrays import NEVER, Floats, Ints, pick, timestamps
from data_gen.behaviour import History
from data_gen.catalogue import CEFR, LESSONS_PER_LANGUAGE, assessment_ids
from data_gen.messages import message_table
from data_gen.phrases import LANGUAGES, TOPICS
from data_gen.state import COMPLETED, UNSEEN

STATUSES = ("not_started", "in_progress", "completed")
SELF_PLACED_SHARE = 0.5


def activity_tables(
    history: History, first_user: int, rows_before: Counter[str], rng: np.random.Generator
) -> dict[str, pa.Table]:
    """The five tables that students fill, by name; ids follow `rows_before`, user ids start at `first_user`."""
    conversations, messages = _conversation_tables(history, first_user, rows_before, rng)
    return {
        "conversations": conversations,
        "messages": messages,
        "lesson_progress": _lesson_progress(history, first_user, rows_before["lesson_progress"] + 1),
        "assessment_attempts": _assessment_attempts(history, first_user, rows_before["assessment_attempts"] + 1),
        "user_levels": _user_levels(history, first_user, rows_before["user_levels"] + 1, rng),
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


def _lesson_progress(history: History, first_user: int, first_id: int) -> pa.Table:
    """In the order in which rows were last touched; not started: no times but the last access."""
    shelf = history.life.shelf
    student, slot, lesson = np.nonzero(shelf.status != UNSEEN)
    order = np.argsort(shelf.accessed[student, slot, lesson], kind="stable")
    at = (student[order], slot[order], lesson[order])
    language = history.students.languages[at[0], at[1]]
    return pa.table(
        {
            "id": _ids(first_id, len(order)),
            "user_id": pa.array(first_user + at[0], pa.int64()),
            "lesson_id": pa.array(language * LESSONS_PER_LANGUAGE + at[2] + 1, pa.int64()),
            "language": pick(LANGUAGES, language),
            "status": pick(STATUSES, shelf.status[at] - 1),
            "completion_percentage": pa.array(shelf.percent[at], pa.float64()),
            "mastery_score": _mastery(shelf.mastery[at], shelf.status[at]),
            "started_at": timestamps(shelf.started[at]),
            "completed_at": timestamps(shelf.completed[at]),
            "last_accessed_at": timestamps(shelf.accessed[at]),
        }
    )


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


def _user_levels(history: History, first_user: int, first_id: int, rng: np.random.Generator) -> pa.Table:
    """The newest level by student and language: from the last attempt, else for half of them from the first talk."""
    languages, level = history.students.languages, history.life.level
    talks, taken = history.life.conversations.columns(), history.life.assessment_attempts.columns()
    first_talk = np.full(languages.shape, np.iinfo(np.int64).max)
    np.minimum.at(first_talk, (talks["student"], talks["slot"]), talks["start"])
    talked = first_talk != np.iinfo(np.int64).max
    self_placed = talked & (rng.random(languages.shape) < SELF_PLACED_SHARE)
    assessed, score = np.where(self_placed, first_talk, NEVER), np.full(languages.shape, 50)
    assessed[taken["student"], taken["slot"]] = taken["end"]
    score[taken["student"], taken["slot"]] = taken["score"]
    at = np.nonzero(assessed != NEVER)
    return pa.table(
        {
            "id": _ids(first_id, len(at[0])),
            "user_id": pa.array(first_user + at[0], pa.int64()),
            "language": pick(LANGUAGES, languages[at]),
            "cefr_level": pick(CEFR, level[at]),
            "proficiency_score": pa.array(((level[at] + score[at] / 100) / len(CEFR) * 100).round(1), pa.float64()),
            "assessed_at": timestamps(assessed[at]),
            "updated_at": timestamps(assessed[at]),
        }
    )
