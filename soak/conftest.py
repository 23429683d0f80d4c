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


@pytest.fixture
def report(request: pytest.FixtureRequest) -> Iterator[Report]:
    """Say in a sentence what a run found, for the page; a run that fails says so itself."""
    began = time.monotonic()
    said: list[str] = []
    yield said.append
    failed = getattr(request.node, "failed", True)
    result = "failed" if failed else " ".join(said)
    name, minutes = request.node.name, (time.monotonic() - began) / 60
    _write(name, f"| {name} | {result} ({datetime.now(UTC):%Y-%m-%d}) | {minutes:.1f} |")


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Iterator[None]:
    outcome = yield
    result = outcome.get_result()  # type: ignore[attr-defined]
    if result.when == "call":
        item.failed = result.failed  # type: ignore[attr-defined]
    if result.when == "setup" and result.failed:
        _write(item.name, f"| {item.name} | failed before it began ({datetime.now(UTC):%Y-%m-%d}) | |")


def _write(name: str, line: str) -> None:
    """Put a run's line into the page, in the place of what it found earlier."""
    lines = dict(_rows(PAGE.read_text())) if PAGE.exists() else {}
    PAGE.write_text(HEAD + "\n".join(found for _, found in sorted((lines | {name: line}).items())) + "\n")


def _rows(page: str) -> Iterator[tuple[str, str]]:
    for line in page.splitlines():
        if line.startswith("| test_"):
            yield line.split("|")[1].strip(), line
