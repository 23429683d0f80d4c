"""What one more day costs beside building the lake whole when nothing is done but what any ingestion of this kind does:
append to bronze, stream, merge by key, write the ledgers.

    python -m benchmarks.bare_day [--students 5000] [--days 180]

No rule, no gate, no quarantine, no staging, no known times, no late parents: what is left is Spark's and Delta's own.
The whole lake is Learner Radar's, built in the same process on the same machine.
"""

from __future__ import annotations

import statistics
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from functools import reduce
from pathlib import Path

from pyspark.sql import DataFrame, SparkSession

from benchmarks.ingest_day import SINGLE_DAYS, WARM_DAYS, asked, build, dates
from lakehouse.publish import WORKERS
from lakehouse.session import connect

LEDGERS = ("files", "runs", "gate_results")
EVENTS = ("messages", "lesson_progress", "assessment_attempts", "user_levels")
"""Raw tables of which the log of events is made, by one merge."""


def main() -> None:
    """Print the seconds and the ratio."""
    with asked(__doc__, at_least=SINGLE_DAYS + 1) as log:
        built = log.built
        whole = build(log.root / "lake", log.source, built)
        _grown(log.root / "warm-bare", log.warm, WARM_DAYS)
        first, day = _grown(log.root / "bare", log.source, built)
    print(f"{log.students:,} students; one bare day is the median of {SINGLE_DAYS}")
    print(f"Learner Radar's whole lake of {built} days {whole:.1f} s, bare {first:.1f} s; one bare day {day:.1f} s")
    print(f"one bare day / Learner Radar's whole lake: {day / whole:.3f}")


def _grown(lake: Path, source: Path, before: int) -> tuple[float, float]:
    """Seconds to take in so many days at once, and one more."""
    spark, days = connect(), dates(source)
    first = _take_in(spark, lake, source, days[:before])
    return first, statistics.median(_take_in(spark, lake, source, [day]) for day in days[before : before + SINGLE_DAYS])


def _take_in(spark: SparkSession, lake: Path, source: Path, days: list[str]) -> float:
    """Seconds to take in the files of some days: as many threads as Learner Radar has."""
    began = time.monotonic()
    files = {
        table.name: [str(path) for day in days for path in table.glob(f"{day}/*.parquet")] for table in source.iterdir()
    }
    came = {table: spark.read.parquet(*paths) for table, paths in files.items() if paths}
    with ThreadPoolExecutor(WORKERS) as pool:
        list(pool.map(lambda table: _append(came[table], lake / "bronze" / table), came))
        list(pool.map(lambda table: _stream(spark, lake, table), came))
        list(pool.map(lambda table: _merge(spark, came[table], lake / "silver" / table, "id"), came))
        events = [came[table].selectExpr(f"'{table}' AS event_type", "id") for table in EVENTS if table in came]
        _merge(spark, reduce(DataFrame.union, events), lake / "silver" / "learning_events", "event_type", "id")
        note = spark.createDataFrame([(str(date.today()), len(came))], "day string, tables int")
        list(pool.map(lambda ledger: _append(note, lake / "ops" / ledger), LEDGERS))
    return time.monotonic() - began


def _append(rows: DataFrame, table: Path) -> None:
    rows.write.format("delta").mode("append").save(str(table))


def _stream(spark: SparkSession, lake: Path, table: str) -> None:
    query = (
        spark.readStream.format("delta")
        .load(str(lake / "bronze" / table))
        .writeStream.format("delta")
        .option("checkpointLocation", str(lake / "checkpoints" / table))
        .trigger(availableNow=True)
        .start(str(lake / "versions" / table))
    )
    query.awaitTermination()


def _merge(spark: SparkSession, rows: DataFrame, table: Path, *key: str) -> None:
    if not table.exists():
        _append(rows.dropDuplicates(key), table)
        return
    came = f"came_{table.name}"
    rows.dropDuplicates(key).createOrReplaceTempView(came)
    same = " AND ".join(f"t.{name} = s.{name}" for name in key)
    spark.sql(
        f"MERGE INTO delta.`{table}` t USING {came} s ON {same} "
        "WHEN MATCHED THEN UPDATE SET * WHEN NOT MATCHED THEN INSERT *"
    ).collect()


if __name__ == "__main__":
    main()
