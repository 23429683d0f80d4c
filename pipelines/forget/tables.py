"""One student's rows out of the lake's tables, and out of their old versions."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable

from pyspark.sql import DataFrame

from lakehouse.lake import Lake
from lakehouse.ops import GATE_RESULTS, QUARANTINE, RUNS

RAW_OWNED = ("conversations", "lesson_progress", "assessment_attempts", "user_levels")
SAME = "regexp_replace(btrim(replace({0}, char(0), '')), '^(-?[0-9]+)[.]0+$', '$1')"


def delete(lake: Lake, student: str, talks: set[str]) -> Counter[str]:
    """Delete the student's rows from every table that has any; returns rows by table.

    Rows are deleted by a join with a view, never by a literal: a table's history quotes its predicates.
    """
    _view(lake, "gone_student", [student])
    _view(lake, "gone_talks", sorted(talks))
    gone: Counter[str] = Counter()
    for table in lake.tables():
        for view, condition in _conditions(lake.table(table), table):
            if not lake.one(f"SELECT count(*) FROM {lake.name(table)} t JOIN {view} g ON {condition}"):
                continue
            rows = lake.spark.sql(
                f"MERGE INTO {lake.name(table)} t USING {view} g ON {condition} WHEN MATCHED THEN DELETE"
            ).collect()[0]["num_deleted_rows"]
            gone[table] += int(rows)
    return gone


def clean_versions(lake: Lake, tables: Iterable[str]) -> None:
    """Let go of every earlier version of these tables."""
    check = "spark.databricks.delta.retentionDurationCheck.enabled"
    lake.spark.conf.set(check, "false")
    try:
        for table in tables:
            lake.spark.sql(f"VACUUM {lake.name(table)} RETAIN 0 HOURS").collect()
    finally:
        lake.spark.conf.unset(check)


def remember_nothing(lake: Lake, student: str) -> None:
    """Blank what the logs quote: samples of failed gates, and messages of failed runs that name the student."""
    word = rf"\\b{re.escape(student)}\\b".replace("'", "\\'")
    touched = []
    for table, column, where in (
        (GATE_RESULTS.name, "sample", "sample <> ''"),
        (RUNS.name, "message", f"status = 'failed' AND message RLIKE '{word}'"),
    ):
        if lake.exists(table) and not lake.table(table).where(where).isEmpty():
            lake.table(table).where(where).select(column).distinct().createOrReplaceTempView("gone_words")
            lake.spark.sql(
                f"MERGE INTO {lake.name(table)} t USING gone_words g ON t.{column} = g.{column} "
                f"WHEN MATCHED THEN UPDATE SET t.{column} = 'blanked by an erasure'"
            ).collect()
            touched.append(table)
    clean_versions(lake, touched)


def _conditions(frame: DataFrame, table: str) -> list[tuple[str, str]]:
    """Which view meets which column of the table, as (view, condition)."""
    schema, short = table.split(".")
    student, talk = "gone_student", "gone_talks"
    if table == QUARANTINE.name:
        said = [SAME.format(f"get_json_object(t.row_json, '$.{name}')") for name in ("user_id", "conversation_id")]
        mine = f"t.table_name = 'silver.conversations' AND {SAME.format('t.row_key')} = g.id"
        return [(student, f"{said[0]} = g.id"), (talk, f"{said[1]} = g.id OR ({mine})")]
    if schema == "bronze" and short in RAW_OWNED:
        return [(student, f"{SAME.format('t.user_id')} = g.id")]
    if table == "bronze.messages":
        return [(talk, f"{SAME.format('t.conversation_id')} = g.id")]
    found = [(student, "t.student_id = g.id")] if "student_id" in frame.columns else []
    return found + ([(talk, "t.conversation_id = g.id")] if "conversation_id" in frame.columns else [])


def _view(lake: Lake, name: str, ids: list[str]) -> None:
    lake.spark.createDataFrame([(value,) for value in ids], "id string").createOrReplaceTempView(name)
