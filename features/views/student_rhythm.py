"""features.student_rhythm: the present silence and effort beside the student's own past and the platform's."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from pyspark.sql import DataFrame, Window
from pyspark.sql import functions as F

from features.active_days import Lists, Numbers, lasting_weeks, longest_weeks, with_told
from features.days import RECENT_DAYS, sum_between
from features.feature_view import FeatureView
from lakehouse.contracts import Contract, Publish, between, columns, not_null, rows

CONTRACT = Contract(
    "features.student_rhythm",
    "Breaks in a student's own rhythm and beside the platform, as known at midnight of as_of.",
    columns("""
        student_id | STRING NOT NULL | who
        as_of | DATE NOT NULL | the day asked about, midnight UTC
        silence_percentile | DOUBLE | (own gaps shorter than the present silence + 0.5) over (own gaps + 1)
        silence_over_long_gap | DOUBLE | silence over the mean of 14 and the own 90th percentile gap (14 for none)
        missed_days | DOUBLE | active days that the silence cost, by the own weekdays of the 12 weeks before it
        returns_from_silence | INT | own gaps of 180 days at least as long as the present silence
        silent_fortnights | DOUBLE | share of past days that 14 silent days followed; null under two active days
        decayed_7 | DOUBLE | active days, an older one counting half as much for every 7 days
        trend_break | DOUBLE | active days of 14 days less the mean of six fortnights before, over 1 + their deviation
        streak_lost | INT | longest run of weeks with an active day in 180 days less the run that lasts
        session_change | DOUBLE | log ratio of 1 + messages a conversation in 14 days to the 84 days before
        activity_rank | DOUBLE | rank by faded active days among students active in 28 days, 0 to 1; null for others
        platform_break | DOUBLE | log ratio of active days of 14 days to the platform's mean, less that before
        platform_lost | DOUBLE | share of students active 15 to 28 days ago who were silent in the 14 days since
    """),
    key=("student_id", "as_of"),
    expectations=(
        rows(1),
        not_null("silence_percentile"),
        between("silence_percentile", 0, 1),
        between("silent_fortnights", 0, 1),
        between("missed_days", 0, None),
        between("returns_from_silence", 0, None),
        between("streak_lost", 0, 26),
        between("activity_rank", 0, 1),
        between("platform_lost", 0, 1),
    ),
    publish=Publish.REPLACE_AS_OF,
    timeseries="as_of",
    clustered="as_of",
)


def student_rhythm(known: DataFrame, students: DataFrame) -> DataFrame:
    """The present silence and the last weeks beside the student's own rhythm.

    Args:
        known: from `days.known_days`.
        students: from `days.students_at`.

    Returns:
        The contract's columns, one row for each of the students.
    """
    return _beside_the_platform(_session(with_told(students, TOLD, _told), known))


TOLD = {
    **dict.fromkeys(("silence_percentile", "silence_over_long_gap", "missed_days", "silent_fortnights"), "double"),
    **dict.fromkeys(("decayed_7", "trend_break", "_decayed_28", "_before"), "double"),
    **dict.fromkeys(("returns_from_silence", "streak_lost", "_silence", "_now", "_then"), "int"),
}
"""What is told from the active days: `_silence`, active days of the fortnight (`_now`), of the one before it (`_then`),
and the mean of six fortnights before (`_before`).
"""


def _told(agos: Lists) -> Mapping[str, Numbers]:
    with np.errstate(invalid="ignore", divide="ignore"):
        return {**_silence(agos), **_absences(agos), **_decay(agos), **_streak(agos), **_trend(agos)}


def _silence(agos: Lists) -> Mapping[str, Numbers]:
    """Five days of silence are nothing for one student and unheard of for another.

    So the silence is told by the student's own gaps: how unusual it is, how far beyond their long gaps, and from how
    many such they came back. A silence over a weekend that was always free costs no active day and is no alarm;
    missed_days counts for each silent day how often that weekday used to be active.
    """
    silence, gaps = agos.at(0), agos.gaps
    shorter = gaps.total(gaps.values < silence[gaps.row])
    long_gap = gaps.at((0.9 * (gaps.lengths - 1)).astype(int))
    of_its_weekday = (silence[agos.row] + 5 - (agos.values - 1) % 7) // 7
    missed = agos.total(np.where(agos.values < silence[agos.row] + 84, of_its_weekday, 0))
    return {
        "_silence": silence,
        "silence_percentile": (shorter + 0.5) / agos.lengths,
        "silence_over_long_gap": silence / ((np.where(gaps.lengths > 0, long_gap, 14) + 14) / 2),
        "missed_days": missed / np.minimum(12, np.ceil((agos.at(-1) - silence + 1) / 7)),
        "returns_from_silence": gaps.lengths - shorter,
    }


def _absences(agos: Lists) -> Mapping[str, Numbers]:
    """Who has been away for a fortnight before is likely to be away for one again, however busy the last week was."""
    away = agos.gaps.total(np.maximum(0, agos.gaps.values - 14))
    return {"silent_fortnights": away / (agos.at(-1) - agos.at(0))}


def _decay(agos: Lists) -> Mapping[str, Numbers]:
    """Windows forget a day overnight and treat all others alike; habits fade. A week's and a month's memory."""
    return {
        name: agos.total(0.5 ** (agos.values / days)) for name, days in (("decayed_7", 7), ("_decayed_28", 28))
    }  # fmt: skip


def _streak(agos: Lists) -> Mapping[str, Numbers]:
    """A long run of weeks that has just broken is a habit lost; a student who never had one loses nothing."""
    return {"streak_lost": longest_weeks(agos) - lasting_weeks(agos)}


def _trend(agos: Lists) -> Mapping[str, Numbers]:
    """Half the usual activity alarms in a steady student and is noise in an erratic one: hence own deviations.

    The fortnights before are counted from the first known active day, so that a beginner is not held against weeks in
    which they had not begun.
    """
    fortnights = agos.spans(14, 7)
    now, before = fortnights[:, 0], fortnights[:, 1:]
    count = np.clip(np.ceil((agos.at(-1) - 14) / 14), 0, 6)
    begun = np.arange(6) < count[:, None]
    mean = np.where(begun, before, 0).sum(axis=1) / count
    spread = np.sqrt(np.where(begun, (before - mean[:, None]) ** 2, 0).sum(axis=1) / count)
    return {"_now": now, "_then": before[:, 0], "_before": mean, "trend_break": (now - mean) / (1 + spread)}


def _session(own: DataFrame, known: DataFrame) -> DataFrame:
    """Before they stay away, students come for less: sessions grow shorter while the days still count as active."""
    sums = known.groupBy("student_id", "as_of").agg(
        sum_between("messages", 1, 14).alias("_messages"), sum_between("messages", 15, 98).alias("_messages_before"),
        sum_between("conversations", 1, 14).alias("_talks"),
        sum_between("conversations", 15, 98).alias("_talks_before"),
    )  # fmt: skip
    change = "ln((1 + try_divide(_messages, _talks)) / (1 + try_divide(_messages_before, _talks_before)))"
    return own.join(sums, ["student_id", "as_of"]).withColumn("session_change", F.expr(change))


def _beside_the_platform(own: DataFrame) -> DataFrame:
    """When everybody rests, nobody has left: a holiday lowers the platform's mean as it lowers the student's count.

    The rank says where the student stands whatever the season; platform_lost, the share that the last fortnight took,
    is the season itself.
    """
    recent = F.col("_silence") <= RECENT_DAYS
    platform = Window.partitionBy("as_of")
    rank = F.percent_rank().over(Window.partitionBy("as_of", recent).orderBy("_decayed_28"))
    season = {
        "_mean": F.avg(F.when(recent, F.col("_now"))),
        "_mean_before": F.avg(F.when(recent, F.col("_before"))),
        "platform_lost": F.avg(F.when(F.col("_then") > 0, (F.col("_silence") > 14).cast("int"))),
    }
    ranked = own.withColumn("activity_rank", F.when(recent, rank))
    compared = ranked.withColumns({name: value.over(platform) for name, value in season.items()})
    change = "ln((1 + _now) / (1 + _mean)) - ln((1 + _before) / (1 + round(_mean_before, 6)))"
    return compared.withColumn("platform_break", F.expr(change))


VIEW = FeatureView(CONTRACT, lambda known: student_rhythm(known.days, known.students))
