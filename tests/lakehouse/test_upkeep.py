"""A deleted row is in no file once a table's earlier versions were let go."""

from __future__ import annotations

from collections.abc import Iterator

import pyarrow.parquet as pq

from lakehouse.contracts import Contract, columns
from lakehouse.lake import Lake
from lakehouse.upkeep import let_go_of_all_but_the_newest

TABLE = Contract(
    "gold.events",
    "Events.",
    columns("id | BIGINT NOT NULL | which\nat | TIMESTAMP | when"),
    key=("id",),
)


def ids_in_files(lake: Lake) -> Iterator[int]:
    for path in lake.settings.table_folder(TABLE.name).glob("*.parquet"):
        yield from pq.ParquetFile(path).read().column("id").to_pylist()


def test_a_row_that_a_merge_deleted_is_cleaned_out_of_the_files(lake: Lake) -> None:
    """With deletion vectors, as a workspace may give to all tables, a merge only marks the row: cleaning old versions
    alone would leave it where it is.
    """
    lake.create(TABLE)
    marks = "'delta.enableDeletionVectors' = 'true'"
    lake.spark.sql(f"ALTER TABLE {lake.name(TABLE.name)} SET TBLPROPERTIES ({marks})").collect()
    events = lake.spark.range(100).selectExpr("id", "TIMESTAMP'2024-11-04' AS at").coalesce(1)
    events.write.mode("append").saveAsTable(lake.name(TABLE.name))
    lake.spark.range(7, 8).createOrReplaceTempView("gone")
    same = f"MERGE INTO {lake.name(TABLE.name)} t USING gone g ON t.id = g.id WHEN MATCHED THEN DELETE"
    lake.spark.sql(same).collect()
    lake.spark.catalog.dropTempView("gone")
    assert sorted(ids_in_files(lake)) == list(range(100)), "the merge wrote a file anew"
    let_go_of_all_but_the_newest(lake, TABLE.name)
    assert sorted(ids_in_files(lake)) == [n for n in range(100) if n != 7]
