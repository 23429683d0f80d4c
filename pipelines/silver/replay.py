"""Another try for the rows that a rule refused: typed again from bronze by the rules as they stand now."""

from __future__ import annotations

from functools import reduce

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from lakehouse.cli import Run
from lakehouse.lake import Lake
from lakehouse.ops import QUARANTINE
from lakehouse.run_ids import new_run_id
from lakehouse.words import count
from pipelines.silver.stream import versions
from pipelines.silver.typed import raw_key
from pipelines.silver.version_tables import ROW, SILVER_OF, VERSIONS

OF_VERSION = list(ROW.values())
PASSES = "size(reasons) = 0"


def run(run: Run, waiting: DataFrame) -> None:
    """Mend the version tables where the rules say something else of a refused row than before; the silver step does the
    rest for those that pass, and quarantine learns why the others are still refused.

    A live row is known from the midnight after the newest arrival in the lake, a backfilled one from its event; among
    the versions of its record each stays where it was received.

    Args:
        run: of the command.
        waiting: the rows of ops.quarantine to try.
    """
    with run.step("replay") as step:
        freed = release(run.lake, waiting)
        step.rows = {VERSIONS[table].name: {"released": rows} for table, rows in freed.items() if rows}
        passing = count(sum(freed.values()), "row passes", "rows pass")
        step.message = f"{passing} the rules now" if freed else "nothing in quarantine"


def release(lake: Lake, waiting: DataFrame) -> dict[str, int]:
    """Mend the version tables where the rules say something else of refused rows, given as those of ops.quarantine;
    returns rows that pass by raw table.

    Quarantine says from when such a row is known, so that silver made whole later knows it from then too.
    """
    of = {table: waiting.where(F.col("table_name") == silver.name) for table, silver in SILVER_OF.items()}
    return {table: _replay(lake, table, of[table]) for table in VERSIONS if lake.exists(VERSIONS[table].name)}


def _replay(lake: Lake, table: str, waiting: DataFrame) -> int:
    if waiting.isEmpty():
        return 0
    lake.create(VERSIONS[table])
    sought = waiting.select(F.col("row_key").alias("_key"), F.col("source_file").alias("_source_file")).distinct()
    bronze = lake.table(f"bronze.{table}").withColumn("_key", raw_key())
    rows = versions(bronze.join(sought, ["_key", "_source_file"], "left_semi").drop("_key"), table)
    asked = waiting.select(*[F.col(there).alias(here) for there, here in ROW.items()])
    refused = lake.table(VERSIONS[table].name).where(F.size("reasons") > 0).select(*OF_VERSION, "reasons").distinct()
    refused = refused.join(asked, OF_VERSION, "left_semi")
    others = rows.join(refused, [*OF_VERSION, "reasons"], "left_anti").join(refused, OF_VERSION, "left_semi")
    told = others.dropDuplicates(OF_VERSION).withColumn("known_from", _since(lake))
    staged = f"replay__{table}__{new_run_id()}"
    try:
        found = lake.stage(staged, told)
        passed, changed = found.where(PASSES).count(), not found.isEmpty()
        if changed:
            _tell_quarantine(lake, table, staged)
            _mend(lake, table, staged)
    finally:
        lake.unstage(staged)
    return passed


def _since(lake: Lake) -> Column:
    """For live rows that pass, the midnight after the newest arrival in the lake."""
    arrivals = [lake.table(f"bronze.{table}").agg(F.max("_arrived_at").alias("last")) for table in VERSIONS]
    last = reduce(DataFrame.unionByName, arrivals).agg(F.max("last")).first()
    newest = last[0] if last else None
    return F.when(F.expr(f"live AND {PASSES}"), F.date_add(F.lit(newest).cast("date"), 1).cast("timestamp"))


def _tell_quarantine(lake: Lake, table: str, staged: str) -> None:
    """Say in quarantine from when a row that passes is known, so that a rebuild from bronze knows it too, and why
    another is still refused.
    """
    same = " AND ".join(f"q.{there} = r.{here}" for there, here in ROW.items())
    lake.spark.sql(
        f"MERGE INTO {lake.name(QUARANTINE.name)} q USING {staged} r "
        f"ON q.table_name = '{SILVER_OF[table].name}' AND {same} "
        "WHEN MATCHED AND size(r.reasons) > 0 THEN UPDATE SET q.reason = array_join(r.reasons, '; ') "
        "WHEN MATCHED AND r.live THEN UPDATE SET q.known_from = r.known_from"
    ).collect()


def _mend(lake: Lake, table: str, staged: str) -> None:
    same = " AND ".join(f"v.`{name}` = r.`{name}`" for name in OF_VERSION)
    values = ", ".join(f"v.`{c.name}` = r.`{c.name}`" for c in VERSIONS[table].columns if c.name not in OF_VERSION)
    lake.spark.sql(
        f"MERGE INTO {lake.name(VERSIONS[table].name)} v USING {staged} r ON {same} "
        f"WHEN MATCHED AND size(v.reasons) > 0 THEN UPDATE SET {values}"
    ).collect()
