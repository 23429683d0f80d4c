"""A student's events by hand, and the known days that features start from."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any

from pyspark.sql import DataFrame, Row, SparkSession

from features.days import dates_frame, first_days, known_days, student_days, students_at

AS_OF = date(2024, 12, 2)
SHAPE = (
    "event_type string, ref_id string, student_id string, language string, event_at timestamp, known_at timestamp, "
    "superseded_at timestamp, cefr_level string, messages int, messages_with_errors int, "
    "grammar_errors int, vocabulary_errors int, spelling_errors int, minutes double, score double, "
    "mastery double, topic string"
)


def ago(days: int, hour: int = 12) -> datetime:
    return datetime(2024, 12, 2) - timedelta(days=days) + timedelta(hours=hour)


def event(kind: str, days: int, known: datetime | None = None, until: datetime | None = None, **measures: Any) -> Row:
    names = [part.split()[0] for part in SHAPE.split(", ")]
    at = ago(days)
    fixed = {"event_type": kind, "ref_id": f"{kind}{days}", "student_id": "1", "language": "spanish", "event_at": at}
    values = dict.fromkeys(names) | fixed | {"known_at": known or at, "superseded_at": until} | measures
    return Row(**{name: values[name] for name in names})


def known(spark: SparkSession, events: list[Row], *dates: date) -> tuple[DataFrame, DataFrame, DataFrame]:
    """Of these events: `student_days`, `known_days` and `students_at`."""
    days = student_days(spark.createDataFrame(events, SHAPE))
    asked = dates or (AS_OF,)
    at_hand = known_days(days, dates_frame(spark, asked))
    return days, at_hand, students_at(at_hand, first_days(days.where("active"), asked))


def nobody(spark: SparkSession) -> DataFrame:
    """No student's horizon is touched by a closure."""
    return spark.createDataFrame([], "student_id string, as_of date")
