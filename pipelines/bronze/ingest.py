"""Bronze: append every landing file once, as text, with its provenance; set aside what cannot be read."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import reduce

from pyspark.errors import PySparkException
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from lakehouse.cli import Run
from lakehouse.contracts import Contract
from lakehouse.lake import Lake
from lakehouse.ops import FILES, QUARANTINE
from lakehouse.publish import Step
from lakehouse.rows import frame_of
from lakehouse.runs import last_done, versions_of
from lakehouse.words import INDENT, count
from pipelines.bronze.as_text import read
from pipelines.bronze.auto_loader import arrivals
from pipelines.bronze.contracts import CONTRACTS, INTAKE
from pipelines.bronze.files import entries, in_bronze, strike_what_bronze_lacks, touch, untouched_and_new
from pipelines.bronze.landing import LandingFile, Listed, listing, misplaced, read_through, refuse_incomplete, unusable

STANDS = "bronze_versions"
"""Where a step writes which versions of the bronze tables the ledger knows of."""
FEW = 3
"""How many of the files that are passed by are named."""
AHEAD = timedelta(days=1)
"""How much earlier than here a day may begin elsewhere."""


def run(run: Run) -> None:
    """Take in every file of the landing folder that bronze does not hold yet.

    Raises:
        RadarError: without a landing folder, or when a first load lacks a table.
        GateFailed: when a batch fails its contract or lost a row.
    """
    lake = run.lake
    known = _known_to_stand(lake)
    lost = {} if known else strike_what_bronze_lacks(lake)
    find = getattr(run.options, "find", LISTING)
    listed = FINDERS[find](lake)
    strays = misplaced(lake.settings.landing, listed) if find == LISTING else []
    refuse_incomplete(listed, lake.exists)
    now = datetime.now(UTC)
    with run.step("bronze") as step:
        same, new = untouched_and_new(lake, listed)
        new = [replace(file, taken_in=lost[file.identity]) if file.identity in lost else file for file in new]
        if known and not same and not new:
            _create(lake)
            step.message = _told([], len(listed), strays)
            return
        files = [_arrived_by_now(read_through(file), now) for file in new]
        with lake.tuned_for(sum(file.rows for file in files)):
            held = set() if known == versions_of(lake, BRONZE) else in_bronze(lake, new)
            seen = _take_in(step, files, held, now)
            _note(step, same, seen, now)
        step.rows[STANDS] = versions_of(lake, BRONZE)
        step.message = _told(seen, len(listed), strays)


LISTING = "listing"
FINDERS: dict[str, Callable[[Lake], list[Listed]]] = {
    LISTING: lambda lake: listing(lake.settings.landing),
    "auto_loader": arrivals,
}
"""How new files are found: by walking the landing folder, or by Databricks' Auto Loader."""
BRONZE = tuple(contract.name for contract in CONTRACTS)


def _take_in(
    step: Step, files: list[LandingFile], held: Collection[tuple[str, str, str]], now: datetime
) -> list[LandingFile]:  # fmt: skip
    """Append the rows of the files that bronze does not hold, and set aside those that cannot be used.

    Returns:
        All files, as they turned out.
    """
    lake = step.lake
    wanted = [f for f in files if f.error is None and f.rows and f.listed.identity not in held]
    refused = [f for f in files if f.error] + _stage(step, wanted, now)
    # Sound ones that are empty, or that a killed run took in, free what waits under their name too.
    moves = _moves(lake, refused, _but([f for f in files if f.error is None], refused), now)
    if moves is not None:
        step.stage(QUARANTINE, moves)
    step.publish()
    _create(lake)
    return _but(files, refused) + refused


def _create(lake: Lake) -> None:
    """Every bronze table is there from the first load on, empty where nothing came."""
    for contract in (*CONTRACTS, QUARANTINE):
        lake.create(contract)


def _known_to_stand(lake: Lake) -> dict[str, int]:
    """The versions of the bronze tables of which the ledger knows the files; none before the first run and after a
    restore. Where they are others by now, a run was killed before it wrote down what it took in.
    """
    done = last_done(lake, wrote=STANDS)
    return dict(done.rows[STANDS]) if done else {}


def _stage(step: Step, files: list[LandingFile], now: datetime) -> list[LandingFile]:
    """Stage the files' rows by table; returns the files that Spark could not read and that were left out."""
    by_table: dict[str, list[LandingFile]] = defaultdict(list)
    for file in files:
        by_table[file.table].append(file)
    spark = step.lake.spark
    try:
        step.stage_all(_batches(spark, by_table, now))
        refused: list[LandingFile] = []
    except PySparkException:
        refused = [bad for file in files if (bad := _tried(spark, file, now))]
        if not refused:
            raise
        by_table = {table: left for table, mine in by_table.items() if (left := _but(mine, refused))}
        step.stage_all(_batches(spark, by_table, now))
    if by_table:
        step.check(INTAKE, _intake(step, by_table))
    return refused


def _batches(spark: SparkSession, by_table: dict[str, list[LandingFile]], now: datetime) -> dict[Contract, DataFrame]:
    return {_CONTRACT[table]: read(spark, mine, now) for table, mine in by_table.items()}


_CONTRACT = {contract.name.removeprefix("bronze."): contract for contract in CONTRACTS}


def _tried(spark: SparkSession, file: LandingFile, now: datetime) -> LandingFile | None:
    """The file with Spark's complaint, or None when Spark reads it to the end."""
    try:
        rows = read(spark, [file], now)
        # Unity Catalog has no noop sink. The hash needs every column of every row.
        rows.agg(F.max(F.xxhash64(*rows.columns))).collect()
    except PySparkException as error:
        return unusable(file, str(error))
    return None


def _arrived_by_now(file: LandingFile, now: datetime) -> LandingFile:
    """The file, set aside where its folder tells of a day to come: nothing in it would be known before, and everything
    later would pass for older.
    """
    if file.error or file.arrived is None or file.arrived <= (now + AHEAD).date():
        return file
    return LandingFile(file.listed, file.arrived, error=f"its folder is of {file.arrived}, a day that is yet to come")


def _but(files: Iterable[LandingFile], others: Iterable[LandingFile]) -> list[LandingFile]:
    names = {file.name for file in others}
    return [file for file in files if file.name not in names]


def _intake(step: Step, by_table: dict[str, list[LandingFile]]) -> DataFrame:
    rows = []
    for table, files in by_table.items():
        promised, staged = sum(file.rows for file in files), step.count(_CONTRACT[table])
        rows.append((table, promised, staged, promised - staged))
        step.rows[f"bronze.{table}"] = {"rows_in_files": promised, "files": len(files)}
    return frame_of(step.lake.spark, INTAKE, rows)


def _note(step: Step, same: list[Listed], seen: list[LandingFile], now: datetime) -> None:
    """Write the ledger, only now that bronze holds the rows."""
    if not same and not seen:
        return
    rows = entries(step.lake, seen, now)
    step.stage(FILES, rows.unionByName(touch(step.lake, same)) if same else rows)
    step.publish()


def _moves(
    lake: Lake, refused: list[LandingFile], sound: list[LandingFile], now: datetime
) -> DataFrame | None:  # fmt: skip
    """Files that go into quarantine, and those there that can be read after all, under this name or another, or whose
    name now has a file that can; None when there are none.
    """
    parts = [_set_aside(lake.spark, refused, sound, now)] if refused else []
    if lake.exists(QUARANTINE.name) and sound:
        waiting = lake.table(QUARANTINE.name).where("released_at IS NULL AND table_name LIKE 'bronze.%'")
        same = F.col("row_hash").isin([file.listed.file_hash for file in sound])
        named = same | F.col("source_file").isin([file.name for file in sound])
        freed = waiting.where(named & ~F.col("source_file").isin([file.name for file in refused]))
        parts += [] if freed.isEmpty() else [freed.withColumn("released_at", F.lit(now))]
    return reduce(DataFrame.unionByName, parts) if parts else None


def _set_aside(spark: SparkSession, files: list[LandingFile], sound: list[LandingFile], now: datetime) -> DataFrame:
    """Files for quarantine; one whose content comes under another name too, in its right place, waits for nothing."""
    usable = {file.listed.file_hash for file in sound}
    rows = [
        (
            f"bronze.{file.table}", file.name, file.listed.file_hash, file.error, None, file.name, file.arrived, 1,
            now, now if file.listed.file_hash in usable else None, None,
        )
        for file in files
    ]  # fmt: skip
    return frame_of(spark, QUARANTINE, rows)


def _told(files: list[LandingFile], listed: int, strays: list[str]) -> str:
    usable = [file for file in files if file.error is None and file.rows]
    told = f"{count(sum(file.rows for file in usable), 'row')} from {len(usable)} new of {count(listed, 'file')}"
    empty = [file.name for file in files if file.error is None and not file.rows]
    told += f"; no rows in {', '.join(empty)}" if empty else ""
    unknown = sorted({f"{file.table}.{name}" for file in files for name in file.new_columns()})
    told += f"; columns outside the contract, kept in _other_columns: {', '.join(unknown)}" if unknown else ""
    if strays:
        lie = count(len(strays), "file that lies", "files that lie")
        few = ", ".join(strays[:FEW]) + (", …" if strays[FEW:] else "")
        told += f"\n{INDENT}passed by {lie} in the place of no raw table: {few}"
    refused = [file for file in files if file.error]
    return told + "".join(f"\n{INDENT}set aside {file.name}: {file.error}" for file in refused)
