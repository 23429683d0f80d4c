"""Where every row of a batch went: nothing is lost, and the sums say so."""

from __future__ import annotations

from lakehouse.contracts import Contract, between, columns
from pipelines.silver.seen import Seen

MOST_REFUSED = 0.05
FEWEST_FOR_A_SHARE = 200


def balance_contract(most_refused: float) -> Contract:
    """The gate over the sums of a batch, where at most that share of the rows not judged before may break a rule."""
    return Contract(
        "silver.balance",
        "For each raw table of a batch: rows in = rows accepted + rows superseded + rows quarantined.",
        columns("""
            raw_table | STRING NOT NULL | the raw table
            rows_in | BIGINT NOT NULL | rows that bronze received since the last batch, and refused ones tried again
            accepted | BIGINT NOT NULL | of those, the ones that stand in silver, or say that nothing does
            superseded | BIGINT NOT NULL | of those, the ones that another version of the record replaced or repeats
            quarantined | BIGINT NOT NULL | of those, the ones set aside: refused by a rule, or waiting for their parent
            released | BIGINT NOT NULL | older rows that waited and are used now
            untyped | BIGINT NOT NULL | rows_in less the rows that came out of the rules
            unaccounted | BIGINT NOT NULL | rows looked at, less those staged, superseded, set aside or calling off
            refused_share | DOUBLE | share that a rule refused of the rows not judged before; null for fewer than 200
        """),
        key=("raw_table",),
        expectations=(
            between("untyped", 0, 0), between("unaccounted", 0, 0), between("superseded", 0, None),
            between("refused_share", 0, most_refused),
        ),
    )  # fmt: skip


def balance(
    table: str, rows_in: int, seen: Seen, stood: int, set_aside: int, released: int, share: float | None
) -> tuple[object, ...]:  # fmt: skip
    """A row of `balance_contract`.

    Args:
        table: the raw table.
        rows_in: rows that bronze received since the last batch, counted in bronze.
        seen: the versions that the batch looks at.
        stood: the rows staged for silver, one for each record of those versions that is not called off.
        set_aside: rows staged for quarantine, copies counted.
        released: rows staged as released from it.
        share: `refused_share`.
    """
    unaccounted = seen.rows - stood - seen.called_off - seen.superseded - seen.waiting - set_aside
    return (
        table, rows_in, seen.new_accepted, seen.new_superseded, seen.new_set_aside, released, rows_in - seen.fresh,
        unaccounted, share,
    )  # fmt: skip


def refused_share(refused: int, judged: int) -> float | None:
    """The share of refused ones among the rows judged for the first time; None where these are too few to tell."""
    return refused / judged if judged >= FEWEST_FOR_A_SHARE else None
