"""What the store says when it is asked for something that cannot be."""

from __future__ import annotations

from lakehouse.errors import RadarError


class SpecError(RadarError, ValueError):
    """A table, write or lookup that makes no sense; a ValueError too, as Databricks' client raises."""
