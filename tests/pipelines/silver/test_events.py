"""The log of events: corrections close and open, and everything is known from its time on."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from pipelines.silver.batch import content_of
from pipelines.silver.events import history, learning_events, message_days, record_of
from pipelines.silver.version_tables import RECORD, SILVER_OF
from pipelines.silver.versions import Parent, ranked, resolve, unbound
from tests.pipelines.gold.frames import rows
from tests.pipelines.silver.frames import at, standing, versions

SHAPE = (
    "event_type string, ref_id string, student_id string, language string, event_at timestamp, cefr_level string, "
    "messages int, messages_with_errors int, grammar_errors int, vocabulary_errors int, spelling_errors int, "
    "minutes double, score double, mastery double, topic string, "
    "live boolean, known_at timestamp, received_at timestamp, event_time timestamp, _ingested_at timestamp, "
    "_source_file string, row_hash string"
)


def version(event_at: datetime | None, known_at: datetime, live: bool, score: float, file: str) -> tuple[Any, ...]:
    return (
        "attempt", "9", "1", "spanish", event_at, None, *[None] * 6, score, None, None,
        live, known_at, known_at, event_at, at(30), file, file,
    )  # fmt: skip


def told(frame: DataFrame) -> list[tuple[Any, ...]]:
    rows = frame.select("score", "event_at", "known_at", "superseded_at").orderBy("known_at", "score").collect()
    return [tuple(row) for row in rows]


def test_a_correction_closes_the_old_event_from_its_arrival_on(spark: SparkSession) -> None:
    versions = [version(at(4, 10), at(5), True, 60.0, "a"), version(at(4, 10), at(9), True, 70.0, "b")]
    assert told(history(spark.createDataFrame(versions, SHAPE))) == [
        (60.0, at(4, 10), at(5), at(9)),
        (70.0, at(4, 10), at(9), None),
    ]


def test_the_same_content_again_says_nothing_new(spark: SparkSession) -> None:
    versions = [version(at(4, 10), at(5), True, 60.0, "a"), version(at(4, 10), at(9), True, 60.0, "b")]
    assert told(history(spark.createDataFrame(versions, SHAPE))) == [(60.0, at(4, 10), at(5), None)]


def test_an_event_that_is_taken_back_is_closed(spark: SparkSession) -> None:
    versions = [version(at(4, 10), at(5), True, 60.0, "a"), version(None, at(9), True, 60.0, "b")]
    assert told(history(spark.createDataFrame(versions, SHAPE))) == [(60.0, at(4, 10), at(5), at(9))]


def test_a_backfill_replaced_by_a_backfill_was_never_true(spark: SparkSession) -> None:
    versions = [version(at(4, 10), at(4, 10), False, 60.0, "a"), version(at(6, 10), at(6, 10), False, 60.0, "b")]
    assert told(history(spark.createDataFrame(versions, SHAPE))) == [
        (60.0, at(4, 10), at(4, 10), at(4, 10)),
        (60.0, at(6, 10), at(6, 10), None),
    ]


TALK = """
    conversation_id | student_id | language | cefr_level | topic  | started_at
    c1              | 1          | spanish  | A2         | travel | 2024-11-04 10:00
"""


def days(spark: SparkSession, said: str, talk: str = TALK) -> list[tuple[Any, ...]]:
    events = message_days(standing(spark, "messages", said), standing(spark, "conversations", talk))
    shown = events.select("ref_id", "messages", "messages_with_errors", "minutes", "known_at", "superseded_at")
    return [tuple(row) for row in shown.orderBy("ref_id", "known_at").collect()]


def test_corrections_of_the_student_are_counted_by_type(spark: SparkSession) -> None:
    said = """
        message_id | conversation_id | role      | corrections                                 | sent_at
        m1         | c1              | user      | [{"type": "grammar"}, {"type": "Spelling"}] | 2024-11-04 10:00
        m2         | c1              | assistant | [{"type": "vocabulary"}]                    | 2024-11-04 10:05
        m3         | c1              | user      | [{"type": "grammar"}, {"type": "style"}]    | 2024-11-04 12:00
    """
    events = message_days(standing(spark, "messages", said), standing(spark, "conversations", TALK))
    kinds = ("messages_with_errors", "grammar_errors", "vocabulary_errors", "spelling_errors")
    assert [tuple(row) for row in events.select(*kinds).collect()] == [(2, 2, 0, 1)]


def test_messages_are_counted_per_conversation_and_day(spark: SparkSession) -> None:
    said = """
        message_id | conversation_id | role      | corrections | sent_at
        m1         | c1              | user      |             | 2024-11-04 10:00
        m2         | c1              | assistant |             | 2024-11-04 11:00
        m3         | c1              | user      | [{}, {}]    | 2024-11-04 12:00
        m4         | c1              | user      |             | 2024-11-05 01:00
    """
    assert days(spark, said) == [
        ("c1@2024-11-04", 2, 1, 120.0, at(4, 12), None),
        ("c1@2024-11-05", 1, 0, 0.0, at(5, 1), None),
    ]


def test_a_late_message_adds_from_its_arrival_on(spark: SparkSession) -> None:
    said = """
        message_id | conversation_id | role | corrections | sent_at          | arrived
        m1         | c1              | user |             | 2024-11-04 10:00 | 2024-11-04
        m2         | c1              | user | [{}]        | 2024-11-04 11:00 | 2024-11-08
    """
    assert days(spark, said) == [
        ("c1@2024-11-04", 1, 0, 0.0, at(5), at(9)),
        ("c1@2024-11-04", 2, 1, 60.0, at(9), None),
    ]


def test_a_message_stamped_after_its_batch_is_known_when_it_was_sent(spark: SparkSession) -> None:
    said = """
        message_id | conversation_id | role | sent_at          | arrived
        m1         | c1              | user | 2024-11-05 02:00 | 2024-11-04
    """
    talk = """
        conversation_id | student_id | language | started_at       | arrived
        c1              | 1          | spanish  | 2024-11-04 10:00 | 2024-11-04
    """
    found = message_days(standing(spark, "messages", said), standing(spark, "conversations", talk))
    assert rows(found, "event_at", "known_at") == [(at(5, 2), at(5, 2))]


def test_a_corrected_message_takes_back_what_it_added(spark: SparkSession) -> None:
    said = """
        message_id | conversation_id | role | corrections | sent_at          | arrived
        m1         | c1              | user | [{}]        | 2024-11-04 10:00 | 2024-11-04
        m1         | c1              | user |             | 2024-11-04 10:00 | 2024-11-08
    """
    assert days(spark, said) == [
        ("c1@2024-11-04", 1, 1, 0.0, at(5), at(9)),
        ("c1@2024-11-04", 1, 0, 0.0, at(9), None),
    ]


def test_a_message_that_arrives_again_unchanged_says_nothing_new(spark: SparkSession) -> None:
    said = """
        message_id | conversation_id | role | sent_at          | arrived
        m1         | c1              | user | 2024-11-04 10:00 | 2024-11-04
        m1         | c1              | user | 2024-11-04 10:00 | 2024-11-08
    """
    assert days(spark, said) == [("c1@2024-11-04", 1, 0, 0.0, at(5), None)]


def test_a_message_that_moved_leaves_one_conversation_for_the_other(spark: SparkSession) -> None:
    talks = TALK + "    c2              | 1          | spanish  | A2         | food   | 2024-11-04 10:00\n"
    said = """
        message_id | conversation_id | role | sent_at          | arrived
        m1         | c1              | user | 2024-11-04 10:00 | 2024-11-04
        m2         | c1              | user | 2024-11-04 10:30 | 2024-11-04
        m2         | c2              | user | 2024-11-04 10:30 | 2024-11-08
    """
    assert days(spark, said, talks) == [
        ("c1@2024-11-04", 2, 0, 30.0, at(5), at(9)),
        ("c1@2024-11-04", 1, 0, 0.0, at(9), None),
        ("c2@2024-11-04", 1, 0, 0.0, at(9), None),
    ]


def test_a_day_that_no_message_is_left_of_ends(spark: SparkSession) -> None:
    said = """
        message_id | conversation_id | role | sent_at          | arrived
        m1         | c1              | user | 2024-11-04 10:00 | 2024-11-04
        m2         | c1              | user | 2024-11-04 18:00 | 2024-11-04
        m2         | c1              | user | 2024-11-04 10:05 | 2024-11-06
        m1         | c1              | user | 2024-11-05 10:00 | 2024-11-07
        m2         | c1              | user | 2024-11-05 10:05 | 2024-11-08
    """
    assert days(spark, said) == [
        ("c1@2024-11-04", 2, 0, 480.0, at(5), at(7)),
        ("c1@2024-11-04", 2, 0, 5.0, at(7), at(8)),
        ("c1@2024-11-04", 1, 0, 0.0, at(8), at(9)),
        ("c1@2024-11-05", 1, 0, 0.0, at(8), at(9)),
        ("c1@2024-11-05", 2, 0, 5.0, at(9), None),
    ]


def test_a_version_whose_parent_comes_after_its_correction_changes_nothing_of_before(spark: SparkSession) -> None:
    """m1 named c2, which was not there, and was corrected to c1 before c2 came."""
    talks = standing(spark, "conversations", """
        conversation_id | student_id | language | started_at       | arrived
        c1              | 1          | spanish  | 2024-11-04 09:00 | 2024-11-04
        c2              | 1          | spanish  | 2024-11-04 09:00 | 2024-11-10
    """)  # fmt: skip
    said = versions(spark, "messages", """
        message_id | conversation_id | role | sent_at          | arrived
        m1         | c2              | user | 2024-11-04 10:00 | 2024-11-04
        m1         | c1              | user | 2024-11-04 10:00 | 2024-11-05
    """)  # fmt: skip
    parent = Parent(talks, "conversation_id", "conversation")
    found = ranked(resolve(said, parent), RECORD["messages"], content_of("messages"))
    assert rows(found, "conversation_id", "known_at", "newest") == [("c1", at(6), True), ("c2", at(11), False)]
    assert rows(message_days(found, talks), "ref_id", "known_at", "superseded_at") == [("c1@2024-11-04", at(6), None)]


def test_a_version_that_a_mended_rule_releases_after_its_correction_stands_for_nothing(spark: SparkSession) -> None:
    study = versions(spark, "lesson_progress", """
        progress_id | student_id | lesson_id | language | status      | started_at       | completed_at     | arrived
        p1          | 1          | l1        | spanish  | in_progress | 2024-11-04 10:00 |                  | 2024-11-04
        p1          | 1          | l1        | spanish  | completed   | 2024-11-04 10:00 | 2024-11-06 10:00 | 2024-11-06
        p2          | 1          | l1        | spanish  | in_progress | 2024-11-04 10:00 |                  | 2024-11-04
    """)  # fmt: skip
    released = study.withColumn("known_from", F.when(F.col("status") == "in_progress", F.lit(at(20))))
    found = ranked(unbound(released), RECORD["lesson_progress"], content_of("lesson_progress"))
    assert rows(found, "progress_id", "status", "known_at", "newest") == [
        ("p1", "completed", at(7), True),
        ("p1", "in_progress", at(20), False),
        ("p2", "in_progress", at(20), True),
    ]
    given = {table: standing(spark, table) for table in SILVER_OF} | {"lesson_progress": found}
    given["lessons"] = standing(spark, "lessons", "lesson_id | language | cefr_level\nl1 | spanish | A1")
    told = learning_events(given).where("event_type <> 'lesson_accessed'")
    assert rows(told, "event_type", "ref_id", "known_at", "superseded_at") == [
        ("lesson_completed", "p1", at(7), None),
        ("lesson_started", "p1", at(7), None),
        ("lesson_started", "p2", at(20), None),
    ]


def log(spark: SparkSession, **texts: str) -> DataFrame:
    """The log of what is given of each raw table."""
    return learning_events({table: standing(spark, table, texts.get(table, "")) for table in SILVER_OF})


def test_a_later_level_of_a_conversation_is_known_from_its_arrival_on(spark: SparkSession) -> None:
    """Of the conversation as of its messages; what was said of it before stays as it was."""
    talk = """
        conversation_id | student_id | language | cefr_level | topic  | started_at       | arrived
        c1              | 1          | spanish  | A2         | travel | 2024-11-04 10:00 | 2024-11-04
        c1              | 1          | spanish  | B1         | travel | 2024-11-04 10:00 | 2024-11-08
    """
    said = """
        message_id | conversation_id | role | sent_at          | arrived
        m1         | c1              | user | 2024-11-04 10:00 | 2024-11-04
    """
    found = log(spark, conversations=talk, messages=said)
    assert rows(found, "event_type", "cefr_level", "known_at", "superseded_at") == [
        ("conversation", "A2", at(5), at(9)),
        ("conversation", "B1", at(9), None),
        ("message", "A2", at(5), at(9)),
        ("message", "B1", at(9), None),
    ]


def test_progress_is_told_as_the_catalogue_stood_then(spark: SparkSession) -> None:
    """A level of the lesson that is corrected later changes nothing of progress that was known before."""
    lessons = """
        lesson_id | cefr_level | subject | arrived
        l1        | A1         | food    | 2024-11-01
        l1        | A2         | food    | 2024-11-06
    """
    progress = """
        progress_id | student_id | lesson_id | language | status    | started_at       | completed_at     | arrived
        p1          | 1          | l1        | spanish  | completed | 2024-11-04 10:00 | 2024-11-04 11:00 | 2024-11-04
        p2          | 1          | l1        | spanish  | completed | 2024-11-07 10:00 | 2024-11-07 11:00 | 2024-11-07
    """
    found = log(spark, lessons=lessons, lesson_progress=progress)
    assert rows(found, "ref_id", "event_type", "cefr_level", "topic", "event_at", "known_at", "superseded_at") == [
        ("p1", "lesson_completed", "A1", "food", at(4, 11), at(5), None),
        ("p1", "lesson_started", "A1", "food", at(4, 10), at(5), None),
        ("p2", "lesson_completed", "A2", "food", at(7, 11), at(8), None),
        ("p2", "lesson_started", "A2", "food", at(7, 10), at(8), None),
    ]


def test_a_lesson_begun_before_its_catalogue_was_corrected_began_at_the_old_level(spark: SparkSession) -> None:
    """Both events of a backfilled row: each is told as the catalogue stood when that event became known."""
    lessons = """
        lesson_id | cefr_level | subject | arrived
        l1        | A1         | food    | 2024-11-01
        l1        | C2         | food    | 2024-11-06
    """
    progress = """
        progress_id | student_id | lesson_id | language | status    | started_at       | completed_at
        p1          | 1          | l1        | spanish  | completed | 2024-11-04 10:00 | 2024-11-09 11:00
    """
    found = log(spark, lessons=lessons, lesson_progress=progress)
    assert rows(found, "event_type", "cefr_level", "known_at") == [
        ("lesson_completed", "C2", at(9, 11)),
        ("lesson_started", "A1", at(4, 10)),
    ]


def test_what_the_app_overwrites_is_an_event_for_live_arrivals_alone(spark: SparkSession) -> None:
    progress = """
        progress_id | student_id | lesson_id | language | status      | started_at       | last_accessed_at | arrived
        live        | 1          | l1        | spanish  | in_progress | 2024-11-04 10:00 | 2024-11-05 10:00 | 2024-11-05
        backfill    | 1          | l1        | spanish  | in_progress | 2024-11-04 10:00 | 2024-11-05 10:00 |
    """
    levels = """
        student_id | language | cefr_level | proficiency_score | assessed_at      | arrived
        1          | spanish  | A2         | 40                | 2024-11-04 10:00 | 2024-11-04
        2          | spanish  | B2         | 70                | 2024-11-04 10:00 |
    """
    lessons = "lesson_id | cefr_level | arrived\nl1 | A1 | 2024-11-01"
    found = log(spark, lessons=lessons, lesson_progress=progress, user_levels=levels)
    assert rows(found.where("event_type IN ('lesson_accessed', 'level')"), "ref_id", "event_type", "known_at") == [
        ("1|spanish", "level", at(5)),
        ("live@2024-11-05 10:00:00", "lesson_accessed", at(6)),
    ]


def test_the_record_of_an_event_is_its_id_without_day_or_time(spark: SparkSession) -> None:
    told = [("message", "a@b@2024-11-04"), ("lesson_accessed", "p@2024-11-04 10:00:00"), ("attempt", "a@b")]
    found = spark.createDataFrame(told, "event_type string, ref_id string").withColumn("record", record_of())
    assert rows(found, "event_type", "record") == [("attempt", "a@b"), ("lesson_accessed", "p"), ("message", "a@b")]
