"""What a model promised beside what came true, by week and slice, once outcomes are known."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date, timedelta
from typing import Any

import pandas as pd
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from features.student_labels import MATURITY_DAYS
from lakehouse.evaluation import Intervals, evaluate, evaluate_slices, students

SEED = 42
WEEKS = 13
"""Older weeks keep the rows they have: outcomes are frozen once they are known."""
ALL = "all"
VERSION = ["as_of", "model_name", "model_version"]


def unseen(scores: DataFrame, learnt: Mapping[str, date]) -> DataFrame:
    """The scores of days whose outcome their version cannot have learnt from, whenever they were made.

    Args:
        scores: gold.at_risk_students.
        learnt: by version, the day that its training set's outcomes had matured by.
    """
    last = F.create_map(*[F.lit(v) for pair in learnt.items() for v in pair]) if learnt else F.lit(None)
    known = F.date_sub(last[F.col("model_version")].cast("date"), MATURITY_DAYS)
    return scores.where(F.col("as_of") > known) if learnt else scores.limit(0)


def matured(scores: DataFrame, labels: DataFrame, as_of: date) -> DataFrame:
    """Scores of the last weeks of which all scored days have known outcomes.

    Args:
        scores: gold.at_risk_students.
        labels: features.student_labels.
        as_of: the day of the run.

    Returns:
        as_of, the Monday of the week; student_id, model_name, model_version, risk, language, scored_for (the day)
        and dropped_out (0 or 1).
    """
    dated = scores.withColumns({"scored_for": F.col("as_of"), "as_of": F.to_date(F.date_trunc("week", "as_of"))})
    since = dated.where(F.col("as_of") >= F.lit(as_of - timedelta(weeks=WEEKS)))
    ended = since.groupBy("as_of").agg(F.max("scored_for").alias("_last"))
    ripe = ended.where(F.col("_last") <= F.lit(as_of - timedelta(days=MATURITY_DAYS))).select("as_of")
    known = labels.where("dropped_out IS NOT NULL").select(
        "student_id", F.col("as_of").alias("scored_for"), F.col("dropped_out").cast("int").alias("dropped_out")
    )
    columns = [*VERSION, "scored_for", "student_id", "risk", "language"]
    return since.join(ripe, "as_of").select(*columns).join(known, ["student_id", "scored_for"])


def realised(rows: pd.DataFrame, cards: Mapping[str, Mapping[str, Any]]) -> pd.DataFrame:
    """Metrics of each week and version, over all and by slice, beside what the card promised.

    Metrics that are not defined (one outcome only) are left out.

    Args:
        rows: from `matured`, with level_index and tenure_days.
        cards: model cards by version.

    Returns:
        The columns of gold.model_health.
    """
    found = [
        dict(zip(VERSION, key, strict=True)) | row
        for key, group in rows.groupby(VERSION, sort=True)
        for row in _of_version(group, cards[str(group["model_version"].iloc[0])])
    ]
    return pd.DataFrame(found)


def _of_version(rows: pd.DataFrame, card: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    parts: list[dict[str, Any]] = [
        {"slice": ALL, "value": ALL, "metrics": evaluate(rows, "risk", SEED)} | students(rows),
        *evaluate_slices(rows, "risk", SEED),
    ]
    slices = {(part["slice"], part["value"]): part["metrics"] for part in card.get("slices") or []}
    promises = slices | {(ALL, ALL): card.get("metrics") or {}}
    for part in parts:
        where = {"slice": part["slice"], "slice_value": part["value"], "students": part["students"]}
        promised = promises.get((part["slice"], part["value"]), {})
        for row in _beside(part["metrics"], promised):
            yield where | {"dropouts": part["positive_students"]} | row
    everybody = {"slice": ALL, "slice_value": ALL, "students": parts[0]["students"]}
    for metric, value in (("mean_risk", rows["risk"].mean()), ("students", parts[0]["students"])):
        yield everybody | {"dropouts": parts[0]["positive_students"], "metric": metric, "realised": float(value)}


def _beside(found: Intervals, promised: Mapping[str, Mapping[str, float | None]]) -> Iterator[dict[str, Any]]:
    for metric, seen in found.items():
        if seen["value"] is None:
            continue
        told = promised.get(metric) or {}
        yield {
            "metric": metric,
            **{name: told.get(end) for name, end in _named("promised")},
            **{name: seen[end] for name, end in _named("realised")},
        }


def _named(what: str) -> list[tuple[str, str]]:
    return [(what, "value"), (f"{what}_low", "low"), (f"{what}_high", "high")]
