"""From a seed to files: students in chunks of a fixed size, each with its own random stream."""

from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np

from data_gen.behaviour import DAY, live
from data_gen.catalogue import assessment_table, draw_lessons, lesson_table
from data_gen.students import draw_students
from data_gen.tables import activity_tables
from data_gen.truth import hazard_truth, students_truth
from data_gen.write import TableFolder

LAST_DAY = date(2024, 12, 31)
CATALOGUE_LEAD_DAYS = 60
CHUNK = 5_000


@dataclass(frozen=True)
class Plan:
    """What to generate: `days` up to and including LAST_DAY; equal plans give equal bytes."""

    seed: int
    students: int
    days: int

    @property
    def first_day(self) -> int:
        """The first day of the log, in days since 1970."""
        return (LAST_DAY - timedelta(days=self.days - 1) - date(1970, 1, 1)).days


def generate(plan: Plan, landing: TableFolder, truth: TableFolder) -> None:
    """Append the seven raw tables to `landing` and the two hidden ones to `truth`; OSError if the disk refuses."""
    lessons = draw_lessons(np.random.default_rng([plan.seed, 0]))
    catalogue_from = (plan.first_day - CATALOGUE_LEAD_DAYS) * DAY
    landing.append({"lessons": lesson_table(catalogue_from), "assessments": assessment_table(catalogue_from)})
    for chunk, before in enumerate(range(0, plan.students, CHUNK)):
        rng = np.random.default_rng([plan.seed, 1 + chunk])
        students = draw_students(min(CHUNK, plan.students - before), plan.days, rng)
        history = live(students, lessons, plan.first_day * DAY, plan.days, rng)
        first_user = before + 1
        landing.append(activity_tables(history, first_user, landing.rows, rng))
        truth.append(
            {
                "students": students_truth(history, first_user, plan.first_day),
                "hazard": hazard_truth(history, first_user, plan.first_day),
            }
        )
