"""What a batch sets aside, and what it takes back out of quarantine."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from functools import reduce

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from lakehouse.lake import Lake
from lakehouse.ops import QUARANTINE
from pipelines.silver.typed import raw_key, row_json
from pipelines.silver.version_tables import ROW, SILVER_OF


def waits(lake: Lake) -> DataFrame:
    """The rows of ops.quarantine that were not released."""
    lake.create(QUARANTINE)
    return lake.table(QUARANTINE.name).where("released_at IS NULL")


def set_aside(versions: DataFrame, bronze: DataFrame, silver_table: str) -> DataFrame:
    """The fresh rows that are refused or wait, in the shape of ops.quarantine. A row that is refused waits for nothing.

    Args:
        versions: ranked versions of one raw table, with `fresh`.
        bronze: rows of its bronze table, the batch's at least, where the rows stand as they were received.
        silver_table: the table that refuses them.
    """
    reason = F.coalesce(F.nullif(F.array_join("reasons", "; "), F.lit("")), F.col("waits"))
    bad = versions.where("fresh AND newest IS NULL").select(
        *_of_version(),
        reason.alias("reason"), F.col("_arrived_at").alias("arrived_at"), F.col("_ingested_at").alias("quarantined_at"),
    )  # fmt: skip
    counted = bad.groupBy(*ROW).agg(
        F.max("reason").alias("reason"), F.max("arrived_at").alias("arrived_at"),
        F.max("quarantined_at").alias("quarantined_at"), F.count("*").cast("int").alias("copies"),
    )  # fmt: skip
    files = bad.select(F.col("source_file").alias("_source_file"), F.col("row_key").alias("_key")).distinct()
    sought = bronze.withColumns({"_key": raw_key(), "row_json": row_json(bronze)}).join(
        files, ["_source_file", "_key"], "left_semi"
    )
    texts = sought.withColumn("row_hash", F.sha2("row_json", 256)).groupBy(
        F.col("_key").alias("row_key"), "row_hash", F.col("_source_file").alias("source_file")
    ).agg(F.max("row_json").alias("row_json"))  # fmt: skip
    never = F.lit(None).cast("timestamp")
    shaped = counted.join(texts, list(ROW), "left").withColumns(
        {"table_name": F.lit(silver_table), "released_at": never, "known_from": never}
    )
    return shaped.select(*QUARANTINE.column_names())


def known_from_kept(moved: DataFrame, published: DataFrame) -> DataFrame:
    """Rows on their way into quarantine with the `known_from` that stands there: one that a mended rule let pass, and
    that waits for its parent since, is still known from then.
    """
    key = list(QUARANTINE.key)
    said = published.where("known_from IS NOT NULL").select(*key, "known_from")
    return moved.drop("known_from").join(said, key, "left")


def commonest(versions: Mapping[str, DataFrame], most: int = 5) -> list[str]:
    """What the most fresh rows were refused for, in sentences without their values: a learner may have written those.

    Args:
        versions: ranked versions by raw table, with `fresh`.
        most: how many reasons.
    """
    untold = F.regexp_replace("reason", r'"(\\.|[^"\\])*"', "…")
    reasons = [
        frame.where("fresh AND newest IS NULL").select(
            F.lit(table).alias("raw_table"), F.explode("reasons").alias("reason")
        )
        for table, frame in versions.items()
    ]
    counted = reduce(DataFrame.union, reasons).groupBy("raw_table", untold.alias("reason")).count()
    rows = counted.orderBy(F.desc("count"), "raw_table", "reason").limit(most).collect()
    return [f"{row.raw_table}: {row.reason} ({row['count']:,} times)" for row in rows]


def refused_before(versions: Mapping[str, DataFrame], quarantine: DataFrame) -> dict[str, int]:
    """How many of the fresh rows that a rule refuses lie in quarantine already, by raw table.

    Args:
        versions: ranked versions by raw table, with `fresh`.
        quarantine: ops.quarantine.
    """
    waiting = quarantine.where("released_at IS NULL")
    counts = [
        frame.where("fresh AND size(reasons) > 0")
        .select(*_of_version())
        .join(waiting.where(F.col("table_name") == SILVER_OF[table].name), list(ROW), "left_semi")
        .agg(F.lit(table).alias("raw_table"), F.count("*").alias("rows"))
        for table, frame in versions.items()
    ]
    return {row.raw_table: row.rows for row in reduce(DataFrame.union, counts).collect()}


def freed(waiting: DataFrame, versions: DataFrame, silver_table: str, now: datetime) -> DataFrame:
    """The rows in quarantine that can be used after all, marked as released; not one that stands in two writings of a
    file, of which the first is still refused: silver made whole would set it aside again.

    Args:
        waiting: rows of ops.quarantine that are not released.
        versions: ranked versions of one raw table.
        silver_table: the table that had refused them.
        now: when.
    """
    usable = versions.groupBy(*_of_version()).agg(F.every(F.col("newest").isNotNull()).alias("_sound")).where("_sound")
    mine = waiting.where(F.col("table_name") == silver_table)
    return (
        mine.join(usable, list(ROW), "left_semi")
        .withColumn("released_at", F.lit(now))
        .select(*QUARANTINE.column_names())
    )


def _of_version() -> list[Column]:
    """The columns of a version that name its row, called as quarantine calls them."""
    return [F.col(here).alias(there) for there, here in ROW.items()]
