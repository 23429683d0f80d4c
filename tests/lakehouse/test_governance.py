"""Governance: what is filtered, masked, tagged and granted names what the contracts have."""

from __future__ import annotations

import argparse
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from pyspark.sql import SparkSession

from lakehouse.errors import RadarError
from lakehouse.governance import AT_RISK, FOR_TUTORS, Readers, check, statements
from lakehouse.settings import Settings
from pipelines.dictionary import CONTRACTS

ELSEWHERE = Settings(Path("/lake"), Path("/landing"), "cat", "dev_")
READERS = Readers("engineers", "tutors", "analysts")
TABLES = {contract.name: contract.column_names() for contract in CONTRACTS}
SAID = statements(ELSEWHERE, READERS, TABLES)
MEMBER = "is_account_group_member"
TEXT = {"content", "row_json"}
"""Columns that hold what a learner wrote, beside bronze.messages.corrections."""


def test_every_table_and_column_named_is_in_the_contracts() -> None:
    for said in SAID:
        for schema, table in re.findall(r"TABLE cat\.dev_(\w+)\.(\w+)", said):
            columns = TABLES[f"{schema}.{table}"]
            named = re.findall(r"ALTER COLUMN (\w+)", said) + re.findall(r"ON \((\w+)\)", said)
            assert set(named) <= set(columns)


def test_every_function_used_is_made_before() -> None:
    made: set[str] = set()
    for said in SAID:
        assert set(re.findall(r"(?:MASK|FILTER|RETURN|OR|WHEN) cat\.dev_ops\.(\w+)", said)) <= made
        made |= set(re.findall(r"CREATE OR REPLACE FUNCTION cat\.dev_ops\.(\w+)", said))
    assert made == {"sees_at_risk", "masked_student"}


def test_no_policy_calls_another() -> None:
    """A MERGE into a table with a filter or a mask refuses a nested one."""
    assert [said.count("cat.dev_ops.") for said in SAID[:2]] == [1, 1]


@pytest.fixture
def policies(spark: SparkSession) -> Iterator[SparkSession]:
    """The two functions in Spark's own catalog, which has SQL functions as Unity Catalog has, but no groups."""
    spark.sql("CREATE SCHEMA IF NOT EXISTS dev_ops")
    of_group(spark, "nobody")
    for said in SAID[:2]:
        spark.sql(said.replace("cat.dev_", "dev_"))
    yield spark
    for name in ("dev_ops.sees_at_risk", "dev_ops.masked_student", f"default.{MEMBER}"):
        spark.sql(f"DROP FUNCTION {name}")
    spark.sql("DROP SCHEMA dev_ops")


def of_group(spark: SparkSession, group: str) -> None:
    """Whoever asks is in that group alone."""
    asked = f"default.{MEMBER}(asked STRING) RETURNS BOOLEAN RETURN asked = '{group}'"
    spark.sql(f"CREATE OR REPLACE FUNCTION {asked}")


@pytest.mark.parametrize(
    ("group", "languages", "name"),
    [
        ("engineers", {"french", "SPANISH", None}, "s1"),
        ("tutors", {None}, "s1"),
        ("tutors_spanish", {"SPANISH"}, "hidden"),
        ("analysts", set(), "hidden"),
    ],
)
def test_the_filter_and_the_mask_do_what_they_say(
    policies: SparkSession, group: str, languages: set[str | None], name: str
) -> None:
    of_group(policies, group)
    students = policies.createDataFrame(
        [("s1", lang) for lang in ("french", "SPANISH", None)], "who string, lang string"
    )
    seen = students.where("dev_ops.sees_at_risk(lang)")
    assert {row.lang for row in seen.collect()} == languages
    masked = students.selectExpr("dev_ops.masked_student(who) AS who")
    assert {row.who for row in masked.collect()} == {name}


def test_nothing_is_left_to_put_in_and_all_lies_in_the_one_catalog() -> None:
    assert not [said for said in SAID if "$" in said or "--" in said or ";" in said]
    assert all("cat.dev_" in said for said in SAID)


def test_the_list_is_filtered_before_anybody_is_granted_it() -> None:
    rule = "ALTER TABLE cat.dev_gold.at_risk_students SET ROW FILTER cat.dev_ops.sees_at_risk ON (language)"
    first_grant = min(place for place, said in enumerate(SAID) if said.startswith("GRANT"))
    assert SAID.index(rule) < first_grant
    assert not [said for said in SAID[first_grant:] if not said.startswith("GRANT")]


def test_every_student_in_gold_is_masked_and_everywhere_tagged() -> None:
    having = {table for table, columns in TABLES.items() if "student_id" in columns}
    assert having >= {"gold.at_risk_students", "gold.student_segments", "gold.learning_velocity", "silver.messages"}
    named = {f"ALTER TABLE cat.dev_{table} ALTER COLUMN student_id" for table in having}
    assert {said.split(" SET TAGS")[0] for said in SAID if "'student'" in said} == named
    masked = {said.split(" SET MASK")[0] for said in SAID if "SET MASK" in said}
    assert masked == {name for name in named if "dev_gold." in name}


def test_tutors_get_the_lists_analysts_the_rest_of_gold_nobody_anything_else() -> None:
    granted = {(table, who) for said in SAID for table, who in re.findall(r"ON TABLE cat\.dev_(\S+) TO `(\w+)`", said)}
    gold = {table for table in TABLES if table.startswith("gold.")}
    assert granted == {(t, "tutors") for t in FOR_TUTORS} | {(t, "analysts") for t in gold - {AT_RISK}}


def test_what_learners_wrote_is_in_bronze_and_quarantine_alone() -> None:
    """Of corrections silver keeps the kind: their texts are the learner's words."""
    holding = {(c.name, column.name) for c in CONTRACTS for column in c.columns if column.name in TEXT}
    assert holding == {("bronze.messages", "content"), ("ops.quarantine", "row_json")}
    kinds = {
        column.type for c in CONTRACTS for column in c.columns if column.name == "corrections" and "silver" in c.name
    }
    assert kinds == {"ARRAY<STRUCT<type: STRING>>"}
    tagged = {
        table for said in SAID if "written by a learner" in said for table in re.findall(r"dev_(\S+) ALTER", said)
    }
    assert tagged == {"bronze.messages", "ops.quarantine"}


@pytest.mark.parametrize("name", ["", "a`; DROP", "x'y"])
def test_a_name_that_is_none_is_refused(name: str) -> None:
    options = argparse.Namespace(engineers="engineers", tutors=name, analysts="analysts")
    with pytest.raises(RadarError, match="tutors is"):
        check(ELSEWHERE, options)


def test_a_laptop_has_nothing_to_govern(tmp_path: Path) -> None:
    with pytest.raises(RadarError, match="--catalog"):
        check(Settings(tmp_path, tmp_path), argparse.Namespace())
