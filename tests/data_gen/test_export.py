import sqlite3
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from data_gen import sqlite
from data_gen.__main__ import main
from data_gen.raw import LANGUAGES, LEVELS, RAW_COLUMNS
from pipelines.bronze.contracts import OPTIONAL, RAW_TABLES
from pipelines.silver.typed import LANGUAGE_CODES, LEGACY_LEVELS
from tests.data_gen.conftest import TABLES
from tests.data_gen.test_cli import refused

SCHEMA = """
CREATE TABLE conversations (
    id INTEGER NOT NULL, language VARCHAR(50) NOT NULL, difficulty_level VARCHAR(20), topic_id VARCHAR(100),
    created_at DATETIME, updated_at DATETIME, PRIMARY KEY (id));
CREATE TABLE messages (
    id INTEGER NOT NULL, conversation_id INTEGER NOT NULL, role VARCHAR(20) NOT NULL, content TEXT NOT NULL,
    audio_path VARCHAR(255), corrections JSON, created_at DATETIME, PRIMARY KEY (id),
    FOREIGN KEY(conversation_id) REFERENCES conversations (id));
CREATE TABLE lessons (
    id INTEGER NOT NULL, language VARCHAR(50) NOT NULL, lesson_type VARCHAR(50) NOT NULL, title VARCHAR(200) NOT NULL,
    oneliner VARCHAR(500), subject VARCHAR(100), difficulty_level VARCHAR(20) NOT NULL, order_index INTEGER NOT NULL,
    is_active BOOLEAN NOT NULL, created_at DATETIME, updated_at DATETIME, last_accessed_at DATETIME, PRIMARY KEY (id));
CREATE TABLE lesson_items (id INTEGER NOT NULL, lesson_id INTEGER NOT NULL, content TEXT NOT NULL, PRIMARY KEY (id));
CREATE TABLE lesson_progress (
    id INTEGER NOT NULL, lesson_id INTEGER NOT NULL, language VARCHAR(50) NOT NULL, status VARCHAR(20) NOT NULL,
    completion_percentage FLOAT NOT NULL, mastery_score FLOAT, started_at DATETIME, completed_at DATETIME,
    last_accessed_at DATETIME, PRIMARY KEY (id));
CREATE TABLE assessments (
    id INTEGER NOT NULL, language VARCHAR(50) NOT NULL, assessment_type VARCHAR(50) NOT NULL,
    title VARCHAR(200) NOT NULL, description TEXT, difficulty_level VARCHAR(20) NOT NULL, duration_minutes INTEGER,
    is_active BOOLEAN NOT NULL, created_at DATETIME, PRIMARY KEY (id));
CREATE TABLE assessment_attempts (
    id INTEGER NOT NULL, assessment_id INTEGER NOT NULL, language VARCHAR(50) NOT NULL, score FLOAT NOT NULL,
    total_questions INTEGER NOT NULL, correct_answers INTEGER NOT NULL, started_at DATETIME, completed_at DATETIME,
    answers_json JSON, recommended_level VARCHAR(20), skill_scores_json JSON, PRIMARY KEY (id));
CREATE TABLE user_levels (
    id INTEGER NOT NULL, language VARCHAR(50) NOT NULL, cefr_level VARCHAR(20) NOT NULL,
    proficiency_score FLOAT NOT NULL, assessed_at DATETIME, updated_at DATETIME, PRIMARY KEY (id), UNIQUE (language));
"""
ROWS = """
INSERT INTO conversations VALUES
    (1, 'es', 'beginner', 'restaurant', '2024-11-04 10:00:00.000000', '2024-11-04 10:09:00.000000'),
    (2, 'spanish', 'A2', NULL, '2024-11-05 10:00:00.000000+02:00', '2024-11-05 10:01:00.000000+02:00');
INSERT INTO messages VALUES
    (1, 1, 'user', 'Quiero dos cafés, por favor ☕🙂', NULL, '[{"type": "grammar", "original": "a"}]',
     '2024-11-04 10:01:00.000000'),
    (2, 1, 'assistant', '¡Claro!', NULL, NULL, '2024-11-04 10:02:00.000000'),
    (3, 2, 'user', 'Hola', '/audio/3.wav', '[]', '2024-11-05 10:01:00.000000+02:00');
INSERT INTO lessons VALUES
    (1, 'es', 'vocabulary', 'Greetings', 'Say hello', NULL, 'A1', 1, 1,
     '2024-11-01 08:00:00.000000', '2024-11-01 08:00:00.000000', NULL),
    (2, 'es', 'grammar', 'Ser y estar', NULL, 'verbs', 'intermediate', 2, 1,
     '2024-11-01 08:00:00.000000', '2024-11-01 08:00:00.000000', '2024-11-06 09:00:00.000000');
INSERT INTO lesson_items VALUES (1, 1, 'Hola');
INSERT INTO lesson_progress VALUES
    (1, 1, 'es', 'completed', 100.0, 0.85, '2024-11-05 09:00:00.000000', '2024-11-06 09:00:00.000000',
     '2024-11-06 09:00:00.000000'),
    (2, 99, 'es', 'in_progress', 40.0, NULL, '2024-11-06 09:00:00.000000+00:00', NULL, NULL);
INSERT INTO assessments VALUES
    (5, 'es', 'cefr_placement', 'Placement', 'Finds your level', 'A1', 20, 1, '2024-11-01 08:00:00.000000');
INSERT INTO assessment_attempts VALUES
    (1, 5, 'es', 62.5, 8, 5, '2024-11-07 18:00:00.000000', '2024-11-07 18:12:00.000000', '{"1": "a"}', 'A2',
     '[{"skill": "grammar", "total": 8, "correct": 5, "score": 62.5}]');
INSERT INTO user_levels VALUES
    (1, 'es', 'advanced', 62.5, '2024-11-07 18:12:00.000000', '2024-11-07 18:12:00.000000');
"""
# The first 32 digits of the SHA-256 of, for instance, ["spanish", "cefr_placement", "Placement", "A1"].
GREETINGS = "de25e2e274a2b9939fcc08ed26590417"
SER_Y_ESTAR = "46217ea48a5f28abaeee9007834b8dfa"
PLACEMENT = "07a402359bca45dc4cbf33aa6a9c42d9"

Rows = list[dict[str, Any]]
Run = Callable[..., str]


def change(db: Path, *statements: str) -> None:
    """What the app does to its file."""
    with closing(sqlite3.connect(db)) as app:
        app.executescript(";".join(statements))


def copy_of_lesson_1(lesson_id: int, lesson_type: str, oneliner: str, is_active: int) -> str:
    return (
        f"INSERT INTO lessons SELECT {lesson_id}, language, '{lesson_type}', title, '{oneliner}', subject, "
        f"difficulty_level, order_index, {is_active}, created_at, updated_at, NULL FROM lessons WHERE id = 1"
    )


@pytest.fixture
def db(tmp_path: Path) -> Path:
    """An app's file, in a folder of its own."""
    (tmp_path / "app").mkdir()
    path = tmp_path / "app" / "babblr.db"
    change(path, SCHEMA + ROWS)
    return path


@pytest.fixture
def out(tmp_path: Path) -> Path:
    return tmp_path / "landing"


@pytest.fixture
def run(db: Path, out: Path, capsys: pytest.CaptureFixture[str]) -> Run:
    """Exports and returns what is said; user 7, no arrival date and `db` unless told otherwise."""

    def export(*more: str, user: str = "7", source: Path = db) -> str:
        assert main(["export", "--db", str(source), "--user-id", user, "--out", str(out), *more]) == 0
        return capsys.readouterr().out

    return export


def files(out: Path) -> list[str]:
    """All files under a folder, hidden ones too."""
    return sorted(str(path.relative_to(out)) for path in out.rglob("*") if path.is_file())


def rows(file: Path) -> Rows:
    return pq.ParquetFile(file).read().to_pylist()


def counts(said: str, table: str) -> tuple[int, int, int]:
    """New, changed and unchanged of a table in the report."""
    words = next(line for line in said.splitlines() if line.startswith(f"  {table} ")).split()
    return int(words[1]), int(words[3]), int(words[5])


def test_the_raw_columns_are_those_that_bronze_takes() -> None:
    assert {t: names for t, names in RAW_TABLES.items() if t not in OPTIONAL} == RAW_COLUMNS
    assert tuple(RAW_COLUMNS) == TABLES


def test_records_are_the_users_and_their_values_the_apps(run: Run, out: Path) -> None:
    run()
    assert rows(out / "conversations" / "user-7-1.parquet") == [
        {
            "id": "7:1",
            "user_id": "7",
            "language": "es",
            "difficulty_level": "beginner",
            "topic_id": "restaurant",
            "created_at": "2024-11-04 10:00:00.000000",
            "updated_at": "2024-11-04 10:09:00.000000",
        },
        {
            "id": "7:2",
            "user_id": "7",
            "language": "spanish",
            "difficulty_level": "A2",
            "topic_id": None,
            "created_at": "2024-11-05 10:00:00.000000+02:00",
            "updated_at": "2024-11-05 10:01:00.000000+02:00",
        },
    ]
    assert rows(out / "user_levels" / "user-7-1.parquet") == [
        {
            "id": "7:1",
            "user_id": "7",
            "language": "es",
            "cefr_level": "advanced",
            "proficiency_score": 62.5,
            "assessed_at": "2024-11-07 18:12:00.000000",
            "updated_at": "2024-11-07 18:12:00.000000",
        }
    ]


def test_messages_follow_their_conversation(run: Run, out: Path) -> None:
    run()
    first, second, third = rows(out / "messages" / "user-7-1.parquet")
    assert first == {
        "id": "7:1",
        "conversation_id": "7:1",
        "role": "user",
        "content": "Quiero dos cafés, por favor ☕🙂",
        "audio_path": None,
        "corrections": '[{"type": "grammar", "original": "a"}]',
        "created_at": "2024-11-04 10:01:00.000000",
    }
    assert (second["conversation_id"], third["conversation_id"]) == ("7:1", "7:2")


def test_the_catalogue_has_ids_of_its_content_and_no_times_of_one_user(run: Run, out: Path) -> None:
    run()
    assert rows(out / "lessons" / "user-7-1.parquet")[1] == {
        "id": SER_Y_ESTAR,
        "language": "es",
        "lesson_type": "grammar",
        "title": "Ser y estar",
        "subject": "verbs",
        "difficulty_level": "intermediate",
        "order_index": 2,
        "is_active": 1,
        "created_at": None,
        "oneliner": None,
        "updated_at": None,
        "last_accessed_at": None,
    }
    [placement] = rows(out / "assessments" / "user-7-1.parquet")
    assert (placement["id"], placement["description"], placement["created_at"]) == (PLACEMENT, "Finds your level", None)
    [attempt] = rows(out / "assessment_attempts" / "user-7-1.parquet")
    assert (attempt["id"], attempt["assessment_id"]) == ("7:1", PLACEMENT)


def test_a_dangling_reference_waits_under_the_users_name(run: Run, out: Path) -> None:
    run()
    found = rows(out / "lesson_progress" / "user-7-1.parquet")
    assert [(row["id"], row["lesson_id"]) for row in found] == [("7:1", GREETINGS), ("7:2", "7:99")]


def test_it_finds_its_lesson_when_the_lesson_comes(db: Path, run: Run, out: Path) -> None:
    run()
    change(db, copy_of_lesson_1(99, "listening", "Hear it", is_active=1))
    run()
    [lesson] = rows(out / "lessons" / "user-7-2.parquet")
    [progress] = rows(out / "lesson_progress" / "user-7-2.parquet")
    assert (progress["id"], progress["lesson_id"]) == ("7:2", lesson["id"])


def test_a_lesson_that_goes_takes_no_reference_with_it(db: Path, run: Run) -> None:
    run()
    change(db, "DELETE FROM lessons WHERE id = 1")
    assert counts(run(), "lesson_progress") == (0, 0, 2)


def test_an_id_that_is_given_again_is_another_record(db: Path, run: Run, out: Path) -> None:
    """The last conversation is deleted, and SQLite gives its id, and its message's, to those of another day."""
    run()
    change(
        db,
        "DELETE FROM messages WHERE id = 3",
        "DELETE FROM conversations WHERE id = 2",
        "INSERT INTO conversations VALUES (2, 'french', 'A1', NULL, '2024-11-20 10:00:00.000000', NULL)",
        "INSERT INTO messages VALUES (3, 2, 'user', 'Salut', NULL, NULL, '2024-11-20 10:01:00.000000')",
        "UPDATE conversations SET created_at = '2024-11-04T10:00:00+00:00' WHERE id = 1",
    )
    said = run()
    assert (counts(said, "conversations"), counts(said, "messages")) == ((1, 1, 0), (1, 0, 2))
    assert [row["id"] for row in rows(out / "conversations" / "user-7-2.parquet")] == ["7:2~2", "7:1"]
    [message] = rows(out / "messages" / "user-7-2.parquet")
    assert (message["id"], message["conversation_id"]) == ("7:3~2", "7:2~2")
    assert "no file written" in run()
    change(db, "UPDATE conversations SET created_at = '2024-11-30 08:00:00' WHERE id = 2")
    run()
    assert [row["id"] for row in rows(out / "conversations" / "user-7-3.parquet")] == ["7:2~3"]
    change(db, "UPDATE conversations SET created_at = NULL, topic_id = 'news' WHERE id = 2")
    run()
    assert [row["id"] for row in rows(out / "conversations" / "user-7-4.parquet")] == ["7:2~3"]
    (out / "conversations" / "user-7-1.parquet").unlink()
    change(db, "UPDATE conversations SET created_at = '2024-11-20T10:00:00.000Z' WHERE id = 2")
    run()
    assert [row["id"] for row in rows(out / "conversations" / "user-7-5.parquet")] == ["7:2~2"]


def test_an_app_that_was_set_up_anew_leaves_what_was_learnt(db: Path, run: Run, out: Path) -> None:
    run()
    change(
        db,
        "DELETE FROM lesson_progress",
        "INSERT INTO lesson_progress VALUES (1, 2, 'es', 'not_started', 0, NULL, NULL, NULL, NULL)",
    )
    assert counts(run(), "lesson_progress") == (0, 1, 0), "it may be the same one yet"
    change(db, "UPDATE lesson_progress SET status = 'in_progress', started_at = '2024-12-05 10:00:00'")
    assert counts(run(), "lesson_progress") == (0, 1, 0)
    change(db, "UPDATE lesson_progress SET started_at = '2024-12-24 10:00:00', lesson_id = 1")
    run()
    [begun] = rows(out / "lesson_progress" / "user-7-4.parquet")
    assert (begun["id"], begun["lesson_id"]) == ("7:1~2", GREETINGS)


def test_an_entry_of_the_catalogue_is_one_however_its_language_and_level_are_spelled(
    tmp_path: Path, run: Run, out: Path
) -> None:
    run()
    other = tmp_path / "other.db"
    change(
        other, SCHEMA + ROWS, "UPDATE lessons SET language = ' es-MX'", "UPDATE assessments SET language = 'Spanish'"
    )
    change(other, "UPDATE lessons SET difficulty_level = 'b1' WHERE id = 2", "UPDATE lessons SET language = 'ES'")
    run(user="8", source=other)
    assert {row["id"] for row in rows(out / "lessons" / "user-8-1.parquet")} == {GREETINGS, SER_Y_ESTAR}
    assert rows(out / "assessments" / "user-8-1.parquet")[0]["id"] == PLACEMENT


def test_languages_and_levels_are_spelled_as_silver_reads_them() -> None:
    assert (LANGUAGES, LEVELS) == (LANGUAGE_CODES, LEGACY_LEVELS)


def test_names_of_columns_and_tables_come_in_any_case(db: Path, run: Run, out: Path) -> None:
    change(db, "ALTER TABLE conversations RENAME COLUMN language TO Language", "ALTER TABLE messages RENAME TO m")
    change(db, "ALTER TABLE m RENAME TO Messages", "ALTER TABLE conversations ADD COLUMN User_ID TEXT DEFAULT 'x'")
    assert "the app has no" not in run()
    first = rows(out / "conversations" / "user-7-1.parquet")[0]
    assert (first["language"], first["user_id"]) == ("es", "7")
    assert {name.lower() for name in first} == {*first}


def test_an_arrival_before_what_happened_is_refused_and_a_few_wrong_times_are_not(
    db: Path, run: Run, out: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    asked = ["export", "--db", str(db), "--user-id", "7", "--out", str(out), "--arrived", "2023-11-09"]
    assert "happened after --arrived 2023-11-09, such as conversations 7:1 on 2024-11-04" in refused(asked, capsys)
    assert files(out) == []
    change(db, "UPDATE user_levels SET assessed_at = '2027-01-01 00:00:00'")
    assert counts(run("--arrived", "2024-11-09"), "user_levels") == (1, 0, 0)
    change(db, "INSERT INTO messages VALUES (4, 2, 'user', 'Hola', NULL, NULL, '2027-01-01 00:00:00')")
    assert counts(run("--arrived", "2024-11-10"), "messages") == (1, 0, 3)


def test_types_are_natural(db: Path, run: Run, out: Path) -> None:
    change(db, "UPDATE lesson_progress SET mastery_score = 'n/a' WHERE id = 2; UPDATE messages SET audio_path = NULL")
    run()
    progress = pq.read_schema(out / "lesson_progress" / "user-7-1.parquet")
    assert (progress.field("completion_percentage").type, progress.field("mastery_score").type) == (
        pa.float64(),
        pa.string(),
    )
    assert [row["mastery_score"] for row in rows(out / "lesson_progress" / "user-7-1.parquet")] == ["0.85", "n/a"]
    assert pq.read_schema(out / "lessons" / "user-7-1.parquet").field("is_active").type == pa.int64()
    assert pq.read_schema(out / "messages" / "user-7-1.parquet").field("audio_path").type == pa.string()


def test_text_that_is_no_text_survives(db: Path, run: Run, out: Path) -> None:
    for message, content in enumerate(("CAST(x'63616665cc' AS TEXT)", "x'00ff'", "5"), start=1):
        change(db, f"UPDATE messages SET content = {content} WHERE id = {message}")
    run()
    assert [row["content"] for row in rows(out / "messages" / "user-7-1.parquet")] == ["cafe\\xcc", "00ff", "5"]


def test_other_tables_stay_and_other_columns_come_unless_secret(db: Path, run: Run, out: Path) -> None:
    secret = (
        "api_key",
        "accessToken",
        "auth_tokens",
        "OpenAIKey",
        "client_pwd",
        "authtoken",
        "userpassword",
        "tokenHash",
    )
    columns = ("mood VARCHAR DEFAULT 'gut'", "token_count INTEGER DEFAULT 9")
    for column in (*columns, *(f"{name} VARCHAR DEFAULT 'sk-1234'" for name in secret)):
        change(db, f"ALTER TABLE conversations ADD COLUMN {column}")
    said = run()
    assert f"conversations: {', '.join(secret)} left out, may hold a secret" in said
    [first, _] = rows(out / "conversations" / "user-7-1.parquet")
    assert [*first][-2:] == ["mood", "token_count"]
    assert (first["mood"], first["token_count"]) == ("gut", 9)
    assert files(out) == sorted(f"{table}/user-7-1.parquet" for table in TABLES)
    assert not any(b"sk-1234" in (out / name).read_bytes() for name in files(out))


def test_a_column_that_the_app_lacks_is_null_and_said(db: Path, run: Run, out: Path) -> None:
    change(db, "ALTER TABLE lessons DROP COLUMN subject; ALTER TABLE messages DROP COLUMN audio_path")
    said = run()
    assert "lessons: the app has no subject, exported as null" in said
    assert "messages: the app has no audio_path, exported as null" in said
    assert "user_id" not in said
    first = rows(out / "lessons" / "user-7-1.parquet")[0]
    assert (first["id"], first["subject"]) == (GREETINGS, None)


def test_an_empty_app_gives_the_seven_tables(tmp_path: Path, run: Run, out: Path) -> None:
    change(tmp_path / "new.db", SCHEMA)
    run(source=tmp_path / "new.db")
    assert files(out) == sorted(f"{table}/user-7-1.parquet" for table in TABLES)
    for table in TABLES:
        file = pq.ParquetFile(out / table / "user-7-1.parquet")
        assert (file.metadata.num_rows, file.schema_arrow.names) == (0, RAW_COLUMNS[table].split())
    assert "no file written" in run(source=tmp_path / "new.db")


def test_two_users_share_the_catalogue_and_nothing_else(tmp_path: Path, run: Run, out: Path) -> None:
    run()
    other = tmp_path / "other.db"
    change(
        other,
        SCHEMA + ROWS,
        "UPDATE lessons SET id = id + 10, created_at = '2024-12-24 00:00:00.000000', is_active = 0",
        "UPDATE lesson_progress SET lesson_id = 11 WHERE id = 1",
        "UPDATE assessments SET id = 1",
        "UPDATE assessment_attempts SET assessment_id = 1",
    )
    run(user="8", source=other)
    for table in TABLES:
        mine, theirs = (rows(out / table / f"user-{user}-1.parquet") for user in (7, 8))
        shared = {row["id"] for row in mine} & {row["id"] for row in theirs}
        assert len(shared) == (len(mine) if table in ("lessons", "assessments") else 0)
    progress = rows(out / "lesson_progress" / "user-8-1.parquet")
    assert [row["lesson_id"] for row in progress] == [GREETINGS, "8:99"]
    assert rows(out / "assessment_attempts" / "user-8-1.parquet")[0]["assessment_id"] == PLACEMENT


def test_a_users_number_is_no_prefix_of_anothers(run: Run, out: Path) -> None:
    run(user="7")
    assert counts(run(user="7-1"), "messages") == (3, 0, 0)
    assert counts(run(user="7"), "messages") == (0, 0, 3)
    assert counts(run(user="7-1"), "messages") == (0, 0, 3)
    assert files(out / "messages") == ["user-7-1-1.parquet", "user-7-1.parquet"]


def test_equal_entries_of_the_catalogue_are_one(db: Path, run: Run, out: Path) -> None:
    again = copy_of_lesson_1(3, "vocabulary", "Newer", is_active=0)
    change(db, again, "UPDATE lesson_progress SET lesson_id = 3 WHERE id = 2")
    assert counts(run(), "lessons") == (2, 0, 0)
    first = rows(out / "lessons" / "user-7-1.parquet")[0]
    assert (first["id"], first["oneliner"], first["is_active"]) == (GREETINGS, "Newer", 0)
    progress = rows(out / "lesson_progress" / "user-7-1.parquet")
    assert [row["lesson_id"] for row in progress] == [GREETINGS, GREETINGS]


def test_a_second_export_of_the_same_adds_nothing(run: Run, out: Path) -> None:
    first = run()
    assert "no file written" not in first
    assert [counts(first, table)[0] for table in TABLES] == [2, 3, 2, 2, 1, 1, 1]
    before = files(out)
    second = run()
    assert "nothing changed since the last export, no file written" in second
    assert [counts(second, table) for table in TABLES] == [(0, 0, n) for n in (2, 3, 2, 2, 1, 1, 1)]
    assert files(out) == before


def test_a_second_export_adds_what_changed(db: Path, run: Run, out: Path) -> None:
    run()
    change(
        db,
        "INSERT INTO conversations VALUES (3, 'es', 'A2', NULL, '2024-11-08 10:00:00.000000', NULL)",
        "UPDATE lesson_progress SET status = 'completed', completed_at = '2024-11-08 09:00:00' WHERE id = 2",
        "UPDATE lessons SET last_accessed_at = '2024-11-08 09:00:00.000000'",
        "UPDATE assessments SET is_active = 0",
        "DELETE FROM messages WHERE id = 3",
    )
    said = run()
    assert [counts(said, table) for table in TABLES] == [
        (1, 0, 2),
        (0, 0, 2),
        (0, 0, 2),
        (0, 1, 1),
        (0, 1, 0),
        (0, 0, 1),
        (0, 0, 1),
    ]
    assert "messages: no longer in the app, still in the landing folder: 1 (7:3)" in said
    added = ["assessments", "conversations", "lesson_progress"]
    assert [name for name in files(out) if "-2" in name] == [f"{table}/user-7-2.parquet" for table in added]
    assert [row["id"] for row in rows(out / "conversations" / "user-7-2.parquet")] == ["7:3"]
    [progress] = rows(out / "lesson_progress" / "user-7-2.parquet")
    assert (progress["id"], progress["status"]) == ("7:2", "completed")
    [placement] = rows(out / "assessments" / "user-7-2.parquet")
    assert (placement["id"], placement["is_active"]) == (PLACEMENT, 0)


def test_what_changes_back_is_exported_again(db: Path, run: Run, out: Path) -> None:
    for cefr_level in ("advanced", "B1", "advanced", "advanced"):
        change(db, f"UPDATE user_levels SET cefr_level = '{cefr_level}'")
        run()
    assert files(out / "user_levels") == [f"user-7-{k}.parquet" for k in (1, 2, 3)]


def test_the_same_value_as_another_type_is_no_change(db: Path, run: Run, out: Path) -> None:
    change(db, "UPDATE lesson_progress SET mastery_score = 'n/a' WHERE id = 2")
    run()
    change(db, "UPDATE lesson_progress SET mastery_score = NULL WHERE id = 2")
    assert counts(run(), "lesson_progress") == (0, 1, 1)
    change(db, "ALTER TABLE lesson_progress ADD COLUMN streak INTEGER")
    assert "no file written" in run()


def test_more_than_nine_exports_keep_their_order(db: Path, run: Run, out: Path) -> None:
    for n in range(11):
        change(db, f"UPDATE user_levels SET proficiency_score = {n}")
        run()
    assert len(files(out / "user_levels")) == 11
    assert "no file written" in run()


def test_live_files_lie_in_the_folder_of_their_arrival(db: Path, run: Run, out: Path) -> None:
    run()
    change(db, "UPDATE user_levels SET cefr_level = 'B1'")
    assert counts(run("--arrived", "2024-11-09"), "user_levels") == (0, 1, 0)
    change(db, "UPDATE user_levels SET cefr_level = 'B2'")
    run("--arrived", "2024-11-09")
    assert "no file written" in run("--arrived", "2024-11-10")
    live = [f"arrived=2024-11-09/user-7-{k}.parquet" for k in (2, 3)]
    assert files(out / "user_levels") == [*live, "user-7-1.parquet"]


@pytest.mark.parametrize("arrived", [["--arrived", "2024-11-08"], []])
def test_a_later_export_does_not_arrive_before(
    arrived: list[str], db: Path, run: Run, out: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run("--arrived", "2024-11-09")
    said = refused(["export", "--db", str(db), "--user-id", "7", "--out", str(out), *arrived], capsys)
    assert "an earlier export arrived on 2024-11-09" in said
    assert "give --arrived 2024-11-09 or later" in said


def test_an_empty_arrival_is_a_backfill(run: Run, out: Path) -> None:
    run("--arrived", "")
    assert files(out) == sorted(f"{table}/user-7-1.parquet" for table in TABLES)


def test_an_awkward_user_has_plain_file_names(run: Run, out: Path) -> None:
    run(user="jo+é/../[x]@mail.org")
    assert files(out / "messages") == ["user-jo%2B%C3%A9%2F..%2F%5Bx%5D@mail.org-1.parquet"]
    assert "no file written" in run(user="jo+é/../[x]@mail.org")
    assert rows(out / "messages" / files(out / "messages")[0])[0]["id"] == "jo+é/../[x]@mail.org:1"


@pytest.mark.parametrize("journal", ["DELETE", "WAL"])
def test_the_file_and_its_folder_stay_as_they_are(journal: str, db: Path, run: Run) -> None:
    change(db, f"PRAGMA journal_mode = {journal}")
    before = (db.read_bytes(), db.stat().st_mtime_ns)
    run()
    assert (db.read_bytes(), db.stat().st_mtime_ns) == before
    assert files(db.parent) == ["babblr.db"]


def test_what_the_open_app_has_committed_is_exported(db: Path, run: Run) -> None:
    with closing(sqlite3.connect(db)) as app:
        app.execute("PRAGMA journal_mode = WAL")
        app.execute("UPDATE messages SET content = 'Adiós' WHERE id = 3")
        app.commit()
        app.execute("DELETE FROM messages")
        before = (db.read_bytes(), Path(f"{db}-wal").read_bytes())
        assert counts(run(), "messages") == (3, 0, 0)
        assert (db.read_bytes(), Path(f"{db}-wal").read_bytes()) == before


def test_a_file_at_rest_that_the_app_opens_meanwhile_is_refused(
    db: Path, out: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    change(db, "PRAGMA journal_mode = WAL")
    read = sqlite._read

    def interrupted(app: sqlite3.Connection, table: str) -> sqlite.AppTable:
        change(db, "UPDATE user_levels SET cefr_level = 'B1'")
        return read(app, table)

    monkeypatch.setattr(sqlite, "_read", interrupted)
    said = refused(["export", "--db", str(db), "--user-id", "7", "--out", str(out)], capsys)
    assert "while it was being read" in said
    assert not out.exists()


def test_a_path_with_every_sign_in_it(db: Path, run: Run) -> None:
    strange = db.parent / "my app #1" / "50%20 ?mode=rwc&é.db"
    strange.parent.mkdir()
    db.rename(strange)
    assert counts(run(source=strange), "messages") == (3, 0, 0)
    assert files(strange.parent) == [strange.name]


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (["--db", "none.db"], "there is no file"),
        (["--db", "."], "there is no file"),
        (["--user-id", ""], "--user-id: expected text without whitespace and without :, not ''"),
        (["--user-id", "a b"], "--user-id: expected text without whitespace"),
        (["--user-id", "a:b"], "--user-id: expected text without whitespace"),
        (["--user-id", "a\nb"], "--user-id: expected text without whitespace"),
        (["--user-id", "a\x07"], "--user-id: expected text without whitespace"),
        (["--arrived", "yesterday"], "--arrived: expected a date such as 2024-11-04, not 'yesterday'"),
        (["--arrived", "2024-02-30"], "--arrived: expected a date such as 2024-11-04"),
        (["--arrived", "20241104"], "--arrived: expected a date such as 2024-11-04"),
        (["--arrived", "2999-11-04"], "--arrived 2999-11-04 is yet to come"),
        (["--arrived", "9999-12-31"], "--arrived 9999-12-31 is yet to come"),
    ],
)
def test_bad_arguments_are_refused(
    arguments: list[str], reason: str, db: Path, out: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    good = ["export", "--db", str(db), "--user-id", "7", "--out", str(out)]
    assert reason in refused([*good, *arguments], capsys)
    assert not out.exists()


@pytest.mark.parametrize(
    ("script", "reason"),
    [
        ("DROP TABLE user_levels; DROP TABLE lessons", "is not the app's file: it has no table lessons, user_levels"),
        ("DROP TABLE user_levels; CREATE TABLE user_levels (language TEXT)", "table user_levels has no column id"),
        ("DROP TABLE user_levels; CREATE TABLE user_levels (id TEXT); INSERT INTO user_levels VALUES ('a'), ('a')",
         "table user_levels has a row without an id, or two rows with the same"),
        ("DROP TABLE user_levels; CREATE TABLE user_levels (id TEXT); INSERT INTO user_levels VALUES (NULL)",
         "table user_levels has a row without an id, or two rows with the same"),
    ],
)  # fmt: skip
def test_a_file_that_is_not_the_apps_is_refused(
    script: str, reason: str, db: Path, out: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    change(db, script)
    assert reason in refused(["export", "--db", str(db), "--user-id", "7", "--out", str(out)], capsys)
    assert not out.exists()


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"conversation,language\n" * 100, "is not an SQLite file"),
        (b"", "is not the app's file: it has no table conversations, messages"),
        (b"SQLite format 3\0", "is not an SQLite file"),
    ],
)
def test_a_file_that_is_not_sqlite_is_refused(
    content: bytes, reason: str, db: Path, out: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    db.write_bytes(content)
    assert reason in refused(["export", "--db", str(db), "--user-id", "7", "--out", str(out)], capsys)


def test_a_file_cut_short_is_refused(db: Path, out: Path, capsys: pytest.CaptureFixture[str]) -> None:
    db.write_bytes(db.read_bytes()[:-4096])
    said = refused(["export", "--db", str(db), "--user-id", "7", "--out", str(out)], capsys)
    assert f"cannot read {db}: database disk image is malformed" in said


def test_a_locked_file_is_refused(
    db: Path, out: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sqlite, "PATIENCE_SECONDS", 0.01)
    with closing(sqlite3.connect(db)) as app:
        app.execute("BEGIN EXCLUSIVE")
        said = refused(["export", "--db", str(db), "--user-id", "7", "--out", str(out)], capsys)
    assert "is locked by another program" in said


def test_a_landing_folder_that_cannot_be_written_is_named(
    db: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").write_text("in the way")
    said = refused(["export", "--db", str(db), "--user-id", "7", "--out", str(tmp_path / "file")], capsys)
    assert f"cannot export {db} to {tmp_path / 'file'}" in said


def test_an_earlier_export_that_is_broken_is_named(
    db: Path, run: Run, out: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run()
    (out / "messages" / "user-7-1.parquet").write_bytes(b"PAR1")
    said = refused(["export", "--db", str(db), "--user-id", "7", "--out", str(out)], capsys)
    assert f"the earlier export {out / 'messages' / 'user-7-1.parquet'} cannot be read" in said


def test_a_failure_half_way_leaves_no_file(
    db: Path, out: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    write = pq.write_table

    def until_the_disk_is_full(table: pa.Table, path: Path, **options: Any) -> None:
        write(table, path, **options)
        if "cefr_level" in table.schema.names:
            raise OSError("No space left on device")

    monkeypatch.setattr(pq, "write_table", until_the_disk_is_full)
    said = refused(["export", "--db", str(db), "--user-id", "7", "--out", str(out)], capsys)
    assert "No space left on device" in said
    assert files(out) == []


def test_runs_as_a_module(db: Path, out: Path) -> None:
    command = [sys.executable, "-m", "data_gen", "export", "--db", str(db), "--user-id", "7", "--out", str(out)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith(f"user 7 of {db}, to {out}\n")
    assert counts(done.stdout, "conversations") == (2, 0, 0)
    missing = subprocess.run([*command[:4], "--user-id", "7"], capture_output=True, text=True, check=False)
    assert missing.returncode == 2
    assert missing.stderr == "data_gen export: the following arguments are required: --db, --out\n"
