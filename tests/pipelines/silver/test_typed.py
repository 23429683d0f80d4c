"""From a row of text to a typed row; `test_rules` holds a case for each rule."""

from __future__ import annotations

import json
from hashlib import sha256

from pyspark.sql import Row, SparkSession

from pipelines.silver.raw import RULES
from pipelines.silver.typed import row_json, typed
from tests.pipelines.silver.frames import at, bronze

ATTEMPT = {
    "id": "7", "user_id": "1", "assessment_id": "3", "language": "spanish", "score": "81.5", "total_questions": "20",
    "correct_answers": "16", "started_at": "2024-11-04T10:00:00", "completed_at": "2024-11-04T10:30:00",
    "recommended_level": "B1", "skill_scores_json": '[{"skill": "grammar", "total": 10, "correct": 8, "score": 80}]',
}  # fmt: skip


def attempt(spark: SparkSession, **changes: str | None) -> Row:
    (row,) = typed(bronze(spark, "assessment_attempts", ATTEMPT | changes), RULES["assessment_attempts"]).collect()
    return row


def test_a_sound_row(spark: SparkSession) -> None:
    row = attempt(spark)
    assert row.reasons == []
    assert (row.attempt_id, row.student_id, row.assessment_id, row.language) == ("7", "1", "3", "spanish")
    assert (row.score, row.total_questions, row.correct_answers) == (81.5, 20, 16)
    assert (row.started_at, row.completed_at) == (at(4, 10), at(4, 10, 30))
    assert row.skills == [Row(skill="grammar", total=10, correct=8, score=80.0)]


def test_every_reason_of_a_row_is_told(spark: SparkSession) -> None:
    row = attempt(spark, score="101", recommended_level="D1", correct_answers="21")
    assert row.reasons == [
        'score "101" is not a number from 0 to 100',
        'recommended_level "D1" is not a level from A1 to C2',
        "correct_answers is more than total_questions",
    ]


def test_a_row_keeps_its_id_as_received_and_the_hash_of_its_text(spark: SparkSession) -> None:
    frame = bronze(spark, "assessment_attempts", ATTEMPT | {"id": " 7.0"}, ATTEMPT | {"id": None})
    texts = [text for (text,) in frame.select(row_json(frame)).collect()]
    found = typed(frame, RULES["assessment_attempts"]).collect()
    assert [row.raw_key for row in found] == [" 7.0", "(no id)"]
    assert [row.row_hash for row in found] == [sha256(text.encode()).hexdigest() for text in texts]
    assert json.loads(texts[0]) == ATTEMPT | {"id": " 7.0"}
