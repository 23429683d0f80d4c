"""What an export says of the app's records: values, ids, references."""

from __future__ import annotations

from contextlib import nullcontext
from datetime import date
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from data_gen.export import Difference, Exported, _refuse_before_its_time
from data_gen.raw import LANGUAGES, LEVELS, RAW_COLUMNS
from data_gen.sqlite import Row, Unusable
from pipelines.bronze.contracts import OPTIONAL, RAW_TABLES
from pipelines.silver.typed import LANGUAGE_CODES, LEGACY_LEVELS
from tests.data_gen.conftest import TABLES
from tests.data_gen.export.app import (
    GREETINGS,
    PLACEMENT,
    ROWS,
    SCHEMA,
    SER_Y_ESTAR,
    Run,
    change,
    copy_of_lesson_1,
    counts,
    files,
    rows,
)
from tests.data_gen.test_cli import refused


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


def test_an_arrival_before_what_happened_is_refused_and_a_few_wrong_times_are_told(
    db: Path, run: Run, out: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    asked = ["export", "--db", str(db), "--user-id", "7", "--out", str(out), "--arrived", "2023-11-09"]
    said = refused(asked, capsys)
    assert "9 of the 12 rows to be exported happened after --arrived 2023-11-09, such as conversations 7:1:" in said
    assert files(out) == []
    change(db, "UPDATE user_levels SET assessed_at = '2027-01-01 00:00:00', updated_at = '2029-01-01 00:00:00'")
    change(db, "UPDATE conversations SET updated_at = '2029-01-01 00:00:00'")
    said = run("--arrived", "2024-11-09")
    assert counts(said, "user_levels") == (1, 0, 0)
    assert "user_levels: happened after --arrived, ingest will set aside: 1 (7:1)" in said
    assert "conversations: happened" not in said
    change(db, "INSERT INTO messages VALUES (4, 2, 'user', 'Hola', NULL, NULL, '2024-11-11 23:30:00-08:00')")
    assert "messages: happened after --arrived, ingest will set aside: 1 (7:4)" in run("--arrived", "2024-11-10")
    assert "happened after" not in run("--arrived", "2024-11-11")


def test_half_of_an_export_is_not_a_few_wrong_times(
    db: Path, run: Run, out: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run("--arrived", "2024-11-09")
    said = "INSERT INTO messages VALUES ({0}, 2, 'user', 'Hola', NULL, NULL, '2024-11-{0} 09:00:00')"
    change(db, *(said.format(day) for day in range(10, 20)))
    asked = ["export", "--db", str(db), "--user-id", "7", "--out", str(out), "--arrived", "2024-11-13"]
    assert "5 of the 10 rows" in refused(asked, capsys)
    assert counts(run("--arrived", "2024-11-19"), "messages") == (10, 0, 3)


@pytest.mark.parametrize(
    ("rows", "late", "refused"),
    [(12, 3, False), (12, 4, True), (100, 5, False), (100, 6, True)],
)
def test_a_few_wrong_times_are_three_or_a_twentieth(rows: int, late: int, refused: bool) -> None:
    doubted = pytest.raises(Unusable, match=f"{late} of the {rows} rows") if refused else nullcontext()
    with doubted:
        _refuse_before_its_time(date(2024, 11, 9), [exported("messages", rows, late)])


def test_a_few_wrong_times_are_few_of_each_table() -> None:
    of_two = [exported("messages", 980, 2), exported("conversations", 20, 4)]
    with pytest.raises(Unusable, match="6 of the 1,000 rows"):
        _refuse_before_its_time(date(2024, 11, 9), of_two)


def exported(table: str, rows: int, late: int) -> Exported:
    made: list[Row] = [{"id": str(number)} for number in range(rows)]
    return Exported(table, Difference(made, [], 0, []), None, [], [], [str(number) for number in range(late)])


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
