"""An ingest that is killed, or started twice, ends with the same lake as one that nobody disturbed."""

from __future__ import annotations

from pathlib import Path

import pytest

from data_gen.arrivals import deliver
from data_gen.generate import Plan
from lakehouse.settings import Settings, settings
from tests.data_gen.delivered import day_of, written
from tests.lakes import assert_same, bring, commit, killed_at, started, take_in


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Deliveries of eight days."""
    return written(deliver, Plan(seed=5, students=8, days=8), tmp_path_factory.mktemp("days")) / "landing"


@pytest.fixture(scope="module")
def undisturbed(source: Path, tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """All of it in one go."""
    chosen = settings(str(tmp_path_factory.mktemp("undisturbed") / "lake"), str(source))
    take_in(chosen)
    return chosen


def halves(source: Path) -> tuple[list[str], list[str]]:
    """The files of the first days and the rest; the conversations of the last of these days come with the rest."""
    files = sorted(str(path.relative_to(source)) for path in source.rglob("*.parquet"))
    days = sorted({day_of(path) for path in files})
    until = days[len(days) // 2]
    late = f"conversations/arrived={max(day_of(p) for p in files if p.startswith('conv') and day_of(p) < until)}"
    first = [path for path in files if day_of(path) < until and not path.startswith(late)]
    return first, [path for path in files if path not in first]


def test_killed_at_three_moments_and_started_twice_at_once(source: Path, undisturbed: Settings, tmp_path: Path) -> None:
    chosen = settings(str(tmp_path / "lake"), str(tmp_path / "landing"))
    first, rest = halves(source)
    bring(first, source, chosen.landing)
    killed_at(chosen, commit(chosen, "silver.messages", ahead=2))
    take_in(chosen)
    bring(rest, source, chosen.landing)
    killed_at(chosen, commit(chosen, "bronze.messages"))
    killed_at(chosen, commit(chosen, "silver.messages"))
    told = sorted((process.communicate()[0], process.returncode) for process in [started(chosen), started(chosen)])
    assert [code for _, code in told] == [0, 0], told
    assert sum("nothing new in bronze" in text for text, _ in told) == 1
    assert sum("Waiting for" in text for text, _ in told) >= 1
    assert_same(chosen, undisturbed)
