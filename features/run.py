"""The features step: every Monday and the as-of date, from what was known then."""

from __future__ import annotations

from datetime import date

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from features import student_activity, student_labels, student_learning, student_progress, student_rhythm
from features.days import as_of_dates, dates_frame, first_days, grid, known_days, student_days
from lakehouse.cli import Run

CONTRACTS = (
    student_activity.CONTRACT, student_learning.CONTRACT, student_rhythm.CONTRACT, student_progress.CONTRACT,
    student_labels.CONTRACT,
)  # fmt: skip


def run(run: Run, as_of: date) -> None:
    """Write the feature tables and labels for every Monday up to `as_of`, and for `as_of`.

    Raises:
        RadarError: when silver is missing.
        GateFailed: when a table breaks its contract.
    """
    lake = run.lake
    with run.step("features") as step:
        days = step.scratch("student_days", student_days(lake.table("silver.learning_events")))
        first = days.selectExpr("min(day)").collect()[0][0]
        dates = as_of_dates(first, as_of)
        asked = dates_frame(lake.spark, dates)
        known = step.scratch("known_days", known_days(days, asked))
        labels = student_labels.student_labels(days, known, as_of)
        if lake.exists(student_labels.CONTRACT.name):
            published = lake.table(student_labels.CONTRACT.name)
            labels = _with_days_asked_before(labels, published, days, dates, as_of)
        firsts = first_days(days, asked)
        step.stage_all(
            {
                student_activity.CONTRACT: student_activity.student_activity(known, firsts),
                student_learning.CONTRACT: student_learning.student_learning(known, grid(known)),
                student_rhythm.CONTRACT: student_rhythm.student_rhythm(known),
                student_progress.CONTRACT: student_progress.student_progress(known, firsts),
                student_labels.CONTRACT: labels,
            }
        )
        rows = step.staged(student_labels.CONTRACT).count()
        step.publish()
        step.message = f"{rows:,} students and days, {len(dates)} as-of dates from {dates[0]} to {as_of}"


def _with_days_asked_before(
    labels: DataFrame, published: DataFrame, days: DataFrame, dates: list[date], as_of: date
) -> DataFrame:
    """Labels with those of earlier scoring dates that are no Mondays, whose outcomes mature too."""
    asked = published.where(F.col("as_of") < F.lit(as_of)).select("as_of").distinct()
    others = [row.as_of for row in asked.collect() if row.as_of not in dates]
    if others:
        before = known_days(days, dates_frame(days.sparkSession, others))
        labels = labels.unionByName(student_labels.student_labels(days, before, as_of))
    return student_labels.keep_frozen(labels, published)
