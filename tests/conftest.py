"""One Spark session for the whole suite; lakes are folders that it serves one after another."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from pyspark.sql import SparkSession

from lakehouse.lake import Lake
from lakehouse.session import connect
from lakehouse.settings import settings


@pytest.fixture(scope="session")
def spark() -> SparkSession:
    return connect()


@pytest.fixture
def lake(tmp_path: Path) -> Iterator[Lake]:
    """An empty lake of the test's own, open for writing."""
    with Lake.writing(settings(str(tmp_path / "lake")), "test", wait_seconds=1) as opened:
        yield opened
