"""One batch of silver: the versions it has to look at, ranked, and the silver tables made from them."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from lakehouse.contracts import Contract
from lakehouse.publish import WORKERS
from pipelines.bronze.contracts import OPTIONAL
from pipelines.silver import contracts as c
from pipelines.silver import events, tables
from pipelines.silver.reach import Keep, Received, changed, everything, reached
from pipelines.silver.version_tables import META, RECORD, VERSIONS
from pipelines.silver.versions import Parent, newest, ranked, resolve, unbound

PARENTS = {"messages": "conversations", "lesson_progress": "lessons", "assessment_attempts": "assessments"}
"""The raw table that each row of a raw table must have its parent in."""


def look_again(received: Mapping[str, Received], keep: Keep) -> dict[str, DataFrame]:
    """By raw table, the new rows and the old versions whose answers they may change, with `fresh`.

    Args:
        received: by raw table.
        keep: writes rows down under a name and returns them as written.
    """

    def passes(table: str) -> Callable[[DataFrame], DataFrame]:
        """Writes down one pass after another, each under a name of its own, since each reads the one before."""
        number = itertools.count()
        return lambda found: keep(f"raw_{table}_{next(number)}", found)

    def taught(catalogue: str, table: str, record: str, group: str) -> dict[str, DataFrame]:
        """A catalogue, whole, and the records that name an entry which is new or says something new."""
        key = RECORD[catalogue][0]
        entries = everything(received[catalogue])
        words = changed(entries, key, content_of(catalogue))
        mine = reached(received[table], record, group, (key, words), passes(table))
        return {catalogue: entries, table: mine}

    def talk() -> dict[str, DataFrame]:
        key, begun = "conversation_id", received["conversations"]
        said = reached(received["messages"], "message_id", key, (key, begun.new), passes("messages"))
        return {"messages": said, "conversations": reached(begun, key, key, (key, said), _as_is)}

    def levels() -> dict[str, DataFrame]:
        """All levels of a student, whose history in each language makes one answer."""
        nobody = ("student_id", received["user_levels"].new.limit(0))
        return {"user_levels": reached(received["user_levels"], "student_id", "student_id", nobody, _as_is)}

    with ThreadPoolExecutor(WORKERS) as pool:
        parts = [
            pool.submit(talk),
            pool.submit(taught, "lessons", "lesson_progress", "progress_id", "progress_id"),
            pool.submit(taught, "assessments", "assessment_attempts", "attempt_id", "student_id"),
            pool.submit(levels),
            *[pool.submit(lambda table: {table: everything(received[table])}, table) for table in OPTIONAL],
        ]
        return {table: frame for part in parts for table, frame in part.result().items()}


def rank(raw: Mapping[str, DataFrame], keep: Keep) -> dict[str, DataFrame]:
    """The versions of every raw table with orphans, newest versions and known times marked, written down by `keep`."""

    def alone(table: str) -> dict[str, DataFrame]:
        return {table: keep(f"versions_{table}", rank_table(table, raw[table]))}

    def with_parent(children: str, parents: str) -> dict[str, DataFrame]:
        above = alone(parents)
        below = rank_table(children, raw[children], above[parents])
        return above | {children: keep(f"versions_{children}", below)}

    with ThreadPoolExecutor(WORKERS) as pool:
        parts = [
            *[pool.submit(with_parent, children, parents) for children, parents in PARENTS.items()],
            *[pool.submit(alone, table) for table in ("user_levels", *OPTIONAL)],
        ]
        return {table: frame for part in parts for table, frame in part.result().items()}


def rank_table(table: str, raw: DataFrame, above: DataFrame | None = None) -> DataFrame:
    """The versions of one raw table with orphans, newest versions and known times marked.

    Args:
        table: the raw table.
        raw: its versions.
        above: the ranked versions of its parents, where it has any.
    """
    if above is None:
        return ranked(unbound(raw), RECORD[table], content_of(table))
    parents = PARENTS[table]
    resolved = resolve(raw, Parent(above, RECORD[parents][0], parents.removesuffix("s")))
    return ranked(resolved, RECORD[table], content_of(table))


def silver(v: Mapping[str, DataFrame], keep: Keep) -> dict[Contract, DataFrame]:
    """Every silver table but the profiles, of the records that `v` holds: those first that take longest.

    Args:
        v: ranked versions by raw table.
        keep: writes the messages down, which the conversations are counted from.
    """
    messages = keep("messages", tables.messages(v["messages"], v["conversations"]))
    return {
        c.LEARNING_EVENTS: events.learning_events(v),
        c.MESSAGES: messages,
        c.CONVERSATIONS: tables.conversations(v["conversations"], messages),
        c.LESSON_PROGRESS: tables.lesson_progress(v["lesson_progress"], v["lessons"]),
        c.ASSESSMENT_ATTEMPTS: tables.assessment_attempts(v["assessment_attempts"], v["assessments"]),
        c.STUDENT_LEVELS: tables.student_levels(v["user_levels"]),
        c.LESSONS: newest(v["lessons"]),
        c.ASSESSMENTS: newest(v["assessments"]),
        c.CLOSURES: tables.closures(v["closures"]),
        c.INTERVENTIONS: tables.interventions(v["interventions"]),
    }


def students(v: Mapping[str, DataFrame]) -> DataFrame:
    """Who is touched by these versions: one column, student_id."""
    of = ("conversations", "lesson_progress", "assessment_attempts", "user_levels")
    frames = [v[table].select("student_id") for table in of]
    everyone = frames[0].union(frames[1]).union(frames[2]).union(frames[3])
    return everyone.where(F.col("student_id").isNotNull()).distinct()


def content_of(table: str) -> list[str]:
    """The columns of a version that say something of its record."""
    about = {column.name for column in META} | set(RECORD[table])
    return [column.name for column in VERSIONS[table].columns if column.name not in about]


def _as_is(frame: DataFrame) -> DataFrame:
    return frame
