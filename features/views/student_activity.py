"""features.student_activity: how often, how regularly and how recently a student practises."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

from features.active_days import Lists, Numbers, lasting_weeks, median, with_told
from features.days import LOOKBACK_DAYS, open_tenure, sum_between, total
from features.feature_view import FeatureView
from lakehouse.contracts import Contract, Publish, between, columns, not_null, rows

CONTRACT = Contract(
    "features.student_activity",
    "Rhythm and effort of a student as known at midnight of as_of.",
    columns("""
        student_id | STRING NOT NULL | who
        as_of | DATE NOT NULL | the day asked about, midnight UTC
        days_since_active | INT | days since the last active day, 1 for yesterday
        active_days_7 | INT | active days in the 7 days before
        active_days_14 | INT | active days in the 14 days before
        active_days_28 | INT | active days in the 28 days before
        active_days_180 | INT | active days in the 180 days before
        active_share | DOUBLE | active_days_180 over the open days since the first active day, 14 to 180 of them
        conversations_7 | INT | conversations in the 7 days before
        conversations_14 | INT | conversations in the 14 days before
        conversations_28 | INT | conversations in the 28 days before
        messages_7 | INT | student's messages in the 7 days before
        messages_14 | INT | student's messages in the 14 days before
        messages_28 | INT | student's messages in the 28 days before
        minutes_7 | DOUBLE | minutes in conversations in the 7 days before
        minutes_14 | DOUBLE | minutes in conversations in the 14 days before
        minutes_28 | DOUBLE | minutes in conversations in the 28 days before
        usual_gap | DOUBLE | median days between active days in the 180 days before; null under two active days
        longest_gap | INT | longest of those gaps
        gap_ratio | DOUBLE | days_since_active over the mean of 7 and usual_gap (7 for none)
        activity_trend | DOUBLE | active days in the last 14 days less those in the 14 before
        message_trend | DOUBLE | log ratio of (1 + messages_14) to (1 + messages of the 14 days before)
        weekly_rhythm | DOUBLE | share of the open weeks since the first active day (at most 12) with an active day
        streak_weeks | INT | consecutive weeks with an active day, counted back from as_of
        tenure_days | INT | days since the first active day
        platform_active_7 | INT | students of the whole platform active in the 7 days before
        platform_trend | DOUBLE | log ratio of (1 + platform_active_7) to (1 + those of the 7 days before)
        effort_share | DOUBLE | messages_7 less the platform's mean among students active in the last 28 days
    """),
    key=("student_id", "as_of"),
    expectations=(
        rows(1),
        not_null("days_since_active"),
        between("days_since_active", 1, LOOKBACK_DAYS),
        between("active_days_7", 0, 7),
        between("active_days_28", 0, 28),
        between("tenure_days", 1, None),
        between("active_share", 0, 1),
        between("weekly_rhythm", 0, 1),
        between("usual_gap", 1, LOOKBACK_DAYS),
    ),
    publish=Publish.REPLACE_AS_OF,
    timeseries="as_of",
    clustered="as_of",
)


def student_activity(known: DataFrame, students: DataFrame) -> DataFrame:
    """How much a student practises, how lately, and beside their own habit and the platform's.

    Args:
        known: from `days.known_days`.
        students: from `days.students_at`.

    Returns:
        The contract's columns, one row for each of the students.
    """
    sums = known.groupBy("student_id", "as_of").agg(
        *[total(name, days) for name in ("conversations", "messages", "minutes") for days in (7, 14, 28)],
        sum_between("messages", 15, 28).alias("_messages_before"),
    )
    rhythm = with_told(students, TOLD, _told).join(sums, ["student_id", "as_of"]).withColumns(
        {
            "tenure_days": F.date_diff("as_of", "first_day"),
            "_open_tenure": open_tenure(),
            "message_trend": _log_ratio("messages_14", "_messages_before"),
            "gap_ratio": F.expr("days_since_active / ((coalesce(usual_gap, 7) + 7) / 2)"),
            "activity_trend": F.expr("2 * active_days_14 - active_days_28"),
        }
    ).withColumns(
        {
            "active_share": F.expr("active_days_180 / greatest(14D, _open_tenure)"),
            "weekly_rhythm": F.expr("_active_weeks / cast(least(12, ceil(_open_tenure / 7D)) AS DOUBLE)"),
        }
    )  # fmt: skip
    return _beside_the_platform(rhythm)


TOLD = {
    **{f"active_days_{days}": "int" for days in (7, 14, 28, 180)},
    "days_since_active": "int", "usual_gap": "double", "longest_gap": "int", "streak_weeks": "int",
    "_active_before": "int", "_active_weeks": "int",
}  # fmt: skip
"""What is told from the active days; `_active_before` is those 8 to 14 days ago, `_active_weeks` of the last twelve."""


def _told(agos: Lists) -> Mapping[str, Numbers]:
    gaps = agos.gaps
    counts = {days: agos.total(agos.values <= days) for days in (7, 14, 28, 180)}
    return {
        **{f"active_days_{days}": count for days, count in counts.items()},
        "days_since_active": agos.at(0),
        "usual_gap": median(gaps),
        "longest_gap": gaps.at(-1),
        "streak_weeks": lasting_weeks(agos),
        "_active_before": counts[14] - counts[7],
        "_active_weeks": np.count_nonzero(agos.spans(7, 12), axis=1),
    }


def _beside_the_platform(rhythm: DataFrame) -> DataFrame:
    platform = Window.partitionBy("as_of")
    season = {
        "platform_active_7": F.count_if(F.col("active_days_7") > 0),
        "_platform_before": F.count_if(F.col("_active_before") > 0),
        "_mean_messages": F.avg(F.when(F.col("active_days_28") > 0, F.col("messages_7"))),
    }
    return rhythm.withColumns({name: value.over(platform) for name, value in season.items()}).withColumns(
        {
            "platform_trend": _log_ratio("platform_active_7", "_platform_before"),
            "effort_share": F.col("messages_7") - F.coalesce("_mean_messages", F.lit(0.0)),
        }
    )


def _log_ratio(now: str, before: str) -> Column:
    return F.log((1 + F.col(now)) / (1 + F.col(before)))


VIEW = FeatureView(CONTRACT, lambda known: student_activity(known.days, known.students))
