"""From text to types, and what sends a row to quarantine."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pytest
from pyspark.sql import Row, SparkSession

from pipelines.bronze.contracts import RAW_TABLES
from pipelines.silver import raw

META = "_source_file string, _file_hash string, _arrived_at date, _ingested_at timestamp"
ATTEMPT = {
    "id": "7", "user_id": "1", "assessment_id": "3", "language": "spanish", "score": "81.5", "total_questions": "20",
    "correct_answers": "16", "started_at": "2024-11-04T10:00:00", "completed_at": "2024-11-04T10:30:00",
    "recommended_level": "B1", "skill_scores_json": '[{"skill": "grammar", "total": 10, "correct": 8, "score": 80}]',
}  # fmt: skip


def attempt(spark: SparkSession, **changes: str | None) -> Row:
    names = RAW_TABLES["assessment_attempts"].split()
    row = ATTEMPT | changes
    values = (*[row.get(name) for name in names], "f.parquet", "hash", None, datetime(2024, 12, 1))
    schema = ", ".join(f"{name} string" for name in names) + ", " + META
    return raw.assessment_attempts(spark.createDataFrame([values], schema)).collect()[0]


def test_a_sound_row(spark: SparkSession) -> None:
    row = attempt(spark)
    assert row.reasons == []
    assert (row.attempt_id, row.score, row.total_questions) == ("7", 81.5, 20)
    assert row.completed_at == datetime(2024, 11, 4, 10, 30)
    assert row.skills == [Row(skill="grammar", total=10, correct=8, score=80.0)]


@pytest.mark.parametrize(
    ("changes", "column", "value"),
    [
        ({"id": "7.0"}, "attempt_id", "7"),
        ({"language": " ES "}, "language", "spanish"),
        ({"recommended_level": "intermediate"}, "recommended_level", "B1"),
        ({"recommended_level": "b2"}, "recommended_level", "B2"),
        ({"score": "NaN"}, "score", None),
        ({"total_questions": "20.0"}, "total_questions", 20),
        ({"completed_at": "2024-11-04T12:30:00.250+02:00"}, "completed_at", datetime(2024, 11, 4, 10, 30, 0, 250000)),
        ({"completed_at": None}, "completed_at", None),
    ],
)
def test_what_is_mended(spark: SparkSession, changes: dict[str, str | None], column: str, value: Any) -> None:
    row = attempt(spark, **changes)
    assert row.reasons == []
    assert row[column] == value


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"score": "very good"}, 'score "very good" is not a number from 0 to 100'),
        ({"score": "101"}, 'score "101" is not a number from 0 to 100'),
        ({"user_id": " "}, "user_id is empty"),
        ({"completed_at": "yesterday"}, 'completed_at "yesterday" is not a time since 2000'),
        ({"completed_at": "1970-01-01T00:00:00"}, 'completed_at "1970-01-01T00:00:00" is not a time since 2000'),
        ({"completed_at": "2024-11-04T09:00:00"}, "completed_at is before started_at"),
        ({"recommended_level": "D1"}, 'recommended_level "D1" is not a level from A1 to C2'),
        ({"skill_scores_json": "{"}, 'skill_scores_json "{" is not a JSON array of the kind expected'),
        ({"correct_answers": "21"}, "correct_answers is more than total_questions"),
    ],
)
def test_what_goes_to_quarantine(spark: SparkSession, changes: dict[str, str | None], reason: str) -> None:
    row = attempt(spark, **changes)
    assert row.reasons == [reason]
    assert next(iter(changes)) in row.row_json or next(iter(changes.values())) is None
