"""The run that `mlflow run` made of the command itself: it keeps the command's parameters."""

from __future__ import annotations

import sqlite3
from contextlib import closing

from lakehouse.registry import launched_by, use_mlflow
from lakehouse.settings import Settings

SQLITE = "sqlite:///"
BLANK = "blanked by an erasure"


def blank(settings: Settings, parameter: str) -> list[str]:
    """Blank a parameter of the run that started this process, where MLflow keeps its runs in a SQLite file.

    MLflow itself changes no parameter, and its runs are deleted for good by `mlflow gc` alone.

    Returns:
        What is left for a person to do, a sentence each.
    """
    use_mlflow(settings)
    run_id, store = launched_by()
    if not run_id or (store.startswith(SQLITE) and _blanked(store.removeprefix(SQLITE), run_id, parameter)):
        return []
    return [f"MLflow's run {run_id} in {store} has the id as its parameter {parameter}: delete it, then `mlflow gc`"]


def _blanked(file: str, run_id: str, parameter: str) -> bool:
    """Whether the file holds such a parameter, which is blank now."""
    try:
        with closing(sqlite3.connect(f"file:{file}?mode=rw", uri=True)) as held, held:
            held.execute("PRAGMA secure_delete = ON")
            done = held.execute(
                "UPDATE params SET value = ? WHERE run_uuid = ? AND key = ?", (BLANK, run_id, parameter)
            )
            return done.rowcount > 0
    except sqlite3.Error:
        return False
