"""The same dashboard for Databricks: an AI/BI file made from the page's own queries and figures.

    python -m monitoring.dashboard.lakeview [schema prefix] > resources/learner_radar.lvdash.json

It shows the newest day that was scored; `dataset_catalog` of the bundle says in which catalog the tables lie.
"""

from __future__ import annotations

import json
import sys
from typing import Any

from monitoring.dashboard.charts import FIGURES
from monitoring.dashboard.page import SECTIONS
from monitoring.dashboard.queries import query
from monitoring.dashboard.widgets import Channel, Widget, table

WIDTH, HALF, HEIGHT = 6, 3, 7
VERSIONS = {"table": 2}
CHART_VERSION = 3

LISTS: dict[str, tuple[str, str, Widget]] = {
    "at-risk": (
        "at-risk-list", "Students by risk",
        table(
            "at_risk", student_id="Student", risk="Risk", risk_band="Band", trend="Risk so far, %", reason_1="Why",
            reason_2="And", reason_3="And", suggested_action="What would help", segment="Segment", language="Language",
            days_since_active="Days silent", contacted_on="Contacted on",
        ),
    ),
    "model": (
        "alerts", "What monitoring found",
        table("alerts", severity="Severity", message="What", subject="Of", value="Found", threshold="Passed"),
    ),
    "quality": (
        "quality-by-table", "Tables",
        table(
            "quality", table_name="Table", row_count="Rows", newest_at="Newest", hours_behind="Hours behind",
            quarantined="Set aside",
        ),
    ),
}  # fmt: skip
"""What is a list on the page rather than a figure: its key, title and columns, by section."""


def dashboard(schema_prefix: str = "") -> dict[str, Any]:
    """The content of the file: a dataset a query, a page a section, a widget a figure or list.

    Args:
        schema_prefix: what the names of the schemas begin with, as the bundle's targets have it.
    """
    pages = [{"name": key, "displayName": title, "layout": _layout(key)} for key, title in SECTIONS]
    frames = [widget.frame for key, _ in SECTIONS for _, _, widget, _ in _shown(key)]
    return {"datasets": [_dataset(name, schema_prefix) for name in dict.fromkeys(frames)], "pages": pages}


def text(schema_prefix: str = "") -> str:
    """The file; checked in without a prefix."""
    return json.dumps(dashboard(schema_prefix), indent=2) + "\n"


def _shown(section: str) -> list[tuple[str, str, Widget, bool]]:
    """Key, title, widget and whether it takes the whole width."""
    lists = [(*LISTS[section], True)] if section in LISTS else []
    return lists + [(f.key, f.title, f.widget, f.wide) for f in FIGURES if f.section == section]


def _dataset(name: str, schema_prefix: str) -> dict[str, Any]:
    asked = query(name)
    lines = [f"{line}\n" for line in asked.of_newest_day(schema_prefix).split("\n")]
    return {"name": name, "displayName": asked.told.rstrip("."), "queryLines": lines}


def _layout(section: str) -> list[dict[str, Any]]:
    placed, x, y = [], 0, 0
    for key, title, widget, wide in _shown(section):
        width = WIDTH if wide else HALF
        if x + width > WIDTH:
            x, y = 0, y + HEIGHT
        placed.append(
            {
                "widget": _widget(key, title, widget),
                "position": {"x": x, "y": y, "width": width, "height": HEIGHT},
            }
        )
        x += width
    return placed


def _widget(key: str, title: str, widget: Widget) -> dict[str, Any]:
    fields = [{"name": field.name, "expression": field.sql} for field in widget.fields]
    plain = not any(field.aggregated for field in widget.fields)
    asked = {"datasetName": widget.frame, "fields": fields, "disaggregated": plain}
    encodings: dict[str, Any] = {name: _channel(channel) for name, channel in widget.channels.items()}
    if widget.columns:
        encodings["columns"] = [{"fieldName": column.name, "displayName": column.title} for column in widget.columns]
    return {
        "name": key,
        "queries": [{"name": "main_query", "query": asked}],
        "spec": {
            "version": VERSIONS.get(widget.mark, CHART_VERSION),
            "widgetType": widget.mark,
            "encodings": encodings,
            "frame": {"showTitle": True, "title": title},
        },
    }


def _channel(channel: Channel) -> dict[str, Any]:
    return {"fieldName": channel.name, "displayName": channel.title, "scale": {"type": channel.scale}}


if __name__ == "__main__":
    print(text(*sys.argv[1:2]), end="")
