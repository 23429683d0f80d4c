"""Who may see what in a Unity Catalog: row filter, column masks, tags and grants, run after the tables are there."""

from __future__ import annotations

import argparse
import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from importlib import resources
from string import Template

from lakehouse.cli import Run, command
from lakehouse.errors import RadarError
from lakehouse.lake import SCHEMAS
from lakehouse.settings import Settings

AT_RISK = "gold.at_risk_students"
FOR_TUTORS = (AT_RISK, "gold.student_segments")
STUDENT = "student_id"
PRINCIPAL = r"[\w.@+ -]+"


@dataclass(frozen=True)
class Readers:
    """Names of groups, or of single persons.

    Attributes:
        engineers: run the jobs; see everything.
        tutors: see the lists of students; `<tutors>_<language>` sees the students at risk of a language.
        analysts: see gold without names, and no list.
    """

    engineers: str
    tutors: str
    analysts: str


def statements(settings: Settings, readers: Readers, tables: Mapping[str, Sequence[str]]) -> list[str]:
    """Every statement in order: functions, filter and tags from governance.sql, then masks, tags and grants by table.

    Args:
        settings: of a lake in a Unity Catalog.
        readers: who.
        tables: the columns of each table that is there, by two-level name.
    """
    names = {schema: settings.schema(schema) for schema in SCHEMAS} | asdict(readers)
    text = Template(resources.files("lakehouse").joinpath("governance.sql").read_text()).substitute(names)
    written = [part.strip() for part in re.sub(r"^--.*$", "", text, flags=re.MULTILINE).split(";")]
    made = [said for table, columns in tables.items() for said in _about_students(settings, table, columns)]
    gold = [table for table in tables if table.startswith("gold.")]
    grants = [_grant(settings, table, readers.tutors) for table in gold if table in FOR_TUTORS]
    grants += [_grant(settings, table, readers.analysts) for table in gold if table != AT_RISK]
    return [*filter(None, written), *made, *grants]


def _about_students(settings: Settings, table: str, columns: Sequence[str]) -> list[str]:
    if STUDENT not in columns:
        return []
    column = f"ALTER TABLE {settings.table(table)} ALTER COLUMN {STUDENT}"
    tag = f"{column} SET TAGS ('learner_radar' = 'student')"
    mask = f"{column} SET MASK {settings.schema('ops')}.masked_student"
    return [tag, mask] if is_masked(table, columns) else [tag]


def is_masked(table: str, columns: Sequence[str]) -> bool:
    """Whether a table hides from some readers who its students are."""
    return table.startswith("gold.") and STUDENT in columns


def _grant(settings: Settings, table: str, reader: str) -> str:
    return f"GRANT SELECT ON TABLE {settings.table(table)} TO `{reader}`"


def govern(run: Run) -> None:
    """Run every statement.

    Raises:
        RadarError: when scoring has written no list yet.
    """
    lake, options = run.lake, run.options
    with run.step("govern") as step:
        lake.table(AT_RISK)
        readers = Readers(options.engineers, options.tutors, options.analysts)
        said = statements(lake.settings, readers, {table: lake.table(table).columns for table in lake.tables()})
        for statement in said:
            lake.spark.sql(statement).collect()
        step.message = f"{len(said)} statements: the row filter, masks, tags and grants stand"


def check(settings: Settings, options: argparse.Namespace) -> None:
    """Refuse what could not end well.

    Raises:
        RadarError: without a Unity Catalog, or for a name that is none of a group or person.
    """
    if settings.local:
        raise RadarError("Filters, masks and grants are for a Unity Catalog; name one with --catalog.")
    for option in ("engineers", "tutors", "analysts"):
        if not re.fullmatch(PRINCIPAL, getattr(options, option)):
            raise RadarError(f"{option} is {getattr(options, option)!r}; give the name of a group or a person.")


def _options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--engineers", required=True, help="the group that sees everything")
    parser.add_argument("--tutors", required=True, help="the group that sees students at risk, by language")
    parser.add_argument("--analysts", required=True, help="the group that sees figures without names")


def main() -> None:
    """The wheel's entry point `learner-radar-govern`."""
    command("Set row filter, masks, tags and grants.", govern, _options, check)


if __name__ == "__main__":
    main()
