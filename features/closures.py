"""Closures: days on which nobody is expected, so that a school holiday is no silence and its outcome no dropout."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import date, timedelta

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from features.days import LOOKBACK_DAYS, language_hash
from features.student_labels import HORIZON_DAYS

CLOSURES = "silver.closures"
EVERYBODY = "all"


def closed_days(
    closures: DataFrame, dates: DataFrame, known_after_days: int = 0, horizon: int = HORIZON_DAYS
) -> DataFrame:  # fmt: skip
    """The days that were known at each as-of date, or so many days after it, to be closed, as far as they matter to it.

    Args:
        closures: silver.closures.
        dates: one column `as_of`, few rows.
        known_after_days: 0 for what features and scores may know; an outcome may know what was announced meanwhile.
        horizon: days looked ahead.

    Returns:
        as_of, language (its hash, or that of `all`) and closed, the array of days from 180 days before as_of to the
        end of the horizon.
    """
    first, last = F.date_sub("as_of", LOOKBACK_DAYS), F.date_add("as_of", horizon - 1)
    known = spells(closures).join(F.broadcast(dates), known_at_as_of(known_after_days))
    near = known.where((F.col("closed_to") >= first) & (F.col("closed_from") <= last))
    days = F.explode(F.sequence(F.greatest("closed_from", first), F.least("closed_to", last))).alias("day")
    of = language_hash(F.col("language")).alias("language")
    return near.select("as_of", of, days).groupBy("as_of", "language").agg(F.collect_set("day").alias("closed"))


def closed_dates(closures: DataFrame, as_of: date) -> dict[str, set[date]]:
    """The days before `as_of` that were known then to be closed, by language or `all`.

    Args:
        closures: silver.closures; few rows.
        as_of: the day.
    """
    known = spells(closures).withColumn("as_of", F.lit(as_of)).where(known_at_as_of())
    found: dict[str, set[date]] = {}
    for row in known.where("closed_from < as_of").select("language", "closed_from", "closed_to").collect():
        days = (min(row.closed_to, as_of - timedelta(days=1)) - row.closed_from).days + 1
        found.setdefault(row.language, set()).update(row.closed_from + timedelta(days=n) for n in range(days))
    return found


def by_all(closed: Mapping[str, set[date]], languages: Collection[str]) -> dict[str, set[date]]:
    """Closed days as if days that are closed for each of the languages were written as closed for `all`.

    Args:
        closed: from `closed_dates`.
        languages: those that are learnt.
    """
    each = [closed.get(language, set()) for language in languages]
    everybody = closed.get(EVERYBODY, set()).union(set.intersection(*each) if each else ())
    own = {language: days - everybody for language, days in closed.items() if language != EVERYBODY}
    return own | {EVERYBODY: everybody}


def spells(closures: DataFrame) -> DataFrame:
    """silver.closures; of a version from before it told what was replaced, as if nothing had been."""
    told = "superseded_at" in closures.columns
    return closures if told else closures.withColumn("superseded_at", F.lit(None).cast("timestamp"))


def known_at_as_of(days_after: int = 0) -> Column:
    """Whether a row of silver.closures was what was known at `as_of`, or so many days after it: a correction counts
    from its arrival on.
    """
    moment = F.date_add("as_of", days_after).cast("timestamp")
    return (F.col("known_at") <= moment) & (F.col("superseded_at").isNull() | (moment < F.col("superseded_at")))


def closed_for(known: DataFrame, closed: DataFrame) -> DataFrame:
    """The closed days of each student: everybody's and those of the language practised last.

    Args:
        known: from `days.known_days`.
        closed: from `closed_days`.

    Returns:
        student_id, as_of, closed; students without any are left out.
    """
    spoken = known.groupBy("student_id", "as_of").agg(
        F.max_by("language", F.when(F.col("language").isNotNull(), -F.col("ago"))).alias("_spoken")
    )
    theirs = F.broadcast(closed.withColumnRenamed("language", "_of"))
    everybodys = F.col("_of") == language_hash(F.lit(EVERYBODY))
    mine = spoken.join(theirs, "as_of").where(everybodys | (F.col("_of") == F.col("_spoken")))
    return mine.groupBy("student_id", "as_of").agg(
        F.array_distinct(F.flatten(F.collect_list("closed"))).alias("closed")
    )  # fmt: skip


def open_days(known: DataFrame, mine: DataFrame) -> DataFrame:
    """Known days whose `ago` counts open days alone: a closed day between a day and as_of makes it no older.

    Args:
        known: from `days.known_days`.
        mine: from `closed_for`.
    """
    between = F.expr("size(filter(closed, d -> d > day AND d < as_of))")
    ago = F.when(F.col("closed").isNull(), F.col("ago")).otherwise(F.greatest(F.lit(1), F.col("ago") - between))
    return known.join(mine, ["student_id", "as_of"], "left").withColumn("ago", ago).drop("closed")


def closed_before(students: DataFrame, mine: DataFrame) -> DataFrame:
    """The students with `closed_before`, the closed days after their first active day, or after the 180th before as_of,
    and before as_of: what divides by a student's time on the platform leaves them out, as `open_days` does.

    Args:
        students: from `days.students_at`.
        mine: from `closed_for`.
    """
    between = F.expr(f"size(filter(closed, d -> d > greatest(first_day, as_of - {LOOKBACK_DAYS}) AND d < as_of))")
    found = students.join(mine, ["student_id", "as_of"], "left")
    return found.withColumn("closed_before", F.when(F.col("closed").isNull(), 0).otherwise(between)).drop("closed")


def touched(mine: DataFrame) -> DataFrame:
    """The students and as-of dates whose horizon holds a closed day: student_id, as_of."""
    ahead = F.exists("closed", lambda day: day >= F.col("as_of"))
    return mine.where(ahead).select("student_id", "as_of")
