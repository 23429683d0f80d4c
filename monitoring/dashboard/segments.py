"""Segments and their traits: what they are called, how far each lies from the mean of all, and a card for each."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from monitoring.dashboard.frames import Frames
from monitoring.dashboard.words import count, number, percent, share, title

MEANINGS = {
    "High Performers": ("Score well and make few errors; look for harder material.", "performers"),
    "Active Learners": ("Here nearly every day; steady, and the easiest to keep.", "active"),
    "Struggling Students": ("Many errors and lower scores; help with content, not with reminders.", "struggling"),
    "Casual Users": ("Drop by now and then; a fixed rhythm helps most.", "casual"),
}
"""What a segment means to a tutor, and its class in the style sheet."""
SEGMENTS = tuple(MEANINGS)

TRAITS = {
    "active_days_28": ("Active days of 28", 1),
    "minutes_28": ("Minutes in 28 days", 0),
    "usual_gap": ("Usual gap in days", 1),
    "lessons_completed_28": ("Lessons done, 28 days", 1),
    "score_mean": ("Mean score", 0),
    "mastery_mean": ("Mean mastery", -1),
    "error_rate_28": ("Error rate", -1),
}
"""The features shown, in this order: name, and digits; -1 marks a share."""


def trait_name(trait: str) -> str:
    """How a trait is called on the page."""
    return TRAITS[trait][0] if trait in TRAITS else title(trait)


def with_distance(traits: pd.DataFrame) -> pd.DataFrame:
    """Traits with the segment's distance from the mean of all, in standard deviations, and texts."""
    digits = [TRAITS[t][1] if t in TRAITS else 1 for t in traits["trait"]]
    spread = traits["overall_sd"].astype(float)
    distance = (traits["mean"].astype(float) - traits["overall_mean"].astype(float)) / spread.where(spread > 0, np.nan)
    return traits.assign(
        name=traits["trait"].map(trait_name),
        told=[_trait(v, d) for v, d in zip(traits["mean"], digits, strict=True)],
        overall=[_trait(v, d) for v, d in zip(traits["overall_mean"], digits, strict=True)],
        distance=distance.fillna(0.0),
    )


def _trait(value: Any, digits: int) -> str:
    return percent(value) if digits < 0 else number(value, digits)


def segment_cards(frames: Frames) -> list[dict[str, str]]:
    """A card a segment: name, size, what it means, its most telling trait."""
    if frames.segments.empty:
        return []
    between = dict(zip(frames.segments["segment"], frames.segments["between_two"], strict=True))
    sizes = {str(s): int(n) for s, n in zip(frames.segments["segment"], frames.segments["students"], strict=True)}
    everyone = sum(sizes.values())
    traits = with_distance(frames.traits) if len(frames.traits) else None
    cards = []
    for name in [s for s in SEGMENTS if s in sizes] + sorted(set(sizes) - set(SEGMENTS)):
        told = ""
        if traits is not None and (traits["segment"] == name).any():
            mine = traits[traits["segment"] == name]
            far = mine.reindex(mine["distance"].abs().sort_values(ascending=False).index).head(2)
            told = " · ".join(f"{r['name']}: {r['told']} (all: {r['overall']})" for _, r in far.iterrows())
        if between[name]:
            told = " · ".join(filter(None, [told, f"{count(between[name], 'student')} half-way to another segment"]))
        meaning, key = MEANINGS.get(name, ("", "other"))
        cards.append(
            {
                "name": name,
                "key": key,
                "students": count(sizes[name], "student"),
                "share": share(sizes[name], everyone),
                "width": share(sizes[name], everyone) if everyone else "0",
                "meaning": meaning,
                "told": told,
            }
        )
    return cards
