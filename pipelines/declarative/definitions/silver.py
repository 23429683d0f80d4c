"""Silver as materialized views: what each table is, and nothing of when or how it is brought up to date.

A pipeline imports this file with a session at hand, reads from the plans which view needs which, and runs them in that
order. The functions are those that a batch of `pipelines/silver` runs.
"""

from __future__ import annotations

from pyspark import pipelines as dp
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from lakehouse.contracts import Contract
from pipelines.silver import contracts as c
from pipelines.silver import tables
from pipelines.silver.batch import PARENTS, rank_table, silver
from pipelines.silver.stream import versions
from pipelines.silver.version_tables import VERSIONS

rows_of = SparkSession.active().read.table


def as_planned(_: str, frame: DataFrame) -> DataFrame:
    """Where a batch writes an intermediate result down, a pipeline keeps its plan."""
    return frame


def ranked(raw: str) -> DataFrame:
    """The ranked versions of a raw table, made from bronze."""
    above = ranked(PARENTS[raw]) if raw in PARENTS else None
    return rank_table(raw, versions(rows_of(f"bronze.{raw}"), raw), above)


def view(name: str, frame: DataFrame) -> None:
    """A view that lives as long as the run."""
    dp.temporary_view(name=name)(lambda: frame)


def table(contract: Contract, frame: DataFrame) -> None:
    """A materialized view with a contract's columns."""
    shaped = frame.select(*[F.col(column.name).cast(column.type) for column in contract.columns])
    dp.materialized_view(name=contract.name.removeprefix("silver."), comment=contract.comment)(lambda: shaped)


for raw in VERSIONS:
    view(f"{raw}_ranked", ranked(raw))

made = silver({raw: rows_of(f"{raw}_ranked") for raw in VERSIONS}, as_planned)
parts = (c.CONVERSATIONS, c.LESSON_PROGRESS, c.ASSESSMENT_ATTEMPTS, c.STUDENT_LEVELS)
for contract, frame in made.items():
    table(contract, frame)
table(c.STUDENT_PROFILES, tables.student_profiles(*[made[part] for part in parts]))
