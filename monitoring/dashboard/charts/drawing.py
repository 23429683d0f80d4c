"""What charts share: the shape of a drawing, colours, and a few marks.

Colours are CSS variables, defined in `style.css` for light, dark and print, so a chart follows the page without being
drawn again.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import altair as alt
import pandas as pd

from lakehouse.errors import entry_point
from lakehouse.levels import LEVELS as LEVELS
from monitoring.dashboard.frames import Frames
from monitoring.dashboard.widgets import Widget

BANDS = ("high", "medium", "low")

INK, SOFT, FAINT, LINE = "var(--ink)", "var(--soft)", "var(--faint)", "var(--line)"
ACCENT, PALE, SURFACE = "var(--accent)", "var(--accent-pale)", "var(--surface)"
HIGH, MEDIUM, LOW = "var(--high)", "var(--medium)", "var(--low)"
DOWN = 8
"""Pixels that the marks of a row lie beneath its middle, below their name."""
UNITS = " (students?|conversations?)"
"""What a phone has no room for beside a value."""
RAMP = [f"var(--seq-{step})" for step in range(1, 7)]
DIVERGING = [f"var(--div-{step})" for step in range(1, 6)]

FONT = 'system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", sans-serif'
CONFIG: dict[str, Any] = {
    "background": "transparent",
    "font": FONT,
    "aria": False,
    "view": {"stroke": None},
    "axis": {
        "domain": False, "ticks": False, "grid": False, "gridColor": LINE, "gridDash": [], "labelColor": SOFT,
        "labelFontSize": 12, "labelPadding": 6, "labelLimit": 160, "title": None, "titleColor": FAINT,
        "titleFontSize": 12, "titleFontWeight": "normal", "titlePadding": 10,
    },
    "axisQuantitative": {"grid": True, "tickCount": 5},
    "axisBand": {"grid": False, "labelColor": INK},
    "legend": {
        "orient": "top", "title": None, "labelColor": SOFT, "labelFontSize": 12, "titleColor": FAINT,
        "titleFontSize": 12, "titleFontWeight": "normal", "symbolStrokeWidth": 0, "offset": 10,
    },
    "text": {"color": INK, "fontSize": 12},
    "rule": {"color": FAINT},
    "rect": {"cornerRadius": 3},
    "bar": {"cornerRadiusEnd": 3},
}  # fmt: skip


@dataclass(frozen=True)
class Drawing:
    """A chart with the sentence that it proves and the numbers behind it.

    chart: Vega-Lite; takeaway: what to see in it; numbers: a small table to be read by people;
    note: what to keep in mind.
    """

    chart: dict[str, Any]
    takeaway: str
    numbers: pd.DataFrame
    note: str = ""


@dataclass(frozen=True)
class Figure:
    """A place on the page for a chart.

    draw returns None when there is nothing to show; then `missing` says what is missing and `command` makes it.
    widget is the same chart as an AI/BI dashboard draws it.
    """

    key: str
    section: str
    title: str
    draw: Callable[[Frames], Drawing | None]
    widget: Widget
    missing: str
    command: str = entry_point()
    wide: bool = False


def finish(chart: Any, height: int) -> dict[str, Any]:
    """The Vega-Lite of a chart as wide as its container and `height` pixels high."""
    spec: dict[str, Any] = chart.properties(width="container", height=height).to_dict()
    for unwanted in ("config", "$schema"):
        spec.pop(unwanted, None)
    spec["autosize"] = {"type": "fit-x", "contains": "padding"}
    return spec


@dataclass(frozen=True)
class Colours:
    """A six-step colour scale, and the value from which its steps are so strong that text must contrast with them."""

    scale: Any
    strong_from: float


def six_steps(low: float, high: float, step: float) -> Colours:
    """Colours from the faint to the strong end, from `low` to `high` rounded outwards to multiples of `step`."""
    low, high = low // step * step, -(-high // step) * step
    high = max(high, low + step)
    return Colours(alt.Scale(type="quantize", domain=[low, high], range=RAMP), (low + high) / 2)


def rows_chart(frame: pd.DataFrame, label: str, value_text: str, order: list[str]) -> Any:
    """Names and values above the bars of a chart's rows, so that long names fit a phone; goes with `row_axis`."""
    base = (
        alt.Chart(frame)
        .encode(y=row_axis(label, order))
        .transform_calculate(
            short=f"width < 380 ? replace(datum.{value_text}, regexp('{UNITS}$'), '') : datum.{value_text}"
        )
    )
    common = {"baseline": "bottom", "dy": DOWN - 8}
    halo = {"stroke": SURFACE, "strokeWidth": 5, "strokeJoin": "round"}
    texts = []
    for marks in (halo, {}):
        names = base.mark_text(align="left", limit=alt.expr("width - 62"), **common, **marks)
        values = base.mark_text(align="right", color=SOFT, **common, **marks)
        texts += [
            names.encode(x=alt.value(0), text=f"{label}:N"),
            values.encode(x=alt.value("width"), text="short:N"),
        ]
    return alt.layer(*texts)


def row_axis(label: str, order: list[str]) -> Any:
    """A vertical axis of rows in the given order, without labels."""
    return alt.Y(f"{label}:N", sort=order, axis=None, scale=alt.Scale(paddingInner=0, paddingOuter=0.1))


def cells(frame: pd.DataFrame, x: Any, y: Any, value: str, colours: Colours, tooltip: list[Any], columns: int) -> Any:
    """A heat map of `value`, with the texts of the column `told` written in.

    Cells on few records (column `few`) are drawn hollow; with many columns on a phone, the texts are short and small.
    """
    narrow = f"width < {34 * columns}"
    told_short = f"{narrow} ? replace(datum.told, '%', '') : datum.told"
    base = alt.Chart(frame).encode(x=x, y=y).transform_calculate(short=told_short)
    size = alt.expr(f"{narrow} ? 9 : 11.5")
    full = base.transform_filter("!datum.few").mark_rect(stroke=SURFACE, strokeWidth=2).encode(
        color=alt.Color(f"{value}:Q", scale=colours.scale, legend=None), tooltip=tooltip
    )  # fmt: skip
    hollow = base.transform_filter("datum.few").mark_rect(
        fill="transparent", stroke=FAINT, strokeOpacity=0.45, strokeDash=[2, 2], strokeWidth=1
    ).encode(tooltip=tooltip)  # fmt: skip
    told = base.transform_filter("!datum.few").mark_text(fontSize=size).encode(
        text="short:N",
        color=alt.condition(
            f"datum.{value} >= {colours.strong_from}", alt.value("var(--on-high)"), alt.value("var(--on-low)")
        ),
    )  # fmt: skip
    faint = base.transform_filter("datum.few").mark_text(fontSize=size, color=FAINT).encode(text="short:N")
    return full + hollow + told + faint
