"""Which as-of dates have to be made: new ones, those that a late change reaches, those whose labels ripen."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from hashlib import sha256

from pyspark.errors import PySparkException
from pyspark.sql import Column
from pyspark.sql import functions as F

from features.closures import CLOSURES
from features.days import known_from, known_until
from features.student_labels import MATURITY_DAYS
from lakehouse.code import code_hash
from lakehouse.lake import Lake
from lakehouse.runs import last_done

STATE = "features_of"
EVENTS = "silver.learning_events"
ALWAYS = date(1, 1, 1)


@dataclass(frozen=True)
class MadeOf:
    """What the feature tables stand on.

    Attributes:
        events: version of silver.learning_events.
        closures: hash of what silver.closures holds, empty without any; upkeep alone gives it another version.
        code: hash of the definitions.
        as_of: the latest day that labels have ripened by, in ISO format.
    """

    events: int
    closures: str
    code: str
    as_of: str


def made_of(lake: Lake) -> MadeOf | None:
    """What the feature tables stand on; None before the first run."""
    done = last_done(lake, "features", wrote=STATE)
    return MadeOf(**done.rows[STATE]) if done else None


def as_it_stands(lake: Lake, before: MadeOf | None, as_of: date) -> MadeOf:
    """What they will stand on after a run for `as_of`; a rehearsal of an earlier day takes no ripe label back."""
    latest = max(as_of.isoformat(), before.as_of if before else "")
    return MadeOf(lake.version(EVENTS), _closures(lake), code_hash("features"), latest)


def to_remember(before: MadeOf | None, now: MadeOf, as_of: date) -> MadeOf:
    """What a run for `as_of` writes down. A rehearsal leaves later dates as they are, so they still stand on what they
    stood on: else the next run would not make them anew.
    """
    return before if before and as_of.isoformat() < before.as_of else now


def changed_since(lake: Lake, before: MadeOf | None, now: MadeOf) -> date | None:
    """The first as-of date whose answers may be other ones than before; None when none can be."""
    if before is None or (before.code, before.closures) != (now.code, now.closures):
        return ALWAYS
    if before.events == now.events:
        return None
    try:
        return _first_touched(lake, before.events, now.events)
    except PySparkException:
        # What upkeep or an erasure let go of in between can no longer be told apart: every date may be another one.
        return ALWAYS


@dataclass(frozen=True)
class Due:
    """The as-of dates to make.

    Attributes:
        features: those that get features.
        labels: these, and those of which the outcome alone is told anew.
    """

    features: list[date]
    labels: list[date]


def due(
    asked: Iterable[date], made: Iterable[date], since: date | None, before: MadeOf | None, as_of: date
) -> Due:  # fmt: skip
    """The as-of dates to make: none, or some and `as_of`, whose rows every batch replaces.

    Args:
        asked: the Mondays up to `as_of`, `as_of`, and the dates that are to be made again.
        made: the as-of dates that every feature table holds, but for those.
        since: from `changed_since`.
        before: what the tables stand on.
        as_of: the day of the run.
    """
    made = set(made)

    def ripens(day: date) -> bool:
        return ripe_by(before) < day + timedelta(days=MATURITY_DAYS) <= as_of

    past = {day for day in {*asked, *made} if day <= as_of}
    features = {day for day in past if day not in made or (since is not None and since <= day)}
    labels = features | {day for day in past if ripens(day) or reached(day, since, before)}
    return Due(sorted(features | {as_of}), sorted(labels | {as_of})) if labels else Due([], [])


def ripe_by(before: MadeOf | None) -> date:
    """The day by which outcomes had ripened when the tables were last made."""
    return date.fromisoformat(before.as_of) if before else ALWAYS


def reached(day: date, since: date | None, before: MadeOf | None) -> bool:
    """Whether a change of history from `since` on reaches a date: its features, or an outcome that had ripened."""
    if since is None:
        return False
    return day >= since or since <= day + timedelta(days=MATURITY_DAYS) <= ripe_by(before)


def _closures(lake: Lake) -> str:
    rows = lake.table(CLOSURES).collect() if lake.exists(CLOSURES) else []
    return sha256("\n".join(sorted(str(row.asDict()) for row in rows)).encode()).hexdigest() if rows else ""


def _first_touched(lake: Lake, old: int, new: int) -> date | None:
    """The first as-of date that the changes of the event log between two versions can touch.

    A row that came or went counts from when it was known; one that was closed, from when it was closed.
    """
    feed = lake.spark.read.option("readChangeFeed", "true").option("startingVersion", old + 1)
    changes = feed.option("endingVersion", new).table(lake.name(EVENTS))
    content = [name for name in lake.table(EVENTS).columns if name != "superseded_at"]
    came = F.col("_change_type").isin("insert", "update_postimage")
    net: Column = F.sum(F.when(came, 1).otherwise(-1))
    groups = changes.groupBy(*content).agg(
        net.alias("_net"), F.min(known_until()).alias("_closed"), F.min(known_from()).alias("_known")
    )
    first = groups.agg(F.min(F.when(F.col("_net") != 0, F.col("_known")).otherwise(F.col("_closed")))).first()
    return first[0] if first else None
