"""Learning: how fast students progress, and whether they stay."""

from __future__ import annotations

from typing import Any

import altair as alt
import numpy as np
import pandas as pd

from monitoring.dashboard.charts.drawing import (
    ACCENT,
    DOWN,
    LEVELS,
    PALE,
    Drawing,
    cells,
    finish,
    row_axis,
    rows_chart,
    six_steps,
)
from monitoring.dashboard.frames import Frames
from monitoring.dashboard.words import DASH, count, listed, number, percent, share, short_day, title

FEW = 10
COHORTS, WEEKS = 14, 12


def cefr_funnel(frames: Frames) -> Drawing | None:
    """Students by level over all languages: there now, out of those ever there."""
    if frames.funnel.empty:
        return None
    sums = frames.funnel.groupby("cefr_level")[["students_at_level", "students_ever_at_level"]].sum()
    rows: Any = sums.reindex(list(LEVELS), fill_value=0).reset_index()
    now, ever = rows["students_at_level"], rows["students_ever_at_level"]
    if not ever.sum():
        return None
    shown = rows.assign(told=[f"{number(n)} now · {number(e)} ever" for n, e in zip(now, ever, strict=True)])
    tooltip = [
        alt.Tooltip("cefr_level:N", title="Level"),
        alt.Tooltip("students_at_level:Q", title="There now"),
        alt.Tooltip("students_ever_at_level:Q", title="Ever there"),
    ]
    base = alt.Chart(shown).encode(y=row_axis("cefr_level", list(LEVELS)), tooltip=tooltip)
    chart = (
        base.mark_bar(yOffset=DOWN, height=10, color=PALE).encode(x=alt.X("students_ever_at_level:Q", axis=None))
        + base.mark_bar(yOffset=DOWN, height=10, color=ACCENT).encode(x=alt.X("students_at_level:Q", axis=None))
        + rows_chart(shown, "cefr_level", "told", list(LEVELS))
    )
    takeaway = _most_stand_at(now.set_axis(rows["cefr_level"]))
    numbers = frames.funnel.pivot_table(
        index="language", columns="cefr_level", values="students_at_level", aggfunc="sum"
    )
    table: Any = numbers.reindex(columns=list(LEVELS), fill_value=0).fillna(0).map(number).reset_index()
    table = table.assign(language=table["language"].map(title)).rename(columns={"language": "Language"})
    note = (
        "Strong: there now; faint: ever there. A student of two languages counts in both; the table has each language."
    )
    return Drawing(finish(chart, 38 * len(LEVELS)), takeaway, table, note)


def _most_stand_at(now: pd.Series) -> str:
    """Students by level, in a sentence."""
    everyone, most = now.sum(), now[now == now.max()]
    if not everyone:
        return "Nobody stands at a level as of this day."
    there = f"{share(now.max(), everyone)} of {number(everyone)}"
    high = f"{share(int(now[['B2', 'C1', 'C2']].sum()), everyone)} are at B2 or above."
    if len(most) > 1:
        return f"As many stand at {' as at '.join(most.index)} ({there} each); {high}"
    return f"More stand at {most.index[0]} than at any other level ({there}); {high}"


def velocity(frames: Frames) -> Drawing | None:
    """Levels gained per 30 days by language, with the 95 % interval of the mean."""
    rows = frames.velocity[frames.velocity["students"] > 0].sort_values("mean_velocity", ascending=False)
    if rows.empty:
        return None
    size = rows["students"].astype(float)
    half: Any = (1.96 * rows["sd_velocity"].astype(float) / np.sqrt(size)).where(size >= 2)
    mean = rows["mean_velocity"].astype(float)
    shown = rows.assign(
        name=rows["language"].map(title),
        low=mean - half,
        high=mean + half,
        told=[f"{number(m, 2)} · {count(n, 'student')}" for m, n in zip(mean, size, strict=True)],
    )
    order = list(shown["name"])
    scale = alt.Scale(zero=True, padding=4)
    axis = alt.Axis(grid=False, tickCount=4, title="Levels per 30 days")
    base = alt.Chart(shown).encode(y=row_axis("name", order))
    tooltip = [
        alt.Tooltip("name:N", title="Language"),
        alt.Tooltip("mean_velocity:Q", title="Levels per 30 days", format=".2f"),
        alt.Tooltip("low:Q", title="95% interval from", format=".2f"),
        alt.Tooltip("high:Q", title="to", format=".2f"),
        alt.Tooltip("students:Q", title="Students"),
    ]
    chart = (
        base.mark_rule(yOffset=DOWN, strokeWidth=3, color=PALE).encode(
            x=alt.X("low:Q", scale=scale, axis=axis), x2="high:Q"
        )
        + base.mark_circle(yOffset=DOWN, size=90, color=ACCENT, opacity=1).encode(
            x=alt.X("mean_velocity:Q"), tooltip=tooltip
        )
        + rows_chart(shown, "name", "told", order)
    )
    overall = float((mean * size).sum() / size.sum())
    takeaway = (
        f"{number(overall, 2)} levels per 30 days on average; {share(rows['climbed'].sum(), size.sum())} of students "
        "have climbed at least one level."
    )
    known = mean[size >= FEW]
    if len(known) > 1 and number(known.max(), 2) != number(known.min(), 2):
        takeaway += f" Fastest: {order[mean.index.get_loc(known.idxmax())]} ({number(known.max(), 2)})."
    numbers = pd.DataFrame(
        {
            "Language": shown["name"],
            "Students": size.map(number),
            "Levels per 30 days": mean.map(lambda v: number(v, 2)),
            "95% interval": [
                f"{number(a, 2)} to {number(b, 2)}" for a, b in zip(shown["low"], shown["high"], strict=True)
            ],
            "Climbed a level": [share(c, n) for c, n in zip(rows["climbed"], size, strict=True)],
        }
    )
    note = (
        "Dots are means, lines their 95% intervals. Students observed for 14 days or more; one of two languages counts "
        "in both."
    )
    return Drawing(finish(chart, 40 * len(order)), takeaway, numbers, note)


def level_durations(frames: Frames) -> Drawing | None:
    """Median days that a level takes, by language, students still on their way counted as such."""
    rows = frames.durations[frames.durations["students"] > 0]
    if rows.empty:
        return None
    median = rows["median_days"].astype(float)
    shown = rows.assign(
        name=rows["language"].map(title),
        median_days=median,
        few=(rows["students"] < FEW) | median.isna(),
        told=median.map(lambda v: number(v) if v == v else DASH),
    )
    sure: Any = shown[~shown["few"]]
    medians = sure["median_days"] if len(sure) else pd.Series([0.0, 10.0])
    colours = six_steps(float(medians.min()), float(medians.max()), 10.0)
    tooltip = [
        alt.Tooltip("name:N", title="Language"),
        alt.Tooltip("cefr_level:N", title="Level"),
        alt.Tooltip("told:N", title="Median days"),
        alt.Tooltip("students:Q", title="Students who entered it"),
        alt.Tooltip("reached_next:Q", title="Went higher"),
    ]
    columns = ["name", "cefr_level", "median_days", "told", "few", "students", "reached_next"]
    chart = cells(
        shown[columns],
        alt.X("cefr_level:N", sort=list(LEVELS), axis=alt.Axis(orient="top", labelAngle=0)),
        alt.Y("name:N", sort=sorted(set(shown["name"]))),
        "median_days", colours, tooltip, len(LEVELS),
    )  # fmt: skip
    if sure.empty:
        takeaway = "No level has been left by half of at least ten students yet, so no median can be given."
    elif len(sure) == 1:
        only = sure.iloc[0]
        takeaway = f"Half leave {only['cefr_level']} in {only['name']} within {count(only['median_days'], 'day')}."
    elif sure["told"].nunique() == 1:
        takeaway = f"Half leave each level that has a median within {count(sure['median_days'].iloc[0], 'day')}."
    else:
        quick, slow = sure.loc[sure["median_days"].idxmin()], sure.loc[sure["median_days"].idxmax()]
        takeaway = (
            f"The quickest step is {quick['cefr_level']} in {quick['name']}, half leave it within "
            f"{count(quick['median_days'], 'day')}; the slowest is {slow['cefr_level']} in {slow['name']} at "
            f"{slow['told']}."
        )
    numbers = pd.DataFrame(
        {
            "Language": shown["name"],
            "Level": shown["cefr_level"],
            "Median days": shown["told"],
            "Entered": shown["students"].map(number),
            "Went higher": shown["reached_next"].map(number),
        }
    )
    note = (
        f"Days until half have reached a higher level (Kaplan-Meier). {DASH}: fewer than half get there. "
        f"Hollow cells: fewer than {FEW} students, or no median."
    )
    return Drawing(finish(chart, 34 * shown["name"].nunique()), takeaway, numbers, note)


def error_by_level(frames: Frames) -> Drawing | None:
    """Mean error rate of conversations by level."""
    rows = frames.errors[frames.errors["cefr_level"].isin(LEVELS)]
    if rows.empty:
        return None
    shown = rows.assign(
        mean_error_rate=rows["mean_error_rate"].astype(float),
        few=rows["conversations"] < 30,
        told=[
            f"{percent(r)} · {count(n, 'conversation')}"
            for r, n in zip(rows["mean_error_rate"], rows["conversations"], strict=True)
        ],
    ).sort_values("cefr_level")
    order = list(shown["cefr_level"])
    tooltip = [
        alt.Tooltip("cefr_level:N", title="Level"),
        alt.Tooltip("mean_error_rate:Q", title="Error rate", format=".1%"),
        alt.Tooltip("conversations:Q", title="Conversations"),
        alt.Tooltip("students:Q", title="Students"),
    ]
    bars = alt.Chart(shown).mark_bar(yOffset=DOWN, height=10).encode(
        y=row_axis("cefr_level", order),
        x=alt.X("mean_error_rate:Q", axis=None),
        color=alt.condition("datum.few", alt.value(PALE), alt.value(ACCENT)),
        tooltip=tooltip,
    )  # fmt: skip
    sure: Any = shown[~shown["few"]]
    if len(sure) < 2:
        takeaway = "Too few conversations to compare levels yet."
    else:
        shares, rates = sure["mean_error_rate"].map(percent), sure["mean_error_rate"]
        most, least = shares[rates.idxmax()], shares[rates.idxmin()]
        at, against = (listed(sure.loc[shares == end, "cefr_level"]) for end in (most, least))
        told = f"{most} of a student's messages are corrected in the mean conversation"
        takeaway = f"Most errors at {at}: {told}, against {least} at {against}."
        if most == least:
            takeaway = f"As many errors at each level: {told}."
    numbers = pd.DataFrame(
        {
            "Level": shown["cefr_level"],
            "Error rate": shown["mean_error_rate"].map(lambda v: percent(v, 1)),
            "Conversations": shown["conversations"].map(number),
            "Students": shown["students"].map(number),
        }
    )
    note = "Faint bars stand on fewer than 30 conversations." if shown["few"].any() else ""
    return Drawing(
        finish(bars + rows_chart(shown, "cefr_level", "told", order), 38 * len(order)), takeaway, numbers, note
    )


def cohort_retention(frames: Frames) -> Drawing | None:
    """Of those who began in a week, the share active in each week after."""
    if frames.retention.empty:
        return None
    rows = frames.retention.assign(cohort_week=pd.to_datetime(frames.retention["cohort_week"]))
    newest = sorted(rows["cohort_week"].unique())[-COHORTS:]
    shown = rows[rows["cohort_week"].isin(newest) & (rows["week_number"] <= WEEKS)]
    shown = shown.assign(
        cohort=shown["cohort_week"].dt.strftime("%-d %b") + " · " + shown["students"].astype(int).astype(str),
        retention=shown["retention"].astype(float),
        told=shown["retention"].map(percent),
        few=shown["students"] < FEW,
    )
    order = list(dict.fromkeys(shown.sort_values("cohort_week")["cohort"]))
    tooltip = [
        alt.Tooltip("cohort:N", title="Began in week of · students"),
        alt.Tooltip("week_number:O", title="Weeks after"),
        alt.Tooltip("told:N", title="Active"),
        alt.Tooltip("active:Q", title="Students active"),
    ]
    chart = cells(
        shown[["cohort", "week_number", "retention", "told", "few", "active"]],
        alt.X("week_number:O", axis=alt.Axis(orient="top", labelAngle=0, title="Weeks after the first activity")),
        alt.Y("cohort:N", sort=order),
        "retention", six_steps(0.0, 1.0, 1.0), tooltip, shown["week_number"].nunique(),
    )  # fmt: skip
    table = shown.pivot_table(index="cohort_week", columns="week_number", values="retention")
    numbers: Any = table.map(lambda v: percent(v) if v == v else "").reset_index()
    numbers = numbers.assign(cohort_week=numbers["cohort_week"].map(short_day))
    numbers.columns = ["Began in week of", *[f"Week {int(c)}" for c in table.columns]]
    note = f"Rows: week of the first activity · students who began. Hollow cells: fewer than {FEW} students."
    return Drawing(finish(chart, 28 * len(order)), retention_takeaway(rows), numbers, note)


def retention_takeaway(rows: pd.DataFrame) -> str:
    """The share still active one, four and eight weeks after beginning, over all cohorts that are that old."""
    told = []
    for week in (1, 4, 8):
        at: Any = rows[rows["week_number"] == week]
        if len(at):
            told.append(f"{share(at['active'].sum(), at['students'].sum())} in week {week}")
    if not told:
        return "The first students began less than two weeks ago; retention shows from their second week on."
    return f"Of all who began, these were active later: {', '.join(told)}."
