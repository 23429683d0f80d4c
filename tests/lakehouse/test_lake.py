"""One process can serve one lake after another, and none loses a file by it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from lakehouse.contracts import Contract, Publish, columns
from lakehouse.errors import RadarError
from lakehouse.lake import Lake
from lakehouse.settings import settings

TABLE = Contract("gold.numbers", "Numbers.", columns("n | BIGINT | a number"))


def test_serving_another_lake_forgets_tables_and_keeps_their_files(tmp_path: Path) -> None:
    first = Lake.open(settings(str(tmp_path / "first")))
    first.create(TABLE)
    first.spark.range(3).toDF("n").write.mode("append").saveAsTable(first.name(TABLE.name))
    staged = first.stage("left_behind", first.spark.range(2))
    assert staged.count() == 2
    second = Lake.open(settings(str(tmp_path / "second")))
    assert not second.exists(TABLE.name)
    second.create(TABLE)
    assert second.table(TABLE.name).count() == 0
    again = Lake.open(settings(str(tmp_path / "first")))
    assert again.table(TABLE.name).count() == 3


def test_serving_another_lake_forgets_tables_of_prefixed_schemas_too(tmp_path: Path) -> None:
    for name in ("first", "second", "first"):
        lake = Lake.open(settings(str(tmp_path / name), schema_prefix="dev_"))
        assert lake.exists(TABLE.name) == (lake.settings.table_folder(TABLE.name).is_dir())
        lake.create(TABLE)
        assert lake.tables() == [TABLE.name]


def test_a_table_that_is_not_there_is_told_with_what_makes_it(lake: Lake) -> None:
    for table in ("silver.messages", "gold.daily_metrics"):
        with pytest.raises(RadarError, match=rf"has no table {table}; run `.* -P landing={lake.settings.landing} "):
            lake.table(table)
    with pytest.raises(RadarError, match=r"has no table features\.student_activity; run `mlflow run \. .* -e features"):
        lake.table("features.student_activity")


def test_what_a_killed_run_left_in_staging_is_swept_by_the_next_writer(tmp_path: Path) -> None:
    chosen = settings(str(tmp_path / "lake"))
    with Lake.writing(chosen, "killed") as lake:
        lake.stage("left_behind", lake.spark.range(2))
    assert list(chosen.staging.iterdir())
    with Lake.writing(chosen, "next"):
        assert list(chosen.staging.iterdir()) == []


def test_a_table_of_an_earlier_contract_gains_the_columns_it_lacks_in_their_places(lake: Lake) -> None:
    first, last = "id | BIGINT NOT NULL | who", "last | STRING | the end"
    old = Contract("gold.grown", "", columns(f"{first}\n{last}"), publish=Publish.APPEND)
    new = replace(old, columns=columns(f"{first}\nmore | DOUBLE NOT NULL | new\n{last}"))
    lake.create(old)
    lake.spark.sql(f"INSERT INTO {lake.name(old.name)} VALUES (1, 'a')").collect()
    again = Lake.open(lake.settings)
    again.create(new)
    assert again.table(new.name).columns == ["id", "more", "last"]
    assert [tuple(row) for row in again.table(new.name).collect()] == [(1, None, "a")]


@pytest.mark.parametrize(("rows", "beside", "compiled"), [(100, 0, False), (100, 1_000_000, True), (100_000, 0, True)])
def test_only_few_rows_beside_few_others_are_interpreted(lake: Lake, rows: int, beside: int, compiled: bool) -> None:
    said = "spark.sql.codegen.wholeStage"
    before = lake.spark.conf.get(said)
    with lake.tuned_for(rows, beside):
        assert lake.spark.conf.get(said) == str(compiled).lower()
    assert lake.spark.conf.get(said) == before


def test_a_column_whose_type_the_contract_has_changed_is_refused(lake: Lake) -> None:
    old = Contract("gold.typed", "", columns("id | INT | who"), publish=Publish.APPEND)
    lake.create(old)
    again = Lake.open(lake.settings)
    with pytest.raises(RadarError, match=r"gold\.typed: the column id is INT in the table and DOUBLE in its contract"):
        again.create(replace(old, columns=columns("id | DOUBLE | who")))
