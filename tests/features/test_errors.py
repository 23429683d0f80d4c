from __future__ import annotations

import pytest
from pyspark.sql import SparkSession

from features.views.student_errors import student_errors
from tests.features.feature_frames import event, known


def test_shares_are_of_all_corrections_of_180_days_and_nothing_without_any(spark: SparkSession) -> None:
    said = {"messages": 9, "messages_with_errors": 2, "minutes": 1.0}
    events = [
        event("conversation", 3),
        event("message", 3, grammar_errors=3, vocabulary_errors=1, spelling_errors=0, **said),
        event("message", 90, grammar_errors=0, vocabulary_errors=0, spelling_errors=4, **said),
        event("message", 181, grammar_errors=50, vocabulary_errors=0, spelling_errors=0, **said),
        event("conversation", 4, student_id="flawless"),
        event("message", 4, student_id="flawless", grammar_errors=0, vocabulary_errors=0, spelling_errors=0, **said),
        event("conversation", 5, student_id="silent"),
    ]
    _, days, students = known(spark, events)
    rows = {row.student_id: row for row in student_errors(days, students).collect()}
    assert rows["1"].grammar_share == pytest.approx(3 / 8)
    assert (rows["1"].vocabulary_share, rows["1"].spelling_share) == (1 / 8, 4 / 8)
    assert rows["flawless"].grammar_share is None
    assert rows["silent"].spelling_share is None
