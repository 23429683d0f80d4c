"""Versions of a record: from when each is known, which is the newest, what was true from when to when."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

import pytest
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from lakehouse.lake import Lake
from pipelines.silver.batch import content_of
from pipelines.silver.tables import interventions
from pipelines.silver.version_tables import RECORD, VERSIONS, widen
from pipelines.silver.versions import Parent, lasting, newest, ranked, resolve, spells, unbound
from tests.pipelines.gold.frames import rows
from tests.pipelines.silver.frames import at, standing, versions


def rank(resolved: DataFrame, table: str) -> DataFrame:
    return ranked(resolved, RECORD[table], content_of(table))


def test_a_live_row_is_received_at_midnight_after_its_arrival_and_a_backfill_when_it_happened(
    spark: SparkSession,
) -> None:
    progress = versions(spark, "lesson_progress", """
        progress_id | started_at       | completed_at     | last_accessed_at | arrived
        live        | 2024-11-04 10:00 |                  | 2024-11-04 11:00 | 2024-11-06
        backfill    | 2024-11-04 10:00 | 2024-11-05 09:00 | 2024-11-20 08:00 |
        untouched   |                  |                  |                  |
    """)  # fmt: skip
    assert rows(progress, "progress_id", "event_time", "live", "received_at") == [
        ("backfill", at(5, 9), False, at(5, 9)),
        ("live", at(4, 10), True, at(7)),
        ("untouched", None, False, at(1).replace(2000, 1)),
    ]


def test_the_newest_of_each_record_stands_and_the_others_are_superseded(spark: SparkSession) -> None:
    talks = standing(spark, "conversations", """
        conversation_id | student_id | started_at       | cefr_level | arrived    | wrong
        c1              | 1          | 2024-11-04 10:00 | A1         | 2024-11-04 |
        c1              | 1          | 2024-11-04 10:00 | A2         | 2024-11-08 |
        c1              | 1          | 2024-11-04 10:00 | D1         | 2024-11-09 | no level
        c2              | 1          | 2024-11-05 10:00 | B1         | 2024-11-05 |
    """)  # fmt: skip
    assert rows(talks, "conversation_id", "cefr_level", "newest") == [
        ("c1", "A1", False),
        ("c1", "A2", True),
        ("c1", "D1", None),
        ("c2", "B1", True),
    ]


def test_a_version_that_repeats_the_one_before_stays_known_from_then(spark: SparkSession) -> None:
    talks = standing(spark, "conversations", """
        conversation_id | started_at       | cefr_level | arrived
        c1              | 2024-11-04 10:00 | A1         | 2024-11-04
        c1              | 2024-11-04 10:00 | A1         | 2024-11-06
        c1              | 2024-11-04 10:00 | A2         | 2024-11-08
        c1              | 2024-11-04 10:00 | A2         | 2024-11-10
        c1              | 2024-11-04 10:00 | A1         | 2024-11-12
    """)  # fmt: skip
    assert rows(talks, "received_at", "cefr_level", "known_at", "newest") == [
        (at(5), "A1", at(5), False),
        (at(7), "A1", at(5), False),
        (at(9), "A2", at(9), False),
        (at(11), "A2", at(9), False),
        (at(13), "A1", at(13), True),
    ]


def test_of_two_backfills_the_later_intake_is_newer(spark: SparkSession) -> None:
    talks = standing(spark, "conversations", """
        conversation_id | started_at       | cefr_level | taken_in         | file
        c1              | 2024-11-04 10:00 | A2         | 2024-12-02 00:00 | a.parquet
        c1              | 2024-11-04 10:00 | A1         | 2024-12-01 00:00 | b.parquet
    """)  # fmt: skip
    assert rows(newest(talks), "cefr_level") == [("A2",)]


def test_of_one_midnight_the_later_file_name_is_newer_whenever_each_was_taken_in(spark: SparkSession) -> None:
    talks = standing(spark, "conversations", """
        conversation_id | started_at       | cefr_level | arrived    | taken_in         | file
        c1              | 2024-11-04 10:00 | A2         | 2024-11-04 | 2024-12-01 00:00 | b.parquet
        c1              | 2024-11-04 10:00 | A1         | 2024-11-04 | 2024-12-02 00:00 | a.parquet
    """)  # fmt: skip
    assert rows(newest(talks), "cefr_level") == [("A2",)]


def talk(spark: SparkSession, text: str) -> Parent:
    return Parent(standing(spark, "conversations", text), "conversation_id", "conversation")


def test_a_row_without_its_parent_waits_and_says_for_whom(spark: SparkSession) -> None:
    parent = talk(spark, """
        conversation_id | started_at       | arrived    | wrong
        c1              | 2024-11-04 09:00 | 2024-11-04 |
        c2              | 2024-11-04 09:00 | 2024-11-04 | language is empty
    """)  # fmt: skip
    said = versions(spark, "messages", """
        message_id | conversation_id | sent_at          | arrived    | wrong
        m1         | c1              | 2024-11-04 10:00 | 2024-11-04 |
        m2         | c2              | 2024-11-04 10:00 | 2024-11-04 |
        m3         | c3              | 2024-11-04 10:00 | 2024-11-04 | role is empty
        m4         |                 | 2024-11-04 10:00 | 2024-11-04 | conversation_id is empty
    """)  # fmt: skip
    assert rows(rank(resolve(said, parent), "messages"), "message_id", "waits", "newest") == [
        ("m1", None, True),
        ("m2", "conversation_id c2 is the id of no conversation", None),
        ("m3", "conversation_id c3 is the id of no conversation", None),
        ("m4", None, None),
    ]


def test_a_row_is_known_no_earlier_than_the_first_delivery_of_its_parent(spark: SparkSession) -> None:
    """The parent comes twice, the second time with another level: what was known of the message stays known."""
    parent = talk(spark, """
        conversation_id | started_at       | cefr_level | arrived
        c1              | 2024-11-04 09:00 | A1         | 2024-11-06
        c1              | 2024-11-04 09:00 | A2         | 2024-11-09
    """)  # fmt: skip
    said = versions(spark, "messages", """
        message_id | conversation_id | sent_at          | arrived
        before     | c1              | 2024-11-04 10:00 | 2024-11-04
        between    | c1              | 2024-11-07 10:00 | 2024-11-07
        backfill   | c1              | 2024-11-03 10:00 |
    """)  # fmt: skip
    assert rows(resolve(said, parent), "message_id", "known_at") == [
        ("backfill", at(3, 10)),
        ("before", at(7)),
        ("between", at(8)),
    ]


def test_rows_without_a_parent_are_known_when_received(spark: SparkSession) -> None:
    levels = versions(spark, "user_levels", """
        student_id | assessed_at      | arrived
        1          | 2024-11-04 10:00 | 2024-11-04
    """)  # fmt: skip
    assert rows(unbound(levels), "waits", "known_at") == [(None, at(5))]


def test_a_version_lasts_unless_it_was_replaced_at_once(spark: SparkSession) -> None:
    talks = standing(spark, "conversations", """
        conversation_id | started_at       | cefr_level | arrived    | taken_in         | file
        redone          | 2024-11-04 10:00 | A1         |            | 2024-12-01 00:00 |
        redone          | 2024-11-04 10:00 | A2         |            | 2024-12-02 00:00 |
        followed        | 2024-11-04 10:00 | A1         | 2024-11-04 |                  | a.parquet
        followed        | 2024-11-04 10:00 | A2         | 2024-11-04 |                  | b.parquet
        replaced        | 2024-11-04 10:00 | A1         | 2024-11-04 |                  |
        replaced        | 2024-11-04 10:00 | A2         | 2024-11-05 |                  |
        corrected_live  | 2024-11-04 10:00 | A1         |            |                  |
        corrected_live  | 2024-11-04 10:00 | A2         | 2024-11-05 |                  |
    """)  # fmt: skip
    assert rows(lasting(talks, "conversation_id"), "conversation_id", "cefr_level") == [
        ("corrected_live", "A1"),
        ("corrected_live", "A2"),
        ("followed", "A2"),
        ("redone", "A2"),
        ("replaced", "A1"),
        ("replaced", "A2"),
    ]


def test_spells_tell_what_was_known_from_when_to_when(spark: SparkSession) -> None:
    talks = standing(spark, "conversations", """
        conversation_id | started_at       | cefr_level | topic  | arrived
        c1              | 2024-11-04 10:00 | A1         | travel | 2024-11-04
        c1              | 2024-11-04 10:00 | A1         | food   | 2024-11-06
        c1              | 2024-11-04 10:00 | A2         | food   | 2024-11-08
        c2              | 2024-11-04 10:00 | B1         | food   | 2024-11-08
    """)  # fmt: skip
    found = spells(talks, "conversation_id", ["cefr_level"])
    told = found.selectExpr("conversation_id", "cefr_level", "IF(year(_from) = 1, NULL, _from) AS since", "_until")
    assert rows(told, "conversation_id", "cefr_level", "since", "_until") == [
        ("c1", "A1", None, at(9)),
        ("c1", "A2", at(9), None),
        ("c2", "B1", None, None),
    ]


def test_of_two_files_of_one_arrival_the_later_number_counts(spark: SparkSession) -> None:
    levels = standing(spark, "lesson_progress", """
        progress_id | started_at       | completion_percentage | arrived    | file
        p1          | 2024-11-04 10:00 | 9                     | 2024-11-04 | user-7-9.parquet
        p1          | 2024-11-04 10:00 | 10                    | 2024-11-04 | user-7-10.parquet
    """)  # fmt: skip
    assert rows(newest(levels), "completion_percentage") == [(10.0,)]


def test_a_corrected_contact_is_known_since_it_was_first_told_of(spark: SparkSession) -> None:
    told = interventions(standing(spark, "interventions", """
        student_id | contacted_at     | channel | arrived
        1          | 2024-11-04 10:00 | call    | 2024-11-05
        1          | 2024-11-04 10:00 | mail    | 2024-11-20
        2          | 2024-11-08 10:00 | mail    | 2024-11-05
    """))  # fmt: skip
    assert rows(told, "student_id", "channel", "known_at") == [("1", "mail", at(6)), ("2", "mail", at(8, 10))]


def test_a_level_that_was_released_late_gives_way_to_one_received_since(spark: SparkSession) -> None:
    """Levels are told apart by their arrivals: the same was refused twice, and corrected on the 6th."""
    levels = versions(spark, "user_levels", """
        student_id | language | cefr_level | assessed_at      | arrived
        1          | spanish  | A1         | 2024-11-04 10:00 | 2024-11-04
        1          | spanish  | A1         | 2024-11-04 10:00 | 2024-11-05
        1          | spanish  | B1         | 2024-11-04 10:00 | 2024-11-08
        2          | spanish  | A1         | 2024-11-04 10:00 | 2024-11-04
        2          | spanish  | A1         | 2024-11-04 10:00 | 2024-11-05
    """)  # fmt: skip
    released = levels.withColumn("known_from", F.when(F.col("cefr_level") == "A1", F.lit(at(9))))
    assert rows(newest(rank(unbound(released), "user_levels")), "student_id", "cefr_level", "known_at") == [
        ("1", "B1", at(9)),
        ("2", "A1", at(9)),
    ]


def test_version_tables_of_an_earlier_release_gain_what_they_lack(lake: Lake) -> None:
    now = VERSIONS["closures"]
    lake.create(replace(now, columns=tuple(column for column in now.columns if column.name != "known_from")))
    again = Lake.open(lake.settings)
    widen(again)
    assert again.table(now.name).columns == now.column_names()


@pytest.mark.parametrize(
    ("released", "told"), [("part-9", [("C2", at(5))]), ("part-10", [("A1", at(5)), ("C2", at(9))])]
)
def test_a_level_stands_that_was_known_until_another_of_its_moment_was_released(
    spark: SparkSession, released: str, told: list[tuple[str, datetime]]
) -> None:
    """The newer of two levels of one moment, in part-10; if it is the older that was released, that never was true."""
    levels = versions(spark, "user_levels", """
        student_id | language | cefr_level | assessed_at      | arrived    | file
        1          | french   | A1         | 2024-11-04 10:00 | 2024-11-04 | part-9
        1          | french   | C2         | 2024-11-04 10:00 | 2024-11-04 | part-10
    """)  # fmt: skip
    known_from = F.when(F.col("_source_file") == released, F.lit(at(9)))
    found = rank(unbound(levels.withColumn("known_from", known_from)), "user_levels")
    assert rows(newest(found), "cefr_level", "known_at") == told
