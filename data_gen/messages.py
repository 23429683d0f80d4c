"""The words: messages of the conversations, drawn from the phrase pools."""

from itertools import accumulate

import numpy as np
import pyarrow as pa

from data_gen import phrases
from data_gen.arrays import NEVER, Bools, Ints, pick, timestamps

SLIP_TEXTS = phrases.slips()
KINDS_OF_TEXT = (
    phrases.clean_sentences(),
    [" ".join(mistake.original for mistake in slip) for slip in SLIP_TEXTS],
    phrases.openings(),
    phrases.replies(),
)
TEXTS = [text for kind in KINDS_OF_TEXT for text in kind]
CLEAN_AT, SLIPS_AT, OPENINGS_AT, REPLIES_AT = accumulate([0, *(len(kind) for kind in KINDS_OF_TEXT[:-1])])
REPLIES = len(phrases.REPLIES["spanish"])
CORRECTIONS = [phrases.correction_json(slip) for slip in SLIP_TEXTS]

TWO_MISTAKES = 0.2
SLOWEST_PACE, FASTEST_PACE = 70, 25


def message_table(
    first_id: int, talks: dict[str, np.ndarray], conversation_ids: Ints, faulty: Bools, rng: np.random.Generator
) -> tuple[pa.Table, Ints]:
    """`messages` in turn, student first, and the second at which each conversation ends.

    talks: language, topic, start (seconds since 1970) and turns by conversation; faulty: by message of a student.
    """
    conversation = np.repeat(np.arange(len(conversation_ids)), talks["turns"])
    turn = np.arange(len(conversation)) - np.repeat(np.cumsum(talks["turns"]) - talks["turns"], talks["turns"])
    student_text, slip = _student_words(talks["language"][conversation], faulty, rng)
    tutor_text = _tutor_words(talks["language"][conversation], talks["topic"][conversation], turn, rng)
    asked, answered = _times(talks["start"][conversation], conversation, turn, rng)
    n = 2 * len(conversation)
    table = pa.table(
        {
            "id": pa.array(np.arange(first_id, first_id + n), pa.int64()),
            "conversation_id": pa.array(np.repeat(conversation_ids, 2 * talks["turns"]), pa.int64()),
            "role": pick(["user", "assistant"], np.arange(n) % 2),
            "content": pick(TEXTS, _in_turn(student_text, tutor_text)),
            "audio_path": pa.nulls(n),
            "corrections": pick(CORRECTIONS, _in_turn(slip, np.full(len(slip), NEVER))),
            "created_at": timestamps(_in_turn(asked, answered)),
        }
    )
    return table, answered[np.cumsum(talks["turns"]) - 1]


def _in_turn(student: Ints, tutor: Ints) -> Ints:
    return np.stack([student, tutor], axis=1).ravel()


def _student_words(language: Ints, faulty: Bools, rng: np.random.Generator) -> tuple[Ints, Ints]:
    sentence = rng.integers(0, phrases.CLEAN, len(faulty))
    twice = rng.random(len(faulty)) < TWO_MISTAKES
    slip = language * phrases.SLIPS + sentence + phrases.CLEAN * twice
    text = np.where(faulty, SLIPS_AT + slip, CLEAN_AT + language * phrases.CLEAN + sentence)
    return text, np.where(faulty, slip, NEVER)


def _tutor_words(language: Ints, topic: Ints, turn: Ints, rng: np.random.Generator) -> Ints:
    reply = REPLIES_AT + language * REPLIES + rng.integers(0, REPLIES, len(turn))
    return np.where(turn == 0, OPENINGS_AT + language * len(phrases.TOPICS) + topic, reply)


def _times(start: Ints, conversation: Ints, turn: Ints, rng: np.random.Generator) -> tuple[Ints, Ints]:
    """Seconds at which the student writes and the tutor answers: a pace per conversation and some jitter."""
    pace = rng.integers(FASTEST_PACE, SLOWEST_PACE, conversation.max(initial=0) + 1)[conversation]
    asked = start + 2 * pace * turn + rng.integers(0, FASTEST_PACE // 2, len(turn))
    return asked, asked + pace
