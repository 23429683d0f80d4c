"""Model: whether what was promised came true, and whether students still look as they did in training."""

from __future__ import annotations

from typing import Any

import altair as alt
import pandas as pd

from monitoring.dashboard.charts.drawing import (
    ACCENT,
    DOWN,
    FAINT,
    HIGH,
    MEDIUM,
    SOFT,
    Drawing,
    finish,
    row_axis,
    rows_chart,
)
from monitoring.dashboard.frames import Frames
from monitoring.dashboard.words import count, feature_name, number, percent, short_day, signed
from monitoring.drift import DRIFTED, WATCH

SHOWN_FEATURES = 12


def ranking_over_time(frames: Frames) -> Drawing | None:
    """Realised ROC AUC of each scored week beside what the model's test promised."""
    rows = frames.health[(frames.health["metric"] == "roc_auc") & frames.health["realised"].notna()]
    if rows.empty:
        return None
    shown = _shape(rows)
    base = alt.Chart(shown[["day", "told", "promised", "realised", "model_version"]]).encode(x=_days())
    scale = alt.Scale(domain=[min(0.5, float(shown["realised"].min())), 1.0], nice=False)
    y_axis = alt.Axis(tickCount=4, format=".2f", title=None)
    chart = (
        base.mark_line(interpolate="step-after", strokeDash=[5, 4], color=SOFT, strokeWidth=1.5).encode(
            y=alt.Y("promised:Q", scale=scale, axis=y_axis)
        )
        + base.mark_line(color=ACCENT, strokeWidth=2).encode(y=alt.Y("realised:Q"))
        + base.mark_circle(color=ACCENT, size=60, opacity=1).encode(
            y="realised:Q",
            tooltip=[
                alt.Tooltip("told:N", title="Scored in the week of"),
                alt.Tooltip("realised:Q", title="Realised", format=".3f"),
                alt.Tooltip("promised:Q", title="Promised", format=".3f"),
                alt.Tooltip("model_version:N", title="Model version"),
            ],
        )
    )
    last = shown.iloc[-1]
    takeaway = f"Realised ROC AUC for the scores of the week of {last['told']}: {number(last['realised'], 2)}"
    if last["promised"] == last["promised"]:
        gap = float(last["realised"]) - float(last["promised"])
        takeaway += f", {signed(gap, 2)} against the {number(last['promised'], 2)} that the test promised"
    return Drawing(
        finish(chart, 200), takeaway + ".", _table(shown, 3),
        "Line: realised; dashes: promised by the test. 0.5 is guessing, 1 is perfect. Judged 17 days later.",
    )  # fmt: skip


def risk_over_time(frames: Frames) -> Drawing | None:
    """Mean predicted risk of each scored week beside the share that dropped out."""
    wide = frames.health[frames.health["metric"].isin(["mean_risk", "base_rate"])]
    kept = wide.pivot_table(index=["as_of", "model_version"], columns="metric", values="realised", aggfunc="last")
    if wide.empty or not {"mean_risk", "base_rate"} <= set(kept.columns):
        return None
    rows = kept.dropna().reset_index()
    if rows.empty:
        return None
    rows = rows.assign(version=rows["model_version"].astype(int)).sort_values(["as_of", "version"])
    shown = rows.assign(
        day=pd.to_datetime(rows["as_of"]).dt.strftime("%Y-%m-%d"), told=pd.to_datetime(rows["as_of"]).map(short_day)
    )
    base = alt.Chart(shown[["day", "told", "mean_risk", "base_rate"]]).encode(x=_days())
    y = alt.Axis(tickCount=4, format=".0%", title=None)
    chart = (
        base.mark_line(strokeDash=[5, 4], color=SOFT, strokeWidth=1.5).encode(
            y=alt.Y("mean_risk:Q", axis=y, scale=alt.Scale(zero=True))
        )
        + base.mark_line(color=ACCENT, strokeWidth=2).encode(y="base_rate:Q")
        + base.mark_circle(color=ACCENT, size=60, opacity=1).encode(
            y="base_rate:Q",
            tooltip=[
                alt.Tooltip("told:N", title="Scored in the week of"),
                alt.Tooltip("mean_risk:Q", title="Predicted", format=".1%"),
                alt.Tooltip("base_rate:Q", title="Dropped out", format=".1%"),
            ],
        )
    )
    last = shown.iloc[-1]
    takeaway = (
        f"Of those scored in the week of {last['told']}, {percent(last['base_rate'])} dropped out; "
        f"{percent(last['mean_risk'])} were predicted."
    )
    numbers = pd.DataFrame(
        {
            "Week of": shown["told"],
            "Model version": shown["model_version"],
            "Predicted": shown["mean_risk"].map(lambda v: percent(v, 1)),
            "Dropped out": shown["base_rate"].map(lambda v: percent(v, 1)),
        }
    )
    return Drawing(
        finish(chart, 200), takeaway, numbers.iloc[::-1], "Line: share that dropped out; dashes: mean predicted risk."
    )


def feature_drift(frames: Frames) -> Drawing | None:
    """How far features have moved since training, by the population stability index."""
    rows = frames.drift[frames.drift["psi"].notna()]
    if rows.empty:
        return None
    ranked = rows.assign(psi=rows["psi"].astype(float)).sort_values("psi", ascending=False)
    shown = ranked.head(SHOWN_FEATURES).assign(
        name=lambda d: d["feature"].map(feature_name),
        told=lambda d: [f"{number(p, 2)} · {STATUS.get(s, s)}" for p, s in zip(d["psi"], d["status"], strict=True)],
    )[["name", "told", "psi", "jensen_shannon", "missing_share", "reference_missing_share", "status"]]
    order = list(shown["name"])
    top = max(0.3, float(shown["psi"].max()))
    colours = alt.Scale(domain=["drifted", "watch", "ok"], range=[HIGH, MEDIUM, ACCENT])
    marks = alt.Axis(values=[0, WATCH, DRIFTED], format=".2f", labelOverlap="greedy")
    bars = alt.Chart(shown).mark_bar(yOffset=DOWN, height=8).encode(
        y=row_axis("name", order),
        x=alt.X("psi:Q", scale=alt.Scale(domain=[0, top]), axis=marks),
        color=alt.Color("status:N", scale=colours, legend=None),
        tooltip=[
            alt.Tooltip("name:N", title="Feature"),
            alt.Tooltip("psi:Q", title="PSI", format=".3f"),
            alt.Tooltip("jensen_shannon:Q", title="Jensen-Shannon", format=".3f"),
            alt.Tooltip("missing_share:Q", title="Missing now", format=".1%"),
            alt.Tooltip("reference_missing_share:Q", title="Missing in training", format=".1%"),
        ],
    )  # fmt: skip
    lines = alt.Chart(pd.DataFrame({"at": [WATCH, DRIFTED]})).mark_rule(color=FAINT, strokeDash=[3, 3]).encode(x="at:Q")
    numbers = pd.DataFrame(
        {
            "Feature": ranked["feature"].map(feature_name),
            "PSI": ranked["psi"].map(lambda v: number(v, 3)),
            "Missing now": ranked["missing_share"].map(lambda v: percent(v, 1)),
            "Missing in training": ranked["reference_missing_share"].map(lambda v: percent(v, 1)),
            "Status": ranked["status"].map(lambda s: STATUS.get(s, s)),
        }
    )
    chart = finish(lines + bars + rows_chart(shown, "name", "told", order), 36 * len(order))
    note = (
        f"PSI compares a feature's spread among the students of {short_day(rows['as_of'].iloc[0])} with training: "
        "watch from 0.1, drifted from 0.25."
    )
    if len(ranked) > SHOWN_FEATURES:
        note += f" The {SHOWN_FEATURES} that moved most; the table has all {len(ranked)}."
    return Drawing(chart, drift_takeaway(ranked), numbers, note)


STATUS = {"ok": "steady", "watch": "watch", "drifted": "drifted"}


def drift_takeaway(drift: pd.DataFrame) -> str:
    """How many features have drifted, and which moved most."""
    drifted = drift[drift["status"] == "drifted"]
    if len(drifted):
        names = ", ".join(feature_name(f) for f in drifted["feature"].head(3))
        told = f"{number(len(drifted))} of {count(len(drift), 'feature')} drifted ({names}"
        return f"{told}{', …' if len(drifted) > 3 else ''}) since training; what asks for a new one is told above."
    watched = int((drift["status"] == "watch").sum())
    if watched:
        first = feature_name(drift["feature"].iloc[0])
        return f"No feature has drifted; {number(watched)} of {number(len(drift))} to watch, {first} first."
    looks = "looks" if len(drift) == 1 else "look"
    return f"{number(len(drift))} of {count(len(drift), 'feature')} {looks} as in training."


def _shape(rows: pd.DataFrame) -> Any:
    ordered = rows.assign(_version=rows["model_version"].astype(int)).sort_values(["as_of", "_version"])
    days = pd.to_datetime(ordered["as_of"])
    return ordered.assign(
        day=days.dt.strftime("%Y-%m-%d"),
        told=days.map(short_day),
        promised=ordered["promised"].astype(float),
        realised=ordered["realised"].astype(float),
    )


def _days() -> Any:
    return alt.X(
        "utcyearmonthdate(day):T",
        axis=alt.Axis(format="%-d %b", tickCount=5, labelFlush=True),
        scale=alt.Scale(padding=8),
    )


def _table(shown: pd.DataFrame, digits: int) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "Week of": shown["told"],
            "Realised": shown["realised"].map(lambda v: number(v, digits)),
            "Promised": shown["promised"].map(lambda v: number(v, digits)),
            "Model version": shown["model_version"],
        }
    ).iloc[::-1]
