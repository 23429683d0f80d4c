"""What a version table had received, and what came since."""

from __future__ import annotations

from typing import Any

from pyspark.sql import DataFrame

from lakehouse.lake import Lake
from pipelines.silver.reach import Received, everything
from pipelines.silver.received import came
from pipelines.silver.version_tables import VERSIONS
from tests.pipelines.gold.frames import rows
from tests.pipelines.silver.frames import versions

TABLE = VERSIONS["messages"].name
FIRST = """
    message_id | conversation_id | sent_at          | arrived    | file | taken_in         | wrong
    m1         | c1              | 2024-11-04 10:00 | 2024-11-04 | f1   | 2024-11-05 00:00 |
    m2         | c1              | 2024-11-04 10:01 | 2024-11-04 | f1   | 2024-11-05 00:00 | role is empty
    m3         | c1              | 2024-11-04 10:02 | 2024-11-04 | f1   | 2024-11-05 00:00 |
"""


def received(lake: Lake, text: str) -> int:
    """Append versions of messages; returns the version of their table."""
    lake.create(VERSIONS["messages"])
    versions(lake.spark, "messages", text).write.mode("append").saveAsTable(lake.name(TABLE))
    return lake.version(TABLE)


def told(found: Received) -> tuple[list[tuple[Any, ...]], list[tuple[Any, ...]]]:
    names = ("message_id", "_source_file", "again")
    return rows(everything(found).where("NOT fresh"), *names), rows(found.new, *names)


def as_it_is(name: str, frame: DataFrame) -> DataFrame:
    return frame


def test_old_rows_are_the_good_ones_that_are_not_new_though_a_file_was_written_anew(lake: Lake) -> None:
    first = received(lake, FIRST)
    assert told(came(lake, "messages", first, first, as_it_is)) == ([("m1", "f1", False), ("m3", "f1", False)], [])
    anew = """
        message_id | conversation_id | sent_at          | arrived    | file | taken_in
        m1         | c1              | 2024-11-04 10:00 | 2024-11-04 | f1   | 2024-11-06 00:00
        m4         | c1              | 2024-11-05 10:00 | 2024-11-05 | f2   | 2024-11-06 00:00
    """
    second = received(lake, anew)
    old, new = told(came(lake, "messages", first, second, as_it_is))
    assert old == [("m1", "f1", False), ("m3", "f1", False)]
    assert new == [("m1", "f1", False), ("m4", "f2", False)]


def test_a_row_that_a_mended_rule_lets_pass_is_new_again(lake: Lake) -> None:
    first = received(lake, FIRST)
    mended = f"UPDATE {lake.name(TABLE)} SET reasons = array() WHERE message_id = 'm2'"
    lake.spark.sql(mended).collect()
    old, new = told(came(lake, "messages", first, lake.version(TABLE), as_it_is))
    assert old == [("m1", "f1", False), ("m3", "f1", False)]
    assert new == [("m2", "f1", True)]
