"""Paths as Spark is told them."""

from __future__ import annotations

import re
from pathlib import Path

_PATTERN = re.compile(r"[\[\]{}*?\\]")


def to_the_letter(path: Path) -> str:
    """A path to read from, in which Spark sees no pattern."""
    return _PATTERN.sub(r"\\\g<0>", str(path))
