"""The page: frames and the model's card in, one HTML text out. No I/O beyond the package's own files."""

from __future__ import annotations

from datetime import date
from functools import cache
from importlib.resources import files
from typing import Any

from jinja2 import Environment, StrictUndefined
from markupsafe import Markup

from lakehouse.errors import entry_point
from monitoring.dashboard import at_risk, model_view, overview, watch
from monitoring.dashboard.charts import CONFIG, FIGURES, Drawing, Figure
from monitoring.dashboard.frames import Frames
from monitoring.dashboard.segments import segment_cards
from monitoring.dashboard.words import count, long_day, minute

SECTIONS = (
    ("overview", "Overview"),
    ("at-risk", "At risk"),
    ("learning", "Learning"),
    ("content", "Content"),
    ("segments", "Segments"),
    ("model", "Model"),
    ("quality", "Data quality"),
)


def render(frames: Frames, as_of: date, model_card: dict[str, Any]) -> str:
    """The dashboard as one HTML file that needs nothing else."""
    figures = [(figure, figure.draw(frames)) for figure in FIGURES]
    specs = {figure.key: drawing.chart for figure, drawing in figures if drawing}
    title, told = overview.headline(frames)
    silent = overview.inactive(frames)
    promised_on, promises = model_view.promises(frames.health)
    context = {
        "as_of": as_of.isoformat(),
        "as_of_told": long_day(as_of),
        "sections": SECTIONS,
        "headline": title,
        "headline_told": told,
        "tiles": overview.tiles(frames, as_of),
        "of_another_day": overview.gold_of_another_day(frames, as_of),
        "gold_step": entry_point("gold", as_of=as_of),
        "figures": {key: [_place(f, d) for f, d in figures if f.section == key] for key, _ in SECTIONS},
        "card": {"known": bool(model_card), "too_little_data": False, "reason": "", "version": ""} | model_card,
        "facts": model_view.facts(model_card),
        "metrics": model_view.rows(model_card),
        "model_sentence": model_view.sentence(model_card),
        "small_test": model_view.small_test(model_card),
        "promised_on": promised_on,
        "promises": promises,
        "segments": segment_cards(frames),
        "alerts": watch.alerts(frames),
        "risks_off": bool((frames.alerts["rule"] == "risks_off").any()),
        "watched": watch.summary(frames) if len(frames.quality) else "",
        "quality": model_view.quality_rows(frames),
        "quality_sentence": model_view.quality_sentence(frames.quality) if len(frames.quality) else "",
        "at_risk": at_risk.payload(frames.at_risk),
        "bands": at_risk.band_counts(frames.at_risk),
        "languages": at_risk.choices(frames.at_risk, "language"),
        "segment_names": at_risk.choices(frames.at_risk, "segment"),
        "scored_by": model_view.scored_by(frames.at_risk),
        "scored_at": minute(frames.at_risk["scored_at"].max()) if len(frames.at_risk) else "",
        "inactive": count(silent, "student is", "students are") if silent else "",
        "paused": overview.paused(frames),
        "closed_lately": overview.closed_lately(frames),
        "nobody_to_score": overview.everybody_waits(frames) or overview.nobody_active(frames),
        "charts": {"config": CONFIG, "specs": specs},
        "style": Markup(_text("style.css")),
        "script": Markup(_text("page.js")),
        "vega": Markup(_vega()),
    }
    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    return environment.from_string(_text("template.html.j2")).render(context)


def _place(figure: Figure, drawing: Drawing | None) -> dict[str, Any]:
    shown: dict[str, Any] = {"figure": figure, "drawing": drawing}
    if drawing:
        shown["columns"] = [str(c) for c in drawing.numbers.columns]
        shown["rows"] = drawing.numbers.astype(str).values.tolist()
    return shown


def _text(name: str) -> str:
    return files("monitoring.dashboard").joinpath(name).read_text(encoding="utf-8")


@cache
def _vega() -> str:
    """Vega, Vega-Lite and Vega-Embed as one script, in scope of its own."""
    import altair
    import vl_convert

    version = ".".join(str(altair.SCHEMA_VERSION).split(".")[:2])
    bundle: str = vl_convert.javascript_bundle("window.vegaEmbed = vegaEmbed;", vl_version=version)
    if "</script" in bundle.lower():
        raise ValueError("the Vega bundle holds a closing script tag; it cannot be inlined")
    return f"(function(){{{bundle}}})();"
