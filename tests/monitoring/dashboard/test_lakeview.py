"""The AI/BI file: it is the one that the figures give, and everything that it asks runs on a lake."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from lakehouse.governance import AT_RISK
from monitoring.dashboard.charts import FIGURES
from monitoring.dashboard.frames import COLUMNS
from monitoring.dashboard.lakeview import LISTS, dashboard, resource
from monitoring.dashboard.queries import query
from tests.conftest import BuiltLake

FILE = Path(__file__).parents[3] / "resources" / "dashboard.yml"


def widgets() -> list[dict[str, Any]]:
    return [placed["widget"] for page in dashboard()["pages"] for placed in page["layout"]]


def test_the_checked_in_file_is_the_one_that_the_figures_give() -> None:
    assert FILE.read_text() == resource(), "run `python -m monitoring.dashboard.lakeview > resources/dashboard.yml`"


def test_every_figure_and_list_of_the_page_has_a_widget() -> None:
    assert {widget["name"] for widget in widgets()} == {f.key for f in FIGURES} | {key for key, _, _ in LISTS.values()}


def test_every_widget_asks_a_dataset_that_there_is_and_shows_fields_that_it_asks_for() -> None:
    datasets = {dataset["name"] for dataset in dashboard()["datasets"]}
    for widget in widgets():
        (asked,) = (query["query"] for query in widget["queries"])
        assert asked["datasetName"] in datasets
        encodings = widget["spec"]["encodings"]
        shown = [c["fieldName"] for c in encodings.get("columns", [])]
        shown += [channel["fieldName"] for name, channel in encodings.items() if name != "columns"]
        assert sorted(shown) == sorted(field["name"] for field in asked["fields"])


def test_widgets_lie_side_by_side_on_six_columns() -> None:
    for page in dashboard()["pages"]:
        taken = [
            (x, y)
            for at in (placed["position"] for placed in page["layout"])
            for x in range(at["x"], at["x"] + at["width"])
            for y in range(at["y"], at["y"] + at["height"])
        ]
        assert len(taken) == len(set(taken))
        assert all(x < 6 for x, _ in taken)


def test_every_query_runs_on_the_lake_and_gives_the_frames_columns(built_lake: BuiltLake) -> None:
    lake, spark = built_lake.lake, built_lake.lake.spark
    # Listing the tables also tells the catalog of them: the queries go to it past the lake.
    assert set(lake.tables()) >= {table for name in COLUMNS for table in query(name).tables}
    for dataset in dashboard()["datasets"]:
        found = spark.sql("".join(dataset["queryLines"]))
        assert set(found.columns) >= set(COLUMNS[dataset["name"]])
        found.createOrReplaceTempView(f"dataset_{dataset['name']}")
    for widget in widgets():
        asked = widget["queries"][0]["query"]
        fields = ", ".join(f"{field['expression']} AS `{field['name']}`" for field in asked["fields"])
        grouped = [f["name"] for f in asked["fields"] if "(" not in f["expression"]]
        by = "" if asked["disaggregated"] or not grouped else f" GROUP BY {', '.join(f'`{g}`' for g in grouped)}"
        rows = spark.sql(f"SELECT {fields} FROM dataset_{asked['datasetName']}{by}").limit(5).collect()
        assert rows or widget["name"] in ("segment-movement", "alerts", "ranking-over-time", "risk-over-time"), widget


@pytest.mark.parametrize("name", list(COLUMNS))
def test_every_frame_has_a_query_that_says_what_it_gives(name: str) -> None:
    assert query(name).told.endswith(".")
    assert query(name).tables


def test_the_file_holds_the_dashboard_with_the_bundles_prefix_before_every_schema() -> None:
    told = yaml.safe_load(FILE.read_text())["resources"]["dashboards"]["learner_radar"]["serialized_dashboard"]
    assert json.loads(told.replace("${var.schema_prefix}", "dev_")) == dashboard("dev_")
    assert "spark_catalog" not in told
    for dataset in json.loads(told)["datasets"]:
        asked = "".join(dataset["queryLines"])
        assert asked.count("${var.schema_prefix}") == len(re.findall(r"\b(?:silver|gold|features)\.", asked)) > 0


def test_analysts_may_ask_whatever_stands_on_gold_alone_but_the_list() -> None:
    asked = {d["name"]: query(d["name"]).of_newest_day() for d in dashboard()["datasets"]}
    named = {name for name, sql in asked.items() if AT_RISK in sql}
    assert named == {"at_risk"}
