"""What MLflow keeps of commands that `mlflow run` started: their parameters, an id among them."""

from __future__ import annotations

import sqlite3
from contextlib import closing

from lakehouse.registry import launched_by, use_mlflow
from lakehouse.settings import Settings
from pipelines.forget.landing import same_id

SQLITE = "sqlite:///"
BLANK = "blanked by an erasure"
NAMED = ("student_id", "user_id")
"""The parameters of `forget` and of `export`."""


def blank(settings: Settings, student: str) -> list[str]:
    """Blank the student's id in the parameters of runs, where MLflow keeps them in a SQLite file: in the lake's, and in
    that of the run that started this process, which has the id as well.

    MLflow itself changes no parameter, and its runs are deleted for good by `mlflow gc` alone.

    Returns:
        What is left for a person to do, a sentence each.
    """
    use_mlflow(settings)
    run_id, store = launched_by()
    files = {uri.removeprefix(SQLITE) for uri in (store, settings.tracking_uri) if uri.startswith(SQLITE)}
    done = {run for file in files for run in _blanked(file, student)}
    if not run_id or run_id in done:
        return []
    return [f"MLflow's run {run_id} in {store} has the id as its parameter student_id: delete it, then `mlflow gc`"]


def _blanked(file: str, student: str) -> set[str]:
    """The ids of the runs in a file that had such a parameter, which is blank now."""
    try:
        with closing(sqlite3.connect(f"file:{file}?mode=rw", uri=True)) as held, held:
            held.execute("PRAGMA secure_delete = ON")
            asked = f"SELECT run_uuid, key, value FROM params WHERE key IN ({', '.join('?' * len(NAMED))})"
            mine = [(BLANK, run, key) for run, key, value in held.execute(asked, NAMED) if same_id(value) == student]
            held.executemany("UPDATE params SET value = ? WHERE run_uuid = ? AND key = ?", mine)
            return {run for _, run, _ in mine}
    except sqlite3.Error:
        return set()
