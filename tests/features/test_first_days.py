"""The first active day of all time, as it was known at each of several dates, against a plain oracle."""

from __future__ import annotations

import random
from datetime import date, timedelta

from pyspark.sql import SparkSession

from features.days import first_days

START = date(2024, 1, 1)
ASKED = [date(2024, 1, 15), date(2024, 1, 8), date(2024, 1, 17), date(2024, 2, 5)]
SHAPE = "student_id string, day date, from_date date, until_date date"

Span = tuple[str, date, date, date | None]


def oracle(spans: list[Span]) -> set[tuple[str, date, date]]:
    told = {}
    for student, day, begins, ends in spans:
        for as_of in ASKED:
            if begins <= as_of and (ends is None or as_of < ends):
                told[student, as_of] = min(day, told.get((student, as_of), day))
    return {(student, as_of, day) for (student, as_of), day in told.items()}


def span(rng: random.Random) -> Span:
    day = START + timedelta(days=rng.randrange(40))
    begins = day + timedelta(days=rng.choice([1, 1, 1, 7, 20]))
    ends = rng.choice([None, None, begins + timedelta(days=rng.randrange(25))])
    return str(rng.randrange(12)), day, begins, ends


def test_spans_that_begin_and_end_on_and_between_the_dates(spark: SparkSession) -> None:
    rng = random.Random(7)
    spans = [span(rng) for _ in range(80)]
    told = first_days(spark.createDataFrame(spans, SHAPE), ASKED)
    assert {tuple(row) for row in told.collect()} == oracle(spans)


def test_an_answer_ends_with_its_span_and_another_takes_its_place(spark: SparkSession) -> None:
    spans: list[Span] = [
        ("1", date(2024, 1, 2), date(2024, 1, 3), date(2024, 1, 15)),
        ("1", date(2024, 1, 9), date(2024, 1, 10), None),
        ("2", date(2024, 1, 2), date(2024, 1, 3), date(2024, 1, 8)),
        ("3", date(2024, 2, 5), date(2024, 2, 6), None),
    ]
    told = first_days(spark.createDataFrame(spans, SHAPE), ASKED).collect()
    assert sorted(tuple(row) for row in told) == [
        ("1", date(2024, 1, 8), date(2024, 1, 2)),
        ("1", date(2024, 1, 15), date(2024, 1, 9)),
        ("1", date(2024, 1, 17), date(2024, 1, 9)),
        ("1", date(2024, 2, 5), date(2024, 1, 9)),
    ]
