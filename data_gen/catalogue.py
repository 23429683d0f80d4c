"""The catalogue that every student meets: lessons with hidden difficulty and worth, and assessments."""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from data_gen.arrays import Floats, timestamps
from data_gen.phrases import LANGUAGES, TOPICS

CEFR = ("A1", "A2", "B1", "B2", "C1", "C2")
LESSON_TYPES = ("vocabulary", "grammar", "listening")
LESSONS_PER_LEVEL = 24
LESSONS_PER_LANGUAGE = len(CEFR) * LESSONS_PER_LEVEL

PLACEMENT = 0
ASSESSMENT_TYPES = ("cefr_placement", "vocabulary", "grammar", "comprehensive")
ASSESSMENT_MINUTES = (20, 10, 10, 25)
ASSESSMENTS_PER_LANGUAGE = 1 + len(CEFR) * (len(ASSESSMENT_TYPES) - 1)

TYPE_DIFFICULTY = np.array([0.0, 0.10, 0.25])


@dataclass(frozen=True)
class Lessons:
    """Hidden traits of the lessons, one row a language, one column a lesson in order of level.

    difficulty: levels above the start of the lesson's own level; worth: skill gained, 1 being ordinary.
    """

    difficulty: Floats
    worth: Floats


def draw_lessons(rng: np.random.Generator) -> Lessons:
    """Difficulty rises along a level and from vocabulary over grammar to listening; worth varies freely."""
    shape = (len(LANGUAGES), LESSONS_PER_LANGUAGE)
    position = np.arange(LESSONS_PER_LANGUAGE) % LESSONS_PER_LEVEL
    planned = 0.6 * position / LESSONS_PER_LEVEL + TYPE_DIFFICULTY[position % len(LESSON_TYPES)]
    return Lessons(difficulty=planned + rng.normal(0.0, 0.2, shape), worth=np.exp(rng.normal(0.0, 0.5, shape)))


def lesson_table(created_at: int) -> pa.Table:
    """`lessons`: id = language * LESSONS_PER_LANGUAGE + lesson + 1; created_at in seconds since 1970."""
    rows = []
    for language in LANGUAGES:
        for lesson in range(LESSONS_PER_LANGUAGE):
            level, position = divmod(lesson, LESSONS_PER_LEVEL)
            lesson_type = LESSON_TYPES[position % len(LESSON_TYPES)]
            subject = TOPICS[lesson % len(TOPICS)]
            title = f"{subject.capitalize()}: {lesson_type} {CEFR[level]}.{position + 1}"
            rows.append((language, lesson_type, title, subject, CEFR[level], position + 1))
    columns = ("language", "lesson_type", "title", "subject", "difficulty_level", "order_index")
    return _catalogue_table(dict(zip(columns, map(list, zip(*rows, strict=True)), strict=True)), created_at)


def assessment_table(created_at: int) -> pa.Table:
    """`assessments`: a language's placement first, then three per level; see `assessment_ids`."""
    rows = []
    for language in LANGUAGES:
        rows.append(_assessment(language, PLACEMENT, 0))
        rows += [_assessment(language, kind, level) for level in range(len(CEFR)) for kind in (1, 2, 3)]
    columns = ("language", "assessment_type", "title", "description", "difficulty_level", "duration_minutes")
    return _catalogue_table(dict(zip(columns, map(list, zip(*rows, strict=True)), strict=True)), created_at)


def assessment_ids(language: np.ndarray, kind: np.ndarray, level: np.ndarray) -> np.ndarray:
    """The assessment of a kind (index of ASSESSMENT_TYPES) at a level (index of CEFR) of a language (index)."""
    in_language = np.where(kind == PLACEMENT, 0, level * (len(ASSESSMENT_TYPES) - 1) + kind)
    return language * ASSESSMENTS_PER_LANGUAGE + in_language + 1


def _assessment(language: str, kind: int, level: int) -> tuple[str, str, str, str, str, int]:
    name = ASSESSMENT_TYPES[kind]
    if kind == PLACEMENT:
        title, description = f"{language.capitalize()} placement", f"Finds your CEFR level in {language}."
    else:
        title = f"{language.capitalize()} {name} {CEFR[level]}"
        description = f"Are you ready for what follows {CEFR[level]}?"
    return language, name, title, description, CEFR[level], ASSESSMENT_MINUTES[kind]


def _catalogue_table(columns: dict[str, list[object]], created_at: int) -> pa.Table:
    n = len(columns["language"])
    return pa.table(
        {
            "id": pa.array(range(1, n + 1), pa.int64()),
            **columns,
            "is_active": pa.array([True] * n),
            "created_at": timestamps(np.full(n, created_at)),
        }
    )
