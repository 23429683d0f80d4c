"""Gold: the tables that answer the five questions, as of one day."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from lakehouse.cli import Run
from lakehouse.contracts import Contract
from lakehouse.lake import Lake
from lakehouse.words import count
from pipelines.gold import as_known
from pipelines.gold.active_days import activity
from pipelines.gold.cefr_funnel import cefr_funnel
from pipelines.gold.cohort_retention import cohort_retention
from pipelines.gold.contracts import (
    CEFR_FUNNEL,
    COHORT_RETENTION,
    DAILY_METRICS,
    LEARNING_VELOCITY,
    LESSON_EFFECTIVENESS,
    LEVEL_DURATIONS,
    TOPIC_ENGAGEMENT,
)
from pipelines.gold.daily_metrics import daily_metrics
from pipelines.gold.learning_velocity import learning_velocity, level_durations, levels_known
from pipelines.gold.lesson_effectiveness import lesson_effectiveness
from pipelines.gold.topic_engagement import topic_engagement

DECIMALS = 9
"""Sums of doubles differ in their last digits with the order of the rows; what is published does not."""


@dataclass(frozen=True)
class Known:
    """What the tables are made from: silver as known at `as_of`, and what several of them derive from it."""

    as_of: date
    conversations: DataFrame
    lesson_progress: DataFrame
    attempts: DataFrame
    levels: DataFrame
    activity: DataFrame
    levels_known: DataFrame


TABLES: dict[Contract, Callable[[Known], DataFrame]] = {
    DAILY_METRICS: lambda known: daily_metrics(known.conversations, known.activity),
    LESSON_EFFECTIVENESS: lambda known: lesson_effectiveness(known.lesson_progress, known.attempts),
    CEFR_FUNNEL: lambda known: cefr_funnel(known.levels, known.attempts),
    TOPIC_ENGAGEMENT: lambda known: topic_engagement(known.conversations, known.as_of),
    LEARNING_VELOCITY: lambda known: learning_velocity(known.levels_known, known.activity, known.as_of),
    LEVEL_DURATIONS: lambda known: level_durations(known.levels_known, known.as_of),
    COHORT_RETENTION: lambda known: cohort_retention(known.activity, known.as_of),
}


def settled(frame: DataFrame, contract: Contract) -> DataFrame:
    """The contract's columns, DOUBLE ones rounded to DECIMALS places."""
    doubles = {c.name: F.round(c.name, DECIMALS) for c in contract.columns if c.type == "DOUBLE"}
    made = contract.conform(frame)
    return made.withColumns(doubles) if doubles else made


def run(run: Run, as_of: date) -> None:
    """Make every table of TABLES as of `as_of` from silver, gate them, and publish all or none.

    Raises:
        RadarError: when silver is not there yet.
        GateFailed: when a table fails its contract.
    """
    known = _known(run.lake, as_of)
    with run.step("gold") as step:
        step.stage_all({contract: settled(make(known), contract) for contract, make in TABLES.items()})
        step.publish()
        written = sum(step.rows[contract.name]["written"] for contract in TABLES)
        step.message = f"{len(TABLES)} tables, {count(written, 'row')}"


def _known(lake: Lake, as_of: date) -> Known:
    conversations = lake.table("silver.conversations")
    progress = as_known.lesson_progress(lake.table("silver.lesson_progress"), as_of)
    attempts = as_known.assessment_attempts(lake.table("silver.assessment_attempts"), as_of)
    levels = as_known.student_levels(lake.table("silver.student_levels"), as_of)
    return Known(
        as_of=as_of,
        conversations=as_known.conversations(conversations, lake.table("silver.messages"), as_of),
        lesson_progress=progress,
        attempts=attempts,
        levels=levels,
        activity=activity(as_known.begun(conversations, as_of), progress, attempts),
        levels_known=levels_known(levels, attempts),
    )
