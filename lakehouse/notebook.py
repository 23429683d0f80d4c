"""What the lessons in `notebooks/` begin with: where they are, a lake that SQL can ask, and a run that may write."""

from __future__ import annotations

import argparse
import hashlib
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import Any

from lakehouse.cli import Run, quiet_libraries
from lakehouse.errors import RadarError
from lakehouse.lake import SCHEMAS, Lake
from lakehouse.run_ids import new_run_id
from lakehouse.session import connect
from lakehouse.settings import Settings, on_databricks, settings

LAPTOP = Path(__file__).parents[1] / "tutorial" / "lake"
MADE = "truth/generated.json"
"""The hashes of the files that the first lesson made, in the lake's folder."""
VOLUMES = ("ops.files", "bronze.landing")
"""Where a Unity Catalog keeps what is no table; see `settings`."""


def here() -> Settings:
    """Where the lessons keep their lake: `tutorial/lake` of the project on a laptop; on Databricks the workspace's own
    catalog. What the environment names comes first, see `settings`.

    Raises:
        RadarError: where schemas are to have a prefix, which the lessons' SQL does not know.
    """
    if on_databricks():
        found = settings(catalog=os.environ.get("LEARNER_RADAR_CATALOG") or str(connect().catalog.currentCatalog()))
    else:
        found = settings(default=str(LAPTOP))
    if found.schema_prefix:
        raise RadarError("The lessons ask for schemas by their plain names: unset LEARNER_RADAR_SCHEMA_PREFIX.")
    return found


def open_lesson(*needs: str, after: str = "") -> Lake:
    """The lessons' lake, open for reading, with every table known to SQL by its two-level name.

    Args:
        needs: tables that an earlier lesson makes.
        after: that lesson's notebook.

    Raises:
        RadarError: naming the earlier lesson, when one of its tables is not there.
    """
    quiet_libraries()
    where, spark = here(), connect()
    spark.catalog.setCurrentCatalog(where.catalog)
    if not where.local:
        for schema in SCHEMAS:
            spark.sql(f"CREATE SCHEMA IF NOT EXISTS {where.schema(schema)}").collect()
        for volume in VOLUMES:
            spark.sql(f"CREATE VOLUME IF NOT EXISTS {where.schema(volume)}").collect()
    lake = Lake.open(where)
    spark.sql("CREATE SCHEMA IF NOT EXISTS tutorial").collect()
    held = lake.tables()
    missing = [table for table in needs if table not in held]
    if missing:
        raise RadarError(f"This lesson goes on from {', '.join(missing)}: run notebooks/{after}.ipynb first.")
    return lake


def only_made_up(lake: Lake) -> None:
    """Make sure that the lake holds no conversations but those that the first lesson makes.

    Raises:
        RadarError: when it holds others, or others lie in its landing folder.
    """
    where = lake.settings
    made = set(json.loads((where.lake / MADE).read_text()).values()) if (where.lake / MADE).is_file() else set()
    landed = [path for path in where.landing.glob("conversations*") if path.is_file()]
    held = {hashlib.sha256(path.read_bytes()).hexdigest() for path in landed}
    if lake.exists("ops.files"):
        taken_in = lake.table("ops.files").where("table_name = 'conversations'").select("file_hash")
        held |= {row.file_hash for row in taken_in.collect()}
    if held - made or any((where.landing / "conversations").rglob("*.parquet")):
        raise RadarError(
            f"The lake {where.lake} holds a log that no lesson made, and the lessons would put made-up students into "
            "it. Name another by LEARNER_RADAR_LAKE, on Databricks another catalog by LEARNER_RADAR_CATALOG, and unset "
            "LEARNER_RADAR_LANDING."
        )


@contextmanager
def writing(lake: Lake, as_of: date | None = None, **options: Any) -> Iterator[Run]:
    """A run of the project's steps: the lake's only writer while the block lasts.

    Args:
        lake: whose settings to use.
        as_of: the day asked about, for the steps that ask about one.
        options: what the steps' command line would be given.
    """
    run_id = new_run_id()
    with Lake.writing(lake.settings, run_id) as writer:
        yield Run(writer, run_id, as_of, argparse.Namespace(**options))
