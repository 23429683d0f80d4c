"""What a task of a Databricks job tells the tasks after it."""

from __future__ import annotations

from lakehouse.settings import on_databricks


def set_task_value(key: str, value: str) -> None:
    """Set a value that a condition of the job reads as `{{tasks.<task>.values.<key>}}`; elsewhere there is no job."""
    if not on_databricks():
        return
    from databricks.sdk.runtime import dbutils

    dbutils.jobs.taskValues.set(key=key, value=value)
