"""features.student_labels: who was there to be lost, and who was lost."""

from __future__ import annotations

from datetime import date, timedelta

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from lakehouse.contracts import Contract, Publish, columns, not_null, rows

HORIZON_DAYS = 14
GRACE_DAYS = 3
MATURITY_DAYS = HORIZON_DAYS + GRACE_DAYS

CONTRACT = Contract(
    "features.student_labels",
    "Eligibility and outcome; the outcome is null until as_of + 17 days, and then no live late row changes it.",
    columns("""
        student_id | STRING NOT NULL | who
        as_of | DATE NOT NULL | the day asked about, midnight UTC
        eligible | BOOLEAN NOT NULL | an active day in the 14 open days before as_of and no closure in the 14 after
        dropped_out | BOOLEAN | no active day in [as_of, as_of + 14 days), from events known by as_of + 17 days
    """),
    key=("student_id", "as_of"),
    expectations=(rows(1), not_null("eligible")),
    publish=Publish.REPLACE_AS_OF,
    timeseries="as_of",
    clustered="as_of",
)


def student_labels(
    days: DataFrame, students: DataFrame, touched: DataFrame, touched_after: DataFrame, run_as_of: date
) -> DataFrame:
    """Labels for every student and as-of; a horizon that a closure touches is neither labelled nor scored.

    Args:
        days: from `days.student_days`.
        students: from `days.students_at`.
        touched: from `closures.touched`, of what was known at as_of.
        touched_after: the same of what was known once the outcome ripened: who was scored is not labelled then.
        run_as_of: the latest day of any run so far: a rehearsal of an earlier one takes no outcome back. Outcomes that
            have not matured by then are null.

    Returns:
        The contract's columns.
    """
    present = students.select("student_id", "as_of", lately_active().alias("eligible"))
    told = outcomes(present, days, HORIZON_DAYS, run_as_of)
    key = ["student_id", "as_of"]
    closed = told.join(touched.withColumn("_touched", F.lit(True)), key, "left")
    closed = closed.join(touched_after.withColumn("_after", F.lit(True)), key, "left")
    open_then, open_since = F.col("_touched").isNull(), F.col("_after").isNull()
    return closed.withColumns(
        {
            "eligible": F.col("eligible") & open_then,
            "dropped_out": F.when(open_then & open_since, F.col("dropped_out")),
        }
    ).drop("_touched", "_after")


def lately_active() -> Column:
    """Whether a student of `days.students_at` had an active day in the 14 open days before as_of."""
    return F.expr(f"agos[0] <= {HORIZON_DAYS}")


def outcomes(present: DataFrame, days: DataFrame, horizon: int, run_as_of: date) -> DataFrame:
    """Whether each student stayed away for so many days, from what was known the days of grace later.

    Args:
        present: student_id, as_of and whatever else.
        days: from `days.student_days`.
        horizon: days looked ahead.
        run_as_of: the day of the run; what has not matured by then is null.

    Returns:
        `present` with dropped_out.
    """
    settled = F.date_add("as_of", horizon + GRACE_DAYS)
    matured = F.col("as_of") <= F.lit(run_as_of - timedelta(days=horizon + GRACE_DAYS))
    came_back = (
        (F.col("day") >= F.col("as_of"))
        & (F.col("day") < F.date_add("as_of", horizon))
        & (F.col("from_date") <= settled)
        & (F.col("until_date").isNull() | (settled < F.col("until_date")))
    )
    returns = days.where("active").select("student_id", "day", "from_date", "until_date")
    returned = present.where(matured).join(returns, "student_id").where(came_back).select("student_id", "as_of")
    marked = present.join(returned.distinct().withColumn("_returned", F.lit(True)), ["student_id", "as_of"], "left")
    return marked.withColumn("dropped_out", F.when(matured, F.col("_returned").isNull())).drop("_returned")
