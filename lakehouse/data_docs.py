"""Great Expectations' own Data Docs: a page for the last gate of every table."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import UTC
from pathlib import Path
from typing import Any

import pandas as pd
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from lakehouse.quality import gx_context

SITE = "gates"
RESULTS = ["table_name", "run_id", "checked_at", "expectation", "arguments", "success", "rows_checked", "failures"]


def last_results(gates: DataFrame) -> DataFrame:
    """What the last run that held each table against its contract found; one row an expectation.

    Args:
        gates: ops.gate_results. Rows without arguments, which an earlier version wrote, are left out.
    """
    told = gates.where("arguments IS NOT NULL")
    last = told.groupBy("table_name").agg(F.max_by("run_id", "checked_at").alias("run_id"))
    rows = told.join(last, ["table_name", "run_id"]).select(*RESULTS)
    newest = F.max(F.struct("checked_at", "success", "rows_checked", "failures")).alias("last")
    return rows.groupBy("table_name", "run_id", "expectation", "arguments").agg(newest).select(
        "table_name", "run_id", "expectation", "arguments", "last.*"
    )  # fmt: skip


def build(results: pd.DataFrame, site: Path) -> Path:
    """Make the site from `last_results`; returns its first page.

    Raises:
        OSError: when the folder cannot be written.
    """
    context = gx_context()
    if SITE not in context.get_site_names():
        context.add_data_docs_site(site_name=SITE, site_config=_site(site))
    else:
        context.update_data_docs_site(site_name=SITE, site_config=_site(site))
    for table, rows in results.groupby("table_name", sort=True):
        _remember(context, str(table), rows.sort_values(["expectation", "arguments"]).to_dict("records"))
    context.build_data_docs(site_names=[SITE])
    return site / "index.html"


def _site(folder: Path) -> dict[str, Any]:
    return {
        "class_name": "SiteBuilder",
        "show_how_to_buttons": False,
        "store_backend": {"class_name": "TupleFilesystemStoreBackend", "base_directory": str(folder)},
        "site_index_builder": {"class_name": "DefaultSiteIndexBuilder"},
    }


def _remember(context: Any, table: str, rows: Sequence[dict[Any, Any]]) -> None:
    """Give the context a table's suite and what it found, as its own validation would have."""
    import great_expectations as gx
    from great_expectations.core import ExpectationSuiteValidationResult
    from great_expectations.core.run_identifier import RunIdentifier
    from great_expectations.data_context.types.resource_identifiers import (
        ExpectationSuiteIdentifier,
        ValidationResultIdentifier,
    )

    results = [_result(row) for row in rows]
    context.suites.add_or_update(
        gx.ExpectationSuite(name=table, expectations=[r.expectation_config.to_domain_obj() for r in results])
    )
    held = sum(bool(result.success) for result in results)
    at = rows[0]["checked_at"].to_pydatetime().replace(tzinfo=UTC)
    run = RunIdentifier(run_name=str(rows[0]["run_id"]), run_time=at)
    whole = ExpectationSuiteValidationResult(
        success=held == len(results),
        results=results,
        suite_name=table,
        statistics={
            "evaluated_expectations": len(results),
            "successful_expectations": held,
            "unsuccessful_expectations": len(results) - held,
            "success_percent": 100.0 * held / len(results),
        },
        meta={
            "run_id": run.to_json_dict(),
            "great_expectations_version": gx.__version__,
            "validation_time": at.isoformat(),
            "active_batch_definition": {},
        },
    )
    key = ValidationResultIdentifier(
        expectation_suite_identifier=ExpectationSuiteIdentifier(name=table), run_id=run, batch_identifier=table
    )
    context.validation_results_store.set(key, whole)


def _result(row: dict[Any, Any]) -> Any:
    import great_expectations as gx
    from great_expectations.core import ExpectationValidationResult
    from great_expectations.expectations.expectation_configuration import ExpectationConfiguration

    checked, failed = row["rows_checked"], row["failures"]
    counted = {} if pd.isna(checked) else {"element_count": int(checked)}
    if not pd.isna(failed):
        counted |= {"unexpected_count": int(failed)}
    if len(counted) == 2 and checked:
        counted["unexpected_percent"] = 100.0 * failed / checked
    kind = getattr(gx.expectations, row["expectation"]).expectation_type
    return ExpectationValidationResult(
        success=bool(row["success"]),
        expectation_config=ExpectationConfiguration(type=kind, kwargs=json.loads(row["arguments"])),
        result=counted,
        exception_info={"raised_exception": False, "exception_message": None, "exception_traceback": None},
        meta={},
    )
