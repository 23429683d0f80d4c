"""The JSON texts of an attempt: a pool with one text for every way in which the blocks of questions can turn out."""

import json
from itertools import product

import numpy as np
import pyarrow as pa

from data_gen.arrays import Ints, pick
from data_gen.catalogue import ASSESSMENT_TYPES

SKILLS = {
    "cefr_placement": ("grammar", "vocabulary", "reading", "listening"),
    "vocabulary": ("meaning", "synonyms", "usage", "spelling"),
    "grammar": ("verbs", "agreement", "word_order", "prepositions"),
    "comprehensive": ("grammar", "vocabulary", "reading", "listening"),
}
BLOCKS, PER_BLOCK = 4, 5
QUESTIONS = BLOCKS * PER_BLOCK
OUTCOMES = list(product(range(PER_BLOCK + 1), repeat=BLOCKS))


def skill_scores(kind: Ints, correct: Ints) -> pa.Array:
    """`skill_scores_json` of attempts of a kind (index of ASSESSMENT_TYPES) with so many correct answers per block."""
    return pick(SKILL_TEXTS, kind * len(OUTCOMES) + _outcome(correct))


def answers(correct: Ints) -> pa.Array:
    """`answers_json`: the numbers of the questions answered right and wrong."""
    return pick(ANSWER_TEXTS, _outcome(correct))


def _outcome(correct: Ints) -> Ints:
    return correct @ (PER_BLOCK + 1) ** np.arange(BLOCKS - 1, -1, -1)


def _skill_text(kind: str, outcome: tuple[int, ...]) -> str:
    return json.dumps(
        [
            {"skill": skill, "total": PER_BLOCK, "correct": correct, "score": 100 * correct // PER_BLOCK}
            for skill, correct in zip(SKILLS[kind], outcome, strict=True)
        ]
    )


def _answer_text(outcome: tuple[int, ...]) -> str:
    right = [
        block * PER_BLOCK + question + 1
        for block, correct in enumerate(outcome)
        for question in range(PER_BLOCK)
        if (2 * question + block) % PER_BLOCK < correct
    ]
    return json.dumps({"right": right, "wrong": [q for q in range(1, QUESTIONS + 1) if q not in right]})


SKILL_TEXTS = [_skill_text(kind, outcome) for kind in ASSESSMENT_TYPES for outcome in OUTCOMES]
ANSWER_TEXTS = [_answer_text(outcome) for outcome in OUTCOMES]
