"""What the last seven days were beside the weeks before: students, what they sent, mistakes by language."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from datetime import date, timedelta

import numpy as np
import pandas as pd
from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from features.days import ACTIVE_EVENTS, known_at

WEEKS_BEFORE = 8
FEWEST_WEEKS = 4
SENT = {
    "silver.conversations": "conversations",
    "silver.messages": "messages",
    "silver.lesson_progress": "lessons",
    "silver.assessment_attempts": "attempts",
}
"""Table → what of it is counted; see `by_language`."""
ALL = "all"


def weeks_of(days: Iterable[date], as_of: date) -> set[int]:
    """The weeks of seven days that days before `as_of` lie in, counted back from 0."""
    return {((as_of - day).days - 1) // 7 for day in days}


def by_language(events: DataFrame, as_of: date, closed: Mapping[str, Collection[date]]) -> DataFrame:
    """Sums of each of the last nine weeks of seven days, by language and over all (`all`), as known at `as_of`.

    Args:
        events: silver.learning_events.
        as_of: the day; week 0 ends before its midnight.
        closed: from `closures.by_all`.

    Returns:
        week (0 to 8, counted back), language, students (with an active day), open_students (those of them in a language
        without a closed day in the nine weeks), conversations, messages, lessons begun, attempts; and over students the
        squares and products of messages n and corrected messages w: `w`, `nn`, `ww`, `nw`.
    """
    week = F.floor((F.date_diff(F.lit(as_of), F.to_date("event_at")) - 1) / 7).cast("int").alias("week")
    lately = events.where(known_at(as_of)).withColumn("week", week).where(F.col("week") <= WEEKS_BEFORE)
    shut = [language for language, days in closed.items() if min(weeks_of(days, as_of), default=99) <= WEEKS_BEFORE]
    active = F.col("event_type").isin(*ACTIVE_EVENTS)
    languages = F.explode(F.array_compact(F.array(F.col("language"), F.lit(ALL)))).alias("language")
    each = (
        lately.select("*", languages.alias("of"))
        .groupBy("week", "of", "student_id")
        .agg(
            F.max(active).alias("active"),
            F.max(active & ~F.coalesce(F.col("language").isin(shut), F.lit(False))).alias("open"),
            F.count_if(F.col("event_type") == "conversation").alias("conversations"),
            F.count_if(F.col("event_type") == "lesson_started").alias("lessons"),
            F.count_if(F.col("event_type") == "attempt").alias("attempts"),
            _of_messages("messages").alias("n"),
            _of_messages("messages_with_errors").alias("w"),
        )
    )
    sums = [F.sum(name).alias(name) for name in ("conversations", "lessons", "attempts", "w")]
    products = [F.sum(F.expr(f"{a} * {b}")).alias(a + b) for a, b in (("n", "n"), ("w", "w"), ("n", "w"))]
    students = F.count_if("active").alias("students"), F.count_if("open").alias("open_students")
    return each.groupBy("week", F.col("of").alias("language")).agg(
        *students, F.sum("n").alias("messages"), *sums, *products
    )


def learnt(events: DataFrame, as_of: date) -> set[str]:
    """The languages of any event in the nine weeks, as known at `as_of`."""
    lately = events.where(known_at(as_of) & (F.col("event_at") >= F.lit(as_of - timedelta(weeks=WEEKS_BEFORE + 1))))
    return {row.language for row in lately.where("language IS NOT NULL").select("language").distinct().collect()}


def first_seen(events: DataFrame, as_of: date) -> dict[str, date]:
    """The first day of each language in the log, as known at `as_of`."""
    known = events.where(known_at(as_of) & F.col("language").isNotNull())
    days = known.groupBy("language").agg(F.to_date(F.min("event_at")).alias("day"))
    return {row.language: row.day for row in days.collect()}


def weekly_measures(
    weeks: pd.DataFrame, as_of: date, first: dict[str, date], learnt_until: date, closed_weeks: Collection[int]
) -> pd.DataFrame:
    """The control chart of the week: each measure beside its mean and deviation over the weeks before.

    As Shewhart's charts do it (Economic Control of Quality of Manufactured Product, 1931), from up to eight weeks and
    no fewer than four. The week has its own sampling error beside that: of counts, as of Poisson's distribution, their
    mean; of a rate of mistakes, students being the clusters, the sum of (w - rate n)² over (sum of n)² (Cochran,
    Sampling Techniques, 1977).

    Args:
        weeks: from `by_language`.
        as_of: the day; the week that the log begins in is not compared, since it is none but by chance.
        first: from `first_seen`.
        learnt_until: the last day of the rows that the champion learnt from.
        closed_weeks: weeks with a day that is closed for everybody: they are not compared, and where week 0 is one of
            them nothing is measured but new languages.

    Returns:
        measure, subject, value, usual, spread, size: rows_per_student of each table, active_students, error_rate of
        each language, new_language with the active students of one that appeared after `learnt_until`, and after the
        first seven days of the log.
    """
    found = [*_new(weeks, first, learnt_until)]
    if 0 not in closed_weeks:
        whole = (as_of - min(first.values(), default=date.min)).days // 7
        compared = weeks[weeks["week"] < max(whole, 1)]
        by = {language: _by_week(compared, language, closed_weeks) for language in sorted({ALL, *weeks["language"]})}
        found += [*_of_all(by.pop(ALL)), *(row for language, of in by.items() for row in _of_language(language, of))]
    return pd.DataFrame(found, columns=["measure", "subject", "value", "usual", "spread", "size"])


Row = tuple[str, str, float, float | None, float | None, float]


def _of_all(every: pd.DataFrame) -> Iterator[Row]:
    there, students = every["open_students"], every["students"]
    row = _charted("active_students", "students", there, there[0], there[0])
    # Their number stands on those who were there before too: else nobody left would be nothing to speak of.
    yield (*row[:-1], max(there[0], row[3] or 0.0))
    now = float(students[0])
    for table, column in SENT.items():
        per = every[column] / students.where(students > 0)
        if now:
            yield _charted("rows_per_student", table, per, now, float(per[0]) / now)


def _of_language(language: str, of: pd.DataFrame) -> Iterator[Row]:
    if of["messages"][0]:
        rate = of["w"] / of["messages"].where(of["messages"] > 0)
        squares = of["ww"] - 2 * rate * of["nw"] + rate**2 * of["nn"]
        variance = squares / of["messages"] ** 2
        yield _charted("error_rate", language, rate, float(of["students"][0]), float(variance[0]))


def _new(weeks: pd.DataFrame, first: dict[str, date], learnt_until: date) -> Iterator[Row]:
    now = weeks[weeks["week"] == 0].set_index("language")["students"]
    begun = min(first.values(), default=date.min) + timedelta(days=6)
    for language, day in sorted(first.items()):
        if day > max(learnt_until, begun) and language in now.index:
            yield "new_language", language, float(now[language]), None, None, float(now[language])


def _by_week(weeks: pd.DataFrame, language: str, closed_weeks: Collection[int]) -> pd.DataFrame:
    """The sums of a language by week, 0 first, without closed ones; another without any event counts as zeros."""
    mine = weeks[weeks["language"] == language].set_index("week").drop(columns="language")
    last = int(weeks["week"].max()) if len(weeks) else 0
    open_weeks = [week for week in range(max(last, 0) + 1) if week not in closed_weeks]
    return mine.reindex(open_weeks, fill_value=0).astype(float)


def _charted(measure: str, subject: str, values: pd.Series, size: float, variance: float = 0.0) -> Row:
    before = values.drop(0).dropna().to_numpy(float)
    if len(before) < FEWEST_WEEKS:
        return measure, subject, float(values[0]), None, None, size
    spread = float(np.sqrt(np.var(before, ddof=1) + variance))
    return measure, subject, float(values[0]), float(np.mean(before)), spread, size


def _of_messages(name: str) -> Column:
    return F.coalesce(F.sum(F.when(F.col("event_type") == "message", F.col(name))), F.lit(0))
