"""Who the students are: the hidden traits, drawn once, that the log never states."""

from dataclasses import dataclass

import numpy as np

from data_gen.arrays import NEVER, Bools, Floats, Ints
from data_gen.catalogue import CEFR
from data_gen.phrases import LANGUAGES

ARCHETYPES = ("High Performers", "Active Learners", "Struggling Students", "Casual Users")
ARCHETYPE_SHARES = (0.22, 0.24, 0.26, 0.28)

MEAN_ABILITY = np.array([1.1, 0.3, -1.0, 0.0])
MEDIAN_USUAL_GAP = np.array([2.8, 1.9, 3.0, 6.0])
MEAN_ERROR_LOGIT = np.array([-2.2, -1.5, -0.7, -1.4])
MEAN_FIRST_SKILL = np.array([2.6, 1.6, 1.3, 1.6])
MEAN_OVERPLACEMENT = np.array([-0.1, 0.0, 0.35, 0.0])

FOUNDERS_SHARE = 0.4
JOINING_WINDOW = 0.7
SECOND_LANGUAGE_SHARE = 0.15
NEVER_ASSESSED_SHARE = 0.06


@dataclass(frozen=True)
class Students:
    """Traits by student.

    archetype: index of ARCHETYPES; ability: standard deviations from the mean; usual_gap: days between sessions when
    all is well; error_logit: log-odds of a mistake in a message; chattiness: factor on messages; base_hazard: daily,
    whatever happens; joined: day of the window; languages: two indices of LANGUAGES, the second NEVER for most; skill
    and level: at joining, per language, on the scale of CEFR.
    """

    archetype: Ints
    ability: Floats
    usual_gap: Floats
    error_logit: Floats
    chattiness: Floats
    base_hazard: Floats
    takes_assessments: Bools
    joined: Ints
    languages: Ints
    skill: Floats
    level: Ints

    def __len__(self) -> int:
        return len(self.ability)


def draw_students(count: int, days: int, rng: np.random.Generator) -> Students:
    """Draw `count` students of a window of `days`: some there from the first day, the rest joining over most of it."""
    archetype = rng.choice(len(ARCHETYPES), count, p=ARCHETYPE_SHARES)
    ability = MEAN_ABILITY[archetype] + rng.normal(0.0, 0.5, count)
    skill = np.clip(MEAN_FIRST_SKILL[archetype, None] + rng.normal(0.0, 1.1, (count, 2)), 0.1, len(CEFR) - 0.2)
    placed = skill + MEAN_OVERPLACEMENT[archetype, None] + rng.normal(0.0, 0.25, (count, 2))
    joins_later = rng.random(count) >= FOUNDERS_SHARE
    return Students(
        archetype=archetype,
        ability=ability,
        usual_gap=np.clip(MEDIAN_USUAL_GAP[archetype] * np.exp(rng.normal(0.0, 0.2, count)), 1.3, 9.0),
        error_logit=MEAN_ERROR_LOGIT[archetype] + rng.normal(0.0, 0.3, count),
        chattiness=np.exp(rng.normal(0.0, 0.25, count)),
        base_hazard=0.0012 * np.exp(rng.normal(0.0, 0.5, count)),
        takes_assessments=rng.random(count) >= NEVER_ASSESSED_SHARE,
        joined=np.where(joins_later, rng.integers(0, int(JOINING_WINDOW * days), count), 0),
        languages=_draw_languages(count, rng),
        skill=skill,
        level=np.clip(np.floor(placed), 0, len(CEFR) - 1).astype(np.int64),
    )


def _draw_languages(count: int, rng: np.random.Generator) -> Ints:
    first = rng.choice(len(LANGUAGES), count, p=(0.28, 0.2, 0.16, 0.12, 0.1, 0.14))
    other = (first + rng.integers(1, len(LANGUAGES), count)) % len(LANGUAGES)
    return np.stack([first, np.where(rng.random(count) < SECOND_LANGUAGE_SHARE, other, NEVER)], axis=1)
