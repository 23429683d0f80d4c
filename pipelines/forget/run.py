"""The forget entry point: one student out of everything, and what can no longer be rebuilt for it."""

from __future__ import annotations

import argparse
import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from lakehouse.cli import Run
from lakehouse.errors import RadarError
from lakehouse.lake import Lake
from lakehouse.ops import ERASURES, FILES
from lakehouse.pins import Pin, pins, readable
from lakehouse.publish import Step
from lakehouse.rows import append_rows
from lakehouse.runs import last_done
from lakehouse.words import INDENT, count
from pipelines.bronze.files import entries, in_bronze
from pipelines.bronze.landing import Listed, footer, listed_file, passed_by, raw_files
from pipelines.forget.landing import owners, read, same_id, take_place, without
from pipelines.forget.launch import blank
from pipelines.forget.tables import (
    RAW_OWNERS,
    STUDENT,
    TALK,
    clean_versions,
    delete,
    nameless,
    owned,
    remember_nothing,
)
from pipelines.silver import typed
from pipelines.silver.received import REBUILD, STATE, MadeFrom, as_it_stands, bronze_now, made_from
from pipelines.silver.stream import catch_up
from pipelines.silver.version_tables import VERSIONS

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
    before, once_more = made_from(lake), _unfinished(lake)
    current = before is not None and as_it_stands(lake, bronze_now(lake, before)).tables == before.tables
    gone = Gone(left=blank(lake.settings, student))
    with run.step(BEGUN) as begun:
        begun.rows[REBUILD] = True
        begun.message = "until it has ended, silver has to be made whole"
    with run.step("forget") as step:
        talks = conversations(lake, student)
        ids = {STUDENT: {student}, TALK: talks}
        shared = changed_hands(lake, ids)
        _landing(lake, ids, gone)
        gone.tables = delete(lake, student, talks)
        gone.unread += nameless(lake)
        _artifacts(lake, student, gone)
        found = bool(gone.files or gone.tables or once_more)
        if found:
            # Of every table: a row that is somebody else's by now may have been the student's in an earlier version.
            cleaned = owned(lake)
            clean_versions(lake, cleaned)
            held = [pin for pin in pins(lake) if pin.table in cleaned]
            stands = {at: readable(lake, *at) for at in {(pin.table, pin.table_version) for pin in held}}
            lost = [pin for pin in held if not stands[pin.table, pin.table_version]]
            remember_nothing(lake, student)
            # Of runs that were killed, and elsewhere than on a laptop not swept by the next one.
            lake.sweep_staging()
            _record(lake, started, gone, lost)
        _stand(step, before if current and not shared else None)
        again = ["an earlier erasure had not ended: run it again, if it was of another student"] if once_more else []
        step.message = _told(gone, lost) if found else "no row of that student, nothing was removed"
    # Not logged, since a file may be called after its student.
    left = [*(f"could not be searched: {name}" for name in gone.unread), *gone.left, *again]
    if not found:
        raise RadarError(
            ". ".join(["No row of that student was found; ids are compared as silver has them", *left]) + "."
        )
    print("".join(f"{INDENT}{what}\n" for what in left), end="")


def _unfinished(lake: Lake) -> bool:
    """Whether an erasure was killed on its way: what it deleted may still be in old versions of any table."""
    begun, ended = last_done(lake, BEGUN), last_done(lake, "forget")
    return begun is not None and (ended is None or ended.ended_at < begun.ended_at)


def conversations(lake: Lake, student: str) -> set[str]:
    """The ids of the student's conversations, in landing, bronze and silver.

    One that somebody else is said to have begun too is the student's where silver has it so, by its newest version.
    """
    files = [file for file in _listed(lake) if file.table == "conversations"]
    told = [pair for file in files if (table := read(file.path)) is not None for pair in owners(table, "user_id")]
    mine = {key for key, whose in told if whose == student}
    bronze = lake.exists("bronze.conversations")
    if bronze:
        claimed = _claimed(lake, "conversations", "user_id", {student})
        mine |= {row.id for row in claimed.distinct().collect()}
    others = {key for key, whose in told if whose != student and key in mine}
    if bronze:
        asked = lake.spark.createDataFrame([(key,) for key in sorted(mine)], "id string")
        elsewhere = _of_others(lake, "conversations", "user_id", {student})
        others |= {row.id for row in elsewhere.join(asked, "id").distinct().collect()}
    held = set()
    if lake.exists("silver.conversations"):
        now = lake.table("silver.conversations").where(F.col("student_id") == student)
        held = {row.conversation_id for row in now.select("conversation_id").collect()}
    return (mine - others) | held


def changed_hands(lake: Lake, ids: Mapping[str, set[str]]) -> bool:
    """Whether bronze has a record that was said to be the student's and somebody else's: without the student's versions
    silver is made anew, since it is then the other's.

    Args:
        lake: whose bronze tables are searched.
        ids: of the student, and of the student's conversations.
    """
    told = {table: next(iter(columns.items())) for table, columns in RAW_OWNERS.items()}
    return any(
        not _contested(lake, table, column, ids[whose]).isEmpty()
        for table, (column, whose) in told.items()
        if ids[whose] and lake.exists(f"bronze.{table}")
    )


def _contested(lake: Lake, table: str, column: str, ids: set[str]) -> DataFrame:
    """The ids of the records of a bronze table that were said to be the student's and somebody else's."""
    return _claimed(lake, table, column, ids).join(_of_others(lake, table, column, ids), "id", "left_semi").distinct()


def _claimed(lake: Lake, table: str, column: str, ids: set[str]) -> DataFrame:
    """The rows of a bronze table whose column has one of these ids: id, in its normal form."""
    return _said(lake, table, column).where(F.col("_whose").isin(*ids)).select("id").where("id IS NOT NULL")


def _of_others(lake: Lake, table: str, column: str, ids: set[str]) -> DataFrame:
    """The rows of a bronze table whose column has another id: id, in its normal form."""
    return _said(lake, table, column).where(~F.col("_whose").isin(*ids)).select("id")


def _said(lake: Lake, table: str, column: str) -> DataFrame:
    key, whose = typed.same_id(F.col("id")), typed.same_id(F.col(column))
    return lake.table(f"bronze.{table}").select(key.alias("id"), whose.alias("_whose"))


def _listed(lake: Lake) -> list[Listed]:
    return raw_files(lake.settings.landing)


def _landing(lake: Lake, ids: Mapping[str, set[str]], gone: Gone) -> None:
    """Write the student out of the landing files; the ledger learns of the new content before it takes its place."""
    if not lake.settings.landing.is_dir():
        gone.unread.append(f"{lake.settings.landing}, which is no folder; say where raw files lie with -P landing=…")
    listed = _listed(lake)
    gone.unread += passed_by(lake.settings.landing, listed)
    for raw, told_by in RAW_OWNERS.items():
        for file in (file for file in listed if file.table == raw):
            place, first = file.path.resolve(), next(iter(told_by))
            table = read(place)
            if table is None:
                gone.unread.append(file.name)
                continue
            if first not in table.column_names and len(table):
                gone.unread.append(f"{file.name}, which has no column {first}")
            cut = without(place, table, {column: ids[whose] for column, whose in told_by.items()})
            if cut:
                fresh, gone.files[file.name] = cut
                _tell_ledger(lake, file, fresh)
                take_place(fresh, place)


def _tell_ledger(lake: Lake, file: Listed, fresh: Path) -> None:
    """Where bronze holds the file, the ledger learns that it holds its new content too."""
    held_as = _held_as(lake, file)
    if held_as is None:
        return
    new = footer(replace(listed_file(file.table, fresh, fresh.parent), name=file.name))
    new = replace(new, arrived=footer(file).arrived)
    told = lake.table(FILES.name).select(*FILES.key)
    fresh_row = entries(lake, [new], datetime.now(UTC)).withColumn("bronze_hash", F.lit(held_as))
    rows = fresh_row.join(told, list(FILES.key), "left_anti")
    rows.select(*FILES.column_names()).write.mode("append").saveAsTable(lake.name(FILES.name))


def _held_as(lake: Lake, file: Listed) -> str | None:
    """The hash by which bronze holds a file, also where a killed run did not come to say so; None where it does not."""
    lake.create(FILES)
    mine = (F.col("source_file") == file.name) & (F.col("file_hash") == file.file_hash) & F.col("error").isNull()
    told = lake.table(FILES.name).where(mine).select(F.coalesce("bronze_hash", "file_hash")).first()
    if told:
        return str(told[0])
    return file.file_hash if file.identity in in_bronze(lake, [file]) else None


def _artifacts(lake: Lake, student: str, gone: Gone) -> None:
    """Rows of students that training runs left beside their models."""
    for path in sorted((lake.settings.lake / "mlruns").rglob("*.parquet")) if lake.settings.local else []:
        table = read(path)
        cut = None if table is None else without(path, table, {"student_id": {student}})
        if cut:
            cut[0].replace(path)
            gone.files[str(path.relative_to(lake.settings.lake))] = cut[1]
    # The dashboard names students; the next monitoring run draws it anew.
    lake.settings.dashboard.unlink(missing_ok=True)


def _stand(step: Step, before: MadeFrom | None) -> None:
    """Say what silver stands on now, once its streams have passed by what the erasure did: where one is left behind,
    Delta lets go of the log that it would go on with after a month.

    Args:
        step: of the erasure.
        before: what silver was made from, if it had seen all that bronze held, so that it may stand on what is left.
    """
    if before:
        catch_up(step.lake, VERSIONS)
        now = as_it_stands(step.lake, bronze_now(step.lake, None))
        step.rows[STATE] = asdict(replace(now, code=before.code))
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
    lines = [f"{table}: {count(rows, 'row')}" for table, rows in sorted(gone.tables.items())]
    lines += [f"can no longer be rebuilt: the training set of {pin}" for pin in lost]
    lines.append("sums in gold still count the student until the next run of the loop")
    return "\n".join([told, *(f"{INDENT}{line}" for line in lines)])


def options(parser: argparse.ArgumentParser) -> None:
    """The command's own option."""
    parser.add_argument("--student-id", default="", help="whom to forget")
