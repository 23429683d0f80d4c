"""What comes late, after those who refer to it, again, or again and changed."""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from datetime import date
from itertools import cycle, islice

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from data_gen.answers import QUESTIONS
from data_gen.arrivals import Place
from data_gen.catalogue import CEFR
from data_gen.landing import Landing
from data_gen.oddities import Row
from data_gen.phrases import TOPICS

LATE_BY, HELD_BACK_BY, AGAIN_AFTER = 5, 3, 5
HELD_BACK_AT_MOST, FEW_ROWS = 0.02, 200
LATE_SHARE, HELD_BACK_SHARE, CORRECTED_SHARE, AGAIN_SHARE = 0.03, 0.003, 0.005, 0.003

LATE_TABLES = ("messages", "assessment_attempts", "user_levels", "lesson_progress")
AGAIN_WHOLE = ("messages", "assessment_attempts", "conversations")
AGAIN_BY_ROW = ("conversations", "messages", "lesson_progress", "assessment_attempts", "lessons", "assessments")


def come_late(landing: Landing) -> None:
    """Whole files arrive days after their own; never the first day's, nor one that a newer state would overtake."""
    for table in LATE_TABLES:
        places = [place for place in landing.on_time(table, landing.last) if place.arrived > landing.first]
        wanted = max(1, round(LATE_SHARE * len(places)))
        for place in landing.shuffled(places):
            ids, until = landing.ids(place), landing.later(place, LATE_BY)
            if wanted and all(landing.stands((table, number), place.arrived, until) for number in ids):
                landing.note("late", landing.add(table, until, landing.files.pop(place)), ids, "accepted")
                wanted -= 1


def hold_back(landing: Landing) -> None:
    """Conversations arrive days after their messages."""
    places = [place for place in landing.on_time("conversations", landing.last) if landing.size([place]) > 2]
    places = [place for place in places if place._replace(table="messages") in landing.files]
    for place in landing.spread(places, max(2, round(HELD_BACK_SHARE * landing.size(places)))):
        talks, messages = landing.files[place], landing.files[place._replace(table="messages")]
        until = landing.later(place, HELD_BACK_BY)
        row = landing.take(place, until, _short(messages))
        if row is None:
            continue
        landing.files[place] = talks.filter(pc.not_equal(talks["id"], row["id"]))
        landing.note("held_back", landing.send("held back", "conversations", until, row), [row["id"]], "accepted")
        ids = messages.filter(pc.equal(messages["conversation_id"], row["id"]))["id"].to_pylist()
        landing.awaited |= {("messages", number) for number in ids}
        landing.note("orphan_released", place._replace(table="messages"), ids, "released")


def _short(messages: pa.Table) -> set[int]:
    """The conversations with a small share of a day's messages; any, on a day with few."""
    most = HELD_BACK_AT_MOST * len(messages) if len(messages) > FEW_ROWS else FEW_ROWS
    return {talk for talk, said in Counter(messages["conversation_id"].to_pylist()).items() if said <= most}


def send_files_again(landing: Landing, times: int) -> None:
    """Whole files arrive once more, days later and under another name."""
    for table in islice(cycle(AGAIN_WHOLE), times):
        for place in landing.shuffled(landing.on_time(table, landing.last)):
            ids, until = landing.ids(place), landing.later(place, AGAIN_AFTER)
            records = {(table, number) for number in ids}
            if records.isdisjoint(landing.spent) and records.isdisjoint(landing.awaited):
                landing.spent |= records
                landing.note("duplicate", landing.add(table, until, landing.files[place]), ids, "superseded")
                break


def send_rows_again(landing: Landing) -> None:
    """Rows arrive once more, days later, as they were."""
    for table in AGAIN_BY_ROW:
        for _, until, row in _some(landing, landing.on_time(table, landing.last), AGAIN_SHARE, AGAIN_AFTER):
            landing.note("duplicate", landing.send("again", table, until, row), [row["id"]], "superseded")


def correct(landing: Landing) -> None:
    """Rows arrive once more, days later, with another value."""
    for table, change in CORRECTIONS.items():
        for place, until, row in _some(landing, landing.on_time(table, landing.last), CORRECTED_SHARE, AGAIN_AFTER):
            new = change(row, landing.rng)
            landing.note(
                "correction", landing.send("again", table, until, row | new), [row["id"]], "accepted", None, new
            )
            landing.note("corrected", place, [row["id"]], "superseded")


def _some(landing: Landing, places: Sequence[Place], share: float, most: int) -> Iterator[tuple[Place, date, Row]]:
    """A share of the files' rows, at least two, to which nothing was done, each with a day up to `most` days later."""
    for place in landing.spread(places, max(2, round(share * landing.size(places)))):
        until = landing.later(place, most)
        row = landing.take(place, until)
        if row is not None:
            yield place, until, row


def _other_topic_or_level(row: Row, rng: np.random.Generator) -> Row:
    column, known = (("topic_id", TOPICS), ("difficulty_level", CEFR))[rng.integers(2)]
    return {column: rng.choice([value for value in known if value != row[column]]).item()}


def _other_score(row: Row, rng: np.random.Generator) -> Row:
    correct = rng.choice([n for n in range(QUESTIONS + 1) if n != row["correct_answers"]]).item()
    return {"score": 100.0 * correct / QUESTIONS, "correct_answers": correct}


CORRECTIONS: dict[str, Callable[[Row, np.random.Generator], Row]] = {
    "conversations": _other_topic_or_level,
    "assessment_attempts": _other_score,
}
