"""The features step: every Monday and the as-of date, from what was known then."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict
from datetime import date, timedelta

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from features import student_labels
from features.closures import CLOSURES, closed_before, closed_days, closed_for, open_days, touched
from features.dates_made import MADE, dates_made, written_down
from features.days import (
    LOOKBACK_DAYS,
    active_spans,
    as_of_dates,
    dates_frame,
    first_days,
    known_days,
    student_days,
    students_at,
)
from features.due import (
    ALWAYS,
    EVENTS,
    STATE,
    Due,
    MadeOf,
    as_it_stands,
    changed_since,
    due,
    made_of,
    reached,
    to_remember,
)
from features.feature_view import Known, views
from lakehouse.cli import Run, parse_as_of
from lakehouse.publish import Step
from lakehouse.words import count

LABELS = student_labels.CONTRACT
CONTRACTS = (*(view.contract for view in views()), LABELS)
TABLES = [contract.name for contract in CONTRACTS]


def run(run: Run, as_of: date) -> None:
    """Write features and labels for the Mondays up to `as_of` and for `as_of`: those that are new, that a late change
    of history reaches, or whose labels ripen; all of them after a change of the definitions.

    Raises:
        RadarError: when silver is missing.
        GateFailed: when a table breaks its contract.
    """
    lake = run.lake
    with run.step("features") as step:
        before = made_of(lake)
        now = as_it_stands(lake, before, as_of)
        step.rows[STATE] = asdict(to_remember(before, now, as_of))
        first = lake.one(f"SELECT date(min(event_at)) FROM {lake.name(EVENTS)}")
        asked, held = as_of_dates(first, as_of), dates_made(lake, TABLES)
        made, since = held.dates, ALWAYS if held.set_back else changed_since(lake, before, now)
        wanted = set(_anew(run, {*asked, *made}))
        dates = due({*asked, *wanted}, made - wanted, since, before, as_of)
        if not dates.labels:
            step.message = f"nothing new: features stand for {len(made)} as-of dates up to {max(made)}"
            return
        rows = _make(step, now, dates)
        if not (held.set_back and before and as_of.isoformat() < before.as_of):
            # A rehearsal leaves later dates as a restore has set them back: the next run has to know of it too.
            step.rows[MADE] = written_down(lake, TABLES, made.union(dates.features))
        told = dates.labels
        again = [day for day in told if day in made and since != ALWAYS and reached(day, since, before)]
        step.message = f"{rows:,} students and days, {count(len(told), 'as-of date')} from {told[0]} to {told[-1]}"
        shut = step.rows.get("touched_by_closures", 0)
        step.message += f"; {count(shut, 'row')} kept from a score by a closure within 14 days" if shut else ""
        step.message += f"; {len(again)} of them anew, since history from {since} on has changed" if again else ""


def _anew(run: Run, days: Iterable[date]) -> list[date]:
    """The dates that the command asks to make again: none without `--from` or `--to`."""
    first = parse_as_of(getattr(run.options, "first", ""), "from")
    last = parse_as_of(getattr(run.options, "last", ""), "to")
    if first is None and last is None:
        return []
    return [day for day in days if (first or ALWAYS) <= day <= (last or day)]


def _make(step: Step, now: MadeOf, dates: Due) -> int:
    """Make, gate and publish every table for these dates; returns the number of students and dates."""
    lake, asked = step.lake, dates_frame(step.lake.spark, dates.labels)
    events = lake.table(EVENTS, now.events)
    recent = events.where(F.col("event_at") >= F.lit(dates.labels[0] - timedelta(days=LOOKBACK_DAYS + 1)))
    days = step.scratch("student_days", student_days(recent))
    known = known_days(days, asked)
    closed = closed_after = known.select("student_id", "as_of").limit(0)
    mine: DataFrame | None = None
    if now.closures:
        closures = lake.table(CLOSURES)
        mine = step.scratch("closed", closed_for(known, closed_days(closures, asked)))
        announced = closed_for(known, closed_days(closures, asked, student_labels.MATURITY_DAYS))
        closed_after = step.scratch("closed_after", touched(announced))
        known, closed = step.scratch("open_days", open_days(known, mine)), touched(mine)
    found = students_at(known, first_days(active_spans(events), dates.labels))
    students = step.scratch("students", found if mine is None else closed_before(found, mine))
    if now.closures:
        kept_out = students.where(student_labels.lately_active()).join(closed, ["student_id", "as_of"], "left_semi")
        step.rows["touched_by_closures"] = kept_out.count()
    ripe_by = date.fromisoformat(now.as_of)
    labels = student_labels.student_labels(days, students, closed, closed_after, ripe_by)
    seen = Known(*(frame.where(F.col("as_of").isin(dates.features)) for frame in (known, students)))
    made = {view.contract: view.make(seen) for view in views()}
    step.stage_all(made | {LABELS: labels})
    step.replaces_dates(dict.fromkeys(made, dates.features) | {LABELS: dates.labels})
    rows = step.count(LABELS)
    step.publish()
    return rows
