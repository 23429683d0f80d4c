"""Reads the lake for the dashboard: Spark counts, and what comes back is small.

Whatever table is missing gives an empty frame, so that the page can say what makes it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from typing import Any

import pandas as pd
from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from features.student_labels import HORIZON_DAYS, MATURITY_DAYS
from lakehouse.lake import Lake
from monitoring.dashboard.frames import COLUMNS, Frames, empty
from monitoring.dashboard.segments import TRAITS

WORKERS = 3
KNOWN_AT_ONCE = ("mean_risk", "students")
"""Metrics of model health that need no outcome."""
ACTIVE_EVENTS = ("conversation", "lesson_started", "lesson_completed", "attempt")


def collect(lake: Lake, as_of: date) -> Frames:
    """Everything that the page shows, as of `as_of`."""
    with ThreadPoolExecutor(WORKERS) as pool:
        reads = {name: pool.submit(_read, lake, as_of, name) for name in COLUMNS}
        return Frames(**{name: read.result() for name, read in reads.items()})


def of_day(table: DataFrame, as_of: date) -> DataFrame:
    """The rows written for that very day."""
    return table.where(F.col("as_of") == F.lit(as_of))


def newest_day(table: DataFrame, as_of: date) -> DataFrame:
    """The rows of the newest day up to `as_of`."""
    past = table.where(F.col("as_of") <= F.lit(as_of))
    return past.join(past.agg(F.max("as_of").alias("as_of")), "as_of")


def activity(events: DataFrame, as_of: date) -> DataFrame:
    """What made a day active, as known at `as_of`: student_id, language, activity_date."""
    day = F.lit(as_of)
    known = (F.col("event_at") < day) & (F.col("known_at") <= day)
    open_then = F.col("superseded_at").isNull() | (F.col("superseded_at") > day)
    acts = events.where(F.col("event_type").isin(*ACTIVE_EVENTS) & known & open_then)
    return acts.select("student_id", "language", F.to_date("event_at").alias("activity_date"))


def students(events: DataFrame, as_of: date) -> DataFrame:
    """One row: distinct students ever, in windows before `as_of`, inactive, and new."""
    each = activity(events, as_of).groupBy("student_id").agg(
        F.min("activity_date").alias("first_day"),
        F.max("activity_date").alias("last_day"),
        F.bool_or(F.col("activity_date").between(_back(as_of, 14), _back(as_of, 8))).alias("week_before"),
    )  # fmt: skip
    since = F.col("last_day")
    return each.agg(
        F.count("*").alias("students"),
        F.count_if(since >= _back(as_of, 7)).alias("active_7"),
        F.count_if("week_before").alias("active_7_before"),
        F.count_if(since >= _back(as_of, HORIZON_DAYS)).alias("active_14"),
        F.count_if(since >= _back(as_of, 28)).alias("active_28"),
        F.count_if(since < _back(as_of, HORIZON_DAYS)).alias("inactive"),
        F.count_if(F.col("first_day") >= _back(as_of, 28)).alias("new_28"),
    ).where("students > 0")


def daily(events: DataFrame, as_of: date) -> DataFrame:
    """Distinct active students a day, whatever the language."""
    days = activity(events, as_of).groupBy("activity_date")
    return days.agg(F.count_distinct("student_id").alias("active_students")).orderBy("activity_date")


def languages(events: DataFrame, as_of: date) -> DataFrame:
    """Distinct students a language: ever active, and in the last 28 days."""
    recent = F.when(F.col("activity_date") >= _back(as_of, 28), F.col("student_id"))
    acts = activity(events, as_of).where("language IS NOT NULL")
    return acts.groupBy("language").agg(
        F.count_distinct("student_id").alias("students"), F.count_distinct(recent).alias("active_28")
    )


def velocity(table: DataFrame, as_of: date) -> DataFrame:
    """Levels per 30 days by language: students with 14 days or more, mean, standard deviation, and who climbed."""
    return table.where("levels_per_30_days IS NOT NULL").groupBy("language").agg(
        F.count("*").alias("students"),
        F.avg("levels_per_30_days").alias("mean_velocity"),
        F.stddev_samp("levels_per_30_days").alias("sd_velocity"),
        F.count_if(F.col("levels_gained") > 0).alias("climbed"),
    )  # fmt: skip


def assessments(attempts: DataFrame, as_of: date) -> DataFrame:
    """Attempts handed in before `as_of`, by week and language."""
    done = attempts.where(_known("completed_at", as_of) & F.col("score").isNotNull())
    week = F.to_date(F.date_trunc("week", "completed_at")).alias("week")
    return done.groupBy(week, "language").agg(F.count("*").alias("attempts"), F.avg("score").alias("mean_score"))


def errors(conversations: DataFrame, as_of: date) -> DataFrame:
    """Mean error rate of the conversations begun before `as_of`, by level."""
    begun = conversations.where(_known("started_at", as_of) & F.col("cefr_level").isNotNull())
    return begun.groupBy("cefr_level").agg(
        F.count("*").alias("conversations"),
        F.count_distinct("student_id").alias("students"),
        F.avg("error_rate").alias("mean_error_rate"),
    )  # fmt: skip


def retention(table: DataFrame, as_of: date) -> DataFrame:
    """Cohort retention in the weeks that are over."""
    return table.where(F.date_add("cohort_week", 7 * (F.col("week_number") + 1)) <= F.lit(as_of))


def segments(table: DataFrame, as_of: date) -> DataFrame:
    """Students a segment on the day."""
    return of_day(table, as_of).groupBy("segment").agg(F.count("*").alias("students"))


def health(table: DataFrame, as_of: date) -> DataFrame:
    """Model health known at `as_of`: an outcome is known 17 days after its day."""
    mature = F.date_add("as_of", MATURITY_DAYS) <= F.lit(as_of)
    return table.where((F.col("as_of") <= F.lit(as_of)) & (mature | F.col("metric").isin(*KNOWN_AT_ONCE)))


def before(column: str) -> Callable[[DataFrame, date], DataFrame]:
    """The rows whose date in `column` lies before `as_of`."""
    return lambda table, as_of: table.where(F.col(column) < F.lit(as_of))


def whole(table: DataFrame, as_of: date) -> DataFrame:
    """Every row: the table itself is as of one day."""
    return table


READS: dict[str, tuple[str, Callable[[DataFrame, date], DataFrame]]] = {
    "at_risk": ("gold.at_risk_students", of_day),
    "students": ("silver.learning_events", students),
    "daily": ("silver.learning_events", daily),
    "metrics": ("gold.daily_metrics", before("activity_date")),
    "languages": ("silver.learning_events", languages),
    "funnel": ("gold.cefr_funnel", whole),
    "velocity": ("gold.learning_velocity", velocity),
    "durations": ("gold.level_durations", whole),
    "assessments": ("silver.assessment_attempts", assessments),
    "errors": ("silver.conversations", errors),
    "retention": ("gold.cohort_retention", retention),
    "lessons": ("gold.lesson_effectiveness", whole),
    "topics": ("gold.topic_engagement", whole),
    "segments": ("gold.student_segments", segments),
    "health": ("gold.model_health", health),
    "drift": ("gold.feature_drift", newest_day),
    "quality": ("gold.data_quality", newest_day),
}
"""Frame → its table, and what is taken from it; `traits` is made from three tables, below."""


def _read(lake: Lake, as_of: date, name: str) -> pd.DataFrame:
    if name == "traits":
        return _traits(lake, as_of)
    table, take = READS[name]
    if not lake.exists(table):
        return empty(name)
    return take(lake.table(table), as_of).select(*COLUMNS[name]).toPandas()


def _traits(lake: Lake, as_of: date) -> pd.DataFrame:
    features = ("features.student_activity", "features.student_learning")
    found = [of_day(lake.table(name), as_of) for name in features if lake.exists(name)]
    if not found or not lake.exists("gold.student_segments"):
        return empty("traits")
    joined = of_day(lake.table("gold.student_segments"), as_of).select("student_id", "segment")
    for table in found:
        joined = joined.join(table.select("student_id", *_traits_in(table.columns)), "student_id", "left")
    names = _traits_in(joined.columns)
    if not names:
        return empty("traits")
    means = [F.avg(name).alias(name) for name in names]
    spreads = [F.stddev_pop(name).alias(f"sd_{name}") for name in names]
    rows = joined.groupBy("segment").agg(*means).toPandas()
    return traits_long(rows, joined.agg(*means, *spreads).toPandas(), names)


def traits_long(by_segment: pd.DataFrame, overall: pd.DataFrame, names: list[str]) -> pd.DataFrame:
    """A row a segment and trait: its mean, and mean and standard deviation over all students."""
    rows: list[tuple[Any, ...]] = [
        (row["segment"], name, row[name], overall[name].iloc[0], overall[f"sd_{name}"].iloc[0])
        for name in names
        for row in by_segment.to_dict("records")
        if pd.notna(row[name])
    ]
    return pd.DataFrame(rows, columns=list(COLUMNS["traits"]))


def _traits_in(columns: Iterable[str]) -> list[str]:
    present = set(columns)
    return [name for name in TRAITS if name in present]


def _known(event: str, as_of: date) -> Column:
    return (F.col(event) < F.lit(as_of)) & (F.col("known_at") <= F.lit(as_of))


def _back(as_of: date, days: int) -> Column:
    return F.date_sub(F.lit(as_of), days)
