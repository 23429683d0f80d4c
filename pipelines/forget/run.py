"""The forget entry point: one student out of everything, and what can no longer be rebuilt for it."""

from __future__ import annotations

import argparse
import json
from collections import Counter
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from pyspark.sql import Column
from pyspark.sql import functions as F

from lakehouse.cli import Run
from lakehouse.errors import RadarError
from lakehouse.lake import Lake
from lakehouse.ops import ERASURES, FILES
from lakehouse.pins import Pin, pins
from lakehouse.publish import Step
from lakehouse.rows import append_rows
from lakehouse.runs import last_done
from lakehouse.words import count
from pipelines.bronze.files import entries
from pipelines.bronze.landing import Listed, footer, raw_files, unfinished
from pipelines.forget.landing import ids_of, read, same_id, without
from pipelines.forget.launch import blank
from pipelines.forget.tables import clean_versions, delete, owned, remember_nothing
from pipelines.silver import typed
from pipelines.silver.received import REBUILD, STATE, as_it_stands, bronze_now, made_from

OWNER = {
    "conversations": "user_id", "lesson_progress": "user_id", "assessment_attempts": "user_id",
    "user_levels": "user_id", "interventions": "user_id", "messages": "conversation_id",
}  # fmt: skip

BEGUN = "forget begins"
"""The step that says that an erasure is under way: until `forget` has ended, silver has to be made whole."""


@dataclass
class Gone:
    """What was removed: rows by file and by table; what could not be searched; and what a person has to do yet."""

    files: Counter[str] = field(default_factory=Counter)
    tables: Counter[str] = field(default_factory=Counter)
    unread: list[str] = field(default_factory=list)
    left: list[str] = field(default_factory=list)


def run(run: Run) -> None:
    """Remove one student; a killed run is finished by running it again.

    Raises:
        RadarError: without a student's id, or when nothing of that student is known.
    """
    student = same_id(run.options.student_id)
    if not student:
        raise RadarError("Say whom to forget: -P student_id=<id>.")
    lake, started = run.lake, datetime.now(UTC)
    current, once_more = _current(lake), _unfinished(lake)
    left = blank(lake.settings, "student_id")
    with run.step(BEGUN) as begun:
        begun.rows[REBUILD] = True
        begun.message = "until it has ended, silver has to be made whole"
    with run.step("forget") as step:
        talks = conversations(lake, student)
        gone = Gone(left=left)
        _landing(lake, student, talks, gone)
        gone.tables = delete(lake, student, talks)
        _artifacts(lake, student, gone)
        found = bool(gone.files or gone.tables or once_more)
        if found:
            cleaned = owned(lake) if once_more else set(gone.tables)
            lost = [pin for pin in pins(lake) if pin.table in cleaned]
            clean_versions(lake, cleaned)
            remember_nothing(lake, student)
            _record(lake, started, gone, lost)
        _stand(step, current)
        step.message = _told(gone, lost) if found else "no row of that student, nothing was removed"
    if not found:
        raise RadarError(
            ". ".join(["No row of that student was found; ids are compared as silver has them", *left]) + "."
        )


def _unfinished(lake: Lake) -> bool:
    """Whether an erasure was killed on its way: what it deleted may still be in old versions of any table."""
    begun, ended = last_done(lake, BEGUN), last_done(lake, "forget")
    return begun is not None and (ended is None or ended.ended_at < begun.ended_at)


def conversations(lake: Lake, student: str) -> set[str]:
    """The ids of every conversation that was ever said to be the student's, in landing and in bronze."""
    files = [file for file in _listed(lake) if file.table == "conversations"]
    readable = [table for file in files if (table := read(file.path)) is not None]
    found = {key for table in readable for key in ids_of(table, "user_id", student)}
    held: dict[str, tuple[Column, Column]] = {
        "bronze.conversations": (typed.same_id(F.col("user_id")), typed.same_id(F.col("id"))),
        "silver.conversations_versions": (F.col("student_id"), F.col("conversation_id")),
    }
    for table, (owner, key) in held.items():
        if lake.exists(table):
            found |= {row[0] for row in lake.table(table).where(owner == student).select(key).distinct().collect()}
    return found - {None}


def _listed(lake: Lake) -> list[Listed]:
    return raw_files(lake.settings.landing)


def _landing(lake: Lake, student: str, talks: set[str], gone: Gone) -> None:
    """Write the student out of the landing files; the ledger learns of the new content before it takes its place."""
    if not lake.settings.landing.is_dir():
        gone.unread.append(f"{lake.settings.landing}, which is no folder; say where raw files lie with -P landing=…")
    gone.unread += unfinished(lake.settings.landing)
    # Conversations last, as in `tables.delete`.
    for file in sorted(_listed(lake), key=lambda listed: listed.table == "conversations"):
        table, column = read(file.path), OWNER.get(file.table)
        if table is None:
            gone.unread.append(file.name)
        if table is None or column is None:
            continue
        cut = without(file.path, table, column, talks if file.table == "messages" else {student})
        if cut is None:
            continue
        fresh, rows = cut
        _tell_ledger(lake, file, fresh)
        fresh.replace(file.path)
        gone.files[file.name] = rows


def _tell_ledger(lake: Lake, file: Listed, fresh: Path) -> None:
    """Where the ledger knows the file, it learns that bronze holds its new content too."""
    if not lake.exists(FILES.name):
        return
    lake.create(FILES)
    mine = (F.col("source_file") == file.name) & (F.col("file_hash") == file.file_hash) & F.col("error").isNull()
    held_as = lake.table(FILES.name).where(mine).select(F.coalesce("bronze_hash", "file_hash")).first()
    if held_as is None:
        return
    stat = fresh.stat()
    new = footer(Listed(file.table, fresh, file.name, stat.st_size, max(stat.st_mtime_ns, stat.st_ctime_ns)))
    told = lake.table(FILES.name).select(*FILES.key)
    fresh_row = entries(lake, [new], datetime.now(UTC)).withColumn("bronze_hash", F.lit(held_as[0]))
    rows = fresh_row.join(told, list(FILES.key), "left_anti")
    rows.select(*FILES.column_names()).write.mode("append").saveAsTable(lake.name(FILES.name))


def _artifacts(lake: Lake, student: str, gone: Gone) -> None:
    """Rows of students that training runs left beside their models."""
    for path in sorted((lake.settings.lake / "mlruns").rglob("*.parquet")) if lake.settings.local else []:
        table = read(path)
        cut = None if table is None else without(path, table, "student_id", {student})
        if cut:
            cut[0].replace(path)
            gone.files[str(path.relative_to(lake.settings.lake))] = cut[1]
    # The dashboard names students; the next monitoring run draws it anew.
    lake.settings.dashboard.unlink(missing_ok=True)


def _current(lake: Lake) -> bool:
    """Whether silver has seen all that bronze holds, so that it may stand on what is left."""
    before = made_from(lake)
    return before is not None and as_it_stands(lake, bronze_now(lake, before)).tables == before.tables


def _stand(step: Step, current: bool) -> None:
    if current:
        step.rows[STATE] = asdict(as_it_stands(step.lake, bronze_now(step.lake, None)))
    else:
        step.rows[REBUILD] = True


def _record(lake: Lake, started: datetime, gone: Gone, lost: list[Pin]) -> None:
    files = {"rewritten": len(gone.files), "rows": sum(gone.files.values()), "not_searched": len(gone.unread)}
    row = (
        started, datetime.now(UTC), json.dumps(dict(gone.tables)), json.dumps(files), json.dumps([str(p) for p in lost])
    )  # fmt: skip
    append_rows(lake, ERASURES, [row])


def _told(gone: Gone, lost: list[Pin]) -> str:
    told = f"{count(sum(gone.tables.values()), 'row')} out of {count(len(gone.tables), 'table')}, "
    told += f"{sum(gone.files.values()):,} out of {count(len(gone.files), 'file')}; their old versions are gone"
    indent = f"\n{'':28}"
    told += "".join(f"{indent}{table}: {count(rows, 'row')}" for table, rows in sorted(gone.tables.items()))
    told += "".join(f"{indent}can no longer be rebuilt: the training set of {pin}" for pin in lost)
    told += "".join(f"{indent}could not be searched: {name}" for name in gone.unread)
    told += "".join(f"{indent}{what}" for what in gone.left)
    return told + f"{indent}sums in gold and the dashboard still count the student until the next run of the loop"


def options(parser: argparse.ArgumentParser) -> None:
    """The command's own option."""
    parser.add_argument("--student-id", default="", help="whom to forget")
