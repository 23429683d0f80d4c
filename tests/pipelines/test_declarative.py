"""Silver as materialized views, beside silver as the loop made it."""

from __future__ import annotations

import argparse

import pytest

from lakehouse.cli import Run
from lakehouse.lake import Lake
from lakehouse.run_ids import new_run_id
from pipelines.declarative.run import VIEWS, run
from tests.conftest import BuiltLake
from tests.lakes import contents


@pytest.mark.long
def test_the_views_hold_the_rows_of_silver(built_lake: BuiltLake) -> None:
    with Lake.writing(built_lake.lake.settings, "declarative") as lake:
        run(Run(lake, new_run_id(), None, argparse.Namespace()))
        for table, view in VIEWS.items():
            assert lake.table(view).dtypes == lake.table(table).dtypes
    found = contents(built_lake.lake.settings, ("silver", "declarative"))
    for table, view in VIEWS.items():
        assert found[table], f"{table} is empty"
        assert found[view] == found[table], view
