"""The lake as the steps see it: tables by their two-level names, on a laptop and on Databricks alike."""

from __future__ import annotations

import shutil
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from pyspark.errors import PySparkException
from pyspark.sql import DataFrame, SparkSession

from lakehouse.contracts import Column, Contract, sql_text
from lakehouse.errors import RadarError, entry_point
from lakehouse.lock import single_writer
from lakehouse.paths import to_the_letter
from lakehouse.run_ids import began_at
from lakehouse.session import connect, jvm_pid
from lakehouse.settings import Settings, check_writable

SCHEMAS = ("bronze", "silver", "features", "gold", "models", "ops")
ALIKE = 0.8
"""From how alike, of 1, a name may be another one misspelled."""
FEW_ROWS, FEW_BESIDE = 20_000, 500_000
ABANDONED = timedelta(days=1)
INTERPRETED = {"spark.sql.codegen.wholeStage": "false", "spark.sql.codegen.factoryMode": "NO_CODEGEN"}
OLD_VERSIONS = dict.fromkeys(
    (
        "spark.databricks.delta.retentionDurationCheck.enabled",
        "spark.databricks.delta.vacuum.retentionWindowIgnore.enabled",
        "spark.databricks.delta.vacuum.enforceTimeTravelWithinDeletedFileRetentionDuration",
    ),
    "false",
)
"""Upkeep says how long old versions stay. Delta would heed no `RETAIN` or refuse it, and read no version that is over a
week old.
"""
_served: Path | None = None


class Lake:
    """One lake and the session that reads it."""

    def __init__(self, settings: Settings, spark: SparkSession) -> None:
        self.settings = settings
        self.spark = spark
        self.writable = not settings.local
        self._known: set[str] = set()
        self._whole: set[str] = set()
        self._lock = threading.Lock()
        if settings.local:
            self._serve()

    @classmethod
    def open(cls, settings: Settings) -> Lake:
        """Open a lake for reading.

        Raises:
            RadarError: when its folder cannot be used or Java is missing.
        """
        if settings.local:
            check_writable(settings.lake)
        return cls(settings, connect())

    @classmethod
    @contextmanager
    def writing(cls, settings: Settings, run: str, wait_seconds: float = 3600.0) -> Iterator[Lake]:
        """Open a lake as its only writer; on Databricks `max_concurrent_runs: 1` of the job does that.

        Raises:
            LakeBusy: when another writer does not finish in `wait_seconds`.
        """
        if not settings.local:
            lake = cls.open(settings)
            lake.sweep_staging(ABANDONED)
            yield lake
            return
        check_writable(settings.lake)
        with single_writer(settings.lake, run, wait_seconds) as note:
            lake = cls.open(settings)
            note.write(jvm_pid())
            lake.sweep_staging()
            lake.writable = True
            yield lake

    def name(self, table: str) -> str:
        """The three-level name of `<schema>.<table>`."""
        return self.settings.table(table)

    def short(self, name: str) -> str:
        """The two-level name behind a three-level one; a two-level name stays as it is."""
        *schema, table = name.split(".")[-2:]
        return ".".join([*(s.removeprefix(self.settings.schema_prefix) for s in schema), table])

    def exists(self, table: str) -> bool:
        """Whether the table has been published; registers a local table that another process made."""
        if table in self._known:
            return True
        if self.settings.local:
            folder = self.settings.table_folder(table)
            if not self._commits(table):
                return False
            with self._lock:
                self.spark.sql(
                    f"CREATE TABLE IF NOT EXISTS {self.name(table)} USING delta LOCATION {sql_text(str(folder))}"
                )
        elif not self.spark.catalog.tableExists(self.name(table)):
            return False
        self._known.add(table)
        return True

    def table(self, table: str, version: int | None = None) -> DataFrame:
        """A table's rows, as of a Delta version when one is given.

        Raises:
            RadarError: when there is no such table, saying which step makes it.
        """
        if not self.exists(table):
            raise RadarError(f"The lake {self.settings.lake} has no table {table}; {self._instead_of(table)}.")
        if version is None:
            return self.spark.table(self.name(table))
        return self.spark.sql(f"SELECT * FROM {self.name(table)} VERSION AS OF {version}")

    def stream(self, table: str) -> DataFrame:
        """A table's rows as a stream of what was appended; what erasure or a restore did to it passes by.

        Raises:
            RadarError: when there is no such table.
        """
        self.table(table)
        return self.spark.readStream.option("skipChangeCommits", "true").table(self.name(table))

    def version(self, table: str) -> int:
        """The newest Delta version of a table.

        Raises:
            RadarError: when there is no such table.
        """
        self.table(table)
        if self.settings.local:
            return max(self._commits(table))
        return int(self.history(table, 1).collect()[0].version)

    def history(self, table: str, newest: int | None = None) -> DataFrame:
        """Delta's history of a table, newest version first: version, timestamp, operation, operationMetrics and more.

        Args:
            table: its two-level name.
            newest: how many versions; None for all that its log still knows.

        Raises:
            RadarError: when there is no such table.
        """
        self.table(table)
        return self.spark.sql(f"DESCRIBE HISTORY {self.name(table)}" + (f" LIMIT {newest}" if newest else ""))

    def properties(self, table: str) -> dict[str, str]:
        """A table's properties, as Delta keeps them."""
        return {row.key: row.value for row in self.spark.sql(f"SHOW TBLPROPERTIES {self.name(table)}").collect()}

    def one(self, query: str) -> Any:
        """The first column of the first row of a query, or None when it has no rows."""
        row = self.spark.sql(query).first()
        return None if row is None else row[0]

    def create(self, contract: Contract) -> None:
        """Make the table from its contract's DDL unless it is there; one that is there gains the columns it lacks.

        Rows of before hold null in a new column, whatever the contract says, until they are made anew.

        Raises:
            RadarError: when a column of the table has another type than the contract says.
        """
        if not self.exists(contract.name):
            self._define(contract, "CREATE TABLE IF NOT EXISTS")
        elif contract.name not in self._whole:
            self._widen(contract)
        self._whole.add(contract.name)

    def _widen(self, contract: Contract) -> None:
        held = {field.name: field.dataType.simpleString() for field in self.table(contract.name).schema}
        for place, column in enumerate(contract.columns):
            if column.name in held:
                _refuse_other_type(contract.name, column, held[column.name])
                continue
            after = f"AFTER `{contract.columns[place - 1].name}`" if place else "FIRST"
            self.spark.sql(
                f"ALTER TABLE {self.name(contract.name)} ADD COLUMNS "
                f"(`{column.name}` {column.type} COMMENT {sql_text(column.comment)} {after})"
            ).collect()

    def recreate(self, contract: Contract) -> None:
        """Make the table anew and empty, in one commit; its earlier versions stay readable."""
        self._define(contract, "CREATE OR REPLACE TABLE" if self.exists(contract.name) else "CREATE TABLE")

    def drop(self, table: str) -> None:
        """Remove a table, its rows and its history."""
        self.spark.sql(f"DROP TABLE {self.name(table)}").collect()
        if self.settings.local:
            shutil.rmtree(self.settings.table_folder(table), ignore_errors=True)
        self._known.discard(table)
        self._whole.discard(table)

    def _define(self, contract: Contract, create: str) -> None:
        location = str(self.settings.table_folder(contract.name)) if self.settings.local else None
        if location and not self._commits(contract.name):
            # What a run left that was killed while it made the table: no row was in it yet.
            shutil.rmtree(location, ignore_errors=True)
        self.spark.sql(contract.ddl(self.name(contract.name), location, create))
        self._known.add(contract.name)

    def tables(self) -> list[str]:
        """Every published table, by its two-level name."""
        if self.settings.local:
            logs = sorted(self.settings.warehouse.glob("*.db/*/_delta_log"))
            names = [f"{log.parent.parent.name.removesuffix('.db')}.{log.parent.name}" for log in logs]
            return [name for name in names if self.exists(name)]
        return [f"{schema}.{row.tableName}" for schema in SCHEMAS for row in self._listed(self.settings.schema(schema))]

    @contextmanager
    def tuned_for(self, rows: int, beside: int = 0) -> Iterator[None]:
        """Queries over few rows: Spark compiles no code for them, which would cost more than it saves.

        Databricks' serverless compute takes no such setting.

        Args:
            rows: what is worked on.
            beside: what is looked through for it besides.
        """
        few = rows <= FEW_ROWS and beside <= FEW_BESIDE
        interpreted = INTERPRETED if self.settings.local and few else {}
        for name, value in interpreted.items():
            self.spark.conf.set(name, value)
        try:
            yield
        finally:
            for name in interpreted:
                self.spark.conf.unset(name)

    def sweep_staging(self, age: timedelta = timedelta(0)) -> None:
        """Remove what killed runs left in staging: batches of runs that began longer than `age` ago.

        The only writer removes all of them; where another job may be at work, only those that no run can still need.
        """
        for batch in self.settings.staging.glob("*"):
            began = began_at(batch.name)
            if not age or (began and began < datetime.now(UTC) - age):
                shutil.rmtree(batch, ignore_errors=True)

    def stage(self, name: str, frame: DataFrame) -> DataFrame:
        """Write rows down under a name of their own, which SQL may use too; returns them as written.

        Staged rows are Parquet files without a table: they live for one run and need no versions.
        """
        path = self.settings.staging / name
        schema = frame.schema  # asked for first: the server keeps the analysed plan, and writes by it
        frame.write.mode("overwrite").parquet(str(path))
        staged = self.spark.read.schema(schema).parquet(to_the_letter(path))
        staged.createOrReplaceTempView(name)
        return staged

    def staged(self, name: str) -> DataFrame:
        """Rows that were staged."""
        return self.spark.table(name)

    def unstage(self, name: str) -> None:
        """Remove staged rows."""
        self.spark.catalog.dropTempView(name)
        shutil.rmtree(self.settings.staging / name, ignore_errors=True)

    def _instead_of(self, table: str) -> str:
        """What makes it, and what is there under a name much like it."""
        maker, where = _MAKER.get(table.split(".")[0]), {"lake": self.settings.lake}
        if maker != "features":  # which reads no raw files
            where = {"landing": self.settings.landing} | where
        told = f"run `{entry_point(maker, **where)}` first" if maker else "no run has written it yet"
        with suppress(PySparkException):  # what is asked for is told, whatever else may not be looked at
            if near := get_close_matches(table, self.tables(), n=1, cutoff=ALIKE):
                told += f"; or is {near[0]} meant"
        return told

    def _commits(self, table: str) -> list[int]:
        """The versions whose commits lie in a local table's log: none yet where a run was killed while it made it."""
        log = self.settings.table_folder(table) / "_delta_log"
        return [int(commit.stem) for commit in log.glob("*.json") if commit.stem.isdecimal()]

    def _other_schemas(self) -> list[str]:
        """Schemas of a local lake that no step needs, such as one to practise in."""
        return [folder.name.removesuffix(".db") for folder in self.settings.warehouse.glob("*.db")]

    def _listed(self, schema: str) -> list[Any]:
        """The tables that the catalog knows in a schema, by its two-level name."""
        rows = self.spark.sql(f"SHOW TABLES IN {schema}").collect()
        return [row for row in rows if not row.isTemporary]

    def _serve(self) -> None:
        """Point the in-memory catalog, which serves one lake at a time, at this one; a Unity Catalog has its schemas
        from the bundle.

        Every local table has a LOCATION of its own, so dropping it from the catalog forgets it and keeps its files.
        Never drop a schema here: that deletes its folder.
        """
        global _served
        for name, value in OLD_VERSIONS.items():
            self.spark.conf.set(name, value)
        for schema in {*SCHEMAS, *self._other_schemas()}:
            self.spark.sql(f"CREATE SCHEMA IF NOT EXISTS {self.settings.schema(schema)}")
        if _served not in (None, self.settings.warehouse):
            for held in self.spark.sql(f"SHOW SCHEMAS IN {self.settings.catalog}").collect():
                schema = f"{self.settings.catalog}.{held.namespace}"
                for row in self._listed(schema):
                    self.spark.sql(f"DROP TABLE {schema}.{row.tableName}")
        _served = self.settings.warehouse


def _refuse_other_type(table: str, column: Column, held: str) -> None:
    """Where a definition has changed a type, Spark would bend new values to the old one without a word."""
    if column.type.replace(" ", "").lower() != held.replace(" ", "").lower():
        raise RadarError(
            f"{table}: the column {column.name} is {held.upper()} in the table and {column.type} in its contract. A "
            "column keeps its type: give what is new a name of its own, or put the old type back."
        )


_MAKER = {"bronze": "ingest", "silver": "ingest", "features": "features", "gold": "main"}
"""The entry point that makes the tables of a schema."""
