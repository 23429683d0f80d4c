"""What the dashboard asks the lake: one SQL file a frame, for the page and for Databricks' AI/BI dashboard."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from functools import cache
from importlib.resources import files
from textwrap import indent

_TABLE = re.compile(r"\b(?:silver|gold|features|ops)\.\w+")
_COMMENT = re.compile(r"^--.*\n", re.MULTILINE)
ACTS = ":acts"
"""Where a query begins from what made each day active: the SQL of `acts`."""
NEWEST_DAY = "(SELECT max(as_of) FROM gold.student_segments)"
"""Of a table that whoever may read any figure may read too."""


@dataclass(frozen=True)
class Query:
    """A question about one day.

    Attributes:
        told: what it gives, in a sentence.
        sql: with two-level table names, and `:as_of` for the day.
    """

    told: str
    sql: str

    @property
    def tables(self) -> list[str]:
        """The tables that it reads, by their two-level names."""
        return sorted(set(_TABLE.findall(self.sql)))

    def of_day(self, as_of: date, name: Callable[[str], str]) -> str:
        """The SQL for a day, every table under the name that `name` gives for its two-level one."""
        return _TABLE.sub(lambda found: name(found[0]), self.sql.replace(":as_of", f"DATE'{as_of}'"))

    def of_newest_day(self, schema_prefix: str = "") -> str:
        """The SQL for the newest day that was scored, without a parameter; schemas have the prefix."""
        asked = self.sql.replace(":as_of", NEWEST_DAY)
        return _TABLE.sub(lambda found: f"{schema_prefix}{found[0]}", asked)


@cache
def query(name: str) -> Query:
    """The query of a frame.

    Raises:
        FileNotFoundError: when no frame has that name.
    """
    text = files("monitoring.dashboard").joinpath("sql", f"{name}.sql").read_text(encoding="utf-8")
    told, sql = text.split("\n", 1)[0].removeprefix("-- "), _COMMENT.sub("", text).strip()
    if ACTS in sql:
        sql = sql.replace(ACTS, indent(query("acts").sql, "    ").lstrip())
    return Query(told, sql)
