"""Students whom a tutor got in touch with: whoever was is marked, and their outcome is not the model's alone."""

from __future__ import annotations

from datetime import date

import pandas as pd
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from features.student_labels import HORIZON_DAYS
from lakehouse.lake import Lake

INTERVENTIONS = "silver.interventions"
LATELY_DAYS = 28
EFFECT_DAYS = 14
"""How long before as_of a contact may still change what a student does after it."""
NONE = "student_id string, contacted_at timestamp, known_at timestamp"


def interventions(lake: Lake) -> DataFrame:
    """silver.interventions, or no rows where nobody delivers them."""
    return lake.table(INTERVENTIONS) if lake.exists(INTERVENTIONS) else lake.spark.createDataFrame([], NONE)


def marked(lake: Lake, rows: pd.DataFrame) -> pd.DataFrame:
    """Rows of student_id and as_of with `contacted`, see `with_contacted`; as they are where no contact is known."""
    contacts = interventions(lake)
    if contacts.isEmpty():
        return rows
    days = pd.to_datetime(rows["as_of"]).dt.date
    keys = [*zip(rows["student_id"], days, strict=True)]
    frame = lake.spark.createDataFrame(sorted({*keys}), "student_id string, as_of date")
    touched = {(row.student_id, row.as_of) for row in with_contacted(frame, contacts).where("contacted").collect()}
    return rows.assign(contacted=[key in touched for key in keys])


def last_contact(interventions: DataFrame, as_of: date) -> DataFrame:
    """The last day of the 28 before `as_of` on which a student was contacted, as known then.

    Args:
        interventions: student_id, contacted_at, known_at.
        as_of: the day.

    Returns:
        student_id, contacted_on; those alone who were contacted.
    """
    day = F.lit(as_of).cast("timestamp")
    lately = F.col("contacted_at") >= F.date_sub(F.lit(as_of), LATELY_DAYS)
    known = interventions.where((F.col("contacted_at") < day) & (F.col("known_at") <= day) & lately)
    return known.groupBy("student_id").agg(F.to_date(F.max("contacted_at")).alias("contacted_on"))


def with_contacted(rows: DataFrame, interventions: DataFrame) -> DataFrame:
    """The rows with `contacted`: whether a contact may have changed the outcome that the row is judged by.

    That is one in the 14 days before as_of or in the 14 days that the risk is about, whenever it became known.

    Args:
        rows: hold student_id and as_of.
        interventions: student_id, contacted_at.
    """
    keys = rows.select("student_id", "as_of").distinct()
    since, until = (F.date_add("as_of", days).cast("timestamp") for days in (-EFFECT_DAYS, HORIZON_DAYS))
    near = (F.col("contacted_at") >= since) & (F.col("contacted_at") < until)
    found = keys.join(interventions, "student_id").where(near).select("student_id", "as_of").distinct()
    joined = rows.join(found.withColumn("contacted", F.lit(True)), ["student_id", "as_of"], "left")
    return joined.fillna(False, ["contacted"])
