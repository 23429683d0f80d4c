"""The dates that feature tables hold are read from the last run, unless another hand was at a table since."""

from __future__ import annotations

import argparse
from datetime import date

from features.dates_made import MADE, Held, dates_made, written_down
from lakehouse.cli import Run
from lakehouse.contracts import Contract, columns
from lakehouse.lake import Lake
from lakehouse.run_ids import new_run_id

FIRST, SECOND, THIRD = date(2024, 11, 4), date(2024, 11, 11), date(2024, 11, 18)
ONE, TWO = (Contract(f"features.{name}", "", columns("as_of | DATE | when")) for name in ("one", "two"))
TABLES = [ONE.name, TWO.name]


def hold(lake: Lake, contract: Contract, *dates: date) -> None:
    lake.create(contract)
    frame = lake.spark.createDataFrame([(day,) for day in dates], "as_of date")
    frame.write.mode("append").saveAsTable(lake.name(contract.name))


def write_down(lake: Lake, *dates: date) -> None:
    with Run(lake, new_run_id(), None, argparse.Namespace()).step("features") as step:
        step.rows[MADE] = written_down(lake, TABLES, dates)


def test_without_one_of_the_tables_no_date_is_made(lake: Lake) -> None:
    hold(lake, ONE, FIRST)
    assert dates_made(lake, TABLES) == Held(set())


def test_what_no_run_wrote_down_is_looked_up_and_every_table_has_to_hold_it(lake: Lake) -> None:
    hold(lake, ONE, FIRST, SECOND)
    hold(lake, TWO, SECOND, SECOND, THIRD)
    assert dates_made(lake, TABLES) == Held({SECOND})


def test_what_a_run_wrote_down_counts_until_a_table_changes(lake: Lake) -> None:
    hold(lake, ONE, FIRST)
    hold(lake, TWO, FIRST)
    write_down(lake, FIRST, SECOND)  # a date on which there is no student has no rows
    assert dates_made(lake, TABLES) == Held({FIRST, SECOND})
    lake.spark.sql(f"VACUUM {lake.name(TWO.name)}").collect()
    assert dates_made(lake, TABLES) == Held({FIRST, SECOND})
    hold(lake, TWO, THIRD)
    assert dates_made(lake, TABLES) == Held({FIRST})
    lake.spark.sql(f"RESTORE TABLE {lake.name(TWO.name)} TO VERSION AS OF 1").collect()
    assert dates_made(lake, TABLES) == Held({FIRST}, set_back=True)
