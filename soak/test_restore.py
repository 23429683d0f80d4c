"""A bronze table restored to its beginning takes its files in again, and silver is what it was."""

from __future__ import annotations

import argparse
from pathlib import Path

import pipelines.repair
from data_gen.arrivals import deliver
from data_gen.generate import Plan
from lakehouse.cli import Run
from lakehouse.lake import Lake
from lakehouse.run_ids import new_run_id
from lakehouse.settings import settings
from soak.conftest import Report
from tests.data_gen.delivered import written
from tests.lakes import contents, take_in


def test_restored_bronze(tmp_path: Path, report: Report) -> None:
    source = written(deliver, Plan(7, 10, 28), tmp_path / "source") / "landing"
    chosen = settings(str(tmp_path / "lake"), str(source))
    take_in(chosen)
    before = contents(chosen)
    with Lake.writing(chosen, "restore") as lake:
        options = argparse.Namespace(table="bronze.messages", version="0")
        pipelines.repair.restore(Run(lake, new_run_id(), None, options))
        assert lake.table("bronze.messages").isEmpty()
    take_in(chosen)
    assert contents(chosen) == before
    report("bronze.messages restored to its beginning: its files are taken in again, every table is what it was")
