"""The upkeep entry point: every table compacted, clustered, and rid of old versions."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

from pyspark.sql import functions as F

from lakehouse.cli import Run, command
from lakehouse.lake import Lake
from lakehouse.pins import pins
from lakehouse.publish import WORKERS
from lakehouse.runs import done, last_done
from lakehouse.upkeep import tend
from lakehouse.words import INDENT

BATCHES_BETWEEN = 30


def upkeep(run: Run) -> None:
    """Tend every table of the lake, and say what was done."""
    with run.step("upkeep") as step:
        held = pins(run.lake)
        with ThreadPoolExecutor(WORKERS) as pool:
            tended = list(pool.map(lambda table: tend(run.lake, table, held), run.lake.tables()))
        step.rows = {found.table: {"before": found.files_before, "after": found.files_after} for found in tended}
        step.message = f"{len(tended)} tables" + "".join(f"\n{INDENT}{found}" for found in tended)


def upkeep_if_due(run: Run) -> None:
    """Tend the tables after every BATCHES_BETWEEN batches, so that small files do not pile up where nobody asks."""
    if _batches_since(run.lake) >= BATCHES_BETWEEN:
        upkeep(run)


def _batches_since(lake: Lake) -> int:
    last = last_done(lake, "upkeep")
    batches = done(lake, "bronze", wrote="rows_in_files")
    return batches.where(F.col("ended_at") > F.lit(last.ended_at)).count() if last else batches.count()


def main() -> None:
    """`python -m pipelines.upkeep`."""
    command("Compact, cluster and clean every table.", upkeep)


if __name__ == "__main__":
    main()
