"""Where every row of a batch went."""

from __future__ import annotations

import time
from dataclasses import asdict, replace

import pytest
from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from lakehouse.quality import audit
from lakehouse.rows import frame_of
from pipelines.silver.balance import FEWEST_FOR_A_SHARE, MOST_REFUSED, balance, balance_contract, refused_share
from pipelines.silver.batch import content_of
from pipelines.silver.seen import Seen, seen
from pipelines.silver.tables import closures
from pipelines.silver.version_tables import RECORD
from pipelines.silver.versions import Parent, ranked, resolve
from tests.pipelines.silver.frames import at, standing, versions

BALANCE = balance_contract(MOST_REFUSED)

SAID = """
    message_id | conversation_id | role | sent_at          | arrived    | wrong
    m1         | c1              | user | 2024-11-04 10:00 | 2024-11-04 |
    m2         | c1              | user | 2024-11-04 11:00 | 2024-11-04 |
    m3         | c9              | user | 2024-11-01 11:00 | 2024-11-04 |
    m1         | c1              | user | 2024-11-05 10:00 | 2024-11-05 |
    m4         | c1              | user | 2024-11-30 10:00 | 2024-11-05 | role is empty
    m5         | c9              | user | 2024-11-05 12:00 | 2024-11-05 |
"""


def test_a_batch_is_counted(spark: SparkSession) -> None:
    """Of the messages that arrived on the 4th m1 is replaced, m2 stands and m3 waits; those of the 5th are new."""
    talks = standing(spark, "conversations", "conversation_id | started_at\nc1 | 2024-11-04 09:00")
    parent = Parent(talks, "conversation_id", "conversation")
    said = ranked(resolve(versions(spark, "messages", SAID), parent), RECORD["messages"], content_of("messages"))
    batch = said.withColumns({"fresh": F.expr("_arrived_at > '2024-11-04'"), "again": F.lit(False)})
    counted = asdict(seen({"messages": batch})["messages"])
    assert counted.pop("first_bad") is not None
    assert counted == {
        "rows": 6, "fresh": 3, "again": 0, "superseded": 1, "called_off": 0, "waiting": 1, "refused": 1,
        "new_accepted": 1, "new_superseded": 0, "new_set_aside": 2,
        "low": "2024-11-04 10:00:00", "high": "2024-11-05 10:00:00",
    }  # fmt: skip


def test_a_closure_that_is_called_off_stands_nowhere_and_is_accounted_for(spark: SparkSession) -> None:
    told = standing(spark, "closures", """
        language | closed_from | closed_to  | cancelled | arrived
        all      | 2024-12-21  | 2025-01-05 |           | 2024-11-01
        all      | 2024-12-21  | 2025-01-05 | true      | 2024-11-10
        french   | 2024-12-21  | 2025-01-05 | false     | 2024-11-10
    """)  # fmt: skip
    batch = told.withColumns({"fresh": F.lit(True), "again": F.lit(False)})
    counted = seen({"closures": batch})["closures"]
    assert (counted.rows, counted.superseded, counted.called_off, counted.new_accepted) == (3, 1, 1, 2)
    stood = closures(told).where("superseded_at IS NULL").count()
    row = dict(zip(BALANCE.column_names(), balance("closures", 3, counted, stood, 0, 0, None), strict=True))
    assert (stood, row["unaccounted"]) == (1, 0)


def test_times_are_told_in_utc_in_an_hour_that_the_machines_zone_has_twice(
    spark: SparkSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    talks = standing(spark, "conversations", "conversation_id | started_at\nc1 | 2024-10-27 01:30")
    with monkeypatch.context() as patched:
        patched.setenv("TZ", "Europe/Berlin")
        time.tzset()
        counted = seen({"conversations": talks.withColumns({"fresh": F.lit(True), "again": F.lit(False)})})
    time.tzset()
    assert (counted["conversations"].low, counted["conversations"].high) == ("2024-10-27 01:30:00",) * 2


BATCH = Seen(
    rows=6, fresh=3, again=0, superseded=1, called_off=0, waiting=1, refused=1,
    new_accepted=1, new_superseded=0, new_set_aside=2,
    low="2024-11-04 10:00:00", high="2024-11-05 10:00:00", first_bad=at(30),
)  # fmt: skip


def test_the_sums_of_a_batch() -> None:
    """Two records stand, one version is replaced, one waited before and two are set aside: six in all."""
    row = balance("messages", 3, BATCH, 2, 2, 0, None)
    assert dict(zip(BALANCE.column_names(), row, strict=True)) == {
        "raw_table": "messages", "rows_in": 3, "accepted": 1, "superseded": 0, "quarantined": 2, "released": 0,
        "untyped": 0, "unaccounted": 0, "refused_share": None,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("lost", "column"),
    [
        ({"rows_in": 4}, "untyped"),
        ({"rows_in": 2}, "untyped"),
        ({"stood": 1}, "unaccounted"),
        ({"stood": 3}, "unaccounted"),
        ({"set_aside": 1}, "unaccounted"),
    ],
)
def test_a_row_too_few_or_too_many_fails_the_gate(spark: SparkSession, lost: dict[str, int], column: str) -> None:
    counts = {"rows_in": 3, "stood": 2, "set_aside": 2} | lost
    row = balance("messages", counts["rows_in"], BATCH, counts["stood"], counts["set_aside"], 0, None)
    found = audit(BALANCE, frame_of(spark, BALANCE, [row]))
    assert [finding.column for finding in found if not finding.success] == [column]


def test_too_large_a_share_of_refused_rows_fails_the_gate(spark: SparkSession) -> None:
    rows = FEWEST_FOR_A_SHARE
    mostly = replace(BATCH, rows=rows, fresh=rows, superseded=0, waiting=0, refused=rows // 10)
    row = balance("messages", rows, mostly, rows - 20, 20, 0, refused_share(rows // 10, rows))
    assert row[-1] == 0.1
    (failed,) = [f for f in audit(BALANCE, frame_of(spark, BALANCE, [row])) if not f.success]
    assert failed.column == "refused_share"
    lenient = balance_contract(0.1)
    assert all(finding.success for finding in audit(lenient, frame_of(spark, lenient, [row])))


def test_few_rows_have_no_share() -> None:
    assert refused_share(1, FEWEST_FOR_A_SHARE - 1) is None
    assert refused_share(1, FEWEST_FOR_A_SHARE) == 1 / FEWEST_FOR_A_SHARE
