"""Volume, freshness, quarantine and gate of every table on a day."""

from __future__ import annotations

from collections.abc import Collection
from datetime import date

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from lakehouse.ops import SUMS

SCHEMAS = ("bronze", "silver", "features", "gold")
EVENT_TIME = {
    "silver.conversations": "started_at",
    "silver.messages": "sent_at",
    "silver.lesson_progress": "greatest(started_at, completed_at)",
    "silver.assessment_attempts": "completed_at",
    "silver.learning_events": "event_at",
    "silver.student_profiles": "last_activity_at",
    "silver.student_levels": "assessed_at",
    "gold.daily_metrics": "activity_date",
}
"""What dates a row, as SQL; a row without it is of no day, and counts on every one."""
OTHER_TIMES = ("as_of", "_arrived_at")
"""What dates the rows of other tables: the first that a table has."""


def data_quality(
    counts: DataFrame, quarantine: DataFrame, gates: DataFrame, as_of: date, closed: Collection[date]
) -> DataFrame:
    """One row a table: the columns of gold.data_quality. One more of a gate over no table, such as that over sums of
    a batch, while it fails.

    Args:
        counts: from `counted`, a row a table.
        quarantine: ops.quarantine.
        gates: ops.gate_results.
        as_of: the day; rows dated at or after it, or known later, are not counted.
        closed: days before it that were closed for everybody: since then nothing could be newer.
    """
    waiting = quarantine.where("released_at IS NULL").where(
        F.col("arrived_at").isNull() | (F.date_add("arrived_at", 1) <= F.lit(as_of))
    )
    refused = waiting.groupBy("table_name").agg(F.sum("copies").alias("quarantined"))
    gated = counts.join(last_gates(gates), "table_name", "full").where(
        F.col("row_count").isNotNull() | (F.col("table_name").isin(*SUMS) & (F.col("gate_failures") > 0))
    )
    joined = gated.join(refused, "table_name", "left").fillna(0, ["row_count", "quarantined"])
    behind = (F.unix_timestamp(F.lit(as_of).cast("timestamp")) - F.unix_timestamp("newest_at")) / 3600
    days = F.array(*[F.lit(day) for day in sorted(closed)]).cast("array<date>")
    closed_since = F.size(F.filter(days, lambda day: day > F.to_date("newest_at")))
    return joined.withColumns(
        {
            "as_of": F.lit(as_of),
            "hours_behind": behind - 24 * closed_since,
            "quarantined_share": F.try_divide("quarantined", F.col("quarantined") + F.col("row_count")),
        }
    )


def last_gates(gates: DataFrame) -> DataFrame:
    """table_name, gate_checks and gate_failures of the last run that held a table against its contract.

    Args:
        gates: ops.gate_results.
    """
    last = gates.groupBy("table_name").agg(F.max_by("run_id", "checked_at").alias("run_id"))
    asked = F.struct("expectation", "column_name")
    return gates.join(last, ["table_name", "run_id"]).groupBy("table_name").agg(
        F.count_distinct(asked).alias("gate_checks"),
        F.count_distinct(F.when(~F.col("success"), asked)).alias("gate_failures"),
    )  # fmt: skip


def counted(name: str, frame: DataFrame, as_of: date) -> DataFrame:
    """One row: table_name, row_count and newest_at of what was known and dated before `as_of`.

    Args:
        name: two-level name of the table.
        frame: its rows.
        as_of: the day.
    """
    time = EVENT_TIME.get(name) or next((column for column in OTHER_TIMES if column in frame.columns), None)
    known = frame.where(F.col("known_at") <= F.lit(as_of).cast("timestamp")) if "known_at" in frame.columns else frame
    dated = known.where(_before(time, as_of)) if time else known
    newest = F.max(F.expr(time)).cast("timestamp") if time else F.lit(None).cast("timestamp")
    return dated.agg(F.lit(name).alias("table_name"), F.count("*").alias("row_count"), newest.alias("newest_at"))


def _before(time: str, as_of: date) -> Column:
    day, at = F.lit(as_of).cast("timestamp"), F.expr(time).cast("timestamp")
    return at <= day if time == "as_of" else (at < day) | at.isNull()
