"""Lessons: finishing the open one, taking up the next in reach, putting one aside for later."""

import numpy as np

from data_gen.arrays import NEVER, Bools, Ints, sigmoid
from data_gen.catalogue import LESSONS_PER_LEVEL, Lessons
from data_gen.state import COMPLETED, IN_PROGRESS, NOT_STARTED, UNSEEN, Life, Sessions, lessons_in_reach
from data_gen.students import Students

MINUTE = 60
FINISHING_AT, STARTING_AT = 40 * MINUTE, (50 * MINUTE, 75 * MINUTE)
SKILL_PER_LESSON = 0.04

FINISH_ODDS, FINISH_PER_ABILITY = 0.3, 0.6
GIVE_UP, START, FINISH_AT_ONCE, BOOKMARK = 0.3, 0.85, 0.55, 0.6


def study(students: Students, life: Life, lessons: Lessons, sessions: Sessions, rng: np.random.Generator) -> Bools:
    """Let today's students go on with a lesson or begin one; true where a lesson was started or completed."""
    studied = _go_on(students, life, lessons, sessions, rng)
    for after in STARTING_AT:
        studied |= _begin(students, life, lessons, sessions, after, rng)
    return studied


def _go_on(students: Students, life: Life, lessons: Lessons, sessions: Sessions, rng: np.random.Generator) -> Bools:
    had_open = life.open_lesson[sessions.student, sessions.slot] != NEVER
    ability = students.ability[sessions.student]
    finishing = had_open & (rng.random(len(sessions)) < sigmoid(FINISH_ODDS + FINISH_PER_ABILITY * ability))
    giving_up = had_open & ~finishing & (rng.random(len(sessions)) < GIVE_UP)
    going_on = sessions.where(had_open)
    at = (going_on.student, going_on.slot, life.open_lesson[going_on.student, going_on.slot])
    life.shelf.accessed[at] = going_on.start + FINISHING_AT
    life.shelf.percent[at] = np.minimum(life.shelf.percent[at] + rng.integers(5, 25, len(going_on)), 95)
    _complete(students, life, lessons, sessions.where(finishing), FINISHING_AT, rng)
    given_up = sessions.where(giving_up)
    life.open_lesson[given_up.student, given_up.slot] = NEVER
    return finishing


def _begin(
    students: Students, life: Life, lessons: Lessons, sessions: Sessions, after: int, rng: np.random.Generator
) -> Bools:
    """Who has none open begins the first in reach, `after` seconds into the session; some finish it at once."""
    free = life.open_lesson[sessions.student, sessions.slot] == NEVER
    at_level, in_reach = lessons_in_reach(students, life, lessons, sessions.student, sessions.slot)
    starting = free & in_reach.any(axis=1) & (rng.random(len(sessions)) < START)
    starters = sessions.where(starting)
    lesson = at_level[starting, in_reach[starting].argmax(axis=1)]
    at = (starters.student, starters.slot, lesson)
    life.shelf.status[at] = IN_PROGRESS
    life.shelf.started[at] = life.shelf.accessed[at] = starters.start + after
    life.shelf.percent[at] = rng.integers(10, 60, len(starters))
    life.open_lesson[starters.student, starters.slot] = lesson
    at_once = rng.random(len(starters)) < FINISH_AT_ONCE
    minutes = rng.integers(8, 24, at_once.sum())
    _complete(students, life, lessons, starters.where(at_once), after + minutes * MINUTE, rng)
    _bookmark(life, starters, lesson, after, rng)
    return starting


def _bookmark(life: Life, starters: Sessions, lesson: Ints, after: int, rng: np.random.Generator) -> None:
    """Some put the lesson after next on their list: a row that is not started."""
    later = lesson + 2
    wanted = (lesson % LESSONS_PER_LEVEL < LESSONS_PER_LEVEL - 2) & (rng.random(len(starters)) < BOOKMARK)
    at = (starters.student[wanted], starters.slot[wanted], later[wanted])
    unseen = life.shelf.status[at] == UNSEEN
    at = (at[0][unseen], at[1][unseen], at[2][unseen])
    life.shelf.status[at] = NOT_STARTED
    life.shelf.accessed[at] = starters.start[wanted][unseen] + after


def _complete(
    students: Students, life: Life, lessons: Lessons, done: Sessions, after: int | Ints, rng: np.random.Generator
) -> None:
    """Close the open lessons `after` seconds into the session; mastery follows ease and ability, skill mastery."""
    lesson = life.open_lesson[done.student, done.slot]
    at = (done.student, done.slot, lesson)
    language, ability = students.languages[done.student, done.slot], students.ability[done.student]
    ease = life.skill[done.student, done.slot] - lesson // LESSONS_PER_LEVEL - lessons.difficulty[language, lesson]
    mastery = np.clip(sigmoid(1.0 + 1.2 * ease + 0.5 * ability) + rng.normal(0.0, 0.08, len(done)), 0.0, 1.0)
    life.shelf.status[at] = COMPLETED
    life.shelf.completed[at] = life.shelf.accessed[at] = done.start + after
    life.shelf.mastery[at] = mastery.round(2)
    life.shelf.percent[at] = 100
    life.skill[done.student, done.slot] += (
        SKILL_PER_LESSON * lessons.worth[language, lesson] * mastery * np.exp(0.3 * ability)
    )
    life.open_lesson[done.student, done.slot] = NEVER
