"""Run the declarative pipeline over a lake's bronze, in this process and on its session."""

from __future__ import annotations

from argparse import Namespace
from dataclasses import replace
from pathlib import Path

from lakehouse.cli import Run
from lakehouse.contracts import Contract
from lakehouse.errors import RadarError
from lakehouse.lake import Lake
from lakehouse.settings import Settings
from lakehouse.words import count
from pipelines.bronze.contracts import bronze
from pipelines.silver.contracts import CONTRACTS
from pipelines.silver.version_tables import VERSIONS

SPEC = Path(__file__).with_name("spark-pipeline.yml")
VIEWS = {contract.name: contract.name.replace("silver.", "declarative.") for contract in CONTRACTS}
"""The view of each silver table."""


def run(run: Run) -> None:
    """Bring the views of the schema `declarative` up to what bronze holds.

    Raises:
        RadarError: when bronze is not there yet.
    """
    lake = run.lake
    with run.step("declarative") as step:
        for table in VERSIONS:
            lake.table(f"bronze.{table}")
            lake.create(bronze(table))
        lake.spark.sql(f"CREATE SCHEMA IF NOT EXISTS {lake.settings.schema('declarative')}").collect()
        for contract in CONTRACTS:
            lake.create(of_view(contract))
        update(lake)
        rows = sum(lake.table(view).count() for view in VIEWS.values())
        step.message = f"{len(VIEWS)} views, {count(rows, 'row')}"


def check(settings: Settings, _: Namespace) -> None:
    """Refuse what the pipeline's file does not name.

    Raises:
        RadarError: for a Unity Catalog, or schemas with a prefix.
    """
    if not settings.local or settings.schema_prefix:
        raise RadarError(
            "The declarative pipeline names the plain schemas of a lake in a folder: leave out catalog and prefix."
        )


def of_view(contract: Contract) -> Contract:
    """The table that a view is written to. The lake makes it, so that it lies in the lake and is found there again; its
    columns may be null, since Spark takes every column of a view to be. It is made whole each time, in no parts.
    """
    columns = tuple(replace(column, nullable=True) for column in contract.columns)
    return replace(contract, name=VIEWS[contract.name], columns=columns, partitioned="")


def update(lake: Lake) -> None:
    """Read the definitions and let Spark work out the graph and run it; prints what each view is at."""
    from pyspark.pipelines.cli import load_pipeline_spec, register_definitions
    from pyspark.pipelines.spark_connect_graph_element_registry import SparkConnectGraphElementRegistry
    from pyspark.pipelines.spark_connect_pipeline import create_dataflow_graph, handle_pipeline_events, start_run

    spark, spec = lake.spark, load_pipeline_spec(SPEC)
    graph = create_dataflow_graph(spark, spec.catalog, spec.database, spec.configuration)
    register_definitions(SPEC, SparkConnectGraphElementRegistry(spark, graph), spec, spark, graph)
    storage = (lake.settings.checkpoints / "declarative").as_uri()
    handle_pipeline_events(start_run(spark, graph, [], False, [], False, storage))
