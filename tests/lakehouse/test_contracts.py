"""The DDL that a contract makes, here and on Databricks."""

from __future__ import annotations

from features.feature_view import views
from pipelines.silver.contracts import MESSAGES


def test_unity_catalog_knows_a_feature_table_by_its_primary_key() -> None:
    contract = views()[0].contract
    there, here = contract.ddl("main.features.student_activity"), contract.ddl("x", location="/somewhere")
    assert "CONSTRAINT features_student_activity_pk PRIMARY KEY (student_id, as_of TIMESERIES))" in there
    assert "LOCATION" not in there
    assert "CONSTRAINT" not in here
    assert "CONSTRAINT" not in MESSAGES.ddl("main.silver.messages")
