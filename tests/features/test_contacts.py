"""Who was contacted lately, and whose outcome a contact may have changed."""

from __future__ import annotations

from datetime import date, datetime

import pandas as pd
from pyspark.sql import SparkSession

from features.contacts import NONE, last_contact, marked, with_contacted
from lakehouse.lake import Lake
from lakehouse.rows import append_rows
from pipelines.silver.contracts import INTERVENTIONS

DAY = date(2024, 11, 4)


def at(day: int, month: int = 11, hour: int = 12) -> datetime:
    return datetime(2024, month, day, hour)


def test_the_last_contact_is_the_newest_known_of_the_28_days_before(spark: SparkSession) -> None:
    rows = [
        ("called twice", at(20, 10), at(21, 10, 0)), ("called twice", at(30, 10), at(31, 10, 0)),
        ("long ago", at(6, 10), at(7, 10, 0)), ("on the day", at(4), at(5, hour=0)),
        ("told late", at(3), at(6, hour=0)), ("28 days", at(7, 10), at(8, 10, 0)),
    ]  # fmt: skip
    found = last_contact(spark.createDataFrame(rows, NONE), DAY).collect()
    assert {row.student_id: row.contacted_on for row in found} == {
        "called twice": date(2024, 10, 30), "28 days": date(2024, 10, 7),
    }  # fmt: skip


def test_an_outcome_is_touched_by_a_contact_from_14_days_before_to_14_after(spark: SparkSession) -> None:
    contacts = [
        ("before", at(21, 10), at(22, 10)), ("after", at(17), at(18)), ("too early", at(20, 10), at(21, 10)),
        ("too late", at(18, hour=0), at(20)), ("at last", at(17, hour=23), at(20)),
        ("twice", at(1), at(2)), ("twice", at(2), at(3)),
    ]  # fmt: skip
    names = ["before", "after", "too early", "too late", "at last", "twice", "never"]
    rows = spark.createDataFrame([(name, DAY, 0.5) for name in names], "student_id string, as_of date, risk double")
    found = with_contacted(rows, spark.createDataFrame(contacts, NONE)).collect()
    assert {row.student_id for row in found if row.contacted} == {"before", "after", "at last", "twice"}
    assert len(found) == len(names)


def test_rows_are_marked_only_where_contacts_are_known(lake: Lake) -> None:
    rows = pd.DataFrame({"student_id": ["a", "b"], "as_of": pd.Timestamp(DAY), "risk": [0.1, 0.2]})
    assert marked(lake, rows).equals(rows)
    append_rows(lake, INTERVENTIONS, [("a", at(3), "mail", at(4))])
    assert marked(lake, rows)["contacted"].to_list() == [True, False]
