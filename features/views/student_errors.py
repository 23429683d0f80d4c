"""features.student_errors: of what kind a student's mistakes are."""

from __future__ import annotations

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from features.feature_view import FeatureView
from lakehouse.contracts import Contract, Publish, between, columns, rows

CONTRACT = Contract(
    "features.student_errors",
    "The pattern of a student's mistakes as known at midnight of as_of.",
    columns("""
        student_id | STRING NOT NULL | who
        as_of | DATE NOT NULL | the day asked about, midnight UTC
        grammar_share | DOUBLE | share of grammar among corrections of these three kinds in 180 days; null without any
        vocabulary_share | DOUBLE | the same of vocabulary
        spelling_share | DOUBLE | the same of spelling
    """),
    key=("student_id", "as_of"),
    expectations=(
        rows(1),
        between("grammar_share", 0, 1),
        between("vocabulary_share", 0, 1),
        between("spelling_share", 0, 1),
    ),
    publish=Publish.REPLACE_AS_OF,
    timeseries="as_of",
    clustered="as_of",
)
KINDS = ("grammar", "vocabulary", "spelling")


def student_errors(known: DataFrame, students: DataFrame) -> DataFrame:
    """What to practise, where `student_learning` says how much goes wrong.

    A student who stumbles over words needs other help than one who stumbles over endings; the shares say which,
    whatever the number of mistakes.

    Args:
        known: from `days.known_days`.
        students: from `days.students_at`.

    Returns:
        The contract's columns, one row for each of the students.
    """
    sums = known.groupBy("student_id", "as_of").agg(*[F.sum(f"{kind}_errors").alias(kind) for kind in KINDS])
    return students.join(sums, ["student_id", "as_of"]).select("student_id", "as_of", *map(_share, KINDS))


def _share(kind: str) -> Column:
    return F.try_divide(F.col(kind), F.expr(" + ".join(KINDS))).alias(f"{kind}_share")


VIEW = FeatureView(CONTRACT, lambda known: student_errors(known.days, known.students))
