"""Keeping tables in shape: few files, rows clustered, old versions let go, pinned ones kept."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from math import inf

from lakehouse.contracts import CLEANED_AFTER, DELETED_FILES, LOG, VERSIONS_KEPT
from lakehouse.lake import Lake
from lakehouse.pins import Pin, oldest_pinned
from lakehouse.words import count

KEEP_HOURS = 7 * 24
NONE_KEPT = "interval 0 hours"
YEAR, MARGIN_DAYS = 365, 90
DAYS = {"hour": 1 / 24, "day": 1, "week": 7}
MANY_FILES = 8
LARGE_BYTES = 16 * 2**20


@dataclass(frozen=True)
class Tended:
    """What was done to a table."""

    table: str
    files_before: int
    files_after: int
    megabytes: float
    kept_hours: int | None
    pinned: bool

    def __str__(self) -> str:
        files = count(self.files_before, "file") + (
            f" made {self.files_after}" if self.files_after != self.files_before else ""
        )
        why = " (a registered model pins one)" if self.pinned else ""
        kept = "as long as the table says" if self.kept_hours is None else f"of {self.kept_hours} hours"
        return f"{self.table:<36} {files:<24} {self.megabytes:8.1f} MB   versions {kept} kept{why}"


def tend(lake: Lake, table: str, held: list[Pin]) -> Tended:
    """Compact and cluster a table where that pays, then let go of versions replaced over a week ago.

    A version that a registered model pins is kept, with all that came after it. In a Unity Catalog the table's own
    retention counts instead (see `Contract.ddl`): Databricks cleans by that one too, unasked. So it grows with the age
    of what is pinned.

    Args:
        lake: open for writing.
        table: two-level name.
        held: every pin.
    """
    files, size = _files(lake, table)
    if files >= MANY_FILES or (files > 1 and size >= LARGE_BYTES):
        lake.spark.sql(f"OPTIMIZE {lake.name(table)}").collect()
    oldest = oldest_pinned(lake, table, held)
    _mend_retention(lake, table, oldest)
    keep = KEEP_HOURS if oldest is None else max(KEEP_HOURS, _hours_since(oldest) + 1)
    retain = f" RETAIN {keep} HOURS" if lake.settings.local else ""
    lake.spark.sql(f"VACUUM {lake.name(table)}{retain}").collect()
    kept = keep if lake.settings.local else None
    return Tended(table, files, _files(lake, table)[0], size / 2**20, kept, oldest is not None)


def let_go_of_all_but_the_newest(lake: Lake, table: str) -> None:
    """Clean every earlier version of a table away, whatever retention it has; the retention stands again afterwards.

    Deleted rows that are only marked as such are still in the files, so these are written anew first.

    By the table's property rather than by a setting of the session, which serverless compute does not take.
    """
    name, properties = lake.name(table), lake.properties(table)
    lake.spark.sql(f"REORG TABLE {name} APPLY (PURGE)").collect()
    _set(lake, table, {DELETED_FILES: NONE_KEPT})
    try:
        lake.spark.sql(f"VACUUM {name} RETAIN 0 HOURS").collect()
    finally:
        _keep_again(lake, table, properties)


def _keep_again(lake: Lake, table: str, properties: Mapping[str, str]) -> None:
    """Let a table keep the files of old versions as long as it did, by the properties that it had."""
    kept = properties.get(DELETED_FILES)
    if kept == NONE_KEPT:
        # A killed erasure left it; nobody chose it. A contract that says how long files stay says the same of the log.
        kept = properties.get(LOG)
    if kept:
        _set(lake, table, {DELETED_FILES: kept} | ({LOG: properties[LOG]} if LOG in properties else {}))
    else:
        lake.spark.sql(f"ALTER TABLE {lake.name(table)} UNSET TBLPROPERTIES ('{DELETED_FILES}')").collect()


def _mend_retention(lake: Lake, table: str, oldest: datetime | None) -> None:
    """See that a table keeps its versions as long as models pin them: also where a killed erasure left that none are
    kept, of tables that were made before contracts said so, and in a Unity Catalog, where versions are kept for a year,
    of a model that grows old.

    Args:
        lake: open for writing.
        table: two-level name.
        oldest: when the oldest version that is pinned was written.
    """
    properties = lake.properties(table)
    if properties.get(DELETED_FILES) == NONE_KEPT:
        _keep_again(lake, table, properties)
        properties = lake.properties(table)
    if oldest is None:
        return
    if lake.settings.local:
        wanted = VERSIONS_KEPT
    else:
        years = (_hours_since(oldest) // 24 + MARGIN_DAYS) // YEAR + 1
        wanted = dict.fromkeys(CLEANED_AFTER, f"interval {years * YEAR} days")
    if wanted.keys() - properties.keys() or _days(properties) < _days(wanted):
        _set(lake, table, wanted)


def _days(properties: Mapping[str, str]) -> float:
    """For how many days versions are kept; infinite where a person says so in a way of their own."""
    told = [re.fullmatch(r"(?:interval )?(\d+) (hour|day|week)s?", properties[name].lower()) for name in VERSIONS_KEPT]
    return min(int(found[1]) * DAYS[found[2]] if found else inf for found in told)


def _set(lake: Lake, table: str, properties: Mapping[str, str]) -> None:
    """All at once: Delta holds how long files stay against how long the log does by the statement alone."""
    told = ", ".join(f"'{name}' = '{value}'" for name, value in properties.items())
    lake.spark.sql(f"ALTER TABLE {lake.name(table)} SET TBLPROPERTIES ({told})").collect()


def _files(lake: Lake, table: str) -> tuple[int, int]:
    detail = lake.spark.sql(f"DESCRIBE DETAIL {lake.name(table)}").select("numFiles", "sizeInBytes").first()
    return (int(detail.numFiles), int(detail.sizeInBytes)) if detail else (0, 0)


def _hours_since(moment: datetime) -> int:
    return int((datetime.now(UTC) - moment.astimezone(UTC)).total_seconds() // 3600)
