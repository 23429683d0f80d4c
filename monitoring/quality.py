"""Volume, freshness and quarantine of the silver tables on a day."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from functools import reduce

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

EVENT_TIME = {
    "silver.conversations": "started_at",
    "silver.messages": "sent_at",
    "silver.lesson_progress": "started_at",
    "silver.assessment_attempts": "completed_at",
    "silver.learning_events": "event_at",
}


def data_quality(tables: Mapping[str, DataFrame], quarantine: DataFrame, as_of: date) -> DataFrame:
    """One row a table: as_of, table_name, row_count, newest_at, hours_behind, quarantined.

    Args:
        tables: the tables of `EVENT_TIME` by name.
        quarantine: ops.quarantine.
        as_of: the day; rows dated at or after it, or known later, are not counted.
    """
    day = F.lit(as_of).cast("timestamp")
    counted = [
        frame.where((F.col(EVENT_TIME[name]) < day) & (F.col("known_at") <= day)).agg(
            F.lit(name).alias("table_name"), F.count("*").alias("row_count"), F.max(EVENT_TIME[name]).alias("newest_at")
        )
        for name, frame in tables.items()
    ]
    waiting = quarantine.where("released_at IS NULL").where(
        F.col("arrived_at").isNull() | (F.date_add("arrived_at", 1) <= F.lit(as_of))
    )
    refused = waiting.groupBy("table_name").agg(F.count("*").alias("quarantined"))
    joined = reduce(DataFrame.unionByName, counted).join(refused, "table_name", "left").fillna(0, ["quarantined"])
    behind = (F.unix_timestamp(day) - F.unix_timestamp("newest_at")) / 3600
    return joined.withColumns({"as_of": F.lit(as_of), "hours_behind": behind})
