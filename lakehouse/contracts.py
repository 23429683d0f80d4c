"""What a table is: its columns, key, comment, expectations and how a batch reaches it.

The contract makes the DDL, the quality gate and the data dictionary.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

KEYS = "learner_radar.primary_keys"
TIMESERIES = "learner_radar.timeseries"
DELETED_FILES = "delta.deletedFileRetentionDuration"
LOG = "delta.logRetentionDuration"
VERSIONS_KEPT = dict.fromkeys((DELETED_FILES, LOG), "interval 3650 days")
"""A version can be read as long as the log knows it and its files, replaced ones too: Delta's own 30 days and week are
over before a model is.
"""
CLEANED_AFTER = dict.fromkeys(VERSIONS_KEPT, "interval 365 days")
"""In a Unity Catalog, which cleans by itself, how long versions stay readable for the models that pin them."""
NO_STATISTICS = {"delta.dataSkippingNumIndexedCols": "0"}


class Publish(Enum):
    """How a staged batch reaches the published table."""

    APPEND = "append"
    """Rows are added (bronze, logs)."""
    MERGE = "merge"
    """Rows replace those of the same key, or those that the step says they replace, and leave the others."""
    REPLACE = "replace"
    """The batch is the whole table."""
    REPLACE_AS_OF = "replace_as_of"
    """The batch replaces the rows of the as-of dates that it holds."""


@dataclass(frozen=True)
class Column:
    """A column: Spark SQL type, whether nulls are allowed, what it means."""

    name: str
    type: str
    comment: str
    nullable: bool = True


@dataclass(frozen=True)
class Expectation:
    """A Great Expectations expectation by class name, with its arguments.

    `Expectation("ExpectColumnValuesToBeBetween", {"column": "score", "min_value": 0, "max_value": 100})`.
    """

    type: str
    kwargs: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, eq=False)
class Contract:
    """A table's contract.

    Attributes:
        name: `<schema>.<table>`.
        comment: one or two sentences for the data dictionary.
        columns: in order; read from text by `columns(...)`.
        key: columns that identify a row; empty for logs.
        expectations: what the gate asks beyond the key and the not-null columns.
        publish: how a batch reaches the table.
        timeseries: of a feature table, the key column that is its time; empty for other tables.
        clustered: the column that files are clustered by, and the only one whose least and greatest values the table's
            log keeps: a log must not quote what learners wrote. Empty for small tables.
        partitioned: a column of a few harmless texts, each of which has files of its own, where rows of one are
            replaced more often than those of another; empty for most tables. Delta clusters no table that has it.
        tracked: whether the rows that a commit added can be read back (Delta's change feed).
        of_run: of a table whose batch replaces as-of dates, whether `as_of` is the day of the run: then its rows go
            even where the batch has none for it.
        pinned: whether registered models may pin versions of the table, which then have to stay readable; those of a
            table over time they always may.
    """

    name: str
    comment: str
    columns: tuple[Column, ...]
    key: tuple[str, ...] = ()
    expectations: tuple[Expectation, ...] = ()
    publish: Publish = Publish.REPLACE
    timeseries: str = ""
    clustered: str = ""
    partitioned: str = ""
    tracked: bool = False
    of_run: bool = True
    pinned: bool = False

    def column_names(self) -> list[str]:
        """Names in order."""
        return [column.name for column in self.columns]

    def order(self) -> list[str]:
        """The columns that a table made whole is sorted by; a log is not, its batches stand as they come."""
        if self.publish is Publish.APPEND:
            return []
        return [column for column in (self.partitioned, self.clustered) if column]

    def suite(self) -> list[Expectation]:
        """Every expectation of the gate: not-null columns, the unique key, and those declared."""
        required = [not_null(column.name) for column in self.columns if not column.nullable]
        return [*required, *([unique(*self.key)] if self.key else []), *self.expectations]

    def ddl(self, full_name: str, location: str | None = None, create: str = "CREATE TABLE IF NOT EXISTS") -> str:
        """The DDL of the table under its three-level name, at a path or where the catalog says.

        A feature table's keys are kept as table properties, for the store.
        """
        lines = [
            f"`{c.name}` {c.type}{'' if c.nullable else ' NOT NULL'} COMMENT {sql_text(c.comment)}"
            for c in self.columns
        ]
        lines += self._constraint() if location is None else []
        where = f" LOCATION {sql_text(location)}" if location else ""
        layout = f" CLUSTER BY ({self.clustered})" if self.clustered else ""
        layout = f" PARTITIONED BY ({self.partitioned})" if self.partitioned else layout
        pinnable = self.pinned or bool(self.timeseries)
        kept = (CLEANED_AFTER if location is None else VERSIONS_KEPT) if pinnable else {}
        told = (self._properties() | kept).items()
        properties = ", ".join(f"{sql_text(name)} = {sql_text(value)}" for name, value in told)
        return (
            f"{create} {full_name} ({', '.join(lines)}) USING delta{layout}{where} "
            f"COMMENT {sql_text(self.comment)} TBLPROPERTIES ({properties})"
        )

    def _constraint(self) -> list[str]:
        """The primary key by which Unity Catalog knows a feature table; plain Spark has none."""
        keys = [f"{key} TIMESERIES" if key == self.timeseries else key for key in self.key]
        name = self.name.replace(".", "_")
        return [f"CONSTRAINT {name}_pk PRIMARY KEY ({', '.join(keys)})"] if self.timeseries else []

    def _properties(self) -> dict[str, str]:
        found = {"delta.dataSkippingStatsColumns": self.clustered} if self.clustered else NO_STATISTICS
        found = found | ({"delta.enableChangeDataFeed": "true"} if self.tracked else {})
        return found | ({KEYS: ",".join(self.key), TIMESERIES: self.timeseries} if self.timeseries else {})

    def conform(self, frame: DataFrame) -> DataFrame:
        """The frame with exactly the contract's columns, in order and cast to their types.

        Raises:
            ValueError: when a column is missing.
        """
        from pyspark.sql import functions as F

        missing = [name for name in self.column_names() if name not in frame.columns]
        if missing:
            raise ValueError(f"{self.name}: the batch has no column {', '.join(missing)}")
        return frame.select(*[F.col(f"`{c.name}`").cast(c.type).alias(c.name) for c in self.columns])


def columns(text: str) -> tuple[Column, ...]:
    """Columns from lines of `name | TYPE [NOT NULL] | comment`."""
    found = []
    for line in filter(None, map(str.strip, text.splitlines())):
        name, kind, comment = (part.strip() for part in line.split("|", 2))
        required = kind.upper().endswith(" NOT NULL")
        found.append(Column(name, kind[: -len(" NOT NULL")] if required else kind, comment, not required))
    return tuple(found)


def sql_text(text: str) -> str:
    """A Spark SQL string literal."""
    escaped = text.replace("\\", "\\\\").replace("'", "\\'")
    return f"'{escaped}'"


def not_null(column: str) -> Expectation:
    """No nulls in `column`."""
    return Expectation("ExpectColumnValuesToNotBeNull", {"column": column})


def unique(*key: str) -> Expectation:
    """No two rows share the values of `key`."""
    if len(key) == 1:
        return Expectation("ExpectColumnValuesToBeUnique", {"column": key[0]})
    return Expectation("ExpectCompoundColumnsToBeUnique", {"column_list": list(key)})


def between(column: str, low: float | None, high: float | None) -> Expectation:
    """Values of `column` lie in [low, high]; nulls pass."""
    return Expectation("ExpectColumnValuesToBeBetween", {"column": column, "min_value": low, "max_value": high})


def one_of(column: str, *values: str) -> Expectation:
    """Values of `column` are among `values`; nulls pass."""
    return Expectation("ExpectColumnValuesToBeInSet", {"column": column, "value_set": list(values)})


def ordered(later: str, earlier: str) -> Expectation:
    """`later` is not before `earlier`; rows where either is null pass."""
    return Expectation(
        "ExpectColumnPairValuesAToBeGreaterThanB",
        {"column_A": later, "column_B": earlier, "or_equal": True, "ignore_row_if": "either_value_is_missing"},
    )


def rows(at_least: int) -> Expectation:
    """The batch has at least that many rows."""
    return Expectation("ExpectTableRowCountToBeBetween", {"min_value": at_least})
