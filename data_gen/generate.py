"""From a seed to files: students in chunks of a fixed size, each with its own random stream."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
import pyarrow as pa

from data_gen.behaviour import DAY, History, live
from data_gen.catalogue import assessment_table, draw_lessons, lesson_table
from data_gen.planted import NOTHING, Planted
from data_gen.students import draw_students
from data_gen.tables import activity_tables
from data_gen.truth import hazard_truth, students_truth
from data_gen.write import TableFolder

LAST_DAY = date(2024, 12, 31)
CATALOGUE_LEAD_DAYS = 60
CHUNK = 5_000


@dataclass(frozen=True)
class Plan:
    """What to generate: `days` up to and including LAST_DAY, with a drift or none; equal plans give equal bytes."""

    seed: int
    students: int
    days: int
    planted: Planted = NOTHING

    @property
    def first_date(self) -> date:
        """The first day of the log."""
        return LAST_DAY - timedelta(days=self.days - 1)

    @property
    def first_day(self) -> int:
        """The first day of the log, in days since 1970."""
        return (self.first_date - date(1970, 1, 1)).days


@dataclass(frozen=True)
class Chunk:
    """Some of the students with what they lived; `rng` is what is left of their random stream."""

    number: int
    first_user: int
    history: History
    rng: np.random.Generator


def generate(plan: Plan, landing: TableFolder, truth: TableFolder) -> None:
    """Append the seven raw tables to `landing` and the two hidden ones to `truth`; OSError if the disk refuses."""
    landing.append(catalogues(plan))
    ids_given: Counter[str] = Counter()
    for chunk in chunks(plan, truth):
        tables = activity_tables(chunk.history, chunk.first_user, ids_given, chunk.rng)
        ids_given.update({name: len(table) for name, table in tables.items()})
        landing.append(plan.planted.sent(tables))


def catalogues(plan: Plan) -> dict[str, pa.Table]:
    """The two tables that are there before anybody comes."""
    created_at = (plan.first_day - CATALOGUE_LEAD_DAYS) * DAY
    return {"lessons": lesson_table(created_at), "assessments": assessment_table(created_at)}


def chunks(plan: Plan, truth: TableFolder) -> Iterator[Chunk]:
    """Let all students live, a chunk at a time; the truth about each chunk is appended to `truth`."""
    lessons = draw_lessons(np.random.default_rng([plan.seed, 0]))
    for number, before in enumerate(range(0, plan.students, CHUNK)):
        rng = np.random.default_rng([plan.seed, 1 + number])
        students = draw_students(min(CHUNK, plan.students - before), plan.days, rng)
        history = live(students, lessons, plan.first_date, plan.days, rng, plan.planted)
        first_user = before + 1
        truth.append(
            {
                "students": students_truth(history, first_user, plan.first_day),
                "hazard": hazard_truth(history, first_user, plan.first_day),
            }
        )
        yield Chunk(number, first_user, history, rng)
