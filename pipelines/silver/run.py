"""The silver step: types, versions, tables, one gate, one publication."""

from __future__ import annotations

import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import reduce
from typing import Any

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from lakehouse.cli import Run
from lakehouse.code import code_hash
from lakehouse.contracts import Contract, between, columns
from lakehouse.lake import Lake
from lakehouse.ops import QUARANTINE, RUNS
from lakehouse.publish import WORKERS, Step
from pipelines.silver import contracts as c
from pipelines.silver import events, raw, tables
from pipelines.silver.versions import Parent, known, newest, quarantined, ranked, resolve

BALANCE = Contract(
    "silver.balance",
    "For each raw table: rows in = rows accepted + rows superseded + rows quarantined.",
    columns("""
        raw_table | STRING NOT NULL | the raw table
        rows_in | BIGINT NOT NULL | rows of it in bronze
        accepted | BIGINT NOT NULL | rows of it that stand in silver
        superseded | BIGINT NOT NULL | rows that a newer version replaced
        quarantined | BIGINT NOT NULL | rows set aside
        unaccounted | BIGINT NOT NULL | rows_in less the three
        quarantined_share | DOUBLE NOT NULL | quarantined / rows_in
    """),
    key=("raw_table",),
    expectations=(between("unaccounted", 0, 0), between("superseded", 0, None), between("quarantined_share", 0, 0.05)),
)


def run(run: Run) -> None:
    """Make silver from all of bronze.

    Raises:
        GateFailed: when a table breaks its contract, rows do not balance, or over 5 % of a table are unusable.
    """
    lake = run.lake
    with run.step("silver") as step:
        made_from = _made_from(lake, BRONZE)
        if _stands(lake, made_from):
            step.rows[STANDS] = made_from | _made_from(lake, SILVER)
            step.message = "nothing new in bronze, silver stands"
            return
        versions = all_versions(
            lambda table: lake.table(f"bronze.{table}"), lambda table, frame: step.scratch(f"versions_{table}", frame)
        )
        _stage_tables(step, versions)
        balance = _balance(lake, step, versions)
        set_aside = _quarantine(lake, versions)
        step.stage(QUARANTINE, set_aside)
        waiting = step.staged(QUARANTINE).where("released_at IS NULL").count()
        step.publish()
        step.rows |= {f"bronze.{row['raw_table']}": row for row in balance}
        step.rows[STANDS] = made_from | _made_from(lake, SILVER)
        accepted = sum(row["accepted"] for row in balance)
        replaced = sum(row["superseded"] for row in balance)
        step.message = f"{accepted:,} rows accepted, {replaced:,} superseded, {waiting:,} in quarantine"


def all_versions(
    source: Callable[[str], DataFrame], keep: Callable[[str, DataFrame], DataFrame]
) -> dict[str, DataFrame]:
    """Typed versions of every raw table, orphans and newest versions marked.

    Args:
        source: the bronze rows of a raw table.
        keep: called with each raw table's versions, since several tables are made from them; returns them as kept.
    """

    def kept(table: str, frame: DataFrame) -> DataFrame:
        return keep(table, ranked(frame, SILVER_OF[table].key))

    def catalogue(table: str, records: str) -> dict[str, DataFrame]:
        """A catalogue, and the records that must name one of its entries."""
        parents = kept(table, known(getattr(raw, table)(source(table))))
        parent = Parent(newest(parents), SILVER_OF[table].key[0], table.removesuffix("s"))
        children = known(getattr(raw, records)(source(records)), "started_at", "completed_at")
        return {table: parents, records: kept(records, resolve(children, parent))}

    def talk() -> dict[str, DataFrame]:
        conversations = kept("conversations", known(raw.conversations(source("conversations")), "started_at"))
        parent = Parent(newest(conversations), "conversation_id", "conversation")
        messages = resolve(known(raw.messages(source("messages")), "sent_at"), parent)
        return {"conversations": conversations, "messages": kept("messages", messages)}

    def levels() -> dict[str, DataFrame]:
        return {"user_levels": kept("user_levels", known(raw.user_levels(source("user_levels")), "assessed_at"))}

    with ThreadPoolExecutor(WORKERS) as pool:
        parts = [
            pool.submit(talk),
            pool.submit(catalogue, "lessons", "lesson_progress"),
            pool.submit(catalogue, "assessments", "assessment_attempts"),
            pool.submit(levels),
        ]
        return {table: frame for part in parts for table, frame in part.result().items()}


def _stage_tables(step: Step, v: dict[str, DataFrame]) -> None:
    step.stage_all(
        {
            c.LESSONS: newest(v["lessons"]),
            c.ASSESSMENTS: newest(v["assessments"]),
            c.MESSAGES: tables.messages(v["messages"], v["conversations"]),
            c.STUDENT_LEVELS: tables.student_levels(v["user_levels"]),
        }
    )
    lessons, assessments = step.staged(c.LESSONS), step.staged(c.ASSESSMENTS)
    step.stage_all(
        {
            c.CONVERSATIONS: tables.conversations(v["conversations"], step.staged(c.MESSAGES)),
            c.LESSON_PROGRESS: tables.lesson_progress(v["lesson_progress"], lessons),
            c.ASSESSMENT_ATTEMPTS: tables.assessment_attempts(v["assessment_attempts"], assessments),
            c.LEARNING_EVENTS: events.learning_events(
                v["conversations"], v["messages"], v["lesson_progress"], v["assessment_attempts"], v["user_levels"],
                lessons, assessments,
            ),
        }
    )  # fmt: skip
    profiles = tables.student_profiles(
        step.staged(c.CONVERSATIONS), step.staged(c.LESSON_PROGRESS), step.staged(c.ASSESSMENT_ATTEMPTS),
        step.staged(c.STUDENT_LEVELS),
    )  # fmt: skip
    step.stage(c.STUDENT_PROFILES, profiles)


SILVER_OF = {
    "lessons": c.LESSONS, "assessments": c.ASSESSMENTS, "conversations": c.CONVERSATIONS, "messages": c.MESSAGES,
    "lesson_progress": c.LESSON_PROGRESS, "assessment_attempts": c.ASSESSMENT_ATTEMPTS,
    "user_levels": c.STUDENT_LEVELS,
}  # fmt: skip


BRONZE = tuple(f"bronze.{table}" for table in SILVER_OF)
SILVER = tuple(contract.name for contract in c.CONTRACTS)
STANDS = "stands_on"


def _made_from(lake: Lake, tables: tuple[str, ...]) -> dict[str, Any]:
    """The versions of tables, and the code that turns one layer into the other."""
    with ThreadPoolExecutor() as pool:
        found = dict(zip(tables, pool.map(lake.version, tables), strict=True))
    return found | {"code": code_hash("pipelines/silver", "lakehouse")}


def _stands(lake: Lake, made_from: dict[str, Any]) -> bool:
    """Whether the last finished run of this code read these bronze versions, and nobody touched silver since."""
    if not lake.exists(RUNS.name) or not all(map(lake.exists, SILVER)):
        return False
    done = lake.table(RUNS.name).where("step = 'silver' AND status = 'done'").orderBy(F.desc("ended_at")).first()
    return done is not None and json.loads(done.rows_json).get(STANDS) == made_from | _made_from(lake, SILVER)


def _balance(lake: Lake, step: Step, versions: dict[str, DataFrame]) -> list[dict[str, Any]]:
    """Count where every bronze row went, from bronze itself and from the staged tables, and gate the sums."""
    came = [_count(lake.table(f"bronze.{t}"), t, rows_in=F.count("*")) for t in SILVER_OF]
    stood = [_count(step.staged(c), t, accepted=F.count("*")) for t, c in SILVER_OF.items()]
    sorted_out = [
        _count(v, t, superseded=F.count_if(~F.col("newest")), quarantined=F.count_if(F.col("newest").isNull()))
        for t, v in versions.items()
    ]
    sums = [reduce(DataFrame.unionByName, parts) for parts in (came, stood, sorted_out)]
    joined = sums[0].join(sums[1], "raw_table").join(sums[2], "raw_table")
    counted = joined.withColumns(
        {
            "unaccounted": F.expr("rows_in - accepted - superseded - quarantined"),
            "quarantined_share": F.coalesce(F.expr("try_divide(quarantined, rows_in)"), F.lit(0.0)),
        }
    )
    step.check(BALANCE, counted)
    return [json.loads(row) for row in counted.select(F.to_json(F.struct("*"))).toPandas().iloc[:, 0]]


def _count(frame: DataFrame, table: str, **sums: Column) -> DataFrame:
    return frame.agg(F.lit(table).alias("raw_table"), *[value.alias(name) for name, value in sums.items()])


def _quarantine(lake: Lake, versions: dict[str, DataFrame]) -> DataFrame:
    """What is set aside now, and what was and can be used after all, marked as released."""
    now_bad = reduce(DataFrame.unionByName, [quarantined(v, SILVER_OF[t].name) for t, v in versions.items()])
    if not lake.exists(QUARANTINE.name):
        return now_bad
    waiting = lake.table(QUARANTINE.name).where("table_name LIKE 'silver.%' AND released_at IS NULL")
    freed = waiting.join(now_bad.select(*QUARANTINE.key), list(QUARANTINE.key), "left_anti")
    return now_bad.unionByName(freed.withColumn("released_at", F.current_timestamp()))
