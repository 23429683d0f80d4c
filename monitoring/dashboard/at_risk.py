"""The at-risk list as small JSON: texts are stored once and rows hold their numbers, so that 5,000 rows stay light."""

from __future__ import annotations

from typing import Any

import pandas as pd

from monitoring.dashboard.charts.drawing import BANDS
from monitoring.dashboard.words import missing, short_day, title

TEXTS = (
    "student_id", "risk_band", "reason_1", "reason_2", "reason_3", "suggested_action", "segment", "language", "trend",
    "contacted_on",
)  # fmt: skip


def payload(at_risk: pd.DataFrame) -> dict[str, Any]:
    """`texts`, and `rows` of risk in percent, days silent or null, and for TEXTS an index or -1."""
    texts: dict[str, int] = {}
    ranked = at_risk.assign(
        rank=at_risk["risk_band"].map({band: i for i, band in enumerate(BANDS)}), risk=at_risk["risk"].astype(float)
    ).sort_values(["rank", "risk", "student_id"], ascending=[True, False, True])
    rows = [
        [
            round(100 * row["risk"], 3),
            None if missing(row["days_since_active"]) else int(row["days_since_active"]),
            *(_index(_text(name, row[name]), texts) for name in TEXTS),
        ]
        for row in ranked.to_dict("records")
    ]
    return {"fields": ["risk", "silent", *TEXTS], "texts": list(texts), "rows": rows}


def choices(at_risk: pd.DataFrame, column: str) -> list[str]:
    """What the list can be filtered by, in order of the alphabet, as the page writes it."""
    return sorted({_text(column, value) for value in at_risk[column] if not missing(value)})


def band_counts(at_risk: pd.DataFrame) -> dict[str, int]:
    """Students in each band, high first."""
    return {band: int((at_risk["risk_band"] == band).sum()) for band in BANDS}


def _text(name: str, value: Any) -> str:
    if missing(value):
        return ""
    if name == "contacted_on":
        return short_day(value)
    return title(value) if name == "language" else str(value)


def _index(text: str, texts: dict[str, int]) -> int:
    return texts.setdefault(text, len(texts)) if text else -1
