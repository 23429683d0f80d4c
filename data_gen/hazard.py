"""Why students leave: a daily hazard made of what they have lived through."""

import numpy as np

from data_gen.arrays import Bools, Floats, Ints

CAUSES = ("gap", "poor_scores", "corrections", "no_lesson", "base")
OF_LEARNING = slice(CAUSES.index("poor_scores"), CAUSES.index("no_lesson") + 1)

BEARABLE_GAPS, WORST_GAPS = 2.0, 6.0
GAP_WEIGHT = 0.03
FAIR_SCORE, WORST_SCORE = 55.0, 42.0
SCORE_WEIGHT = 0.018
BEARABLE_ERRORS, WORST_ERRORS = 0.32, 0.45
ERROR_WEIGHT = 0.013
PATIENCE_DAYS = 21.0
LESSON_WEIGHT = 0.02
FRUSTRATING = 0.02


def contributions(
    silence: Ints, usual_gap: Floats, recent_score: Floats, recent_errors: Floats, dry_days: Ints, base: Floats
) -> Floats:
    """Daily probability of leaving by cause, one column a cause in the order of CAUSES; their sum is the hazard.

    silence: days since the last active day; usual_gap: days; recent_score: 0-100 and recent_errors: 0-1, NaN before
    the first; dry_days: days with no lesson in reach; base: daily probability. All as lived before the day began.
    """
    widening = np.clip(silence / usual_gap - BEARABLE_GAPS, 0.0, WORST_GAPS - BEARABLE_GAPS)
    failing = np.clip((FAIR_SCORE - recent_score) / (FAIR_SCORE - WORST_SCORE), 0.0, 1.0)
    stumbling = np.clip((recent_errors - BEARABLE_ERRORS) / (WORST_ERRORS - BEARABLE_ERRORS), 0.0, 1.0)
    waiting = np.minimum(dry_days / PATIENCE_DAYS, 1.0)
    return np.stack(
        [
            GAP_WEIGHT * widening,
            SCORE_WEIGHT * np.nan_to_num(failing),
            ERROR_WEIGHT * np.nan_to_num(stumbling),
            LESSON_WEIGHT * waiting,
            base,
        ],
        axis=1,
    )


def frustration(parts: Floats) -> Floats:
    """From 0 to 1, how far scores, corrections and missing lessons weigh on a student who has not left."""
    return np.minimum(parts[:, OF_LEARNING].sum(axis=1) / FRUSTRATING, 1.0)


def leavers(parts: Floats, may_leave: Bools, rng: np.random.Generator) -> Bools:
    """Who leaves today, drawn with the summed hazard among those who may."""
    return may_leave & (rng.random(len(parts)) < parts.sum(axis=1))
