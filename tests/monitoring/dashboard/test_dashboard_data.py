"""What is read from a lake, as of a day; and the whole step."""

from __future__ import annotations

from argparse import Namespace
from dataclasses import fields
from datetime import UTC, date, datetime
from typing import Any

import pandas as pd
import pytest

from features.student_labels import CONTRACT as STUDENT_LABELS
from features.views.student_activity import CONTRACT as STUDENT_ACTIVITY
from features.views.student_learning import CONTRACT as STUDENT_LEARNING
from lakehouse.cli import Run
from lakehouse.contracts import Contract
from lakehouse.lake import Lake
from lakehouse.ops import RUNS
from lakehouse.rows import append_rows
from monitoring.contracts import DATA_QUALITY, MODEL_HEALTH
from monitoring.dashboard.data import collect
from monitoring.dashboard.frames import COLUMNS, Frames
from monitoring.dashboard.run import run
from pipelines.gold.contracts import COHORT_RETENTION, LEARNING_VELOCITY
from pipelines.silver.contracts import ASSESSMENT_ATTEMPTS, CLOSURES, CONVERSATIONS, LEARNING_EVENTS, MESSAGES
from scoring.contracts import AT_RISK_STUDENTS, STUDENT_SEGMENTS
from tests.monitoring.dashboard.sample import model_card

AS_OF = date(2024, 12, 2)


def at(day: str) -> datetime:
    return datetime.fromisoformat(f"{day}T12:00:00").replace(tzinfo=UTC)


def fill(lake: Lake, contract: Contract, *rows: dict[str, Any]) -> None:
    """Append rows to a table; columns left out are null, or 0 or "x" where null is not allowed."""
    stand_in = {c.name: ("x" if c.type == "STRING" else 0) if not c.nullable else None for c in contract.columns}
    complete = [tuple((stand_in | row)[c.name] for c in contract.columns) for row in rows]
    append_rows(lake, contract, complete)


def event(student: str, day: str, **given: Any) -> dict[str, Any]:
    row = {"event_type": "conversation", "ref_id": f"{student}{day}", "student_id": student, "language": "spanish"}
    return row | {"event_at": at(day), "known_at": at(day)} | given


def records(frame: pd.DataFrame) -> list[tuple[Any, ...]]:
    return sorted(frame.itertuples(index=False, name=None))


def test_a_bare_lake_gives_empty_frames(lake: Lake) -> None:
    frames = collect(lake, AS_OF)
    for field in fields(Frames):
        frame = getattr(frames, field.name)
        assert frame.empty
        assert tuple(frame.columns) == COLUMNS[field.name]


def test_counts_are_of_what_was_known(lake: Lake) -> None:
    fill(
        lake,
        LEARNING_EVENTS,
        event("anna", "2024-12-01"),
        event("anna", "2024-12-01", language="french", ref_id="second"),
        event("ben", "2024-11-20"),
        event("cleo", "2024-11-18"),
        event("dora", "2024-11-17"),
        event("late", "2024-12-01", known_at=at("2024-12-05")),
        event("tomorrow", "2024-12-02"),
        event("gone", "2024-12-01", superseded_at=at("2024-12-01")),
        event("corrected-later", "2024-11-01", superseded_at=at("2024-12-09")),
        event("accessed", "2024-12-01", event_type="lesson_accessed"),
    )
    frames = collect(lake, AS_OF)
    counts = frames.students.iloc[0].to_dict()
    assert counts == {
        "students": 5,
        "active_7": 1,
        "active_7_before": 2,
        "active_28": 4,
        "new_28": 4,
    }
    days = dict(records(frames.daily))
    assert (min(days), max(days), len(days)) == (date(2024, 11, 1), date(2024, 12, 1), 31)
    assert (days[date(2024, 12, 1)], days[date(2024, 11, 30)], days[date(2024, 11, 18)]) == (1, 0, 1)
    assert records(frames.languages) == [("french", 1, 1), ("spanish", 5, 4)]


def test_who_is_present_and_who_waits_for_a_closure(lake: Lake) -> None:
    for student, silent, eligible in (("anna", 1, True), ("french", 7, False), ("ben", 14, True), ("gone", 15, False)):
        key = {"student_id": student, "as_of": AS_OF}
        fill(lake, STUDENT_ACTIVITY, key | {"days_since_active": silent})
        fill(lake, STUDENT_LABELS, key | {"eligible": eligible})
    fill(lake, STUDENT_ACTIVITY, {"student_id": "other", "as_of": date(2024, 11, 25), "days_since_active": 1})
    fill(lake, STUDENT_LABELS, {"student_id": "other", "as_of": date(2024, 11, 25), "eligible": True})

    def closure(language: str, first: str, last: str, known: str, until: str | None = None) -> dict[str, Any]:
        days = {"closed_from": date.fromisoformat(first), "closed_to": date.fromisoformat(last)}
        return {
            "language": language,
            "known_at": at(known),
            "superseded_at": at(until) if until else None,
            **days,
        }

    fill(
        lake,
        CLOSURES,
        closure("all", "2024-11-20", "2024-12-02", "2024-11-01"),
        closure("french", "2024-12-15", "2024-12-15", "2024-11-01", until="2024-12-20"),
        closure("past", "2024-11-01", "2024-12-01", "2024-11-01"),
        closure("too far", "2024-12-16", "2024-12-20", "2024-11-01"),
        closure("not known yet", "2024-12-05", "2024-12-20", "2024-12-03"),
        closure("corrected", "2024-12-05", "2024-12-20", "2024-11-01", until="2024-11-20"),
    )
    frames = collect(lake, AS_OF)
    assert records(frames.presence) == [(3, 1)]
    told = [(row[0], *row[-2:]) for row in records(frames.closures)]
    assert told == [("all", True, True), ("french", False, True), ("past", True, False)]


def test_the_day_of_gold_is_that_of_its_last_finished_run(lake: Lake) -> None:
    done = {"step": "gold", "status": "done", "started_at": at("2024-12-30")}
    fill(
        lake,
        RUNS,
        done | {"as_of": date(2024, 12, 2), "ended_at": at("2024-12-31")},
        done | {"as_of": date(2024, 12, 30), "ended_at": at("2024-12-30")},
        done | {"as_of": date(2024, 12, 1), "ended_at": at("2025-01-01"), "status": "failed"},
        done | {"as_of": date(2024, 12, 1), "ended_at": at("2025-01-01"), "step": "score"},
    )
    assert records(collect(lake, AS_OF).gold_day) == [(date(2024, 12, 2),)]


def test_silver_is_cut_at_the_day(lake: Lake) -> None:
    def talk(key: str, day: str, rate: float) -> dict[str, Any]:
        return {
            "conversation_id": key,
            "student_id": "anna",
            "cefr_level": "A1",
            "started_at": at(day),
            "known_at": at(day),
            "student_messages": 5,
            "error_rate": rate,
        }

    def attempt(key: str, day: str | None, score: float) -> dict[str, Any]:
        done = at(day) if day else None
        return {
            "attempt_id": key,
            "language": "spanish",
            "completed_at": done,
            "known_at": at("2024-11-01"),
            "score": score,
        }

    def message(key: str, wrong: int, day: str = "2024-12-01", role: str = "user") -> dict[str, Any]:
        given = {"conversation_id": key, "role": role, "error_count": wrong, "sent_at": at(day), "known_at": at(day)}
        return given | {"message_id": f"{key}{wrong}{day}{role}"}

    said = [
        message("a", 0),
        message("a", 1, "2024-11-30"),
        message("a", 2, role="assistant"),
        message("a", 3, "2024-12-02"),
    ]
    fill(lake, MESSAGES, *said, message("b", 1), message("b", 1, "2024-12-03"))
    fill(
        lake,
        CONVERSATIONS,
        talk("a", "2024-11-30", 0.2),
        talk("b", "2024-12-01", 0.4),
        talk("c", "2024-12-02", 1.0),
    )
    fill(
        lake,
        ASSESSMENT_ATTEMPTS,
        attempt("a", "2024-11-26", 60.0),
        attempt("b", "2024-12-01", 80.0),
        attempt("c", "2024-12-02", 0.0),
        attempt("d", None, 0.0),
    )
    frames = collect(lake, AS_OF)
    (level, talks, students, rate) = frames.errors.iloc[0]
    assert (level, talks, students, rate) == ("A1", 2, 1, pytest.approx((1 / 2 + 1) / 2))
    assert records(frames.assessments) == [(date(2024, 11, 25), "spanish", 2, 70.0)]


def test_gold_is_of_the_day_and_outcomes_wait_until_they_are_known(lake: Lake) -> None:
    monday = date(2024, 11, 25)
    fill(
        lake,
        COHORT_RETENTION,
        {"cohort_week": date(2024, 11, 18), "week_number": 1, "students": 4, "active": 2},
        {"cohort_week": monday, "week_number": 1, "students": 4, "active": 2},
    )
    risk = {"risk": 0.5, "risk_band": "high", "scored_at": at("2024-12-02")}
    days = {"a": AS_OF, "b": monday, "c": date(2024, 11, 10), "d": date(2024, 11, 11), "e": date(2024, 11, 17)}
    fill(lake, AT_RISK_STUDENTS, *[risk | {"student_id": student, "as_of": day} for student, day in days.items()])
    fill(lake, STUDENT_SEGMENTS, *[{"student_id": student, "as_of": day} for student, day in days.items()])
    fill(
        lake,
        MODEL_HEALTH,
        {"as_of": date(2024, 11, 4), "metric": "roc_auc", "slice": "all"},
        {"as_of": date(2024, 11, 11), "metric": "roc_auc", "slice": "all"},
        {"as_of": monday, "metric": "mean_risk", "slice": "all"},
        {"as_of": date(2024, 12, 9), "metric": "mean_risk", "slice": "all"},
    )
    fill(lake, DATA_QUALITY, {"as_of": monday, "table_name": "old"}, {"as_of": AS_OF, "table_name": "new"})
    fill(
        lake,
        LEARNING_VELOCITY,
        {"student_id": "a", "language": "spanish", "levels_gained": 1, "levels_per_30_days": 0.5},
        {"student_id": "b", "language": "spanish", "levels_gained": 0, "levels_per_30_days": 0.0},
        {"student_id": "c"},
    )
    frames = collect(lake, AS_OF)
    assert frames.retention["cohort_week"].tolist() == [date(2024, 11, 18)]
    assert frames.at_risk["student_id"].tolist() == ["a"]
    assert sorted(frames.health["as_of"]) == [date(2024, 11, 4), monday], "Sunday's outcomes are not known yet"
    assert frames.quality["table_name"].tolist() == ["new"]
    assert records(frames.velocity) == [("spanish", 2, 0.25, pytest.approx(0.5**1.5), 1)]


def test_the_step_writes_one_file(lake: Lake, capsys: pytest.CaptureFixture[str]) -> None:
    fill(lake, STUDENT_SEGMENTS, *({"student_id": s, "as_of": AS_OF, "segment": "Casual Users"} for s in "ab"))
    fill(
        lake,
        STUDENT_ACTIVITY,
        {"student_id": "a", "as_of": AS_OF, "minutes_28": 10.0},
        {"student_id": "b", "as_of": AS_OF, "minutes_28": 30.0},
        {"student_id": "b", "as_of": date(2024, 11, 25)},
    )
    fill(lake, STUDENT_LEARNING, {"student_id": "a", "as_of": AS_OF})
    written = run(Run(lake, "r1", AS_OF, Namespace()), AS_OF, model_card())
    assert written == lake.settings.dashboard
    text = written.read_text(encoding="utf-8")
    assert "Monday 2 December 2024" in text
    assert "Minutes in 28 days" in text
    assert "dashboard/index.html" in capsys.readouterr().out
    message = lake.one(f"SELECT message FROM {lake.name('ops.runs')} WHERE step = 'dashboard'")
    assert message.endswith(" KB")
