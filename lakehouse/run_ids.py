"""The id of one command, which all of its steps and whatever they stage are called by."""

from __future__ import annotations

import re
import time
from datetime import UTC, datetime

OF_RUN = re.compile(r"__(\d{8}t\d{6})\d{3}")
"""How a name in staging tells its run."""


def new_run_id() -> str:
    """An id for one command: the UTC time to the millisecond, which also sorts."""
    now = time.time()
    return f"{datetime.fromtimestamp(now, UTC):%Y%m%dt%H%M%S}{int(now * 1000) % 1000:03d}"


def began_at(name: str) -> datetime | None:
    """When the run began that staged something under this name, to the second; None where the name tells of no run."""
    told = OF_RUN.search(name)
    return datetime.strptime(told[1], "%Y%m%dt%H%M%S").replace(tzinfo=UTC) if told else None
