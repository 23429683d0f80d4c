"""features.student_rhythm: the present silence and effort beside the student's own past and the platform's."""

from __future__ import annotations

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

from features.days import RECENT_DAYS, sum_between
from features.feature_view import FeatureView
from lakehouse.contracts import Contract, Publish, between, columns, not_null, rows

CONTRACT = Contract(
    "features.student_rhythm",
    "Breaks in a student's own rhythm and beside the platform, as known at midnight of as_of.",
    columns("""
        student_id | STRING NOT NULL | who
        as_of | DATE NOT NULL | the day asked about, midnight UTC
        silence_percentile | DOUBLE | share of own gaps shorter than the present silence, drawn to 0.5 by one
        silence_over_long_gap | DOUBLE | present silence over the own 90th percentile gap drawn half to 14 days
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
)


def student_rhythm(known: DataFrame) -> DataFrame:
    """The feature group.

    Args:
        known: from `days.known_days`.

    Returns:
        The contract's columns, a row per student and as-of with an active day in the 180 days before.
    """
    per = known.groupBy("student_id", "as_of").agg(
        F.sort_array(F.collect_set(F.when(F.col("active"), F.col("ago")))).alias("_agos"),
        sum_between("messages", 1, 14).alias("_messages"), sum_between("messages", 15, 98).alias("_messages_before"),
        sum_between("conversations", 1, 14).alias("_talks"),
        sum_between("conversations", 15, 98).alias("_talks_before"),
    )  # fmt: skip
    gaps = "sort_array(transform(slice(_agos, 2, size(_agos)), (ago, i) -> ago - _agos[i]))"
    present = per.where("size(_agos) > 0").withColumns(
        {"_silence": F.expr("_agos[0]"), "_oldest": F.array_max("_agos"), "_gaps": F.expr(gaps)}
    )
    own = present.withColumns(_silence() | _absences() | _decay() | _streak() | _session())
    return _beside_the_platform(_trend(own))


def _silence() -> dict[str, Column]:
    """Five days of silence are nothing for one student and unheard of for another.

    So the silence is told by the student's own gaps: how unusual it is, how far beyond their long gaps, and from how
    many such they came back. A silence over a weekend that was always free costs no active day and is no alarm;
    missed_days counts for each silent day how often that weekday used to be active.
    """
    long_gap = "coalesce(get(_gaps, int(0.9D * (size(_gaps) - 1))), 14)"
    of_its_weekday = "int((_silence + 5 - (ago - 1) % 7) / 7)"
    counted = f"aggregate(filter(_agos, ago -> ago < _silence + 84), 0, (sum, ago) -> sum + {of_its_weekday})"
    weeks = "least(12, ceil((_oldest - _silence + 1) / 7D))"
    return {
        "silence_percentile": F.expr("(size(filter(_gaps, gap -> gap < _silence)) + 0.5D) / (size(_gaps) + 1)"),
        "silence_over_long_gap": F.expr(f"_silence / (({long_gap} + 14) / 2D)"),
        "missed_days": F.expr(f"{counted} / cast({weeks} AS DOUBLE)"),
        "returns_from_silence": F.expr("size(filter(_gaps, gap -> gap >= _silence))"),
    }


def _absences() -> dict[str, Column]:
    """Who has been away for a fortnight before is likely to be away for one again, however busy the last week was."""
    away = "aggregate(_gaps, 0, (sum, gap) -> sum + greatest(0, gap - 14))"
    return {"silent_fortnights": F.expr(f"try_divide({away}, _oldest - _silence)")}


def _decay() -> dict[str, Column]:
    """Windows forget a day overnight and treat all others alike; habits fade. A week's and a month's memory."""
    faded = "aggregate(_agos, 0D, (sum, ago) -> sum + pow(0.5D, ago / {}D))"
    return {name: F.expr(faded.format(days)) for name, days in (("decayed_7", 7), ("_decayed_28", 28))}


def _streak() -> dict[str, Column]:
    """A long run of weeks that has just broken is a habit lost; a student who never had one loses nothing."""
    weeks = "transform(sequence(0, 25), week -> exists(_agos, ago -> ago > 7 * week AND ago <= 7 * week + 7))"
    run = "if(active, state.run + 1, 0)"
    longest = (
        f"aggregate({weeks}, named_struct('run', 0, 'best', 0), (state, active) -> "
        f"named_struct('run', {run}, 'best', greatest(state.best, {run})), state -> state.best)"
    )
    lasting = f"coalesce(nullif(array_position({weeks}, false), 0) - 1, 26)"
    return {"streak_lost": F.expr(f"{longest} - {lasting}")}


def _session() -> dict[str, Column]:
    """Before they stay away, students come for less: sessions grow shorter while the days still count as active."""
    return {
        "session_change": F.expr(
            "ln((1 + try_divide(_messages, _talks)) / (1 + try_divide(_messages_before, _talks_before)))"
        )
    }


def _trend(own: DataFrame) -> DataFrame:
    """Half the usual activity alarms in a steady student and is noise in an erratic one: hence own deviations.

    The fortnights before are counted from the first known active day, so that a beginner is not held against weeks in
    which they had not begun.
    """
    fortnights = "sequence(1, int(least(6, ceil((_oldest - 14) / 14D))))"
    days = "n -> size(filter(_agos, ago -> ago > 14 * n AND ago <= 14 * n + 14))"
    counted = own.withColumns(
        {
            "_now": F.expr("size(filter(_agos, ago -> ago <= 14))"),
            "_fortnights": F.expr(f"if(_oldest > 14, transform({fortnights}, {days}), null)"),
        }
    )
    mean = "aggregate(_fortnights, 0D, (sum, n) -> sum + n) / size(_fortnights)"
    squares = "aggregate(_fortnights, 0D, (sum, n) -> sum + pow(n - _before, 2))"
    return counted.withColumn("_before", F.expr(mean)).withColumn(
        "trend_break", F.expr(f"(_now - _before) / (1 + sqrt({squares} / size(_fortnights)))")
    )


def _beside_the_platform(own: DataFrame) -> DataFrame:
    """When everybody rests, nobody has left: a holiday lowers the platform's mean as it lowers the student's count.

    The rank says where the student stands whatever the season; platform_lost, the share that the last fortnight took,
    is the season itself.
    """
    recent = F.col("_silence") <= RECENT_DAYS
    then = F.exists("_agos", lambda ago: ago.between(15, 28))
    season = own.groupBy("as_of").agg(
        F.avg(F.when(recent, F.col("_now"))).alias("_mean"),
        F.round(F.avg(F.when(recent, F.col("_before"))), 6).alias("_mean_before"),
        F.avg(F.when(then, (F.col("_silence") > 14).cast("int"))).alias("platform_lost"),
    )
    rank = F.percent_rank().over(Window.partitionBy("as_of", recent).orderBy("_decayed_28"))
    ranked = own.withColumn("activity_rank", F.when(recent, rank))
    change = "ln((1 + _now) / (1 + _mean)) - ln((1 + _before) / (1 + _mean_before))"
    return ranked.join(F.broadcast(season), "as_of").withColumn("platform_break", F.expr(change))


VIEW = FeatureView(CONTRACT, lambda known: student_rhythm(known.days))
