"""Whole ingests: bad days held against the generator's book of them, row by row."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import pytest
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from lakehouse.lake import Lake
from lakehouse.settings import Settings
from pipelines.bronze.contracts import RAW_TABLES
from pipelines.silver.raw import RULES
from pipelines.silver.version_tables import RECORD, SILVER_OF, VERSIONS
from tests.data_gen.delivered import Defect, Delivered, day_of, text

pytestmark = pytest.mark.long

PARENTS = {"messages": "conversations", "lesson_progress": "lessons", "assessment_attempts": "assessments"}
RECORDS = [table for table in RAW_TABLES if table != "user_levels"]
Key = tuple[str, str, str]


@dataclass(frozen=True)
class Chaos:
    """Two weeks of bad days in a lake, taken in by batches that part each held back conversation from its messages."""

    delivered: Delivered
    settings: Settings
    lake: Lake

    def defects(self, *fates: str) -> list[Defect]:
        return [defect for defect in self.delivered.manifest["defects"] if defect["fate"] in fates]

    def keys(self, *fates: str) -> set[Key]:
        """The table, id and file of every row or file with one of these fates, as quarantine has them."""
        rows = {(SILVER_OF[d["table"]].name, row, d["file"]) for d in self.defects(*fates) for row in d["ids"]}
        files = {(f"bronze.{d['table']}", d["file"], d["file"]) for d in self.defects(*fates) if not d["ids"]}
        return rows | files

    def quarantine(self) -> dict[Key, Any]:
        """The rows of ops.quarantine, an id that is null being "", as in the manifest."""
        rows = self.lake.table("ops.quarantine").collect()
        return {(row.table_name, row.row_key.replace("(no id)", ""), row.source_file): row for row in rows}

    def silver(self, table: str) -> dict[str, Any]:
        """The rows of a raw table's silver table by their id."""
        return {row[RECORD[table][0]]: row for row in self.lake.table(SILVER_OF[table].name).collect()}


@pytest.fixture
def chaos(bad_days: tuple[Delivered, Settings]) -> Chaos:
    delivered, chosen = bad_days
    return Chaos(delivered, chosen, Lake.open(chosen))


def test_a_refused_row_is_in_quarantine_as_received_with_a_reason_that_names_the_column(chaos: Chaos) -> None:
    held = chaos.quarantine()
    assert chaos.defects("quarantined")
    for defect in chaos.defects("quarantined"):
        for received in chaos.delivered.rows(defect):
            row = held[SILVER_OF[defect["table"]].name, text(received["id"]), defect["file"]]
            assert defect["column"] in row.reason
            assert (row.arrived_at, row.copies, row.released_at) == (day_of(defect["file"]), 1, None)
            value = received[defect["column"]]
            assert not isinstance(value, str) or json.loads(row.row_json)[defect["column"]] == value


def test_a_useless_file_is_in_quarantine_with_its_size_and_in_the_ledger_with_its_error(chaos: Chaos) -> None:
    held = chaos.quarantine()
    ledger = {row.source_file: row for row in chaos.lake.table("ops.files").collect()}
    assert chaos.defects("set_aside")
    for defect in chaos.defects("set_aside"):
        file = chaos.settings.landing / defect["file"]
        row = held[f"bronze.{defect['table']}", defect["file"], defect["file"]]
        assert f"{file.stat().st_size} bytes (" in row.reason
        assert ledger[defect["file"]].error == row.reason
    for defect in chaos.defects("noted"):
        assert (ledger[defect["file"]].row_count, ledger[defect["file"]].error) == (0, None)
    readable = {path: rows for path, rows in chaos.delivered.manifest["files"].items() if rows is not None}
    assert {path: row.row_count for path, row in ledger.items() if row.error is None} == readable


def test_messages_that_came_before_their_conversation_are_released(chaos: Chaos) -> None:
    held = chaos.quarantine()
    said = chaos.silver("messages")
    comes = {d["ids"][0]: day_of(d["file"]) for d in chaos.delivered.defects("held_back")}
    for key in chaos.keys("released"):
        assert held[key].released_at is not None
        assert "is the id of no conversation" in held[key].reason
        known = said[key[1]].known_at.date()
        assert (known - comes[said[key[1]].conversation_id]).days == 1
    assert len(chaos.keys("released")) > len(comes)


def test_nothing_else_waits_in_quarantine(chaos: Chaos) -> None:
    held = chaos.quarantine()
    assert {key for key, row in held.items() if row.released_at is None} == chaos.keys("quarantined", "set_aside")
    assert {key for key, row in held.items() if row.released_at} == chaos.keys("released")


@pytest.mark.parametrize("table", RECORDS)
def test_what_is_accepted_stands_with_its_expected_values(chaos: Chaos, table: str) -> None:
    held, names = chaos.silver(table), {rule.raw: rule.name for rule in RULES[table].rules}
    for defect in chaos.defects("accepted", "superseded", "released"):
        for row_id in defect["ids"] if defect["table"] == table else ():
            row = held[row_id]
            for column, expected in defect.get("expect", {}).items():
                assert _told(row[names[column]]) == _told(expected), defect


def _told(value: Any) -> str:
    """A value as the manifest has it: ids as numbers, moments as ISO-8601 text."""
    return value.isoformat() if isinstance(value, datetime) else str(value)


def test_late_levels_are_in_the_history(chaos: Chaos) -> None:
    files = [defect["file"] for defect in chaos.defects("accepted") if defect["table"] == "user_levels"]
    late = chaos.lake.table(VERSIONS["user_levels"].name).where(F.col("_source_file").isin(files))
    stands = chaos.lake.table("silver.student_levels").withColumn("received_at", F.col("known_at"))
    assert late.count() == sum(chaos.delivered.manifest["files"][path] for path in files) > 0
    told = ["student_id", "language", "assessed_at", "received_at", "cefr_level"]
    assert late.join(stands, told, "left_anti").isEmpty()


@pytest.mark.parametrize("table", RAW_TABLES)
def test_the_balance_to_the_row(chaos: Chaos, table: str) -> None:
    """Rows of readable files = rows in bronze = rows in silver, superseded ones and those in quarantine."""
    lake, files = chaos.lake, chaos.delivered.manifest["files"]
    delivered = sum(rows for path, rows in files.items() if path.startswith(f"{table}/") and rows)
    assert lake.table(f"bronze.{table}").count() == delivered
    sound = _sound(chaos, table)
    superseded = sound.count() - sound.select(*RECORD[table]).distinct().count()
    waiting = lake.table("ops.quarantine").where("released_at IS NULL")
    mine = waiting.where(F.col("table_name") == SILVER_OF[table].name).agg(F.sum("copies")).first()
    silver = lake.table(SILVER_OF[table].name)
    assert silver.count() == silver.select(*SILVER_OF[table].key).distinct().count()
    assert silver.count() + superseded + ((mine and mine[0]) or 0) == delivered


def _sound(chaos: Chaos, table: str) -> DataFrame:
    """The versions that broke no rule and whose parent is there, found without the pipeline's own marks."""
    good = chaos.lake.table(VERSIONS[table].name).where("size(reasons) = 0")
    if table not in PARENTS:
        return good
    parents = chaos.lake.table(SILVER_OF[PARENTS[table]].name)
    return good.join(parents, RECORD[PARENTS[table]][0], "left_semi")
