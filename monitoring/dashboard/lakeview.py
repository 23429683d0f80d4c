"""The same dashboard for Databricks: an AI/BI dashboard made from the page's own queries and figures.

    python -m monitoring.dashboard.lakeview > resources/dashboard.yml

It shows the newest day that was scored. It stands in the bundle itself rather than in a file beside it, since a bundle
puts its variables into no file: here the prefix of the schemas. `dataset_catalog` says in which catalog they lie.
"""

from __future__ import annotations

import json
from textwrap import indent
from typing import Any

from monitoring.dashboard.charts import FIGURES
from monitoring.dashboard.page import SECTIONS
from monitoring.dashboard.queries import query
from monitoring.dashboard.widgets import Channel, Widget, table

WIDTH, HALF, HEIGHT = 6, 3, 7
VERSIONS = {"table": 2}
CHART_VERSION = 3
PREFIX = "${var.schema_prefix}"
RESOURCE = """\
# Made by `python -m monitoring.dashboard.lakeview`; change the page's queries and figures instead.
resources:
  dashboards:
    learner_radar:
      display_name: ${var.schema_prefix}Learner Radar
      warehouse_id: ${var.warehouse_id}
      dataset_catalog: ${var.catalog}
      embed_credentials: false
      serialized_dashboard: |
"""

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


def resource() -> str:
    """The bundle's resource file."""
    return RESOURCE + indent(json.dumps(dashboard(PREFIX), indent=2), " " * 8) + "\n"


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
            **({"mark": {"layout": widget.bars}} if widget.bars else {}),
            "frame": {"showTitle": True, "title": title},
        },
    }


def _channel(channel: Channel) -> dict[str, Any]:
    return {"fieldName": channel.name, "displayName": channel.title, "scale": {"type": channel.scale}}


if __name__ == "__main__":
    print(resource(), end="")
