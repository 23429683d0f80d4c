"""What weekly features cost: a year of Mondays at three sizes, and one Monday more.

    python -m benchmarks.weekly_features --students 20000

Makes up `silver.learning_events` of 20,000 students and of a quarter and a half as many, runs the features step for
every Monday of the year, and then for the Monday after. Prints seconds, events, and the ratios: of the cost an event
between the sizes (1 is linear), and of the one Monday to the whole year.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import pairwise
from pathlib import Path

from pyspark.sql import functions as F

import features.run
from lakehouse.cli import Run
from lakehouse.lake import Lake
from lakehouse.run_ids import new_run_id
from lakehouse.settings import settings
from pipelines.silver.contracts import LEARNING_EVENTS

FIRST, DAYS = date(2024, 1, 1), 371
YEAR, NEXT = FIRST + timedelta(days=364), FIRST + timedelta(days=371)


@dataclass(frozen=True)
class Cost:
    """Seconds of a year and of one Monday more, by events."""

    students: int
    events: int
    year: float
    monday: float


def main() -> None:
    """Print a line a size, then the ratios."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--students", type=int, default=20_000)
    most = parser.parse_args().students
    measured(200)  # the session warms up
    costs = [measured(size) for size in (most // 4, most // 2, most)]
    for cost in costs:
        print(
            f"{cost.students:,} students, {cost.events:,} events: a year {cost.year:.1f} s, one Monday more "
            f"{cost.monday:.1f} s ({cost.monday / cost.year:.3f} of it)",
            flush=True,
        )
    for less, more in pairwise(costs):
        ratio = (more.year / more.events) / (less.year / less.events)
        further = (more.year - less.year) / (more.events - less.events) * 1e6
        print(
            f"cost an event at {more.students:,} over that at {less.students:,} students: {ratio:.2f}, what is fixed "
            f"included; {further:.1f} s for each further million"
        )


def measured(students: int) -> Cost:
    """The features step on made-up events, for a year and for the Monday after."""
    with tempfile.TemporaryDirectory() as folder, Lake.writing(settings(str(Path(folder) / "lake")), "bench") as lake:
        count = make_up(lake, students)
        return Cost(students, count, _timed(lake, YEAR), _timed(lake, NEXT))


def make_up(lake: Lake, students: int) -> int:
    """Write silver.learning_events: a conversation with messages on a fifth of the days, on some of them a lesson."""
    random = F.xxhash64("student", "day")

    def chance(salt: int, share: float) -> object:
        return F.pmod(F.xxhash64("student", "day", F.lit(salt)), F.lit(10_000)) < int(share * 10_000)

    days = lake.spark.range(students).toDF("student").join(lake.spark.range(DAYS).toDF("day"))
    active = days.where(F.pmod(random, F.lit(100)) < 20).withColumn(
        "kind",
        F.explode(
            F.filter(
                F.array(
                    F.lit("conversation"), F.lit("message"), F.when(chance(1, 0.3), "lesson_started"),
                    F.when(chance(2, 0.25), "lesson_completed"), F.when(chance(3, 0.08), "attempt"),
                ),
                lambda kind: kind.isNotNull(),
            )
        ),
    )  # fmt: skip
    at = F.timestamp_seconds(F.unix_date(F.lit(FIRST)) * 86400 + F.col("day") * 86400 + 43200)
    number = F.pmod(random, F.lit(60))
    said = F.col("kind") == "message"
    told = active.withColumns(
        {
            "event_type": F.col("kind"), "ref_id": F.concat_ws("-", "student", "day", "kind"),
            "student_id": F.col("student").cast("string"), "language": F.lit("spanish"), "event_at": at, "known_at": at,
            "superseded_at": F.lit(None), "cefr_level": F.lit("A2"), "messages": F.when(said, number + 1),
            "messages_with_errors": F.when(said, F.floor(number / 4)), "spelling_errors": F.when(said, F.lit(0)),
            "grammar_errors": F.when(said, F.floor(number / 8)), "vocabulary_errors": F.when(said, number % 3),
            "minutes": F.when(said, number / 2.0), "score": F.when(F.col("kind") == "attempt", number + 40.0),
            "mastery": F.when(F.col("kind") == "lesson_completed", number / 60.0), "topic": F.lit("travel"),
        }
    )  # fmt: skip
    lake.create(LEARNING_EVENTS)
    in_order = LEARNING_EVENTS.conform(told).sort(*LEARNING_EVENTS.order())
    in_order.write.mode("append").saveAsTable(lake.name(LEARNING_EVENTS.name))
    return lake.table(LEARNING_EVENTS.name).count()


def _timed(lake: Lake, as_of: date) -> float:
    began = time.perf_counter()
    features.run.run(Run(lake, new_run_id(), as_of, argparse.Namespace()), as_of)
    return time.perf_counter() - began


if __name__ == "__main__":
    main()
