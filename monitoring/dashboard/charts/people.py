"""Segments: what kinds of students there are, and which are at risk."""

from __future__ import annotations

from typing import Any

import altair as alt
import pandas as pd

from monitoring.dashboard.charts.drawing import (
    BANDS,
    DIVERGING,
    HIGH,
    LOW,
    MEDIUM,
    SURFACE,
    Drawing,
    finish,
    six_steps,
)
from monitoring.dashboard.frames import Frames
from monitoring.dashboard.segments import SEGMENTS, trait_name, with_distance
from monitoring.dashboard.words import count, listed, number, percent, share, short_day, title

TWO_LINES: dict[str, Any] = {"labelExpr": "split(datum.label, ' ')", "labelLineHeight": 14}
NOBODY, AWAY = "none", "No segment"
ROOM = "datum.share * width >= 27"
HEADS = TWO_LINES | {
    "labelExpr": "width < 300 ? split(datum.label, ' ')[0] : split(datum.label, ' ')",
    "labelFontSize": alt.expr("width < 300 ? 10.5 : 12"),
    "labelAngle": 0,
    "labelPadding": 20,
    "orient": "top",
}


def segment_risk(frames: Frames) -> Drawing | None:
    """Bands of risk within each segment."""
    scored = frames.at_risk[frames.at_risk["segment"].notna()]
    if scored.empty:
        return None
    counts: Any = (
        scored.groupby(["segment", "risk_band"]).size().unstack(fill_value=0).reindex(columns=list(BANDS), fill_value=0)
    )
    order = [s for s in SEGMENTS if s in counts.index] + sorted(set(counts.index) - set(SEGMENTS))
    counts = counts.loc[order]
    sizes = counts.sum(axis=1)
    rows = counts.reset_index().melt("segment", var_name="band", value_name="students")
    rows["share"] = rows["students"] / rows["segment"].map(sizes)
    rows["rank"] = rows["band"].map({band: i for i, band in enumerate(BANDS)})
    rows["band"] = rows["band"].map(title)
    rows["told"] = rows["share"].map(percent)
    rows["end"] = rows.sort_values("rank").groupby("segment")["share"].cumsum()
    rows["middle"] = rows["end"] - rows["share"] / 2
    y = alt.Y("segment:N", sort=order, axis=alt.Axis(**TWO_LINES, labelOffset=-7))
    base = alt.Chart(rows).encode(y=y)
    bars = base.mark_bar(cornerRadius=2, stroke=SURFACE, strokeWidth=2, height=30).encode(
        x=alt.X("share:Q", stack=True, axis=None, scale=alt.Scale(domain=[0, 1])),
        color=alt.Color(
            "band:N",
            scale=alt.Scale(domain=[title(b) for b in BANDS], range=[HIGH, MEDIUM, LOW]),
            legend=alt.Legend(symbolType="square"),
        ),
        order="rank:Q",
        tooltip=[
            alt.Tooltip("segment:N", title="Segment"),
            alt.Tooltip("band:N", title="Band"),
            alt.Tooltip("students:Q", title="Students"),
            alt.Tooltip("told:N", title="Share"),
        ],
    )
    labels = base.transform_filter(ROOM).mark_text(color="var(--on-band)", fontWeight=600).encode(
        x=alt.X("middle:Q", axis=None), text="told:N"
    )  # fmt: skip
    numbers = pd.DataFrame(
        {"Segment": counts.index, "Scored": sizes.to_numpy(), **{title(b): counts[b].to_numpy() for b in BANDS}}
    )
    small = [str(s) for s in order if sizes[s] < 10]
    note = f"Fewer than ten students: {', '.join(small)}." if small else ""
    return Drawing(finish(bars + labels, 54 * len(order)), _risk_takeaway(counts), numbers, note)


def _risk_takeaway(counts: pd.DataFrame) -> str:
    sizes = counts.sum(axis=1)
    high: Any = (counts["high"] / sizes).sort_values(ascending=False)
    overall = share(counts["high"].sum(), sizes.sum())
    if high.iloc[0] == high.iloc[-1]:
        return f"No segment is more at risk than another: {overall} of the scored students are in the high band."
    top = list(high.index[high == high.iloc[0]])
    those = sizes[top].sum()
    are = "is" if those == 1 else "are"
    return (
        f"{listed(top)} are most at risk: {share(counts.loc[top, 'high'].sum(), those)} of {number(those)} {are} in "
        f"the high band, against {overall} of all scored students."
    )


def segment_movement(frames: Frames) -> Drawing | None:
    """From which segment to which, since a day a week or more before."""
    moved = frames.movement
    if moved.empty:
        return None
    named = [name for name in SEGMENTS if name in {*moved["from_segment"], *moved["to_segment"]}]
    order = [*named, *sorted({*moved["from_segment"], *moved["to_segment"]} - {*named, NOBODY}), NOBODY]
    sizes = moved.groupby("from_segment")["students"].transform("sum")
    rows = moved.assign(share=moved["students"] / sizes, told=moved["students"].map(number)).replace(NOBODY, AWAY)
    shown = [AWAY if name == NOBODY else name for name in order]
    x = alt.X("to_segment:N", sort=shown, axis=alt.Axis(**HEADS))
    y = alt.Y("from_segment:N", sort=shown, axis=alt.Axis(labelLimit=150))
    cells = ["from_segment", "to_segment", "students", "share", "told"]
    base = alt.Chart(rows[cells]).encode(x=x, y=y)
    colours = six_steps(0.0, 1.0, 0.2)
    chart = base.mark_rect(stroke=SURFACE, strokeWidth=2).encode(
        color=alt.Color("share:Q", scale=colours.scale, legend=None),
        tooltip=[
            alt.Tooltip("from_segment:N", title="Before"),
            alt.Tooltip("to_segment:N", title="Now"),
            alt.Tooltip("students:Q", title="Students"),
            alt.Tooltip("share:Q", title="Of those before", format=".0%"),
        ],
    ) + base.mark_text(fontSize=12).encode(
        text="told:N",
        color=alt.condition(
            f"datum.share >= {colours.strong_from}", alt.value("var(--on-high)"), alt.value("var(--on-low)")
        ),
    )  # fmt: skip
    both = moved[(moved["from_segment"] != NOBODY) & (moved["to_segment"] != NOBODY)]
    stayed = both.loc[both["from_segment"] == both["to_segment"], "students"].sum()
    since = short_day(moved["since"].iloc[0])
    total = both["students"].sum()
    takeaway = (
        f"{share(stayed, total)} of {count(total, 'student')} kept their segment since {since}."
        if total
        else f"Nobody had a segment both on {since} and now."
    )
    numbers = rows.rename(columns={"from_segment": "Before", "to_segment": "Now", "students": "Students"})
    note = (
        "Rows: the segment before; columns: the segment now; the stronger, the larger the share of the row. No "
        "segment: not there yet, or without activity for 180 days."
    )
    table = numbers[["Before", "Now", "Students"]].sort_values("Students", ascending=False)
    return Drawing(finish(chart, 36 * len(shown)), takeaway, table, note)


def segment_traits(frames: Frames) -> Drawing | None:
    """Mean of each trait by segment, coloured by its distance from the mean of all."""
    if frames.traits.empty:
        return None
    shown = with_distance(frames.traits)
    order = [trait_name(t) for t in dict.fromkeys(frames.traits["trait"])]
    there = set(shown["segment"])
    segments = [*(name for name in SEGMENTS if name in there), *sorted(there - set(SEGMENTS))]
    x = alt.X("segment:N", sort=segments, axis=alt.Axis(**HEADS))
    y = alt.Y("name:N", sort=order, axis=alt.Axis(labelLimit=150))
    base = alt.Chart(shown[["segment", "name", "told", "overall", "distance"]]).encode(x=x, y=y)
    chart = base.mark_rect(stroke=SURFACE, strokeWidth=2).encode(
        color=alt.Color(
            "distance:Q",
            scale=alt.Scale(type="threshold", domain=[-0.75, -0.25, 0.25, 0.75], range=DIVERGING),
            legend=None,
        ),
        tooltip=[
            alt.Tooltip("segment:N", title="Segment"),
            alt.Tooltip("name:N", title="Trait"),
            alt.Tooltip("told:N", title="Mean"),
            alt.Tooltip("overall:N", title="Mean of all students"),
        ],
    ) + base.mark_text(fontSize=12).encode(
        text="told:N",
        color=alt.condition("abs(datum.distance) >= 0.75", alt.value("var(--on-div)"), alt.value("var(--ink)")),
    )
    far: Any = shown.loc[shown["distance"].abs() == shown["distance"].abs().max()].iloc[0]
    takeaway = (
        f"What sets segments apart most: {str(far['name']).lower()}, {far['told']} on average among {far['segment']} "
        f"against {far['overall']} among all."
        if len(there) > 1
        else f"All are {far['segment']}: there is no other segment to set apart."
    )
    numbers: Any = shown.pivot_table(index="name", columns="segment", values="told", aggfunc="first")
    numbers = numbers.reindex(index=order, columns=segments).reset_index().rename(columns={"name": "Mean of"})
    note = "Blue: above the mean of all students; orange: below; the stronger, the further."
    return Drawing(finish(chart, 36 * len(order)), takeaway, numbers, note)
