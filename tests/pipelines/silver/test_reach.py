"""How far new rows reach: what is looked at again, and what is not."""

from __future__ import annotations

from typing import Any

from pyspark.sql import DataFrame, SparkSession

from pipelines.silver.batch import look_again
from pipelines.silver.reach import Received, everything
from pipelines.silver.version_tables import VERSIONS
from tests.pipelines.gold.frames import rows
from tests.pipelines.silver.frames import versions


def looked_at(spark: SparkSession, old: dict[str, str], new: dict[str, str]) -> dict[str, DataFrame]:
    """What a batch looks at of each raw table, when silver stands on `old` and `new` comes."""
    came = {t: Received(versions(spark, t, old.get(t, "")), versions(spark, t, new.get(t, ""))) for t in VERSIONS}
    return look_again(came, lambda name, frame: frame)


def ids(frame: DataFrame, *names: str) -> list[tuple[Any, ...]]:
    return rows(frame, *names, "fresh")


def test_a_first_load_is_looked_at_whole(spark: SparkSession) -> None:
    new = versions(spark, "messages", "message_id | conversation_id\nm1 | c1")
    assert ids(everything(Received(None, new)), "message_id") == [("m1", True)]


TALKS = """
    conversation_id | student_id | started_at       | arrived
    c1              | 1          | 2024-11-04 09:00 | 2024-11-04
    c2              | 1          | 2024-11-04 09:00 | 2024-11-04
    c3              | 1          | 2024-11-04 09:00 | 2024-11-04
"""
SAID = """
    message_id | conversation_id | sent_at          | arrived
    m1         | c1              | 2024-11-04 10:00 | 2024-11-04
    m2         | c1              | 2024-11-04 10:01 | 2024-11-04
    m3         | c2              | 2024-11-04 10:02 | 2024-11-04
    m4         | c3              | 2024-11-04 10:03 | 2024-11-04
"""


def test_a_message_that_moved_pulls_in_both_conversations(spark: SparkSession) -> None:
    moved = """
        message_id | conversation_id | sent_at          | arrived
        m1         | c2              | 2024-11-04 10:00 | 2024-11-08
    """
    again = looked_at(spark, {"conversations": TALKS, "messages": SAID}, {"messages": moved})
    assert ids(again["messages"], "message_id", "conversation_id") == [
        ("m1", "c1", False), ("m1", "c2", True), ("m2", "c1", False), ("m3", "c2", False),
    ]  # fmt: skip
    assert ids(again["conversations"], "conversation_id") == [("c1", False), ("c2", False)]


def test_every_pass_over_moved_messages_is_written_to_a_place_of_its_own(spark: SparkSession) -> None:
    """The next pass reads the one before."""
    moved = "message_id | conversation_id | sent_at | arrived\nm1 | c2 | 2024-11-04 10:00 | 2024-11-08"
    texts = {"conversations": (TALKS, ""), "messages": (SAID, moved)}
    came = {t: Received(*[versions(spark, t, text) for text in texts.get(t, ("", ""))]) for t in VERSIONS}
    places: list[str] = []

    def keep(name: str, frame: DataFrame) -> DataFrame:
        places.append(name)
        return frame

    look_again(came, keep)
    of_messages = [name for name in places if "messages" in name]
    assert len(of_messages) == len(set(of_messages)) > 1


def test_a_chain_of_moves_is_followed_to_its_end(spark: SparkSession) -> None:
    """m2 once lay in c1 and lies in c2 now; a new row in c1 therefore reaches c2 and all that ever lay there."""
    once = SAID + "    m2         | c2              | 2024-11-04 10:01 | 2024-11-06\n"
    new = "message_id | conversation_id | sent_at | arrived\nm9 | c1 | 2024-11-09 10:00 | 2024-11-09"
    again = looked_at(spark, {"conversations": TALKS, "messages": once}, {"messages": new})
    assert {row[0] for row in ids(again["messages"], "message_id")} == {"m1", "m2", "m3", "m9"}
    assert {row[0] for row in ids(again["conversations"], "conversation_id")} == {"c1", "c2"}


def test_a_conversation_reaches_its_messages_and_no_others(spark: SparkSession) -> None:
    new = "conversation_id | student_id | started_at | arrived\nc3 | 1 | 2024-11-04 09:00 | 2024-11-08"
    again = looked_at(spark, {"conversations": TALKS, "messages": SAID}, {"conversations": new})
    assert ids(again["messages"], "message_id") == [("m4", False)]
    assert ids(again["conversations"], "conversation_id") == [("c3", False), ("c3", True)]


LESSONS = """
    lesson_id | title     | cefr_level | arrived
    l1        | Greetings | A1         | 2024-11-01
    l2        | Numbers   | A1         | 2024-11-01
"""
PROGRESS = """
    progress_id | student_id | lesson_id | started_at       | arrived
    p1          | 1          | l1        | 2024-11-04 10:00 | 2024-11-04
    p2          | 2          | l2        | 2024-11-04 10:00 | 2024-11-04
"""


def test_a_changed_entry_of_the_catalogue_reaches_its_progress_and_one_sent_again_does_not(
    spark: SparkSession,
) -> None:
    sent = """
        lesson_id | title     | cefr_level | arrived
        l1        | Greetings | A2         | 2024-11-08
        l2        | Numbers   | A1         | 2024-11-08
    """
    again = looked_at(spark, {"lessons": LESSONS, "lesson_progress": PROGRESS}, {"lessons": sent})
    assert ids(again["lesson_progress"], "progress_id") == [("p1", False)]
    assert len(ids(again["lessons"], "lesson_id")) == 4


def test_a_refused_entry_of_the_catalogue_reaches_nothing(spark: SparkSession) -> None:
    sent = "lesson_id | title | cefr_level | arrived | wrong\nl1 | Hello | A1 | 2024-11-08 | language is empty"
    again = looked_at(spark, {"lessons": LESSONS, "lesson_progress": PROGRESS}, {"lessons": sent})
    assert ids(again["lesson_progress"], "progress_id") == []


def test_an_attempt_reaches_all_attempts_of_its_student(spark: SparkSession) -> None:
    """The change of score is told against the attempt before."""
    taken = """
        attempt_id | student_id | assessment_id | completed_at     | arrived
        a1         | 1          | t1            | 2024-11-04 10:00 | 2024-11-04
        a2         | 2          | t1            | 2024-11-04 10:00 | 2024-11-04
    """
    new = (
        "attempt_id | student_id | assessment_id | completed_at | arrived\na3 | 1 | t1 | 2024-11-05 10:00 | 2024-11-05"
    )
    again = looked_at(spark, {"assessment_attempts": taken}, {"assessment_attempts": new})
    assert ids(again["assessment_attempts"], "attempt_id") == [("a1", False), ("a3", True)]


def test_an_attempt_that_changed_hands_reaches_both_students(spark: SparkSession) -> None:
    taken = """
        attempt_id | student_id | assessment_id | completed_at     | arrived
        a1         | 1          | t1            | 2024-11-04 10:00 | 2024-11-04
        a2         | 1          | t1            | 2024-11-04 11:00 | 2024-11-04
        a3         | 2          | t1            | 2024-11-04 10:00 | 2024-11-04
        a4         | 3          | t1            | 2024-11-04 10:00 | 2024-11-04
    """
    new = (
        "attempt_id | student_id | assessment_id | completed_at | arrived\na2 | 2 | t1 | 2024-11-04 11:00 | 2024-11-05"
    )
    again = looked_at(spark, {"assessment_attempts": taken}, {"assessment_attempts": new})
    assert ids(again["assessment_attempts"], "attempt_id", "student_id") == [
        ("a1", "1", False), ("a2", "1", False), ("a2", "2", True), ("a3", "2", False),
    ]  # fmt: skip


def test_all_versions_of_an_attempt_are_looked_at_though_it_changed_hands_before(spark: SparkSession) -> None:
    """a1 went from student 1 to student 2: another attempt of student 1 must not bring its old version back."""
    taken = """
        attempt_id | student_id | assessment_id | completed_at     | arrived
        a1         | 1          | t1            | 2024-11-04 10:00 | 2024-11-04
        a1         | 2          | t1            | 2024-11-04 10:00 | 2024-11-05
        a3         | 2          | t1            | 2024-11-04 12:00 | 2024-11-05
    """
    new = "attempt_id | student_id | assessment_id | completed_at\na2 | 1 | t1 | 2024-11-05 11:00"
    again = looked_at(spark, {"assessment_attempts": taken}, {"assessment_attempts": new})
    assert ids(again["assessment_attempts"], "attempt_id", "student_id") == [
        ("a1", "1", False), ("a1", "2", False), ("a2", "1", True), ("a3", "2", False),
    ]  # fmt: skip


def test_all_versions_of_progress_are_looked_at_though_its_lesson_was_another(spark: SparkSession) -> None:
    progress = PROGRESS + "    p1          | 1          | l2        | 2024-11-04 10:00 | 2024-11-05\n"
    sent = "lesson_id | title | cefr_level | arrived\nl1 | Greetings | A2 | 2024-11-08"
    again = looked_at(spark, {"lessons": LESSONS, "lesson_progress": progress}, {"lessons": sent})
    assert ids(again["lesson_progress"], "progress_id", "lesson_id") == [("p1", "l1", False), ("p1", "l2", False)]


def test_a_level_reaches_all_levels_of_its_student(spark: SparkSession) -> None:
    held = """
        student_id | language | assessed_at      | arrived
        1          | spanish  | 2024-11-04 10:00 | 2024-11-04
        1          | german   | 2024-11-04 10:00 | 2024-11-04
        2          | spanish  | 2024-11-04 10:00 | 2024-11-04
    """
    new = "student_id | language | assessed_at | arrived\n1 | spanish | 2024-11-05 10:00 | 2024-11-05"
    again = looked_at(spark, {"user_levels": held}, {"user_levels": new})
    assert ids(again["user_levels"], "student_id", "language") == [
        ("1", "german", False), ("1", "spanish", False), ("1", "spanish", True),
    ]  # fmt: skip
