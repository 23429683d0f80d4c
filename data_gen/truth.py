"""What no log states: who the students are, when and why they left, and their hazard on every day."""

import numpy as np
import pyarrow as pa

from data_gen.arrays import NEVER, Ints, pick, sigmoid
from data_gen.behaviour import History
from data_gen.hazard import CAUSES
from data_gen.phrases import LANGUAGES
from data_gen.students import ARCHETYPES


def students_truth(history: History, first_user: int, first_day: int) -> pa.Table:
    """One row a student: user_id, archetype, traits, joined_on, left_on (null: stayed) and cause (null likewise).

    left_on is the first date on which the student was gone; cause is the largest contribution to that day's hazard,
    null too where a planted exodus took the student.
    usual_gap_days: between sessions when all is well; error_rate: 0-1, by message; base_hazard: daily probability;
    ability: standard deviations. first_day: of the window, in days since 1970.
    """
    students, life = history.students, history.life
    return pa.table(
        {
            "user_id": pa.array(first_user + np.arange(len(students)), pa.int64()),
            "archetype": pick(ARCHETYPES, students.archetype),
            "ability": students.ability,
            "usual_gap_days": students.usual_gap,
            "sessions_per_week": 7.0 / students.usual_gap,
            "error_rate": sigmoid(students.error_logit),
            "base_hazard": students.base_hazard,
            "takes_assessments": students.takes_assessments,
            "language": pick(LANGUAGES, students.languages[:, 0]),
            "second_language": pick(LANGUAGES, students.languages[:, 1]),
            "joined_on": _dates(first_day, students.joined),
            "left_on": _dates(first_day, life.left),
            "cause": pick(CAUSES, life.cause),
        }
    )


def hazard_truth(history: History, first_user: int, first_day: int) -> pa.Table:
    """One row a student and date from joining to the end of the window: user_id, date, hazard and its part by cause.

    hazard is the probability that the student, if still there, leaves on the date, from nothing but what was lived
    before its midnight UTC. Rows go on after the student has left, by the same formula over the growing silence, so
    "the true hazard as of a date" is defined for every student who has joined by then. Nobody leaves on the day they
    join, and a planted exodus is not in it.
    """
    days = len(history.hazard)
    present = np.arange(days) >= history.students.joined[:, None]
    student, day = np.nonzero(present)
    parts = history.hazard[day, student]
    return pa.table(
        {
            "user_id": pa.array(first_user + student, pa.int64()),
            "date": _dates(first_day, day),
            "hazard": parts.sum(axis=1),
            **{cause: parts[:, i] for i, cause in enumerate(CAUSES)},
        }
    )


def _dates(first_day: int, day: Ints) -> pa.Array:
    return pa.array((first_day + day).astype(np.int32), pa.int32(), mask=day == NEVER).cast(pa.date32())
