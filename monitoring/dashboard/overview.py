"""The first things a tutor reads: the morning's sentence and the key figures."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import pandas as pd

from features.closures import EVERYBODY
from lakehouse.errors import entry_point
from monitoring.dashboard.frames import Frames
from monitoring.dashboard.words import DASH, change, count, long_day, number, percent, share, short_day, title

FOR_GOOD = 9000
"""A closure until such a year has no end."""


@dataclass(frozen=True)
class Tile:
    """A key figure: what it is called, its value, and what to compare it with."""

    label: str
    value: str
    told: str = ""
    tone: str = ""


def headline(frames: Frames) -> tuple[str, str]:
    """The morning's sentence and the one beneath it."""
    scored, waiting = frames.at_risk, paused(frames)
    if scored.empty and everybody_waits(frames):
        return "Nobody is scored today, since a closure lies ahead.", _not_scored(frames, waiting)
    if scored.empty and nobody_active(frames):
        return "Nobody was active in the last 14 days.", "Who has been silent for longer is counted and not scored."
    if scored.empty:
        return "No one has been scored for this day yet.", f"The score step makes the list: {entry_point('score')}"
    high = int((scored["risk_band"] == "high").sum())
    medium = int((scored["risk_band"] == "medium").sum())
    base = f"{count(len(scored), 'student was', 'students were')} active in the last 14 days and scored"
    told = f" {_not_scored(frames, waiting)}" if waiting else ""
    if not high:
        return "Nobody is at high risk today.", f"{base}; {number(medium)} are at medium risk.{told}"
    return (
        f"{count(high, 'student is', 'students are')} at high risk of stopping within two weeks.",
        f"{base}: {share(high, len(scored))} at high risk, {share(medium, len(scored))} at medium.{told}",
    )


def gold_of_another_day(frames: Frames, as_of: date) -> str:
    """That the gold tables, which hold one day at a time, were made for another than this; else nothing."""
    made = frames.gold_day["as_of"].tolist()
    if not made or made[0] == as_of:
        return ""
    what = "Lessons, topics, progress, conversations and session length"
    return f"{what} are told as of {long_day(made[0])}, when they were made last."


def paused(frames: Frames) -> int:
    """How many students were active lately and are not scored, since a closure lies in the 14 days to come."""
    return int(frames.presence["paused"].sum())


def everybody_waits(frames: Frames) -> bool:
    """Whether a closure alone is why nobody is scored."""
    return 0 < paused(frames) == int(frames.presence["present"].sum())


def nobody_active(frames: Frames) -> bool:
    """Whether nobody is scored since nobody was active in the 14 open days before."""
    return len(frames.presence) > 0 and not int(frames.presence["present"].sum())


def inactive(frames: Frames) -> int | None:
    """How many students were silent for more than 14 open days; None where no features tell."""
    if frames.presence.empty or frames.students.empty:
        return None
    return int(frames.students["students"].sum() - frames.presence["present"].sum())


def closed_lately(frames: Frames) -> str:
    """That days of the list are open ones, where some were closed in the 180 days before; else nothing."""
    closed = _spans(frames.closures, "lately")
    return f"Days here, on the list and in its reasons are open days; closed: {closed}." if closed else ""


def _spans(closures: pd.DataFrame, when: str) -> str:
    """What is closed, and from when until when: of the closures that are `lately` or `ahead`."""
    return ", ".join(
        f"{'everything' if row['language'] == EVERYBODY else title(row['language'])} "
        f"from {short_day(row['closed_from'])} {_until(row['closed_to'])}"
        for row in closures.sort_values(["closed_from", "language"]).to_dict("records")
        if row[when]
    )


def _until(day: date) -> str:
    """Until when something is closed; a course that ended has no end."""
    return f"to {short_day(day)}" if day.year < FOR_GOOD else "on"


def _not_scored(frames: Frames, waiting: int) -> str:
    closed = _spans(frames.closures, "ahead")
    those = count(waiting, "active student is", "active students are")
    return f"{those} not scored, since a fortnight with a closure in it tells nothing: {closed}."


def tiles(frames: Frames, as_of: date) -> list[Tile]:
    """The key figures."""
    high = int((frames.at_risk["risk_band"] == "high").sum())
    scored = len(frames.at_risk)
    told = f"{share(high, scored)} of {number(scored)} scored" if scored else _unscored(frames)
    return [
        Tile("At high risk", number(high) if scored else DASH, told, "high" if high else ""),
        *_student_tiles(frames.students, inactive(frames)),
        *_week_tiles(frames.metrics, min([as_of, *frames.gold_day["as_of"]])),
    ]


def _unscored(frames: Frames) -> str:
    if everybody_waits(frames):
        return "nobody scored: a closure lies ahead"
    return "nobody was active in 14 days" if nobody_active(frames) else "nobody scored yet"


def _student_tiles(students: pd.DataFrame, silent: int | None) -> list[Tile]:
    if students.empty:
        return [Tile(label, DASH, "no activity yet") for label in ("Active in 7 days", "Inactive", "New in 28 days")]
    row: Any = students.iloc[0]
    return [
        Tile(
            "Active in 7 days",
            number(row["active_7"]),
            f"{change(float(row['active_7']), float(row['active_7_before']))} the 7 before",
        ),
        Tile("Inactive", number(silent), f"silent over 14 days, of {number(row['students'])} ever active"),
        Tile("New in 28 days", number(row["new_28"]), f"{share(row['new_28'], row['students'])} of all students"),
    ]


def _week_tiles(metrics: pd.DataFrame, as_of: date) -> list[Tile]:
    """The last seven days before a day that the gold tables know."""
    days = pd.to_datetime(metrics["activity_date"])
    end = pd.Timestamp(as_of)
    week = metrics[(days >= end - timedelta(days=7)) & (days < end)]
    before = metrics[(days >= end - timedelta(days=14)) & (days < end - timedelta(days=7))]
    talks, earlier = float(week["conversations"].sum()), float(before["conversations"].sum())
    if not talks:
        return [Tile("Conversations", "0" if len(metrics) else DASH), Tile("Session length", DASH)]
    return [
        Tile("Conversations", number(talks), f"in 7 days, {change(talks, earlier)} the 7 before"),
        Tile(
            "Session length",
            f"{number(_weighted(week, 'avg_session_minutes'))} min",
            f"{percent(_weighted(week, 'avg_error_rate'))} of messages corrected in the mean conversation",
        ),
    ]


def _weighted(metrics: pd.DataFrame, column: str) -> float | None:
    known = metrics[metrics[column].notna() & (metrics["conversations"] > 0)]
    weight = known["conversations"].astype(float)
    return float((known[column].astype(float) * weight).sum() / weight.sum()) if len(known) else None
