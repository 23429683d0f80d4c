"""The first things a tutor reads: the morning's sentence and the key figures."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import pandas as pd

from lakehouse.errors import entry_point
from monitoring.dashboard.frames import Frames
from monitoring.dashboard.words import DASH, change, count, number, percent, share


@dataclass(frozen=True)
class Tile:
    """A key figure: what it is called, its value, and what to compare it with."""

    label: str
    value: str
    told: str = ""
    tone: str = ""


def headline(frames: Frames) -> tuple[str, str]:
    """The morning's sentence and the one beneath it."""
    scored = frames.at_risk
    if scored.empty:
        return "No one has been scored for this day yet.", f"The score step makes the list: {entry_point('score')}"
    high = int((scored["risk_band"] == "high").sum())
    medium = int((scored["risk_band"] == "medium").sum())
    base = f"{count(len(scored), 'student was', 'students were')} active in the last 14 days and scored"
    if not high:
        return "Nobody is at high risk today.", f"{base}; {number(medium)} are at medium risk."
    return (
        f"{count(high, 'student is', 'students are')} at high risk of stopping within two weeks.",
        f"{base}: {share(high, len(scored))} at high risk, {share(medium, len(scored))} at medium.",
    )


def tiles(frames: Frames, as_of: date) -> list[Tile]:
    """The key figures."""
    high = int((frames.at_risk["risk_band"] == "high").sum())
    scored = len(frames.at_risk)
    told = f"{share(high, scored)} of {number(scored)} scored" if scored else "nobody scored yet"
    return [
        Tile("At high risk", number(high) if scored else DASH, told, "high" if high else ""),
        *_student_tiles(frames.students),
        *_week_tiles(frames.metrics, as_of),
    ]


def _student_tiles(students: pd.DataFrame) -> list[Tile]:
    if students.empty:
        return [Tile(label, DASH, "no activity yet") for label in ("Active in 7 days", "Inactive", "New in 28 days")]
    row: Any = students.iloc[0]
    return [
        Tile(
            "Active in 7 days",
            number(row["active_7"]),
            f"{change(float(row['active_7']), float(row['active_7_before']))} the 7 before",
        ),
        Tile("Inactive", number(row["inactive"]), f"silent over 14 days, of {number(row['students'])} ever active"),
        Tile("New in 28 days", number(row["new_28"]), f"{share(row['new_28'], row['students'])} of all students"),
    ]


def _week_tiles(metrics: pd.DataFrame, as_of: date) -> list[Tile]:
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
