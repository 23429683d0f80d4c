"""Long runs, outside the test suite: `make soak` runs them and writes what they found to docs/soak.md."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

PAGE = Path(__file__).parent.parent / "docs" / "soak.md"
HEAD = "# Soak\n\nWhat `make soak` last found; made by it.\n\n| run | result | minutes |\n|---|---|---|\n"
Report = Callable[[str], None]
_lines: dict[str, tuple[str, float]] = {}


@pytest.fixture
def report(request: pytest.FixtureRequest) -> Iterator[Report]:
    """Say in a sentence what a run found; a run that fails says so itself."""
    began = time.monotonic()
    said: list[str] = []
    yield said.append
    failed = getattr(request.node, "failed", True)
    result = "failed" if failed else " ".join(said)
    _lines[request.node.name] = (result, (time.monotonic() - began) / 60)


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Iterator[None]:
    outcome = yield
    result = outcome.get_result()  # type: ignore[attr-defined]
    if result.when == "call":
        item.failed = result.failed  # type: ignore[attr-defined]


def pytest_sessionfinish() -> None:
    """Write the page: the runs of this session, and of earlier ones those that were not run this time."""
    if not _lines:
        return
    old = dict(_rows(PAGE.read_text())) if PAGE.exists() else {}
    today = f"{datetime.now(UTC):%Y-%m-%d}"
    new = {name: f"| {name} | {said} ({today}) | {minutes:.1f} |" for name, (said, minutes) in _lines.items()}
    PAGE.write_text(HEAD + "\n".join(line for _, line in sorted((old | new).items())) + "\n")


def _rows(page: str) -> Iterator[tuple[str, str]]:
    for line in page.splitlines():
        if line.startswith("| test_"):
            yield line.split("|")[1].strip(), line
