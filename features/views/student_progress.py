"""features.student_progress: progress beside the own plan and the peers', and struggle."""

from __future__ import annotations

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

from features.days import RECENT_DAYS, open_tenure, sum_between
from features.feature_view import FeatureView
from lakehouse.contracts import Contract, Publish, between, columns, not_null, rows

FAILED_UNDER = 50

CONTRACT = Contract(
    "features.student_progress",
    "Progress beside the own pace and the peers', and struggle, as known at midnight of as_of. Peers: students active "
    "in 28 days who began about as long ago (weeks since the first active day, in classes that double).",
    columns("""
        student_id | STRING NOT NULL | who
        as_of | DATE NOT NULL | the day asked about, midnight UTC
        lessons_rank | DOUBLE | rank among peers by lessons completed in 180 days, 0 to 1
        lesson_pace_change | DOUBLE | log ratio of 1 + lessons completed in 28 days to a usual 28 days before
        lesson_overdue | DOUBLE | days since a lesson over the mean of 7 and the own days between lessons (7 for none)
        attempts_behind | DOUBLE | median of the peers' assessments handed in in 180 days less the own
        platform_attempts | DOUBLE | share of students active in 28 days who handed in an assessment in 14
        attempt_missed | DOUBLE | share of peers who handed in an assessment in 14 days, less 1 for a student who did
        score_beside_level | DOUBLE | score_latest less the median of the latest scores at the same level
        error_beside_level | DOUBLE | error_rate_28 less the median of students at the same level
        error_break | DOUBLE | corrected messages of 14 days beyond the own rate before, in standard errors
        failed_then_silent | INT | 1 when the latest score is under 50 and no active day has followed, else 0
    """),
    key=("student_id", "as_of"),
    expectations=(
        rows(1),
        not_null("failed_then_silent"),
        between("lessons_rank", 0, 1),
        between("platform_attempts", 0, 1),
        between("attempt_missed", -1, 1),
        between("score_beside_level", -100, 100),
        between("error_beside_level", -1, 1),
        between("failed_then_silent", 0, 1),
    ),
    publish=Publish.REPLACE_AS_OF,
    timeseries="as_of",
    clustered="as_of",
)


def student_progress(known: DataFrame, students: DataFrame) -> DataFrame:
    """A student's pace beside their own, their peers' and their level's.

    Args:
        known: from `days.known_days`.
        students: from `days.students_at`.

    Returns:
        The contract's columns, one row for each of the students.
    """
    ago, lesson = F.col("ago"), F.expr("lessons_started + lessons_completed > 0")
    # By day where order counts: the days of a closure lie equally far back.
    day = F.col("day")
    scored = F.when(F.col("last_score").isNotNull(), day)
    per = known.groupBy("student_id", "as_of").agg(
        F.min(F.when(lesson, ago)).alias("_last_lesson"), F.max(F.when(lesson, ago)).alias("_first_lesson"),
        F.count_if(lesson).alias("_lesson_days"),
        sum_between("lessons_completed", 1, 28).alias("_completed_28"),
        sum_between("lessons_completed", 1, 180).alias("_completed"),
        sum_between("attempts", 1, 14).alias("_attempts_14"), sum_between("attempts", 1, 180).alias("_attempts"),
        F.max(F.when(F.col("active"), day)).alias("_last_day"), F.max(scored).alias("_scored_on"),
        F.max_by("last_score", scored).alias("_score"),
        F.max_by("level_index", F.when(F.col("level_index").isNotNull(), day)).alias("_level"),
        *[sum_between(name, *span).alias(f"_{name}_{span[1]}") for name in ("messages", "messages_with_errors")
          for span in ((1, 14), (1, 28), (15, 180))],
    )  # fmt: skip
    present = students.join(per, ["student_id", "as_of"])
    aged = present.withColumns(
        {
            "_silence": F.expr("agos[0]"),
            "_tenure": F.date_diff("as_of", "first_day"),
            "_open_tenure": open_tenure(),
        }
    )
    own = aged.withColumns(_own_pace() | _struggle())
    return _beside_their_level(_beside_their_peers(own))


def _own_pace() -> dict[str, Column]:
    """Lessons are the plan. Who studies on but completes less than they used to is on the way out of the course."""
    days_before = "greatest(28, _open_tenure - 28)"
    between_lessons = "try_divide(_first_lesson - _last_lesson, _lesson_days - 1)"
    return {
        "lesson_pace_change": F.expr(
            f"ln((1 + _completed_28) / (1 + 28D * (_completed - _completed_28) / {days_before}))"
        ),
        "lesson_overdue": F.expr(f"_last_lesson / ((coalesce({between_lessons}, 7) + 7) / 2)"),
    }


def _struggle() -> dict[str, Column]:
    """Practice that has begun to go wrong discourages; a rate that was always high does not.

    Three corrections more mean little in ten messages and much in a hundred, hence standard errors. And a failed
    assessment after which nothing happened is told apart from one that was shrugged off the next day.
    """
    rate = "try_divide(_messages_with_errors_180, _messages_180)"
    error = f"sqrt(_messages_14 * {rate} * (1 - {rate}) + 1)"
    return {
        "error_break": F.expr(
            f"if(_messages_14 > 0, (_messages_with_errors_14 - _messages_14 * {rate}) / {error}, null)"
        ),
        "failed_then_silent": F.expr(f"if(_score < {FAILED_UNDER} AND _scored_on >= _last_day, 1, 0)"),
    }


def _beside_their_peers(own: DataFrame) -> DataFrame:
    """Behind the others who began when they did, students lose the thread; that nobody has handed in is no fault.

    Counts alone grow with time on the platform and with the season; ranks among peers and the distance to their
    median do not. attempt_missed tells who let an assessment pass that the others took.
    """
    recent = F.col("_silence") <= RECENT_DAYS
    since = own.withColumns(
        {
            "_recent": recent,
            "_class": F.expr("int(log2(_tenure / 7D + 1))"),
            "_handed_in": F.expr("int(_attempts_14 > 0)"),
        }
    )
    peers = Window.partitionBy("as_of", "_class", "_recent")
    rank = F.percent_rank().over(peers.orderBy("_completed"))
    platform = Window.partitionBy("as_of")
    return since.withColumns(
        {
            "lessons_rank": F.when(recent, rank),
            "attempts_behind": F.when(recent, F.median("_attempts").over(peers) - F.col("_attempts")),
            "platform_attempts": F.avg(F.when(recent, F.col("_handed_in"))).over(platform),
            "attempt_missed": F.when(recent, F.avg("_handed_in").over(peers) - F.col("_handed_in")),
        }
    )


def _beside_their_level(own: DataFrame) -> DataFrame:
    """Scores and corrections mean what they mean at a level: 60 of 100 is poor at A1 and fair at C1."""
    rated = own.withColumn("_error_rate", F.expr("try_divide(_messages_with_errors_28, _messages_28)"))
    level = Window.partitionBy("as_of", "_level")
    return rated.withColumns(
        {
            "score_beside_level": F.col("_score") - F.median("_score").over(level),
            "error_beside_level": F.col("_error_rate") - F.median("_error_rate").over(level),
        }
    )


VIEW = FeatureView(CONTRACT, lambda known: student_progress(known.days, known.students))
