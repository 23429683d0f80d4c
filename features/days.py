"""What the lake knew of each student's days: the one frame that every feature group and the labels start from."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from datetime import date, timedelta

from pyspark.sql import Column, DataFrame, SparkSession, Window
from pyspark.sql import functions as F

from lakehouse.levels import LEVELS as LEVELS

LOOKBACK_DAYS = 180
RECENT_DAYS = 28
"""Who has been silent for longer counts as gone: in no mean or rank of the platform, and in no segment's making."""
COUNTED = (
    "conversations", "messages", "messages_with_errors", "grammar_errors", "vocabulary_errors", "spelling_errors",
    "minutes", "lessons_started", "lessons_completed", "attempts",
)  # fmt: skip
PLACES = 2**26
"""How many events of one microsecond can be told apart."""
ACTIVE_EVENTS = ("conversation", "lesson_started", "lesson_completed", "attempt")


def as_of_dates(first_event: date, as_of: date) -> list[date]:
    """Every Monday after the first event up to `as_of`, and `as_of` itself."""
    monday = first_event + timedelta(days=7 - first_event.weekday())
    mondays = [monday + timedelta(weeks=n) for n in range((as_of - monday).days // 7 + 1)]
    return sorted({*mondays, as_of})


def known_at(as_of: date) -> Column:
    """Whether an event of silver.learning_events lies before a day, was known by then and was not corrected by then."""
    day = F.lit(as_of).cast("timestamp")
    stands = F.col("superseded_at").isNull() | (F.col("superseded_at") > day)
    return (F.col("event_at") < day) & (F.col("known_at") <= day) & stands


def student_days(events: DataFrame) -> DataFrame:
    """One row a student, UTC day and span of knowledge.

    Args:
        events: silver.learning_events.

    Returns:
        student_id, day; `from_date` (first as-of that may use the row: after the day, not before it was known) and
        `until_date` (first as-of that may not, null for never); `active` (an active day); sums of conversations,
        messages, messages_with_errors, their errors by type, minutes, lessons_started, lessons_completed, attempts;
        score_sum, scores, mastery_sum and masteries (sums and how many); last_score, level_index (1 for A1 to 6 for
        C2) and `language` (a hash) of the latest event that has one, with that event's place in the day: score_place,
        level_place and language_place, see `_place`; and `split`: whether the student's day has rows of several spans.
    """
    day = F.to_date("event_at")
    level = F.array_position(F.array(*map(F.lit, LEVELS)), F.col("cefr_level"))
    # By student from here on: the sums, the spans and the files that every view reads need no further shuffle for it.
    of_students = events.where("event_type <> 'lesson_accessed'").repartition("student_id")
    dated = of_students.withColumns(
        {
            "day": day,
            "from_date": known_from(),
            "until_date": known_until(),
            "_level": F.when(level > 0, level),
        }
    )

    def of(kind: str, value: Column | None = None) -> Column:
        return F.when(F.col("event_type") == kind, F.lit(1) if value is None else value)

    def total(kind: str, value: Column | None = None) -> Column:
        return F.coalesce(F.sum(of(kind, value)), F.lit(0))

    scored = _place(of("attempt", F.col("score")) * (PLACES // 101))
    levelled = _place(F.col("_level") + F.when(F.col("event_type") == "level", 8).otherwise(0))
    spoken = _place(F.pmod(language_hash(F.col("language")), F.lit(PLACES)))
    grouped = dated.groupBy("student_id", "day", "from_date", "until_date").agg(
        F.max(F.col("event_type").isin(*ACTIVE_EVENTS)).alias("active"),
        total("conversation").alias("conversations"),
        total("message", F.col("messages")).alias("messages"),
        total("message", F.col("messages_with_errors")).alias("messages_with_errors"),
        total("message", F.col("grammar_errors")).alias("grammar_errors"),
        total("message", F.col("vocabulary_errors")).alias("vocabulary_errors"),
        total("message", F.col("spelling_errors")).alias("spelling_errors"),
        total("message", summable(F.col("minutes"))).alias("minutes"),
        total("lesson_started").alias("lessons_started"),
        total("lesson_completed").alias("lessons_completed"),
        total("attempt").alias("attempts"),
        F.sum(of("attempt", summable(F.col("score")))).alias("score_sum"),
        F.count(of("attempt", F.col("score"))).alias("scores"),
        F.max_by(of("attempt", F.col("score")), scored).alias("last_score"),
        F.max(scored).alias("score_place"),
        F.sum(of("lesson_completed", summable(F.col("mastery")))).alias("mastery_sum"),
        F.count(of("lesson_completed", F.col("mastery"))).alias("masteries"),
        F.max_by("_level", levelled).alias("level_index"),
        F.max(levelled).alias("level_place"),
        F.max_by(language_hash(F.col("language")), spoken).alias("language"),
        F.max(spoken).alias("language_place"),
    )
    spans = F.count("*").over(Window.partitionBy("student_id", "day"))
    return grouped.withColumn("split", spans > 1)


def known_days(days: DataFrame, dates: DataFrame) -> DataFrame:
    """Each student day beside every as-of that may use it and lies at most 180 days after it.

    Args:
        days: from `student_days`.
        dates: one column `as_of`, few rows.

    Returns:
        One row a student, as-of and day: the sums of `days`, `active`, last_score, level_index, language, the means
        score and mastery, with `as_of` and `ago` (days from the day to as_of, 1 for yesterday). What a later correction
        split into spans is one row again, as it was before it.
    """
    usable = (
        (F.col("as_of") >= F.col("from_date"))
        & (F.col("until_date").isNull() | (F.col("as_of") < F.col("until_date")))
        & (F.date_diff("as_of", "day") <= LOOKBACK_DAYS)
    )
    joined = days.join(F.broadcast(dates), usable).drop("from_date", "until_date")
    whole, parts = joined.where("NOT split"), joined.where("split")
    together = parts.groupBy("student_id", "as_of", "day").agg(
        F.max("active").alias("active"),
        *[F.sum(name).alias(name) for name in (*COUNTED, "score_sum", "scores", "mastery_sum", "masteries")],
        F.max_by("last_score", "score_place").alias("last_score"),
        F.max_by("level_index", "level_place").alias("level_index"),
        F.max_by("language", "language_place").alias("language"),
    )
    known = whole.drop("split", "score_place", "level_place", "language_place").unionByName(together)
    sums = {"score": ("score_sum", "scores"), "mastery": ("mastery_sum", "masteries")}
    means = {name: summable(F.try_divide(*of)) for name, of in sums.items()}
    told = known.withColumns({"ago": F.date_diff("as_of", "day"), **means})
    return told.drop("score_sum", "scores", "mastery_sum", "masteries")


def students_at(known: DataFrame, firsts: DataFrame) -> DataFrame:
    """The students to write features for: who has an active day among the known ones.

    Args:
        known: from `known_days`.
        firsts: from `first_days`.

    Returns:
        student_id, as_of; `agos` (days back of the active days, nearest first), first_day, and closed_before, which
        is 0; see `closures.closed_before`.
    """
    active = known.where("active").groupBy("student_id", "as_of")
    days = active.agg(F.sort_array(F.collect_set("ago")).alias("agos"))
    return days.join(firsts, ["student_id", "as_of"]).withColumn("closed_before", F.lit(0))


def active_spans(events: DataFrame) -> DataFrame:
    """The active events of all time: student_id, day, from_date, until_date, as `student_days` has them."""
    active = events.where(F.col("event_type").isin(*ACTIVE_EVENTS))
    spans = {"day": F.to_date("event_at"), "from_date": known_from(), "until_date": known_until()}
    return active.withColumns(spans).select("student_id", *spans)


def first_days(spans: DataFrame, asked: Sequence[date]) -> DataFrame:
    """The first active day that was known at each as-of, however long ago: student_id, as_of, first_day.

    Args:
        spans: from `active_spans`.
        asked: the as-of dates, at least one.
    """
    lasting = F.col("until_date").isNull()
    earlier = Window.partitionBy("student_id", lasting).orderBy("from_date", "day").rowsBetween(
        Window.unboundedPreceding, -1
    )  # fmt: skip
    lowest = _between_dates(spans, asked).withColumn("_lowest", F.min("day").over(earlier))
    telling = lowest.where(~lasting | F.col("_lowest").isNull() | (F.col("day") < F.col("_lowest")))
    usable = (F.col("as_of") >= F.col("from_date")) & (lasting | (F.col("as_of") < F.col("until_date")))
    dates = F.broadcast(dates_frame(spans.sparkSession, asked))
    return telling.join(dates, usable).groupBy("student_id", "as_of").agg(F.min("day").alias("first_day"))


def _between_dates(spans: DataFrame, asked: Sequence[date]) -> DataFrame:
    """The first day of all spans that hold at the same asked dates: their bounds are moved on to the next of those."""
    dates = sorted(asked)
    first = dates[0]
    days = [first + timedelta(days=n) for n in range((dates[-1] - first).days + 1)]
    next_asked = spans.sparkSession.createDataFrame(
        [(day, dates[bisect_left(dates, day)]) for day in days], "day date, next date"
    )

    def moved(bound: str) -> DataFrame:
        return F.broadcast(next_asked.withColumnsRenamed({"day": bound, "next": f"_{bound}"}))

    alive = spans.where(F.col("until_date").isNull() | (F.col("until_date") > F.lit(first)))
    begun = alive.withColumn("from_date", F.greatest("from_date", F.lit(first))).join(moved("from_date"), "from_date")
    ended = begun.join(moved("until_date"), "until_date", "left")
    bounds = [F.col(f"_{bound}").alias(bound) for bound in ("from_date", "until_date")]
    return ended.groupBy("student_id", *bounds).agg(F.min("day").alias("day"))


def open_tenure() -> Column:
    """Days since the first active day, 180 at most, closed ones aside, of a frame from `students_at`; 1 at least."""
    tenure = F.least(F.lit(LOOKBACK_DAYS), F.date_diff("as_of", "first_day"))
    return F.greatest(F.lit(1), tenure - F.col("closed_before"))


def sum_between(name: str, nearest: int, farthest: int) -> Column:
    """The sum of a column of `known_days` over the days that lie so far back, both ends included."""
    return F.sum(F.when(F.col("ago").between(nearest, farthest), F.col(name)).otherwise(0))


def total(name: str, days: int) -> Column:
    """The sum of a column of `known_days` over so many days before as_of, called after both."""
    return sum_between(name, 1, days).alias(f"{name}_{days}")


def dates_frame(spark: SparkSession, dates: Sequence[date]) -> DataFrame:
    """The as-of dates as a frame of one column."""
    return spark.createDataFrame([(day,) for day in dates], "as_of date")


def _place(rank: Column) -> Column:
    """An event's place in its day, null where its rank is: by the time, and at the same moment by the rank, from 0 to
    under `PLACES`, so that which one is the latest does not hang on how rows lie in files.

    A level given at the moment of an attempt comes after the attempt's own, a better score after a worse one.
    """
    of_day = F.pmod(F.unix_micros("event_at"), F.lit(24 * 3600 * 10**6))
    return of_day * PLACES + rank.cast("bigint")


def summable(number: Column) -> Column:
    """A number to within a billionth, as a multiple of 1 / 2^30: sums of such are the same in whichever order rows lie,
    where sums of other doubles differ in their last digits.
    """
    return F.round(number * 2.0**30) / 2.0**30


def language_hash(language: Column) -> Column:
    """A language as a number: where a text is among what is summed up, Spark has to sort all rows first."""
    return F.xxhash64(language)


def known_from() -> Column:
    """The first as-of date that may use an event: after its day, and not before it was known."""
    return F.greatest(F.date_add(F.to_date("event_at"), 1), _midnight_after("known_at"))


def known_until() -> Column:
    """The first as-of date that may no longer use an event; null for never."""
    return _midnight_after("superseded_at")


def _midnight_after(column: str) -> Column:
    """The first date whose midnight is not before the moment."""
    day = F.to_date(column)
    return F.when(F.col(column) == day.cast("timestamp"), day).otherwise(F.date_add(day, 1))
