"""Which as-of dates are made anew, and that doing only those gives what doing all gives."""

from __future__ import annotations

import argparse
from datetime import date, datetime, timedelta
from typing import Any

import pytest

import features.run
from features.due import ALWAYS, Due, MadeOf, changed_since, due
from features.student_labels import CONTRACT as LABELS
from lakehouse.cli import Run
from lakehouse.lake import Lake
from lakehouse.run_ids import new_run_id
from lakehouse.upkeep import let_go_of_all_but_the_newest, tend
from pipelines.silver.contracts import CLOSURES, LEARNING_EVENTS
from tests.lakes import LOGS, contents

MONDAYS = [date(2024, 11, 4) + timedelta(weeks=n) for n in range(6)]
BEFORE = MadeOf(3, "", "code", str(MONDAYS[3]))
Event = dict[str, Any]


@pytest.mark.parametrize(
    ("as_of", "since", "before", "wanted", "outcomes_alone"),
    [
        (MONDAYS[3], ALWAYS, None, MONDAYS[:4], []),
        (MONDAYS[3], None, BEFORE, [], []),
        (MONDAYS[4], None, BEFORE, [MONDAYS[4]], [MONDAYS[1]]),
        (MONDAYS[3], MONDAYS[2], BEFORE, [MONDAYS[2], MONDAYS[3]], [MONDAYS[0]]),
        (MONDAYS[3], MONDAYS[3], BEFORE, [MONDAYS[3]], []),
        (MONDAYS[1], None, BEFORE, [], []),
        (MONDAYS[3], MONDAYS[5], BEFORE, [], []),
    ],
)
def test_new_ripening_and_touched_dates_are_due(
    as_of: date, since: date | None, before: MadeOf | None, wanted: list[date], outcomes_alone: list[date]
) -> None:
    made = MONDAYS[:4] if before else []
    asked = [day for day in MONDAYS if day <= as_of]
    assert due(asked, made, since, before, as_of) == Due(wanted, sorted([*wanted, *outcomes_alone]))


def test_dates_that_are_asked_for_again_are_due_whatever_day_of_the_week_they_are() -> None:
    wednesday = MONDAYS[1] + timedelta(days=2)
    again = {MONDAYS[1], wednesday}
    found = due({*MONDAYS[:4], *again}, set(MONDAYS[:4]) - again, None, BEFORE, MONDAYS[3])
    assert found.features == [MONDAYS[1], wednesday, MONDAYS[3]]


def event(student: str, day: date, known: date | None = None, ref: str = "", until: date | None = None) -> Event:
    at = datetime.combine(day, datetime.min.time()) + timedelta(hours=9)
    return {
        "event_type": "conversation", "ref_id": ref or f"{student}{day}", "student_id": student, "language": "french",
        "event_at": at, "known_at": datetime.combine(known, datetime.min.time()) if known else at,
        "superseded_at": datetime.combine(until, datetime.min.time()) if until else None,
    }  # fmt: skip


def log(lake: Lake, *events: Event) -> None:
    """Merge events into silver.learning_events."""
    names = LEARNING_EVENTS.column_names()
    schema = ", ".join(f"{c.name} {c.type}" for c in LEARNING_EVENTS.columns)
    rows = [tuple(row.get(name) for name in names) for row in events]
    with Run(lake, new_run_id(), None, argparse.Namespace()).step("silver") as step:
        step.stage(LEARNING_EVENTS, lake.spark.createDataFrame(rows, schema))
        step.publish()


def make(lake: Lake, as_of: date, **span: str) -> str:
    run = Run(lake, new_run_id(), as_of, argparse.Namespace(**span))
    features.run.run(run, as_of)
    row = lake.table("ops.runs").where("step = 'features'").orderBy("ended_at").collect()[-1]
    return str(row.message)


def test_the_first_date_that_a_change_touches(lake: Lake) -> None:
    first = event("a", MONDAYS[0])
    log(lake, first, event("b", MONDAYS[0]))
    start = lake.version(LEARNING_EVENTS.name)
    log(lake, event("a", MONDAYS[2], known=MONDAYS[3]))
    middle = lake.version(LEARNING_EVENTS.name)
    log(lake, first | {"superseded_at": datetime(2024, 11, 28)})
    end = lake.version(LEARNING_EVENTS.name)

    def since(old: int, new: int) -> date | None:
        return changed_since(lake, MadeOf(old, "", "code", "2024-12-01"), MadeOf(new, "", "code", "2024-12-01"))

    assert since(start, start) is None
    assert since(start, middle) == MONDAYS[3]
    assert since(middle, end) == date(2024, 11, 28)
    assert changed_since(lake, MadeOf(start, "", "old", ""), MadeOf(start, "", "new", "")) == ALWAYS
    let_go_of_all_but_the_newest(lake, LEARNING_EVENTS.name)
    assert since(start, end) == ALWAYS


@pytest.mark.long
def test_increments_rehearsals_and_late_data_give_what_one_run_gives(lake: Lake) -> None:
    days = [MONDAYS[0] + timedelta(days=n) for n in range(0, 40, 3)]
    early = [event(s, day) for n, s in enumerate("abcd") for day in days[n:] if day < MONDAYS[4]]
    late = [event("a", MONDAYS[1] + timedelta(days=1), known=MONDAYS[5])]
    backfilled = [event("d", MONDAYS[2] + timedelta(days=2), ref="found later")]
    returned = [event("e", MONDAYS[1] + timedelta(days=4), ref="not lost after all")]
    log(lake, *early, event("e", MONDAYS[0] + timedelta(days=1)))
    assert "from 2024-11-11 to 2024-12-02" in make(lake, MONDAYS[4])
    assert "nothing new" in make(lake, MONDAYS[4])
    assert "1 as-of date from 2024-11-20" in make(lake, date(2024, 11, 20))
    lost = f"student_id = 'e' AND as_of = DATE'{MONDAYS[1]}'"
    assert lake.table("features.student_labels").where(lost).first().dropped_out
    log(lake, *late, *backfilled, *returned)
    assert "3 of them anew, since history from 2024-11-16 on" in make(lake, date(2024, 11, 20))
    assert "anew, since history from 2024-11-16 on has changed" in make(lake, MONDAYS[5])
    assert not lake.table("features.student_labels").where(lost).first().dropped_out
    assert "1 as-of date from 2024-11-13" in make(lake, date(2024, 11, 13))
    rehearsed = lake.table("features.student_labels").where("as_of = DATE'2024-11-13'")
    assert rehearsed.where("dropped_out IS NULL").isEmpty(), "its outcome is long known"
    assert not rehearsed.isEmpty()
    stepwise = contents(lake.settings)
    assert "3 as-of dates from 2024-11-13 to" in make(lake, MONDAYS[5], first="2024-11-13", last="2024-11-18")
    assert contents(lake.settings) == stepwise

    lake.spark.sql(f"DELETE FROM {lake.name('ops.runs')} WHERE step = 'features'").collect()
    others = "as_of NOT IN (DATE'2024-11-13', DATE'2024-11-20')"
    for contract in features.run.CONTRACTS:
        lake.spark.sql(f"DELETE FROM {lake.name(contract.name)} WHERE {others}").collect()
    make(lake, MONDAYS[5])
    at_once = contents(lake.settings)
    assert {k: v for k, v in stepwise.items() if k not in LOGS} == {k: v for k, v in at_once.items() if k not in LOGS}


@pytest.mark.long
def test_what_was_set_back_or_has_no_student_left_is_made_anew_and_what_was_tended_is_not(lake: Lake) -> None:
    days = [MONDAYS[2] + timedelta(days=n) for n in range(0, 20, 3)]
    misdated = event("b", MONDAYS[0] - timedelta(days=1), ref="misdated")
    log(lake, misdated, *[event("a", day) for day in days])
    lake.create(CLOSURES)
    make(lake, MONDAYS[2])
    young = lake.version(LABELS.name)
    make(lake, MONDAYS[5])
    wanted = contents(lake.settings, {"features"})

    lake.spark.sql(f"RESTORE TABLE {lake.name(LABELS.name)} TO VERSION AS OF {young}").collect()
    make(lake, MONDAYS[1])
    assert contents(lake.settings, {"features"}) != wanted, "a rehearsal leaves later dates"
    make(lake, MONDAYS[5])
    assert contents(lake.settings, {"features"}) == wanted

    log(lake, misdated | {"superseded_at": misdated["event_at"]}, event("b", MONDAYS[4], ref="misdated"))
    assert "anew, since history from 2024-11-04 on has changed" in make(lake, MONDAYS[5])
    for contract in features.run.CONTRACTS:
        assert lake.table(contract.name).where(f"as_of <= DATE'{MONDAYS[2]}'").isEmpty(), contract.name
    assert not lake.table(LABELS.name).where("student_id = 'b'").isEmpty()

    for table in (CLOSURES.name, LEARNING_EVENTS.name, LABELS.name):
        tend(lake, table, [])
    assert "nothing new" in make(lake, MONDAYS[5]), "dates without a student are made too"
