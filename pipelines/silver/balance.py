"""Where every row of a batch went: nothing is lost, and the sums say so."""

from __future__ import annotations

from collections.abc import Mapping
from functools import reduce

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from lakehouse.contracts import Contract, between, columns

MOST_REFUSED = 0.05
FEWEST_FOR_A_SHARE = 200


def balance_contract(most_refused: float = MOST_REFUSED) -> Contract:
    """The gate over the sums of a batch; at most that share of a raw table's new rows may break a rule."""
    return Contract(
        "silver.balance",
        "For each raw table of a batch: rows in = rows accepted + rows superseded + rows quarantined.",
        columns("""
            raw_table | STRING NOT NULL | the raw table
            rows_in | BIGINT NOT NULL | rows that bronze received since the last batch
            accepted | BIGINT NOT NULL | of those, the ones that stand in silver
            superseded | BIGINT NOT NULL | of those, the ones that another version of the record replaced or repeats
            quarantined | BIGINT NOT NULL | of those, the ones set aside: refused by a rule, or waiting for their parent
            released | BIGINT NOT NULL | older rows that waited and are used now
            untyped | BIGINT NOT NULL | rows_in less the rows that came out of the rules
            unaccounted | BIGINT NOT NULL | rows looked at, less those staged for silver, superseded and set aside
            refused_share | DOUBLE | share of rows_in that a rule refused; null for fewer than 200 rows
        """),
        key=("raw_table",),
        expectations=(
            between("untyped", 0, 0), between("unaccounted", 0, 0), between("superseded", 0, None),
            between("refused_share", 0, most_refused),
        ),
    )  # fmt: skip


BALANCE = balance_contract()


def balance(
    came: DataFrame, versions: Mapping[str, DataFrame], staged: Mapping[str, DataFrame], set_aside: DataFrame,
    freed: DataFrame,
) -> DataFrame:  # fmt: skip
    """The sums of `BALANCE`.

    Args:
        came: raw_table and rows_in, counted in bronze.
        versions: ranked versions by raw table, with `fresh`.
        staged: the rows staged for silver by raw table, one for each record that `versions` speaks of.
        set_aside: raw_table and `copies` of the rows staged for quarantine.
        freed: raw_table and `copies` of the rows staged as released.
    """
    sorted_out = reduce(DataFrame.unionByName, [_sorted(frame, table) for table, frame in versions.items()])
    stood = reduce(DataFrame.unionByName, [_stood(frame, table) for table, frame in staged.items()])
    written = set_aside.groupBy("raw_table").agg(F.sum("copies").alias("_written"))
    released = freed.groupBy("raw_table").agg(F.sum("copies").alias("released"))
    joined = came.join(sorted_out, "raw_table").join(stood, "raw_table")
    joined = joined.join(written, "raw_table", "left").join(released, "raw_table", "left")
    filled = joined.fillna(0, ["_written", "released"])
    share = F.when(F.col("rows_in") >= FEWEST_FOR_A_SHARE, F.col("_refused") / F.col("rows_in"))
    return filled.withColumns(
        {
            "untyped": F.expr("rows_in - _fresh"),
            "unaccounted": F.expr("_looked_at - _stood - _superseded - _waiting - _written"),
            "refused_share": share,
        }
    )


def _sorted(versions: DataFrame, table: str) -> DataFrame:
    fresh, refused = F.col("fresh"), F.size("reasons") > 0
    bad = F.col("newest").isNull()

    def count(condition: Column, name: str) -> Column:
        return F.count_if(condition).alias(name)

    return versions.agg(
        F.lit(table).alias("raw_table"),
        F.count("*").alias("_looked_at"),
        count(fresh, "_fresh"),
        count(~F.col("newest"), "_superseded"),
        count(bad & ~fresh, "_waiting"),
        count(refused & fresh, "_refused"),
        count(fresh & F.col("newest"), "accepted"),
        count(fresh & ~F.col("newest"), "superseded"),
        count(fresh & bad, "quarantined"),
    )


def _stood(staged: DataFrame, table: str) -> DataFrame:
    return staged.agg(F.lit(table).alias("raw_table"), F.count("*").alias("_stood"))
