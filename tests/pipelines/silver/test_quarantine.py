"""What a batch sets aside, and what it takes back out of quarantine."""

from __future__ import annotations

import json
from datetime import date, datetime
from typing import Any

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from pipelines.silver.batch import content_of
from pipelines.silver.quarantine import commonest, freed, known_from_kept, refused_before, set_aside
from pipelines.silver.stream import versions
from pipelines.silver.version_tables import RECORD
from pipelines.silver.versions import Parent, ranked, resolve
from tests.pipelines.gold.frames import rows
from tests.pipelines.silver.frames import TAKEN_IN, bronze, standing

SAID: dict[str, Any] = {
    "id": "m1", "conversation_id": "c1", "role": "user", "content": "hola", "created_at": "2024-11-04T10:00:00",
}  # fmt: skip
TALK = "conversation_id | started_at\nc1 | 2024-11-04 09:00"
TABLE = "silver.messages"


def looked_at(received: DataFrame, talks: str = TALK) -> DataFrame:
    """Received messages, ranked beside the conversations that are there, all of them new."""
    parent = Parent(standing(received.sparkSession, "conversations", talks), "conversation_id", "conversation")
    resolved = resolve(versions(received, "messages"), parent)
    return ranked(resolved, RECORD["messages"], content_of("messages")).withColumn("fresh", F.lit(True))


def quarantined(spark: SparkSession, *received: dict[str, Any]) -> DataFrame:
    frame = bronze(spark, "messages", *received)
    return set_aside(looked_at(frame), frame, TABLE)


def test_a_refused_row_is_set_aside_as_received_with_every_rule_that_it_breaks(spark: SparkSession) -> None:
    """Whether its parent is there changes with each batch, and is not told."""
    bad = SAID | {"id": " m2 ", "role": "tutor", "corrections": "see above", "conversation_id": "c9"}
    (row,) = quarantined(spark, SAID, bad | {"_arrived_at": date(2024, 11, 4)}).collect()
    assert (row.table_name, row.row_key, row.source_file) == (TABLE, " m2 ", "messages.parquet")
    assert row.reason == (
        'role "tutor" is none of user, assistant; corrections "see above" is not a JSON array of the kind expected'
    )
    assert json.loads(row.row_json) == bad
    assert (row.arrived_at, row.quarantined_at) == (date(2024, 11, 4), TAKEN_IN)
    assert (row.copies, row.released_at, row.known_from) == (1, None, None)


def test_rows_of_a_file_that_are_the_same_to_the_letter_are_counted(spark: SparkSession) -> None:
    bad = SAID | {"role": "tutor"}
    found = quarantined(
        spark, bad, bad, bad | {"content": "adiós"}, bad | {"_source_file": "other.parquet"}, bad | {"id": None}
    )
    assert rows(found, "row_key", "source_file", "copies") == [
        ("(no id)", "messages.parquet", 1),
        ("m1", "messages.parquet", 1),
        ("m1", "messages.parquet", 2),
        ("m1", "other.parquet", 1),
    ]


def test_the_commonest_reasons_are_told_without_what_a_learner_wrote(spark: SparkSession) -> None:
    said = [SAID | {"id": f"m{n}", "role": role} for n, role in enumerate(["tutor", 'a "b" \\\\', "user"])]
    found = looked_at(bronze(spark, "messages", *said, said[0] | {"id": "m9", "corrections": "see above"}))
    assert commonest({"messages": found}) == [
        "messages: role … is none of user, assistant (3 times)",
        "messages: corrections … is not a JSON array of the kind expected (1 times)",
    ]
    assert commonest({"messages": found.withColumn("fresh", F.lit(False))}) == []


def test_what_waited_before_is_not_set_aside_again(spark: SparkSession) -> None:
    frame = bronze(spark, "messages", SAID | {"conversation_id": "c9"})
    waits = looked_at(frame)
    assert set_aside(waits, frame, TABLE).count() == 1
    assert set_aside(waits.withColumn("fresh", F.lit(False)), frame, TABLE).isEmpty()


def test_a_row_is_released_when_its_parent_is_there(spark: SparkSession) -> None:
    orphan, lost = SAID | {"conversation_id": "c2"}, SAID | {"id": "m2", "conversation_id": "c9"}
    refused = SAID | {"id": "m3", "role": "tutor"}
    frame = bronze(spark, "messages", SAID, orphan | {"id": "m4"}, lost, refused)
    waiting = set_aside(looked_at(frame), frame, TABLE)
    assert rows(waiting, "row_key") == [("m2",), ("m3",), ("m4",)]

    now = datetime(2024, 12, 1)
    later = looked_at(frame, TALK + "\nc2 | 2024-11-04 09:30")
    assert rows(freed(waiting, later, TABLE, now), "row_key", "released_at", "copies") == [("m4", now, 1)]
    assert freed(waiting, later, "silver.conversations", now).isEmpty()


def test_a_row_is_told_from_another_of_its_id_by_its_content_and_file(spark: SparkSession) -> None:
    """The row in quarantine is another one than the good row of the same id."""
    frame = bronze(spark, "messages", SAID | {"role": "tutor"})
    waiting = set_aside(looked_at(frame), frame, TABLE)
    good = looked_at(bronze(spark, "messages", SAID, SAID | {"_source_file": "other.parquet"}))
    assert freed(waiting, good, TABLE, datetime(2024, 12, 1)).isEmpty()


def test_a_row_of_two_writings_of_a_file_waits_as_long_as_one_of_them_is_refused(spark: SparkSession) -> None:
    """The first writing arrived on a day before the message was sent, by its own account."""
    early, late = (SAID | {"_arrived_at": date(2024, 11, day), "_file_hash": f"f{day}"} for day in (1, 4))
    frame = bronze(spark, "messages", early, late)
    waiting = set_aside(looked_at(frame), frame, TABLE)
    assert rows(waiting, "row_key", "source_file") == [("m1", "messages.parquet")]
    assert freed(waiting, looked_at(frame), TABLE, datetime(2024, 12, 1)).isEmpty()
    assert freed(waiting, looked_at(bronze(spark, "messages", late)), TABLE, datetime(2024, 12, 1)).count() == 1


def test_refused_rows_that_lie_in_quarantine_already_are_counted_with_their_copies(spark: SparkSession) -> None:
    bad = SAID | {"role": "tutor"}
    waits = SAID | {"id": "m2", "conversation_id": "c9"}
    before = bronze(spark, "messages", bad, bad, waits)
    published = set_aside(looked_at(before), before, TABLE)
    now = {"messages": looked_at(bronze(spark, "messages", bad, bad, waits, bad | {"id": "m3"}))}
    assert refused_before(now, published) == {"messages": 2}
    assert refused_before(now, published.withColumn("released_at", F.lit(TAKEN_IN))) == {"messages": 0}


def test_a_row_that_waits_after_its_rule_was_mended_is_known_from_then_still(spark: SparkSession) -> None:
    frame = bronze(spark, "messages", SAID | {"conversation_id": "c9"}, SAID | {"id": "m2", "conversation_id": "c9"})
    waiting = set_aside(looked_at(frame), frame, TABLE)
    mended = datetime(2024, 12, 1)
    published = waiting.where("row_key = 'm1'").withColumn("known_from", F.lit(mended))
    kept = known_from_kept(waiting, published)
    assert rows(kept, "row_key", "known_from") == [("m1", mended), ("m2", None)]
