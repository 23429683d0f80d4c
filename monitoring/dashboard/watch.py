"""What monitoring says of the day: its alerts, and whether to train again."""

from __future__ import annotations

from typing import Any

from monitoring.dashboard.frames import Frames
from monitoring.dashboard.words import count

TONES = {"critical": "high", "warning": "medium", "info": "low"}


def alerts(frames: Frames) -> list[dict[str, str]]:
    """The alerts, gravest first: severity, tone and message."""
    rows = frames.alerts.to_dict("records")
    return [
        {"severity": str(r["severity"]), "tone": TONES[str(r["severity"])], "told": str(r["message"])} for r in rows
    ]


def summary(frames: Frames) -> str:
    """The alerts and the retraining decision, in a sentence."""
    grave = frames.alerts[frames.alerts["severity"] != "info"]
    minor = len(frames.alerts) - len(grave)
    told = f"{count(len(grave), 'alert')} to act on" if len(grave) else "Nothing to act on"
    if minor:
        told += f"; {count(minor, 'observation')} beside"
    return f"{told}. {_retraining(frames)}".strip()


def _retraining(frames: Frames) -> str:
    decided = frames.retraining[frames.retraining["model_name"].astype(str).str.endswith("dropout")]
    if decided.empty:
        return ""
    row: Any = decided.iloc[0]
    if row["retrain"] and row["acted_on"]:
        return f"Trained again for this day, because {row['because']}."
    return f"Train again: {'yes' if row['retrain'] else 'no'}, {row['because']}."
