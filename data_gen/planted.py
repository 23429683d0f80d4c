"""Drift planted on purpose: one thing that is another one for good from a day on, for monitoring to notice."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from data_gen.arrays import Bools, Floats, Ints
from data_gen.phrases import LANGUAGES

KINDS = ("none", "error_rate", "silent_client", "exodus", "new_language")
HARDER, TIMES_HARDER = LANGUAGES.index("french"), 2.0
LEAVING_SHARE = 0.5
SILENT_EVERY = 2
NEW_LANGUAGE, LEARNT_BY_EVERY = "dutch", 8

Tables = dict[str, pa.Table]


@dataclass(frozen=True)
class Planted:
    """What changes, and from when on.

    Attributes:
        kind: error_rate (twice the mistakes in French), silent_client (every other student's app sends conversations
            without their messages), exodus (half of the students leave on one day), new_language (every eighth student
            talks Dutch, which nobody learnt before and which has no lessons) or none.
        since: the first day on which it holds.
    """

    kind: str = "none"
    since: date = date.max

    def holds(self, kind: str, day: date) -> bool:
        """Whether that kind of drift holds on a day."""
        return self.kind == kind and day >= self.since

    def error_chance(self, chance: Floats, language: Ints, day: date) -> Floats:
        """The chance of a mistake in a message, 0 to 1, by the language talked."""
        if not self.holds("error_rate", day):
            return chance
        return np.where(language == HARDER, np.minimum(TIMES_HARDER * chance, 1.0), chance)

    def leaving(self, there: Bools, day: date, rng: np.random.Generator) -> Bools:
        """Who of those that are there leaves on a day for no reason of their own."""
        if self.kind != "exodus" or day != self.since:
            return np.zeros_like(there)
        return there & (rng.random(len(there)) < LEAVING_SHARE)

    def sent(self, tables: Tables) -> Tables:
        """The tables as the app sends them."""
        return _SENT.get(self.kind, _as_they_are)(tables, self.since.isoformat())


NOTHING = Planted()


def _as_they_are(tables: Tables, since: str) -> Tables:
    return tables


def _without_messages(tables: Tables, since: str) -> Tables:
    silent = _begun_by(tables["conversations"], since, SILENT_EVERY)
    lost = pc.is_in(tables["messages"]["conversation_id"], tables["conversations"]["id"].filter(silent))
    return tables | {"messages": tables["messages"].filter(pc.invert(lost))}


def _in_a_new_language(tables: Tables, since: str) -> Tables:
    talks = tables["conversations"]
    language = pc.if_else(_begun_by(talks, since, LEARNT_BY_EVERY), NEW_LANGUAGE, talks["language"].cast(pa.string()))
    return tables | {"conversations": talks.set_column(talks.column_names.index("language"), "language", language)}


def _begun_by(talks: pa.Table, since: str, every: int) -> pa.ChunkedArray:
    """Which conversations every so-manieth student began from a date on."""
    user = talks["user_id"]
    of_them = pc.equal(pc.subtract(user, pc.multiply(pc.divide(user, every), every)), 0)
    return pc.and_(of_them, pc.greater_equal(talks["created_at"].cast(pa.string()), since))


_SENT: dict[str, Callable[[Tables, str], Tables]] = {
    "silent_client": _without_messages,
    "new_language": _in_a_new_language,
}
