"""What a chart shows, in terms that Databricks' AI/BI dashboards know too: a frame, a mark and its channels."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Scale = Literal["categorical", "quantitative", "temporal"]
Mark = Literal["line", "bar", "heatmap", "table"]


@dataclass(frozen=True)
class Channel:
    """A channel of a chart.

    Attributes:
        name: the column, or what the expression is to be called.
        title: as people read it.
        scale: how its values lie.
        expression: SQL over the frame's columns, where it is no plain column.
    """

    name: str
    title: str
    scale: Scale = "quantitative"
    expression: str = ""

    @property
    def sql(self) -> str:
        """The SQL of its values."""
        return self.expression or f"`{self.name}`"

    @property
    def aggregated(self) -> bool:
        """Whether its values are made from several rows."""
        return self.expression.split("(")[0] in ("COUNT", "SUM", "AVG", "MAX", "MIN")


@dataclass(frozen=True)
class Widget:
    """A mark over a frame: x, y and colour for a chart, columns for a table.

    `bars` says how bars of several colours lie: `group`, side by side, where their sum means nothing.
    """

    frame: str
    mark: Mark
    channels: dict[str, Channel]
    columns: tuple[Channel, ...] = ()
    bars: str = ""

    @property
    def fields(self) -> list[Channel]:
        """Every channel and column."""
        return [*self.channels.values(), *self.columns]


def chart(frame: str, mark: Mark, x: Channel, y: Channel, color: Channel | None = None) -> Widget:
    """A chart of one mark."""
    return Widget(frame, mark, {"x": x, "y": y} | ({"color": color} if color else {}))


def grouped(frame: str, x: Channel, y: Channel, color: Channel) -> Widget:
    """Bars side by side, a colour each, where their sum means nothing."""
    return Widget(frame, "bar", {"x": x, "y": y, "color": color}, bars="group")


def table(frame: str, **columns: str) -> Widget:
    """A table of columns, each with its title."""
    return Widget(frame, "table", {}, tuple(Channel(name, title) for name, title in columns.items()))


def category(name: str, title: str) -> Channel:
    """A column of names."""
    return Channel(name, title, "categorical")


def day(name: str, title: str) -> Channel:
    """A column of dates."""
    return Channel(name, title, "temporal")
