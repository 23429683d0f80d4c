"""Volume, freshness, quarantine and gates, by hand."""

from __future__ import annotations

from collections.abc import Collection
from datetime import date, datetime
from typing import Any

from pyspark.sql import DataFrame, SparkSession

from monitoring.quality import counted, data_quality

AS_OF = date(2024, 12, 2)


def gates(spark: SparkSession, *rows: Any) -> DataFrame:
    texts = ("run_id", "table_name", "expectation", "column_name")
    shape = ", ".join(f"{name} string" for name in texts) + ", success boolean, checked_at timestamp"
    return spark.createDataFrame(list(rows), shape)


def quality(spark: SparkSession, name: str, frame: DataFrame, *checks: Any, closed: Collection[date] = ()) -> Any:
    quarantine = spark.createDataFrame(
        [
            ("silver.conversations", None, None, 3),
            ("silver.conversations", date(2024, 12, 2), None, 5),
            ("silver.conversations", None, datetime(2024, 12, 1), 7),
        ],
        "table_name string, arrived_at date, released_at timestamp, copies int",
    )
    return data_quality(counted(name, frame, AS_OF), quarantine, gates(spark, *checks), AS_OF, closed).collect()[0]


def test_counts_are_of_what_was_there_on_the_day(spark: SparkSession) -> None:
    rows = [
        (datetime(2024, 12, 1, 12), datetime(2024, 12, 1, 12)),
        (datetime(2024, 12, 1, 18), datetime(2024, 12, 3)),
        (datetime(2024, 12, 2, 1), datetime(2024, 12, 2, 1)),
    ]
    row = quality(
        spark, "silver.conversations", spark.createDataFrame(rows, "started_at timestamp, known_at timestamp")
    )
    assert (row.row_count, row.newest_at, row.hours_behind) == (1, datetime(2024, 12, 1, 12), 12.0)
    assert (row.quarantined, row.quarantined_share, row.gate_checks) == (3, 0.75, None)


def test_a_table_of_days_is_as_fresh_as_its_newest_day(spark: SparkSession) -> None:
    frame = spark.createDataFrame([(date(2024, 11, 25),), (AS_OF,), (date(2024, 12, 9),)], "as_of date")
    row = quality(spark, "features.student_activity", frame)
    assert (row.row_count, row.hours_behind, row.quarantined) == (2, 0.0, 0)
    day = spark.createDataFrame([(date(2024, 12, 1),), (AS_OF,)], "activity_date date")
    assert quality(spark, "gold.daily_metrics", day).hours_behind == 24.0


def test_days_closed_for_everybody_make_nothing_older(spark: SparkSession) -> None:
    frame = spark.createDataFrame([(datetime(2024, 11, 25, 18),)], "event_at timestamp")
    assert quality(spark, "silver.learning_events", frame).hours_behind == 6 * 24 + 6
    closed = {date(2024, 11, 25), date(2024, 11, 26), date(2024, 12, 1), date(2024, 11, 3)}
    assert quality(spark, "silver.learning_events", frame, closed=closed).hours_behind == 4 * 24 + 6


def test_a_backfill_counts_and_has_no_freshness(spark: SparkSession) -> None:
    row = quality(spark, "bronze.messages", spark.createDataFrame([(None,), (None,)], "_arrived_at date"))
    assert (row.row_count, row.newest_at, row.hours_behind) == (2, None, None)
    live = spark.createDataFrame([(date(2024, 12, 1),), (AS_OF,)], "_arrived_at date")
    assert quality(spark, "bronze.messages", live).row_count == 1


def test_a_table_without_a_date_is_counted_whole(spark: SparkSession) -> None:
    row = quality(spark, "gold.topic_engagement", spark.createDataFrame([("travel",)], "topic string"))
    assert (row.row_count, row.newest_at) == (1, None)


def test_the_last_gate_of_a_table_is_told(spark: SparkSession) -> None:
    early, late = datetime(2024, 12, 1), datetime(2024, 12, 2)
    row = quality(
        spark, "gold.topic_engagement", spark.createDataFrame([("travel",)], "topic string"),
        ("1", "gold.topic_engagement", "Unique", "topic", False, early),
        ("2", "gold.topic_engagement", "Unique", "topic", True, late),
        ("2", "gold.topic_engagement", "Unique", "topic", True, late),
        ("2", "gold.topic_engagement", "NotNull", "topic", False, late),
        ("3", "gold.daily_metrics", "NotNull", "topic", False, late),
    )  # fmt: skip
    assert (row.gate_checks, row.gate_failures) == (2, 1)


def test_what_is_dated_by_nothing_counts(spark: SparkSession) -> None:
    begun, day = datetime(2024, 11, 22), datetime(2024, 12, 1)
    rows = [(None, None, day), (begun, None, begun), (begun, day, day), (datetime(2024, 12, 2), None, day)]
    shape = "started_at timestamp, completed_at timestamp, known_at timestamp"
    row = quality(spark, "silver.lesson_progress", spark.createDataFrame(rows, shape))
    assert (row.row_count, row.newest_at, row.hours_behind) == (3, day, 24.0)


def test_a_gate_over_no_table_is_told_while_it_fails(spark: SparkSession) -> None:
    table = counted("gold.topic_engagement", spark.createDataFrame([("travel",)], "topic string"), AS_OF)
    early, late = datetime(2024, 12, 1), datetime(2024, 12, 2)
    asked = ("silver.balance", "Between", "refused_share")
    none = spark.createDataFrame([], "table_name string, arrived_at date, released_at timestamp, copies int")
    failed = gates(spark, ("1", *asked, True, early), ("2", *asked, False, late))
    found = {r.table_name: r for r in data_quality(table, none, failed, AS_OF, ()).collect()}
    assert found.keys() == {"gold.topic_engagement", "silver.balance"}
    told = found["silver.balance"]
    assert (told.row_count, told.quarantined, told.gate_failures, told.newest_at) == (0, 0, 1, None)
    passed = gates(spark, ("1", *asked, False, early), ("2", *asked, True, late))
    assert [r.table_name for r in data_quality(table, none, passed, AS_OF, ()).collect()] == ["gold.topic_engagement"]
