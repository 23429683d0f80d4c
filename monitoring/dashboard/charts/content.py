"""Content: which lessons work, and which topics engage."""

from __future__ import annotations

from typing import Any

import altair as alt
import pandas as pd

from monitoring.dashboard.charts.drawing import (
    ACCENT,
    DOWN,
    FAINT,
    PALE,
    SOFT,
    Drawing,
    cells,
    finish,
    row_axis,
    rows_chart,
    six_steps,
)
from monitoring.dashboard.frames import Frames
from monitoring.dashboard.words import count, listed, missing, number, percent, signed, title

ENOUGH_ATTEMPTS, FEWEST_ATTEMPTS = 10, 3
ENOUGH_GAINS = 5
ENOUGH_TALKS = 20
SHOWN_LESSONS, SHOWN_TOPICS = 7, 14
NO_TOPIC = "(none)"
SHORT = "width < 420 ? slice(datum.label, 0, 3) : datum.label"


def lesson_effectiveness(frames: Frames) -> Drawing | None:
    """The lessons that work best and worst by completion and mastery."""
    scored = frames.lessons[frames.lessons["effectiveness_score"].notna()]
    if scored.empty:
        return None
    needed = ENOUGH_ATTEMPTS if (scored["attempts"] >= ENOUGH_ATTEMPTS).sum() >= 2 * SHOWN_LESSONS else FEWEST_ATTEMPTS
    ranked = scored[scored["attempts"] >= needed].sort_values("effectiveness_score", ascending=False)
    ends = _ends(ranked)
    score = ends["effectiveness_score"].astype(float)
    shown = ends.assign(
        name=_lesson_names(ends),
        effectiveness_score=score,
        told=[f"{number(100 * s)} · {count(n, 'student')}" for s, n in zip(score, ends["attempts"], strict=True)],
        best=[i < (len(ends) + 1) // 2 for i in range(len(ends))],
    )
    order = list(shown["name"])
    tooltip = [
        alt.Tooltip("name:N", title="Lesson"),
        alt.Tooltip("attempts:Q", title="Students who began it"),
        alt.Tooltip("completion_rate:Q", title="Completed", format=".0%"),
        alt.Tooltip("avg_mastery:Q", title="Mean mastery", format=".0%"),
        alt.Tooltip("avg_hours_to_complete:Q", title="Hours to complete", format=".0f"),
    ]
    columns = [
        "name", "told", "best", "effectiveness_score", "attempts", "completion_rate", "avg_mastery",
        "avg_hours_to_complete",
    ]  # fmt: skip
    bars = alt.Chart(shown[columns]).mark_bar(yOffset=DOWN, height=8).encode(
        y=row_axis("name", order),
        x=alt.X("effectiveness_score:Q", axis=None, scale=alt.Scale(domain=[0, 1])),
        color=alt.condition("datum.best", alt.value(ACCENT), alt.value("var(--medium)")),
        tooltip=tooltip,
    )  # fmt: skip
    unscored = len(frames.lessons) - len(scored)
    note = (
        "On the right: score and students. Score: 40% completion, 60% mastery of those who complete. "
        f"Lessons begun by {needed} students or more; {count(unscored, 'lesson')} with fewer than {FEWEST_ATTEMPTS} "
        f"{'carries' if unscored == 1 else 'carry'} no score."
    )
    chart = finish(bars + rows_chart(shown[columns], "name", "told", order), 40 * len(order))
    return Drawing(chart, _lessons_takeaway(shown), _lesson_table(ranked), note)


def _lesson_table(ranked: pd.DataFrame) -> pd.DataFrame:
    ends = _ends(ranked, 15)
    return pd.DataFrame(
        {
            "Lesson": _lesson_names(ends),
            "Score": (100 * ends["effectiveness_score"].astype(float)).map(number),
            "Began": ends["attempts"].map(number),
            "Completed": ends["completion_rate"].map(percent),
            "Mastery": ends["avg_mastery"].map(percent),
        }
    )


def lesson_gain(frames: Frames) -> Drawing | None:
    """How assessment scores change around completing a lesson, with the 95 % interval."""
    known = frames.lessons[frames.lessons["mean_score_gain"].notna()]
    ranked = known[known["students_with_gain"] >= ENOUGH_GAINS].sort_values("mean_score_gain", ascending=False)
    if ranked.empty:
        return None
    ends = _ends(ranked)
    gain = ends["mean_score_gain"].astype(float)
    shown = ends.assign(
        name=_lesson_names(ends),
        told=[f"{signed(g)} · {count(n, 'student')}" for g, n in zip(gain, ends["students_with_gain"], strict=True)],
        sure=(ends["gain_low"].astype(float) > 0) | (ends["gain_high"].astype(float) < 0),
    )[["name", "told", "sure", "mean_score_gain", "gain_low", "gain_high", "students_with_gain"]]
    order = list(shown["name"])
    axis = alt.Axis(grid=False, tickCount=5, title="Points gained from one assessment to the next")
    base = alt.Chart(shown).encode(y=row_axis("name", order))
    tooltip = [
        alt.Tooltip("name:N", title="Lesson"),
        alt.Tooltip("mean_score_gain:Q", title="Mean gain", format="+.1f"),
        alt.Tooltip("gain_low:Q", title="95% interval from", format="+.1f"),
        alt.Tooltip("gain_high:Q", title="to", format="+.1f"),
        alt.Tooltip("students_with_gain:Q", title="Students"),
    ]
    dot = alt.condition("datum.sure", alt.value(ACCENT), alt.value(FAINT))
    chart = (
        alt.Chart(pd.DataFrame({"zero": [0]})).mark_rule(color=SOFT, strokeWidth=1).encode(x="zero:Q")
        + base.mark_rule(yOffset=DOWN, strokeWidth=3, color=PALE).encode(
            x=alt.X("gain_low:Q", axis=axis), x2="gain_high:Q"
        )
        + base.mark_circle(yOffset=DOWN, size=80, opacity=1).encode(x="mean_score_gain:Q", color=dot, tooltip=tooltip)
        + rows_chart(shown, "name", "told", order)
    )
    above = int((ranked["gain_low"].astype(float) > 0).sum())
    takeaway = (
        f"After {order[0]}, scores {'rise most' if gain.iloc[0] > 0 else 'fall least'}: {signed(gain.iloc[0])} points "
        f"({signed(ends['gain_low'].iloc[0])} to {signed(ends['gain_high'].iloc[0])}). "
        f"For {number(above)} of {count(len(ranked), 'lesson')} the interval lies wholly above zero."
    )
    numbers = pd.DataFrame(
        {
            "Lesson": shown["name"],
            "Mean gain": gain.map(signed),
            "95% interval": [
                f"{signed(a)} to {signed(b)}" for a, b in zip(shown["gain_low"], shown["gain_high"], strict=True)
            ],
            "Students": shown["students_with_gain"].map(number),
        }
    )
    note = (
        "On the right: gain and students. Gain: next score minus previous score of students assessed before and after, "
        f"{ENOUGH_GAINS} or more, shrunk towards the language's mean. Grey: the interval holds 0. Students choose "
        "their lessons, so this is no proof of cause."
    )
    return Drawing(finish(chart, 36 * len(order)), takeaway, numbers, note)


def _ends(ranked: pd.DataFrame, each: int = SHOWN_LESSONS) -> pd.DataFrame:
    return ranked if len(ranked) <= 2 * each else pd.concat([ranked.head(each), ranked.tail(each)])


def _lesson_names(lessons: pd.DataFrame) -> list[str]:
    """Title and language, with the level where the title does not say it; the id where two lessons share all that."""
    names = [
        f"{title(row['title'])} ({title(row['language'])})"
        if missing(row["lesson_level"]) or str(row["lesson_level"]) in str(row["title"])
        else f"{title(row['title'])} ({title(row['language'])} {row['lesson_level']})"
        for _, row in lessons.iterrows()
    ]
    return [
        f"{name} · {key}" if names.count(name) > 1 else name
        for name, key in zip(names, lessons["lesson_id"], strict=True)
    ]


def topic_heat_map(frames: Frames) -> Drawing | None:
    """Topics by language: the share of conversations followed by another within seven days."""
    if frames.topics.empty:
        return None
    totals = frames.topics.groupby("topic")["conversations"].sum().sort_values(ascending=False)
    top = list(totals.index[:SHOWN_TOPICS])
    rows = frames.topics[frames.topics["topic"].isin(top)]
    rate = rows["return_rate_7d"].astype(float)
    shown = rows.assign(
        name=rows["topic"].map(title),
        lang=rows["language"].map(title),
        return_rate_7d=rate,
        told=rate.map(percent),
        few=(rows["judged"] < ENOUGH_TALKS) | rate.isna(),
    )
    sure = shown[~shown["few"]]
    rates = sure["return_rate_7d"] if len(sure) else pd.Series([0.0, 1.0])
    colours = six_steps(float(rates.min()), float(rates.max()), 0.01)
    tooltip = [
        alt.Tooltip("name:N", title="Topic"),
        alt.Tooltip("lang:N", title="Language"),
        alt.Tooltip("told:N", title="Back within 7 days"),
        alt.Tooltip("conversations:Q", title="Conversations", format=","),
        alt.Tooltip("students:Q", title="Students", format=","),
        alt.Tooltip("avg_messages:Q", title="Messages each", format=".1f"),
        alt.Tooltip("avg_duration_minutes:Q", title="Minutes each", format=".0f"),
        alt.Tooltip("avg_error_rate:Q", title="Error rate", format=".0%"),
    ]
    chart = cells(
        shown.drop(columns=["topic", "language"]),
        alt.X("lang:N", axis=alt.Axis(orient="top", labelAngle=0, labelExpr=SHORT)),
        alt.Y("name:N", sort=[title(t) for t in top]),
        "return_rate_7d", colours, tooltip, shown["lang"].nunique(),
    )  # fmt: skip
    numbers = pd.DataFrame(
        {
            "Topic": shown["name"],
            "Language": shown["lang"],
            "Conversations": shown["conversations"].map(number),
            "Back within 7 days": shown["told"],
            "Minutes each": shown["avg_duration_minutes"].map(lambda v: number(v, 1)),
            "Error rate": shown["avg_error_rate"].map(percent),
        }
    ).sort_values(["Topic", "Language"])
    note = (
        "Share of conversations followed by another of the student, on any topic, within 7 days. Topics talked about "
        f"most come first. Hollow cells: fewer than {ENOUGH_TALKS} that are 7 days old."
    )
    takeaway = topic_takeaway(shown[shown["topic"] != NO_TOPIC])
    return Drawing(finish(chart, 30 * len(top)), takeaway, numbers, note)


def _lessons_takeaway(shown: pd.DataFrame) -> str:
    """The lessons that work best and least, by the score as it is shown."""
    told = [number(100 * score) for score in shown["effectiveness_score"]]
    best, least = ([n for n, t in zip(shown["name"], told, strict=True) if t == end] for end in (told[0], told[-1]))
    if told[0] == told[-1] and len(told) > 1:
        return f"No lesson works better than another: each has {told[0]} of 100."
    works = f"{listed(best)} {'works' if len(best) == 1 else 'work'} best ({told[0]} of 100)"
    return f"{works}; {listed(least)} least ({told[-1]})." if len(told) > 1 else f"{works}."


def topic_takeaway(shown: pd.DataFrame) -> str:
    """The topic talked about most, and the one after which students return most, over languages with enough data."""
    if shown.empty:
        return "No conversation has a topic yet."
    totals: Any = shown.groupby("name")["conversations"].sum().sort_values(ascending=False)
    told = f"{totals.index[0]} is talked about most ({count(totals.iloc[0], 'conversation')})"
    sure: Any = shown[~shown["few"]]
    if sure.empty:
        return f"{told}; too few conversations yet to tell after which topic students return."
    weight = sure["judged"].astype(float)
    parts = sure.assign(weight=weight, back=sure["return_rate_7d"] * weight).groupby("name")[["weight", "back"]].sum()
    rates = (parts["back"] / parts["weight"]).sort_values()
    shares = rates.map(percent)
    least, most = shares.iloc[0], shares.iloc[-1]
    if least == most:
        whatever = ", whatever the topic" if len(rates) > 1 else ""
        return f"{told}; {most} come back within a week{whatever}."
    return (
        f"{told}; students return most often after {listed(shares.index[shares == most])} ({most} within a week), "
        f"least after {listed(shares.index[shares == least])} ({least})."
    )
