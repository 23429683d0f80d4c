"""Writes the dashboard: collect, render, and one file that is either the old or the new one, whole."""

from __future__ import annotations

import os
from contextlib import suppress
from datetime import date
from pathlib import Path
from typing import Any

from lakehouse.cli import Run
from lakehouse.data_docs import build, last_results
from lakehouse.errors import RadarError
from lakehouse.ops import GATE_RESULTS
from lakehouse.rows import to_pandas
from monitoring.dashboard.data import collect
from monitoring.dashboard.page import render

DATA_DOCS = "data_docs"


def run(run: Run, as_of: date, model_card: dict[str, Any]) -> Path:
    """Make the dashboard of `as_of` in the lake and return where it is.

    Args:
        run: the command.
        as_of: the day the page is for.
        model_card: the champion: model_name, version, kind, in_use (why it is), trained_from, trained_to, test_from,
            test_to, metrics and recency ({roc_auc: {value, low, high}, …}), too_little_data and its reason, test_rows,
            test_students. What is missing is shown as a dash; an empty card means that no model is in use.

    Raises:
        RadarError: when the file cannot be written.
    """
    with run.step("dashboard") as step:
        page = render(collect(run.lake, as_of), as_of, model_card).encode()
        target = run.lake.settings.dashboard
        write_whole(target, page)
        if run.lake.exists(GATE_RESULTS.name):
            build(to_pandas(last_results(run.lake.table(GATE_RESULTS.name))), target.parent / DATA_DOCS)
        step.message = f"{target}, {len(page) / 1024:,.0f} KB"
    return target


def write_whole(target: Path, content: bytes) -> None:
    """Write a file so that a reader sees the old content or the new, never half of it.

    Raises:
        RadarError: naming the file, when it cannot be written.
    """
    draft = target.with_name(f".{target.name}.{os.getpid()}.tmp")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        draft.write_bytes(content)
        os.replace(draft, target)
    except OSError as error:
        with suppress(OSError):
            draft.unlink()
        raise RadarError(f"The dashboard cannot be written to {target}: {error.strerror}.") from None
