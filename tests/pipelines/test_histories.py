"""Random histories of many small groups of students: batches in any order, a rebuild and one batch agree on every row.

Students of a group share the ids of their records, so that records change their owner, their language and their parent,
come late, twice, before their parents, broken, and are mended. Groups know nothing of each other: each is a case of its
own, and a lake tells hundreds of them at once.
"""

from __future__ import annotations

import json
import random
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest

import features.run
import pipelines.quarantine
import pipelines.repair
from lakehouse.cli import Run, resolve_as_of
from lakehouse.lake import SCHEMAS, Lake
from lakehouse.run_ids import new_run_id
from lakehouse.settings import Settings, settings
from pipelines.silver import typed
from tests.conftest import OPTIONS
from tests.lakes import assert_same, contents, take_in
from tests.pipelines.test_repair import ran

SEED, GROUPS, BEFORE, AFTER = 3, 100, 4, 2
"""How many groups there are, and how many deliveries before and after a rule is mended."""
ARRIVALS = [f"2024-11-{day:02}" for day in range(12, 12 + BEFORE + AFTER)]
MOMENTS = [f"2024-11-{day:02}T{hour:02}:30:00" for day in (1, 4, 8, 11, 13) for hour in (9, 18)]
Row = dict[str, object]

pytestmark = pytest.mark.long


class Group:
    """What one group's students may send: each row is drawn anew, from few ids and few values."""

    def __init__(self, number: int, rng: random.Random) -> None:
        self.number, self.rng = number, rng

    def one(self, *values: object) -> object:
        """One of some values."""
        return self.rng.choice(values)

    def id(self, kind: str, of: int) -> str:
        """The id of one of the group's records of a kind."""
        return f"{kind}{self.number}-{self.rng.randrange(of)}"

    def moment(self) -> object:
        """A time, now and then none, no time at all or one long before."""
        return self.one(None, "2024-02-30T10:00:00", "1999-12-31") if self.rng.random() < 0.04 else self.one(*MOMENTS)

    def language(self) -> object:
        """A language, now and then no name of one."""
        return (
            self.one("spanish", "spanish", "es", "french", "french", "fr-CA", "german", "?")
            if (self.rng.random() < 0.9)
            else self.one(None, "123")
        )

    def span(self) -> tuple[object, object]:
        """When something began and, now and then, when it ended, now and then before that."""
        first, last = sorted(self.rng.sample(MOMENTS, 2))
        return self.one((first, last), (first, last), (first, None), (first, None), (last, first), (None, None))

    def conversations(self) -> Row:
        """A conversation."""
        return {
            "id": self.id("c", 3), "user_id": self.id("s", 3), "language": self.language(),
            "difficulty_level": self.one("A1", "advanced", "native", None), "topic_id": self.one("travel", "food"),
            "created_at": self.moment(),
        }  # fmt: skip

    def messages(self) -> Row:
        """A message, of a conversation that may never come."""
        error = '[{"type": "grammar", "original": "a", "corrected": "b", "explanation": "c"}]'
        return {
            "id": self.id("m", 6), "conversation_id": self.id("c", 4), "role": self.one("user", "user", "assistant"),
            "content": self.one("hola", "buenos días", ""), "corrections": self.one(None, "[]", error, error, "[{"),
            "created_at": self.moment(),
        }  # fmt: skip

    def lesson_progress(self) -> Row:
        """A student's state of a lesson."""
        begun, done = self.span()
        return {
            "id": self.id("p", 3), "user_id": self.id("s", 3), "lesson_id": f"l{self.rng.randrange(6)}",
            "language": self.language(), "status": self.one("in_progress", "completed" if done else "not_started"),
            "completion_percentage": self.one(0, 50, 50, 100, 100, 101), "mastery_score": self.one(None, 0.25, 0.75),
            "started_at": begun, "completed_at": done, "last_accessed_at": self.one(None, *MOMENTS),
        }  # fmt: skip

    def assessment_attempts(self) -> Row:
        """An attempt."""
        begun, done = self.span()
        skills = '[{"skill": "reading", "total": 4, "correct": 3, "score": 75}]'
        return {
            "id": self.id("a", 3), "user_id": self.id("s", 3), "assessment_id": f"t{self.rng.randrange(4)}",
            "language": self.language(), "score": self.one(20, 40, 50, 80, 120), "total_questions": 10,
            "correct_answers": self.one(2, 5), "started_at": begun, "completed_at": done,
            "recommended_level": self.one(None, "A2", "native"),
            "skill_scores_json": self.one(None, skills),
        }  # fmt: skip

    def user_levels(self) -> Row:
        """A student's level."""
        return {
            "id": self.id("v", 4), "user_id": self.id("s", 3), "language": self.one("spanish", "es", "french"),
            "cefr_level": self.one("A1", "A2", "B1", "native", "C3"), "proficiency_score": self.one(None, 10, 60),
            "assessed_at": self.one(*MOMENTS[:6]),
        }  # fmt: skip

    def interventions(self) -> Row:
        """That somebody contacted a student."""
        channel = self.one("mail", "phone")
        return {"user_id": self.id("s", 3), "contacted_at": self.one(*MOMENTS[:4]), "channel": channel}


def catalogues(rng: random.Random) -> dict[str, list[Row]]:
    """A few lessons, assessments and closures, whose words change."""
    languages, levels = ("spanish", "french", "german"), ("A1", "B1", "native")
    lessons = [
        {
            "id": f"l{n}", "language": rng.choice(languages), "lesson_type": rng.choice(("grammar", "vocabulary")),
            "title": rng.choice(("Hola", "Adiós")), "difficulty_level": rng.choice(levels), "order_index": n,
        }
        for n in range(6) if rng.random() < 0.4
    ]  # fmt: skip
    assessments = [
        {
            "id": f"t{n}", "language": rng.choice(languages), "assessment_type": rng.choice(("grammar", "vocabulary")),
            "title": "Test", "difficulty_level": rng.choice(levels), "duration_minutes": rng.choice((10, 20)),
        }
        for n in range(4) if rng.random() < 0.4
    ]  # fmt: skip
    closures = [
        {
            "language": rng.choice(("all", "spanish", "french")),
            "closed_from": rng.choice(("2024-11-05", "2024-11-20")),
            "closed_to": rng.choice(("2024-11-01", "2024-11-06", "2024-11-22")), "cancelled": rng.random() < 0.3,
        }
    ] if rng.random() < 0.3 else []  # fmt: skip
    return {"lessons": lessons, "assessments": assessments, "closures": closures}


def history(landing: Path, seed: int) -> list[dict[Path, pd.DataFrame]]:
    """What comes, delivery by delivery, in an order that is not that of the arrival dates; some without a date."""
    rng = random.Random(seed)
    order = sorted(ARRIVALS, key=lambda arrived: int(arrived[-2:]) + rng.choice((0, 0, 0, 4)))
    groups = [Group(number, rng) for number in range(GROUPS)]
    draws: dict[str, int] = {
        "conversations": 1, "messages": 2, "lesson_progress": 1, "assessment_attempts": 1, "user_levels": 1,
        "interventions": 1,
    }  # fmt: skip
    deliveries = []
    for number, arrived in enumerate(order):
        folder = "" if rng.random() < 0.2 else f"arrived={arrived}"
        rows = catalogues(rng)
        for table, most in draws.items():
            made: Callable[[Group], Row] = getattr(Group, table)
            rows[table] = [made(group) for group in groups for _ in range(rng.randrange(most + 1))]
            rows[table] += rng.sample(rows[table], len(rows[table]) // 20)
        deliveries.append(
            {landing / table / folder / f"part-{number}.parquet": frame(rows[table]) for table in rows if rows[table]}
        )
    return deliveries


def frame(rows: list[Row]) -> pd.DataFrame:
    """Rows of a table as it is written: numbers beside nothing stay numbers."""
    return pd.DataFrame(rows)


def write(delivery: dict[Path, pd.DataFrame]) -> None:
    """Put the files of a delivery into the landing folder."""
    for path, rows in delivery.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        rows.to_parquet(path, index=False)


def make_features(chosen: Settings) -> None:
    """Features, as of the end of what is known."""
    with Lake.writing(chosen, "features") as lake:
        as_of = resolve_as_of(lake, None)
        features.run.run(Run(lake, new_run_id(), as_of, OPTIONS), as_of)


def _of_days(rows: Counter[str], asked: Counter[str]) -> Counter[str]:
    """The rows of a feature table that are of the days of others; batches asked for days in between too."""
    days = {json.loads(row)["as_of"] for row in asked}
    return Counter({row: copies for row, copies in rows.items() if json.loads(row)["as_of"] in days})


def test_batches_in_any_order_are_one_batch_and_stay_so_when_a_rule_is_mended(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    print(f"seed {SEED}")
    landing, deliveries = tmp_path / "landing", history(tmp_path / "landing", SEED)
    chosen = settings(str(tmp_path / "batches"), str(landing))
    for number, delivery in enumerate(deliveries[:BEFORE], start=1):
        write(delivery)
        take_in(chosen)
        if number in (BEFORE // 2, BEFORE):
            make_features(chosen)
    at_once = settings(str(tmp_path / "once"), str(landing))
    take_in(at_once)
    make_features(at_once)
    assert_same(chosen, at_once, [schema for schema in SCHEMAS if schema != "features"])
    ours, theirs = contents(chosen, ["features"]), contents(at_once, ["features"])
    for table, rows in theirs.items():
        assert rows == _of_days(ours[table], rows), table

    monkeypatch.setitem(typed.LEGACY_LEVELS, "NATIVE", "C2")
    lake = ran(chosen, pipelines.quarantine.replay, table="", reason="")
    held = lake.table("ops.quarantine")
    assert held.where("known_from IS NOT NULL").count() > 10
    assert held.where("released_at IS NULL AND row_json LIKE '%native%'").count() > 10
    assert held.where("released_at IS NULL AND reason LIKE '%native%'").count() == 0
    for delivery in deliveries[BEFORE:]:
        write(delivery)
        take_in(chosen)
    standing = contents(chosen, ("silver", "ops"))
    ran(chosen, pipelines.repair.rebuild_silver)
    anew = contents(chosen, ("silver", "ops"))
    assert standing.keys() == anew.keys()
    for table, rows in standing.items():
        assert rows == anew[table], table
