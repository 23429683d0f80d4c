"""Daily deliveries of an app on bad days: late, twice, changed, misshapen, damaged, nonsensical; and a book of it all.

Beside the app's own files (`part-<chunk>`) come `chaos-<n>` files. `manifest.json` in the truth folder holds::

    seed     the plan's
    files    path relative to the landing folder -> rows, null when it cannot be read; every file is there
    defects  a list of what was done, each with
        kind    late, duplicate, correction, corrected, held_back, orphan_released, corrupt, empty, renamed_column,
                added_column, missing_column, reordered_columns, other_types, or one of `data_gen.oddities`
        table   the raw table
        file    path relative to the landing folder
        ids     the rows in that file, as text; an id that is null is ""
        fate    what must become of these rows:
                accepted     they stand in the end, unless the app itself sends a newer state of them
                superseded   another row of the same id stands: of two equal ones either, of a corrected one the newer
                quarantined  they are refused, and the reason names `column`
                released     they are refused until their conversation has come
                set_aside    the file is refused
                noted        the file has nothing to take
        column  the raw column that the reason must name, else null
        expect  only where it is telling: raw column -> the value that must stand in the end, ids as numbers, moments
                as ISO-8601 text in UTC without offset

A correction is two entries: `correction` is the new row, `corrected` the one that it replaces. A held back
conversation is two as well: `held_back` is the conversation, `orphan_released` its messages, which come on their day.
"""

from collections import defaultdict
from collections.abc import Sequence

import numpy as np

from data_gen.arrivals import CHANGED_AT, Place, deliveries
from data_gen.drift import DAMAGES, DRIFTS, parquet
from data_gen.generate import Plan
from data_gen.landing import Landing, table_of
from data_gen.oddities import BAD, GOOD, Oddity
from data_gen.redelivery import come_late, correct, hold_back, send_files_again, send_rows_again
from data_gen.write import TableFolder

BAD_SHARE, GOOD_SHARE = 0.005, 0.002
DAYS_BETWEEN = 30
ROWS_OF_DRIFT = 3


def deliver_chaos(plan: Plan, landing: TableFolder, truth: TableFolder) -> None:
    """Write disturbed daily files to `landing`, the hidden tables and the manifest to `truth`; OSError as ever."""
    disturbed = Landing(dict(deliveries(plan, truth)), np.random.default_rng([plan.seed, 0, 1]))
    disturb(disturbed, occasions=max(1, plan.days // DAYS_BETWEEN))
    for place, content in (disturbed.files | disturbed.damaged).items():
        landing.put(place.path, content)
    truth.put("manifest.json", disturbed.manifest(plan.seed))


def disturb(landing: Landing, occasions: int) -> None:
    """Do everything that can go wrong; `occasions`: how often that happens which befalls a whole file."""
    come_late(landing)
    hold_back(landing)
    send_files_again(landing, occasions)
    correct(landing)
    send_rows_again(landing)
    _add_rows(landing, BAD, BAD_SHARE)
    _add_rows(landing, GOOD, GOOD_SHARE)
    for _ in range(occasions):
        _add_drifted(landing)
        _add_useless(landing)
    landing.pack()


def _add_rows(landing: Landing, oddities: Sequence[Oddity], share: float) -> None:
    """Odd rows among the good ones of a day, each oddity at least once, together a share of the table's rows."""
    by_table: dict[str, list[Oddity]] = defaultdict(list)
    for oddity in oddities:
        by_table[oddity.table].append(oddity)
    for table, mine in by_table.items():
        places = landing.on_time(table)
        count = max(len(mine), round(share * landing.size(places)))
        order = landing.rng.permutation(np.arange(count) % len(mine))
        for place, which in zip(landing.spread(places, count), order, strict=False):
            _add_row(landing, mine[which], place)


def _add_row(landing: Landing, oddity: Oddity, like: Place) -> None:
    for copy in landing.copies(like, 1):
        row = oddity.of(copy | {"id": f"x{copy['id']}"}, like.arrived)
        place = landing.send(oddity.fate, oddity.table, like.arrived, row)
        refused = oddity.column if oddity.fate == "quarantined" else None
        expect = {oddity.column: oddity.expect} if oddity.expect else None
        landing.note(oddity.kind, place, [row["id"]], oddity.fate, refused, expect)


def _add_drifted(landing: Landing) -> None:
    for drift in DRIFTS:
        for like in landing.shuffled(landing.on_time(drift.table))[:1]:
            copies = landing.copies(like, ROWS_OF_DRIFT)
            rows = table_of(copies, landing.files[like].schema)
            place = landing.add(drift.table, like.arrived, drift.reshape(rows))
            for copy in copies:
                expect = {column: copy[column] for column in drift.telling}
                landing.note(drift.kind, place, [copy["id"]], "accepted", None, expect)


def _add_useless(landing: Landing) -> None:
    """Files that cannot be read, and one without rows."""
    places = [place for table in CHANGED_AT for place in landing.on_time(table)]
    empty, *damaged = landing.shuffled(places)[: 1 + len(DAMAGES)]
    landing.note("empty", landing.add(empty.table, empty.arrived, landing.files[empty].slice(0, 0)), [], "noted")
    for damage, like in zip(DAMAGES, damaged, strict=False):
        content = damage(parquet(landing.files[like]))
        landing.note("corrupt", landing.add_damaged(like.table, like.arrived, content), [], "set_aside")
