from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest

from data_gen import generate
from data_gen.__main__ import main
from data_gen.chaos import deliver_chaos
from data_gen.generate import Plan
from tests.data_gen.delivered import Delivered, read, written

TABLES = (
    "conversations",
    "messages",
    "lessons",
    "lesson_progress",
    "assessments",
    "assessment_attempts",
    "user_levels",
)
REFERENCES = (
    ("messages", "conversation_id", "conversations"),
    ("lesson_progress", "lesson_id", "lessons"),
    ("assessment_attempts", "assessment_id", "assessments"),
)
"""Raw tables whose rows name a row of another: the table, the column and the other table."""
Read = Callable[[str], pd.DataFrame]


@pytest.fixture(scope="session")
def generated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the landing and truth of the default command."""
    root = tmp_path_factory.mktemp("generated")
    assert main(["--out", str(root / "landing")]) == 0
    return root


@pytest.fixture(scope="session")
def raw(generated: Path) -> Read:
    """Reads a raw table, its moments as timestamps."""

    def read(table: str) -> pd.DataFrame:
        frame = pd.read_parquet(generated / "landing" / f"{table}.parquet")
        moments = [name for name in frame if name.endswith("_at")]
        return frame.assign(**{name: pd.to_datetime(frame[name], format="ISO8601") for name in moments})

    return read


@pytest.fixture(scope="session")
def truth(generated: Path) -> Read:
    """Reads a truth table, its dates as timestamps."""

    def read(table: str) -> pd.DataFrame:
        frame = pd.read_parquet(generated / "truth" / f"{table}.parquet")
        dates = [name for name in frame if name == "date" or name.endswith("_on")]
        return frame.assign(**{name: pd.to_datetime(frame[name]) for name in dates})

    return read


@pytest.fixture(scope="session")
def active_days(raw: Read) -> pd.DataFrame:
    """user_id and day: a conversation started, a lesson started or completed, or an attempt completed."""
    progress = raw("lesson_progress")
    moments = pd.concat(
        [
            raw("conversations")[["user_id", "created_at"]].set_axis(["user_id", "at"], axis=1),
            progress[["user_id", "started_at"]].set_axis(["user_id", "at"], axis=1),
            progress[["user_id", "completed_at"]].set_axis(["user_id", "at"], axis=1),
            raw("assessment_attempts")[["user_id", "completed_at"]].set_axis(["user_id", "at"], axis=1),
        ]
    ).dropna()
    days = moments.assign(day=moments["at"].dt.normalize())[["user_id", "day"]]
    return days.drop_duplicates().sort_values(["user_id", "day"], ignore_index=True)


@pytest.fixture(scope="session")
def small(tmp_path_factory: pytest.TempPathFactory) -> Delivered:
    """Two weeks of disturbed deliveries of 50 students."""
    return read(written(deliver_chaos, Plan(42, 50, 14), tmp_path_factory.mktemp("small")))


@pytest.fixture(scope="session")
def large(tmp_path_factory: pytest.TempPathFactory) -> Delivered:
    """Forty days of disturbed deliveries of 400 students in three chunks."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(generate, "CHUNK", 150)
        return read(written(deliver_chaos, Plan(7, 400, 40), tmp_path_factory.mktemp("large")))


@pytest.fixture(params=["small", "large"])
def chaos(request: pytest.FixtureRequest) -> Delivered:
    """One, then the other."""
    return request.getfixturevalue(request.param)
