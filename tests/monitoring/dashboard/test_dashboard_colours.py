"""Every text of the page can be read on what lies beneath it, by light and in the dark (WCAG AA: 4.5 to 1)."""

from __future__ import annotations

import re
from importlib.resources import files

import pytest

STYLE = files("monitoring.dashboard").joinpath("style.css").read_text()
LIGHT, DARK = (
    dict(re.findall(r"--([\w-]+): (#[0-9a-f]{6})", block)) for block in re.findall(r":root \{(.*?)\}", STYLE, re.S)[:2]
)
PAIRS = [
    *[(text, ground) for text in ("ink", "soft", "faint", "accent") for ground in ("bg", "surface", "sunk")],
    *[("on-band", band) for band in ("high", "medium", "low")],
    *[("on-low", f"seq-{step}") for step in (1, 2, 3)],
    *[("on-high", f"seq-{step}") for step in (4, 5, 6)],
    *[("on-div", f"div-{step}") for step in (1, 5)],
    *[("ink", f"div-{step}") for step in (2, 3, 4)],
    ("high", "surface"),
    ("notice-ink", "notice"),
    ("ink", "accent-wash"),
]


def luminance(colour: str) -> float:
    channels = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.03928 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return sum(weight * c for weight, c in zip((0.2126, 0.7152, 0.0722), linear, strict=True))


@pytest.mark.parametrize("theme", [LIGHT, DARK], ids=["light", "dark"])
@pytest.mark.parametrize("pair", PAIRS, ids=" on ".join)
def test_text_can_be_read(theme: dict[str, str], pair: tuple[str, str]) -> None:
    low, high = sorted(luminance(theme[name]) for name in pair)
    assert (high + 0.05) / (low + 0.05) >= 4.5


def test_charts_use_only_colours_that_both_themes_define() -> None:
    used = set()
    for path in files("monitoring.dashboard").joinpath("charts").iterdir():
        if path.name.endswith(".py"):
            used |= set(re.findall(r"var\(--([a-z-]+)\)", path.read_text()))
    assert used
    assert used <= set(LIGHT) & set(DARK)
