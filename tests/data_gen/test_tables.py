import json
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.data_gen.conftest import REFERENCES, TABLES, Read

COLUMNS = {
    "conversations": "id user_id language difficulty_level topic_id created_at updated_at",
    "messages": "id conversation_id role content audio_path corrections created_at",
    "lessons": "id language lesson_type title subject difficulty_level order_index is_active created_at",
    "lesson_progress": "id user_id lesson_id language status completion_percentage mastery_score started_at "
    "completed_at last_accessed_at",
    "assessments": "id language assessment_type title description difficulty_level duration_minutes is_active "
    "created_at",
    "assessment_attempts": "id user_id assessment_id language score total_questions correct_answers started_at "
    "completed_at answers_json recommended_level skill_scores_json",
    "user_levels": "id user_id language cefr_level proficiency_score assessed_at updated_at",
}
LANGUAGES = {"spanish", "french", "german", "italian", "portuguese", "japanese"}
CEFR = ["A1", "A2", "B1", "B2", "C1", "C2"]


@pytest.mark.parametrize("table", TABLES)
def test_columns_and_types(table: str, generated: Path) -> None:
    schema = pq.read_schema(generated / "landing" / f"{table}.parquet")
    assert schema.names == COLUMNS[table].split()
    types = dict(zip(schema.names, schema.types, strict=True))
    assert {types[name] for name in types if name.endswith("id") and name != "topic_id"} == {pa.int64()}
    assert {types[name] for name in types if name.endswith("_at") or name == "topic_id"} == {pa.string()}


def test_volumes(generated: Path, raw: Read) -> None:
    size = sum((generated / "landing" / f"{table}.parquet").stat().st_size for table in TABLES)
    assert 120_000 <= size <= 260_000
    assert len(raw("conversations")) >= 500
    assert len(raw("lesson_progress")) >= 1_000
    assert len(raw("assessment_attempts")) >= 200
    assert set(raw("conversations")["language"]) == LANGUAGES
    assert raw("conversations")["user_id"].nunique() >= 45


def test_audio_path_has_the_null_type(generated: Path) -> None:
    assert pq.read_schema(generated / "landing" / "messages.parquet").field("audio_path").type == pa.null()


@pytest.mark.parametrize("table", TABLES)
def test_ids_are_unique(table: str, raw: Read) -> None:
    assert raw(table)["id"].is_unique


@pytest.mark.parametrize(("table", "column", "target"), REFERENCES)
def test_references_and_their_language(table: str, column: str, target: str, raw: Read) -> None:
    joined = raw(table).merge(raw(target), left_on=column, right_on="id", how="left", suffixes=("", "_there"))
    assert joined["id_there"].notna().all()
    if "language" in raw(table):
        assert (joined["language"] == joined["language_there"]).all()


def test_messages_alternate_within_their_conversation(raw: Read) -> None:
    conversations = raw("conversations").set_index("id")
    messages = raw("messages")
    turn = messages.groupby("conversation_id").cumcount()
    assert (messages["role"] == turn.mod(2).map({0: "user", 1: "assistant"})).all()
    assert messages["created_at"].groupby(messages["conversation_id"]).is_monotonic_increasing.all()
    first_and_last = messages.groupby("conversation_id")["created_at"].agg(["min", "max"])
    assert (first_and_last["min"] >= conversations["created_at"]).all()
    assert (first_and_last["max"] == conversations["updated_at"]).all()
    assert (conversations["updated_at"] - conversations["created_at"]).max() < pd.Timedelta(hours=1)


def test_corrections_are_found_in_what_the_student_wrote(raw: Read) -> None:
    messages = raw("messages")
    assert messages.loc[messages["role"] == "assistant", "corrections"].isna().all()
    corrected = messages.dropna(subset="corrections")
    assert 0.1 < len(corrected) / (messages["role"] == "user").sum() < 0.5
    types = set()
    for content, text in zip(corrected["content"], corrected["corrections"], strict=True):
        for correction in json.loads(text):
            assert set(correction) == {"type", "original", "corrected", "explanation"}
            assert correction["original"] in content
            assert correction["original"] != correction["corrected"]
            types.add(correction["type"])
    assert types == {"grammar", "vocabulary", "spelling"}


def test_lesson_progress_states(raw: Read) -> None:
    progress = raw("lesson_progress")
    assert not progress.duplicated(["user_id", "lesson_id"]).any()
    assert set(progress["status"]) == {"not_started", "in_progress", "completed"}
    waiting, open_, done = (progress[progress["status"] == s] for s in ("not_started", "in_progress", "completed"))
    assert waiting["started_at"].isna().all()
    assert (waiting["completion_percentage"] == 0).all()
    assert open_["started_at"].notna().all()
    assert open_["completed_at"].isna().all()
    assert open_["completion_percentage"].between(1, 99).all()
    assert (done["completed_at"] > done["started_at"]).all()
    assert (done["completion_percentage"] == 100).all()
    assert done["mastery_score"].between(0, 1).all()
    assert progress["mastery_score"].notna().equals(progress["status"] == "completed")


def test_lessons_differ_in_difficulty(raw: Read) -> None:
    progress = raw("lesson_progress").merge(raw("lessons"), left_on="lesson_id", right_on="id")
    mastery = progress.groupby("lesson_type")["mastery_score"].mean()
    assert mastery["vocabulary"] > mastery["listening"]


def test_attempts_add_up(raw: Read) -> None:
    attempts = raw("assessment_attempts")
    assert (attempts["completed_at"] > attempts["started_at"]).all()
    for attempt in attempts.itertuples():
        skills = json.loads(attempt.skill_scores_json)
        answers = json.loads(attempt.answers_json)
        assert all(set(skill) == {"skill", "total", "correct", "score"} for skill in skills)
        assert sum(skill["total"] for skill in skills) == attempt.total_questions
        assert sum(skill["correct"] for skill in skills) == len(answers["right"]) == attempt.correct_answers
        assert len(answers["right"]) + len(answers["wrong"]) == attempt.total_questions
        assert attempt.score == 100 * attempt.correct_answers / attempt.total_questions


def test_user_levels_hold_the_newest_attempt(raw: Read) -> None:
    levels, attempts = raw("user_levels"), raw("assessment_attempts")
    assert not levels.duplicated(["user_id", "language"]).any()
    newest = attempts.sort_values("completed_at").groupby(["user_id", "language"]).last()
    held = newest.drop(columns="id").join(levels.set_index(["user_id", "language"]))
    assert (held["cefr_level"] == held["recommended_level"]).all()
    assert (held["assessed_at"] == held["completed_at"]).all()
    assert set(levels["cefr_level"]) <= set(CEFR)
    assert levels["proficiency_score"].between(0, 100).all()


def test_some_students_never_take_an_assessment(raw: Read) -> None:
    students = set(raw("conversations")["user_id"])
    unassessed = students - set(raw("assessment_attempts")["user_id"])
    assert 0 < len(unassessed) < 0.25 * len(students)
    assert unassessed - set(raw("user_levels")["user_id"])


def test_weekends_are_quieter(raw: Read) -> None:
    weekday = raw("conversations")["created_at"].dt.dayofweek.value_counts()
    assert weekday[5] < weekday[0]
