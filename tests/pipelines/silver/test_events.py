"""The log of events: corrections close and open, and everything is known from its time on."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from pyspark.sql import DataFrame, SparkSession

from pipelines.silver.events import history, message_days
from pipelines.silver.versions import known, ranked

SHAPE = (
    "event_type string, ref_id string, student_id string, language string, event_at timestamp, cefr_level string, "
    "messages int, messages_with_errors int, minutes double, score double, mastery double, topic string, "
    "live boolean, known_at timestamp, event_time timestamp, _ingested_at timestamp, _file_hash string, row_hash string"
)


def at(day: int, hour: int = 0) -> datetime:
    return datetime(2024, 11, day, hour)


def version(event_at: datetime | None, known_at: datetime, live: bool, score: float, file: str) -> tuple[Any, ...]:
    return (
        "attempt", "9", "1", "spanish", event_at, None, None, None, None, score, None, None,
        live, known_at, event_at, at(30), file, file,
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


def messages(spark: SparkSession, *rows: tuple[str, str, int, datetime, date | None]) -> DataFrame:
    fix = [("grammar", "a", "b", "c")]
    values = [
        (mid, "c1", role, fix * wrong, sent, arrived, at(30), f"{arrived}", f"{mid}{arrived}{wrong}", [])
        for mid, role, wrong, sent, arrived in rows
    ]
    kind = "array<struct<type: string, original: string, corrected: string, explanation: string>>"
    shape = (
        f"message_id string, conversation_id string, role string, corrections {kind}, sent_at timestamp, "
        "_arrived_at date, _ingested_at timestamp, _file_hash string, row_hash string, reasons array<string>"
    )
    return ranked(known(spark.createDataFrame(values, shape), "sent_at"), ["message_id"])


def conversations(spark: SparkSession) -> DataFrame:
    shape = (
        "conversation_id string, student_id string, language string, cefr_level string, topic string, "
        "started_at timestamp, _arrived_at date, _ingested_at timestamp, _file_hash string, row_hash string, "
        "reasons array<string>"
    )
    row = ("c1", "1", "spanish", "A2", "travel", at(4, 10), None, at(30), "f", "h", [])
    return ranked(known(spark.createDataFrame([row], shape), "started_at"), ["conversation_id"])


def days(frame: DataFrame) -> list[tuple[Any, ...]]:
    shown = frame.select("ref_id", "messages", "messages_with_errors", "minutes", "known_at", "superseded_at")
    return [tuple(row) for row in shown.orderBy("ref_id", "known_at").collect()]


def test_messages_are_counted_per_conversation_and_day(spark: SparkSession) -> None:
    said = messages(
        spark,
        ("m1", "user", 0, at(4, 10), None), ("m2", "assistant", 0, at(4, 11), None), ("m3", "user", 2, at(4, 12), None),
        ("m4", "user", 0, at(5, 1), None),
    )  # fmt: skip
    assert days(message_days(said, conversations(spark))) == [
        ("c1@2024-11-04", 2, 1, 120.0, at(4, 12), None),
        ("c1@2024-11-05", 1, 0, 0.0, at(5, 1), None),
    ]


def test_a_late_message_adds_from_its_arrival_on(spark: SparkSession) -> None:
    said = messages(
        spark, ("m1", "user", 0, at(4, 10), date(2024, 11, 4)), ("m2", "user", 1, at(4, 11), date(2024, 11, 8))
    )
    assert days(message_days(said, conversations(spark))) == [
        ("c1@2024-11-04", 1, 0, 0.0, at(5), at(9)),
        ("c1@2024-11-04", 2, 1, 60.0, at(9), None),
    ]


def test_a_corrected_message_takes_back_what_it_added(spark: SparkSession) -> None:
    said = messages(
        spark, ("m1", "user", 1, at(4, 10), date(2024, 11, 4)), ("m1", "user", 0, at(4, 10), date(2024, 11, 8))
    )
    assert days(message_days(said, conversations(spark))) == [
        ("c1@2024-11-04", 1, 1, 0.0, at(5), at(9)),
        ("c1@2024-11-04", 1, 0, 0.0, at(9), None),
    ]
