"""One student's rows out of the lake's tables, and out of their old versions."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import quote

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from lakehouse.lake import Lake
from lakehouse.ops import GATE_RESULTS, QUARANTINE, RUNS
from lakehouse.publish import WORKERS
from lakehouse.upkeep import let_go_of_all_but_the_newest
from lakehouse.words import count
from pipelines.forget.launch import BLANK
from pipelines.silver.typed import same_id

STUDENT, TALK = "student", "talk"
RAW_OWNERS = {
    "messages": {"conversation_id": TALK},
    "lesson_progress": {"user_id": STUDENT},
    "assessment_attempts": {"user_id": STUDENT},
    "user_levels": {"user_id": STUDENT},
    "interventions": {"user_id": STUDENT},
    "conversations": {"user_id": STUDENT, "id": TALK},
}
"""By raw table, the columns that tell whose a row is, the telling one first. Conversations last: only they tell whose
messages are whose, should an erasure be killed in between.
"""


def delete(lake: Lake, student: str, talks: set[str]) -> Counter[str]:
    """Delete the student's rows from every table that has any; returns rows by table.

    Rows are deleted by a join with a view, never by a literal: a table's history quotes its predicates.
    """
    ids = {STUDENT: _frame(lake, [student]), TALK: _frame(lake, sorted(talks))}
    gone: Counter[str] = Counter()
    # Conversations last, as in RAW_OWNERS, and at the very last who has them now.
    for table in sorted(lake.tables(), key=lambda name: ("conversations" in name, name == "silver.conversations")):
        for whose, said, told_by in _owners(lake.table(table), table):
            rows = lake.table(table).withColumn("_id", said).join(ids[whose], "_id", "left_semi")
            if rows.isEmpty():
                continue
            rows.select(*told_by).distinct().createOrReplaceTempView("gone_rows")
            same = " AND ".join(f"t.`{name}` <=> g.`{name}`" for name in told_by)
            merged = lake.spark.sql(
                f"MERGE INTO {lake.name(table)} t USING gone_rows g ON {same} WHEN MATCHED THEN DELETE"
            ).collect()
            gone[table] += int(merged[0]["num_deleted_rows"])
    return gone


def owned(lake: Lake) -> set[str]:
    """The tables that can have rows of a student."""
    return {table for table in lake.tables() if _owners(lake.table(table), table)}


def clean_versions(lake: Lake, tables: Iterable[str]) -> None:
    """Let go of every earlier version of these tables."""
    with ThreadPoolExecutor(WORKERS) as pool:
        list(pool.map(lambda table: let_go_of_all_but_the_newest(lake, table), tables))


def nameless(lake: Lake) -> list[str]:
    """Rows of bronze that do not say whose they are, and say something else under names that the contract does not
    know: a sentence for each table that has any.
    """
    told = []
    for raw, (first, *_) in RAW_OWNERS.items():
        table = f"bronze.{raw}"
        if lake.exists(table):
            found = lake.table(table).where(F.col(first).isNull() & F.col("_other_columns").isNotNull()).count()
            told += [f"{table}: {count(found, 'row')} without {first} and with other columns"] if found else []
    return told


def remember_nothing(lake: Lake, student: str) -> None:
    """Blank what the logs quote: samples of failed gates, messages of failed runs that name the student, and any that
    name a file exported from the student's app.
    """
    failed, exported = F.col("status") == "failed", rf"\buser-{re.escape(quote(student, safe='@'))}-\d"
    alone = rf"(?<!\w){re.escape(student)}(?!\w)"
    named = (failed & F.col("message").rlike(alone)) | F.col("message").rlike(exported)
    touched = []
    for table, column, where in (
        (GATE_RESULTS.name, "sample", F.col("sample") != ""),
        (RUNS.name, "message", named),
    ):
        if lake.exists(table) and not lake.table(table).where(where).isEmpty():
            lake.table(table).where(where).select(column).distinct().createOrReplaceTempView("gone_words")
            lake.spark.sql(
                f"MERGE INTO {lake.name(table)} t USING gone_words g ON t.{column} = g.{column} "
                f"WHEN MATCHED THEN UPDATE SET t.{column} = '{BLANK}'"
            ).collect()
            touched.append(table)
    clean_versions(lake, touched)


def _owners(frame: DataFrame, table: str) -> list[tuple[str, Column, list[str]]]:
    """What tells a table's rows to be the student's: (whose id, the id in its normal form, columns of such rows)."""
    schema, short = table.split(".")
    if table == QUARANTINE.name:
        key = list(QUARANTINE.key)
        student, talk = (same_id(F.get_json_object("row_json", f"$.{name}")) for name in ("user_id", "conversation_id"))
        begun = F.when(F.col("table_name") == "silver.conversations", same_id(F.col("row_key")))
        return [(STUDENT, student, key), (TALK, talk, key), (TALK, begun, key)]
    if schema == "bronze":
        return [(whose, same_id(F.col(name)), [name]) for name, whose in RAW_OWNERS.get(short, {}).items()]
    named = {"student_id": STUDENT, "conversation_id": TALK}
    return [(whose, F.col(name), [name]) for name, whose in named.items() if name in frame.columns]


def _frame(lake: Lake, ids: list[str]) -> DataFrame:
    return lake.spark.createDataFrame([(value,) for value in ids], "_id string")
