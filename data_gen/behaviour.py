"""Day by day: who leaves, who comes, what they say, study and take."""

from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np

from data_gen.answers import BLOCKS, PER_BLOCK, QUESTIONS
from data_gen.arrays import NEVER, Bools, Floats, sigmoid
from data_gen.catalogue import ASSESSMENT_TYPES, CEFR, PLACEMENT, Lessons
from data_gen.hazard import CAUSES, contributions, frustration, leavers
from data_gen.phrases import TOPICS
from data_gen.planted import Planted
from data_gen.state import Life, Sessions, blend, lessons_in_reach
from data_gen.students import Students
from data_gen.study import study

DAY, HOUR, MINUTE = 86_400, 3_600, 60
ASSESSING_AT, TALKING_AGAIN_AT = 100 * MINUTE, 150 * MINUTE
EARLIEST, LATEST = 6 * HOUR, 20 * HOUR

WEEKDAY_ODDS = np.array([0.3, 0.2, 0.1, 0.0, -0.4, -0.7, -0.1])
REGULARITY = 5.0
GAP_STRETCH, FEWER_WORDS = 0.8, 0.5
BUSY_SPELLS_PER_DAY, BUSY_STRETCH = 0.006, 2.5
FORM_MEMORY, FORM_NOISE = 0.95, 0.3

TOPIC_SHARES = (0.18, 0.17, 0.13, 0.14, 0.11, 0.13, 0.07, 0.07)
TOPIC_APPEAL = np.array([1.1, 1.25, 0.8, 1.05, 0.9, 1.2, 0.85, 0.75])
TOPIC_ERROR_ODDS = np.array([-0.2, 0.0, 0.35, -0.3, -0.1, 0.05, 0.3, 0.45])
MEAN_TURNS, MAX_TURNS = 2.9, 16

PASS_UP, FALL_BACK = 80, 25


@dataclass(frozen=True)
class History:
    """What a chunk of students lived, and `hazard`, shape (day, student, cause), as of midnight before each day."""

    students: Students
    life: Life
    hazard: Floats


def live(
    students: Students, lessons: Lessons, first_date: date, days: int, rng: np.random.Generator, planted: Planted
) -> History:
    """Simulate `days` from the midnight of `first_date`, UTC; the hazard of a day is taken before it begins.

    Who leaves on a day does nothing on it or later; their hazard is still evaluated, over a growing silence.
    """
    life = Life.before(students)
    hazard = np.empty((days, len(students), len(CAUSES)), np.float32)
    first_midnight = (first_date - date(1970, 1, 1)).days * DAY
    for day in range(days):
        today = first_date + timedelta(days=day)
        parts = contributions(
            np.maximum(day - life.last_active, 0),
            students.usual_gap,
            life.recent_score,
            life.recent_errors,
            life.dry_days,
            students.base_hazard,
        )
        hazard[day] = parts
        _leave(students, life, parts, day, rng)
        life.left[planted.leaving((students.joined < day) & (life.left == NEVER), today, rng)] = day
        _get_busy(life, day, rng)
        life.form = FORM_MEMORY * life.form + rng.normal(0.0, FORM_NOISE, len(students))
        worry = frustration(parts)
        midnight = first_midnight + day * DAY
        sessions = _sessions(students, life, worry, day, midnight, rng)
        _spend(students, life, lessons, sessions, worry, rng, planted, today)
        life.lesson_evenings.add(**life.shelf.touched(sessions, midnight))
        life.last_active[sessions.student] = day
        _count_dry_days(students, life, lessons, students.joined <= day)
    return History(students, life, hazard)


def _leave(students: Students, life: Life, parts: Floats, day: int, rng: np.random.Generator) -> None:
    leaving = leavers(parts, (students.joined < day) & (life.left == NEVER), rng)
    life.left[leaving] = day
    life.cause[leaving] = parts[leaving].argmax(axis=1)


def _get_busy(life: Life, day: int, rng: np.random.Generator) -> None:
    """Now and then life gets in the way, for one to three weeks."""
    busy = rng.random(len(life.busy_until)) < BUSY_SPELLS_PER_DAY
    life.busy_until[busy] = day + rng.integers(7, 21, busy.sum())


def _sessions(
    students: Students, life: Life, worry: Floats, day: int, midnight: int, rng: np.random.Generator
) -> Sessions:
    """Regular students come when their own gap is over; worry and busy spells stretch it, weekends shift it."""
    usual_gap = students.usual_gap * (1.0 + GAP_STRETCH * worry) * np.where(day < life.busy_until, BUSY_STRETCH, 1.0)
    weekday = (midnight // DAY + 3) % 7
    odds = REGULARITY * ((day - life.last_active) / usual_gap - 1.0) + WEEKDAY_ODDS[weekday]
    comes = (students.joined < day) & (life.left == NEVER) & (rng.random(len(students)) < sigmoid(odds))
    student = np.flatnonzero(comes | (students.joined == day))
    second = (students.languages[student, 1] != NEVER) & (rng.random(len(student)) < 0.3)
    return Sessions(student, second.astype(np.int64), midnight + rng.integers(EARLIEST, LATEST, len(student)))


def _spend(
    students: Students, life: Life, lessons: Lessons, sessions: Sessions, worry: Floats, rng: np.random.Generator,
    planted: Planted, today: date,
) -> None:  # fmt: skip
    studied = study(students, life, lessons, sessions, rng)
    assessed = _assess(students, life, sessions, rng)
    talks = (rng.random(len(sessions)) < 0.85) | ~(studied | assessed)
    talks_again = talks & (rng.random(len(sessions)) < 0.12)
    again = sessions.where(talks_again)
    talking = sessions.where(talks)
    _converse(
        students,
        life,
        Sessions(
            np.concatenate([talking.student, again.student]),
            np.concatenate([talking.slot, again.slot]),
            np.concatenate([talking.start, again.start + TALKING_AGAIN_AT]),
        ),
        worry,
        rng,
        planted,
        today,
    )


def _converse(
    students: Students,
    life: Life,
    talks: Sessions,
    worry: Floats,
    rng: np.random.Generator,
    planted: Planted,
    today: date,
) -> None:
    """Talk; mistakes follow the student, the topic, the form of the day and how far the level is above the skill."""
    who, level = talks.student, life.level[talks.student, talks.slot]
    topic = rng.choice(len(TOPICS), len(talks), p=TOPIC_SHARES)
    liking = students.chattiness[who] * TOPIC_APPEAL[topic] * (1.0 - FEWER_WORDS * worry[who])
    turns = np.minimum(1 + rng.poisson(MEAN_TURNS * liking), MAX_TURNS)
    strain = np.clip(level + 0.5 - life.skill[who, talks.slot], -1.5, 1.5)
    error_odds = students.error_logit[who] + TOPIC_ERROR_ODDS[topic] + 0.6 * strain - 0.6 * life.form[who]
    chance = planted.error_chance(sigmoid(error_odds), students.languages[who, talks.slot], today)
    faulty = rng.random(turns.sum()) < np.repeat(chance, turns)
    life.conversations.add(student=who, slot=talks.slot, level=level, topic=topic, start=talks.start, turns=turns)
    life.student_messages.add(faulty=faulty)
    said = np.bincount(who, turns, len(students))
    wrong = np.bincount(np.repeat(who, turns), faulty, len(students))
    spoke = said > 0
    life.recent_errors[spoke] = blend(life.recent_errors[spoke], wrong[spoke] / said[spoke], 0.3)
    life.skill[who, talks.slot] += 0.004


def _assess(students: Students, life: Life, sessions: Sessions, rng: np.random.Generator) -> Bools:
    """A placement early on, later other kinds now and then; a high score moves up a level, a very low one down."""
    first = life.attempts[sessions.student, sessions.slot] == 0
    wants = rng.random(len(sessions)) < np.where(first, 0.7, 0.22)
    takes = students.takes_assessments[sessions.student] & wants
    taking = sessions.where(takes)
    who, slot = taking.student, taking.slot
    kind = np.where(first[takes], PLACEMENT, rng.integers(1, len(ASSESSMENT_TYPES), len(taking)))
    level = life.level[who, slot]
    odds = 0.7 + 1.3 * (life.skill[who, slot] - level - 0.5) + 0.5 * students.ability[who] + 0.6 * life.form[who]
    blocks = odds[:, None] + rng.normal(0.0, 0.3, (len(taking), BLOCKS))
    correct = rng.binomial(PER_BLOCK, sigmoid(blocks))
    score = correct.sum(axis=1) * 100 // QUESTIONS
    reached = np.clip(level + (score >= PASS_UP) - (score <= FALL_BACK), 0, len(CEFR) - 1)
    start = taking.start + ASSESSING_AT
    life.assessment_attempts.add(
        student=who,
        slot=slot,
        level=level,
        kind=kind,
        correct=correct,
        score=score,
        start=start,
        end=start + rng.integers(6 * MINUTE, 25 * MINUTE, len(taking)),
        reached=reached,
    )
    life.level[who, slot] = reached
    life.attempts[who, slot] += 1
    life.recent_score[who] = blend(life.recent_score[who], score, 0.5)
    return takes


def _count_dry_days(students: Students, life: Life, lessons: Lessons, joined: Bools) -> None:
    """One more day with nothing to study, or none."""
    everyone = np.arange(len(students))
    supplied = np.zeros(len(students), np.bool_)
    for slot in (0, 1):
        supplied |= lessons_in_reach(students, life, lessons, everyone, np.full(len(students), slot))[1].any(axis=1)
        supplied |= life.open_lesson[:, slot] != NEVER
    life.dry_days = np.where(joined & ~supplied, life.dry_days + 1, 0)
