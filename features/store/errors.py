"""What the store says when it is asked for something that cannot be."""

from __future__ import annotations

from collections.abc import Sequence

from lakehouse.errors import RadarError


class SpecError(RadarError, ValueError):
    """A table, write or lookup that makes no sense; a ValueError too, as Databricks' client raises."""


def refuse_twice(what: str, names: Sequence[str]) -> None:
    """Refuse names of which one is there twice.

    Raises:
        SpecError: naming it.
    """
    twice = [name for name in dict.fromkeys(names) if list(names).count(name) > 1]
    if twice:
        raise SpecError(f"{what} {', '.join(twice)} twice.")
