"""Overview: who is here."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import altair as alt
import pandas as pd

from monitoring.dashboard.charts.drawing import ACCENT, DOWN, FAINT, PALE, Drawing, finish, row_axis, rows_chart
from monitoring.dashboard.frames import Frames
from monitoring.dashboard.words import change, count, listed, number, share, short_day, title

DAYS_SHOWN = 91


def daily_actives(frames: Frames) -> Drawing | None:
    """Distinct active students a day, with the mean of seven days."""
    days = every_day(frames.daily)
    if days.empty:
        return None
    shown = days.tail(DAYS_SHOWN).assign(
        day=lambda d: d["activity_date"].dt.strftime("%Y-%m-%d"), told=lambda d: d["activity_date"].map(short_day)
    )
    x = alt.X("utcyearmonthdate(day):T", axis=alt.Axis(format="%-d %b", tickCount=6, labelFlush=True))
    y = alt.Y("active_students:Q", scale=alt.Scale(zero=True), axis=alt.Axis(tickCount=4, format="d"))
    base = alt.Chart(shown[["day", "told", "active_students", "mean_7"]]).encode(x=x)
    bars = base.mark_bar(color=PALE, cornerRadiusEnd=0, width={"band": 0.85}).encode(
        y=y, tooltip=[alt.Tooltip("told:N", title="Day"), alt.Tooltip("active_students:Q", title="Active students")]
    )
    line = base.mark_line(color=ACCENT, strokeWidth=2.25, interpolate="monotone").encode(y="mean_7:Q")
    numbers = pd.DataFrame(
        {
            "Day": shown["told"],
            "Active students": shown["active_students"].map(number),
            "Mean of 7 days": shown["mean_7"].map(lambda v: number(v, 1)),
        }
    )
    return Drawing(
        finish(bars + line, 220),
        _daily_takeaway(days),
        numbers.iloc[::-1],
        "Bars are days, the line is the mean of the seven days up to each.",
    )


def every_day(daily: pd.DataFrame) -> pd.DataFrame:
    """One row a day from the first to the last, 0 where nobody was active; `mean_7` from the seventh day on."""
    if daily.empty:
        return pd.DataFrame(columns=["activity_date", "active_students", "mean_7"])
    series = daily.assign(activity_date=pd.to_datetime(daily["activity_date"])).set_index("activity_date")
    full = series["active_students"].astype(float).asfreq("D", fill_value=0.0)
    return pd.DataFrame({"active_students": full, "mean_7": full.rolling(7).mean()}).reset_index()


def _daily_takeaway(days: pd.DataFrame) -> str:
    values = days["active_students"]
    if len(values) < 14:
        return f"{count(len(values), 'day')} on record so far; the latest saw {count(values.iloc[-1], 'student')}."
    now, before = float(values.tail(7).mean()), float(values.tail(14).head(7).mean())
    return f"{count(round(now), 'student')} a day in the last seven days, {change(now, before)} the seven before."


def languages(frames: Frames) -> Drawing | None:
    """Students by language: active in the last 28 days out of all who ever were."""
    rows = frames.languages.sort_values("students", ascending=False)
    if rows.empty:
        return None
    active = _active_students(frames)
    shown = rows.assign(
        name=rows["language"].map(title),
        told=[f"{number(a)} of {number(s)}" for a, s in zip(rows["active_28"], rows["students"], strict=True)],
    )
    order = list(shown["name"])
    y = row_axis("name", order)
    x_axis = alt.X("students:Q", axis=None)
    tooltip = [
        alt.Tooltip("name:N", title="Language"),
        alt.Tooltip("active_28:Q", title="Active in 28 days"),
        alt.Tooltip("students:Q", title="Ever active"),
    ]
    base = alt.Chart(shown).encode(y=y, tooltip=tooltip)
    chart = (
        base.mark_bar(yOffset=DOWN, height=8, color=PALE).encode(x=x_axis)
        + base.mark_bar(yOffset=DOWN, height=8, color=ACCENT).encode(x=alt.X("active_28:Q", axis=None))
        + rows_chart(shown, "name", "told", order)
    )
    numbers = pd.DataFrame(
        {"Language": shown["name"], "Active in 28 days": rows["active_28"], "Ever active": rows["students"]}
    )
    note = "Strong: active in the last 28 days; faint: ever active. A student of two languages counts in both."
    return Drawing(finish(chart, 38 * len(order)), _leading(rows, active), numbers, note)


def _leading(rows: pd.DataFrame, active: int) -> str:
    if not active:
        return "Nobody was active in the last 28 days."
    most = rows["active_28"].max()
    if not most:
        return "Of nobody active the language is known."
    top = sorted(rows.loc[rows["active_28"] == most, "language"].map(title))
    leads, each = ("leads", "it") if len(top) == 1 else ("lead", "each")
    those = f"{number(most)} of the {count(active, 'student')} active in the last 28 days"
    practise = "practises" if most == 1 else "practise"
    return f"{listed(top)} {leads}: {those} {practise} {each} ({share(most, active)})."


def _active_students(frames: Frames) -> int:
    if len(frames.students):
        return int(frames.students["active_28"].iloc[0])
    return int(frames.languages["active_28"].sum())


def weekly_assessments(frames: Frames) -> Drawing | None:
    """Mean assessment score by week, points sized by the number of attempts."""
    if frames.assessments.empty:
        return None
    weeks = by_week(frames.assessments)
    shown = weeks.tail(26).assign(
        week=lambda d: d["week"].dt.strftime("%Y-%m-%d"), told=lambda d: pd.to_datetime(d["week"]).map(short_day)
    )
    base = alt.Chart(shown).encode(
        x=alt.X("utcyearmonthdate(week):T", axis=alt.Axis(format="%-d %b", tickCount=6, labelFlush=True)),
        y=alt.Y("mean_score:Q", scale=alt.Scale(zero=False, nice=True, padding=8), axis=alt.Axis(tickCount=4)),
    )
    points = base.mark_circle(color=ACCENT, opacity=1, stroke="var(--surface)", strokeWidth=1.5).encode(
        size=alt.Size("attempts:Q", scale=alt.Scale(rangeMin=24, rangeMax=220), legend=None),
        tooltip=[
            alt.Tooltip("told:N", title="Week of"),
            alt.Tooltip("mean_score:Q", title="Mean score", format=".1f"),
            alt.Tooltip("attempts:Q", title="Attempts"),
        ],
    )
    numbers = pd.DataFrame(
        {
            "Week of": shown["told"],
            "Attempts": shown["attempts"].map(number),
            "Mean score": shown["mean_score"].map(lambda v: number(v, 1)),
        }
    )
    chart = finish(base.mark_line(color=FAINT, strokeWidth=1.25) + points, 220)
    note = "Scores run from 0 to 100. The larger the point, the more attempts that week."
    return Drawing(chart, _weekly_takeaway(weeks), numbers.iloc[::-1], note)


def by_week(assessments: pd.DataFrame) -> pd.DataFrame:
    """Attempts and mean score by week over all languages, each attempt counting once."""
    frame = assessments.assign(
        week=pd.to_datetime(assessments["week"]),
        attempts=assessments["attempts"].astype(float),
        points=assessments["mean_score"].astype(float) * assessments["attempts"].astype(float),
    )
    weeks: Any = frame.groupby("week", as_index=False)[["attempts", "points"]].sum()
    return weeks.assign(mean_score=weeks["points"] / weeks["attempts"]).drop(columns="points")


def _weekly_takeaway(weeks: pd.DataFrame) -> str:
    start = weeks["week"].max() - timedelta(weeks=3)
    recent = weeks[weeks["week"] >= start]
    earlier = weeks[(weeks["week"] < start) & (weeks["week"] >= start - timedelta(weeks=4))]
    now = _weighted(recent)
    told = f"{number(now, 1)} points on average over the four weeks up to that of {short_day(weeks['week'].max())}"
    told += f", from {count(recent['attempts'].sum(), 'attempt')}"
    if earlier.empty:
        return told + "."
    gap = now - _weighted(earlier)
    if abs(gap) < 0.05:
        return f"{told}; the same as in the four weeks before."
    return f"{told}; {number(abs(gap), 1)} {'more' if gap > 0 else 'fewer'} than in the four weeks before."


def _weighted(weeks: pd.DataFrame) -> float:
    return float((weeks["mean_score"] * weeks["attempts"]).sum() / weeks["attempts"].sum())
