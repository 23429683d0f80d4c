"""The monitoring step: drift, realised performance, data quality, and the dashboard that shows them."""

from __future__ import annotations

from datetime import date
from typing import Any

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

import monitoring.dashboard.run
from features.lookups import with_features
from features.student_labels import MATURITY_DAYS
from lakehouse.cli import Run
from lakehouse.lake import Lake
from lakehouse.ops import QUARANTINE
from lakehouse.registry import Version, champion, load_card, load_reference, version
from lakehouse.rows import frame_of
from monitoring.contracts import DATA_QUALITY, FEATURE_DRIFT, MODEL_HEALTH
from monitoring.drift import feature_drift
from monitoring.performance import beside_promises, matured, realised
from monitoring.quality import EVENT_TIME, data_quality


def run(run: Run, as_of: date) -> None:
    """Write gold.model_health, gold.feature_drift and gold.data_quality for `as_of`, then the dashboard.

    Raises:
        RadarError: when a table is missing or an alias was moved by hand.
        GateFailed: when a table breaks its contract.
    """
    lake = run.lake
    dropout = champion(lake, "dropout")
    with run.step("monitor") as step:
        tables = {name: lake.table(name) for name in EVENT_TIME}
        batches = {DATA_QUALITY: data_quality(tables, lake.table(QUARANTINE.name), as_of)}
        if dropout:
            batches[FEATURE_DRIFT] = _drift(lake, dropout, as_of)
            batches[MODEL_HEALTH] = _health(lake, as_of)
        step.stage_all(batches)
        told = _told(step.staged(FEATURE_DRIFT), step.staged(MODEL_HEALTH)) if dropout else "no model to watch yet"
        step.publish()
        step.message = told
    monitoring.dashboard.run.run(run, as_of, load_card(lake, dropout) if dropout else {})


def _drift(lake: Lake, model: Version, as_of: date) -> DataFrame:
    eligible = lake.table("features.student_labels").where((F.col("as_of") == F.lit(as_of)) & F.col("eligible"))
    scored = with_features(lake, eligible.select("student_id", "as_of"))
    return feature_drift(scored, load_reference(lake, model)["features"]).withColumn("as_of", F.lit(as_of))


def _health(lake: Lake, as_of: date) -> DataFrame:
    """Realised metrics of every day scored before, as far as outcomes are known by `as_of`."""
    known = lake.table("features.student_labels").where(F.col("as_of") <= F.date_sub(F.lit(as_of), MATURITY_DAYS))
    found = realised(matured(lake.table("gold.at_risk_students"), known).toPandas())
    cards: dict[str, dict[str, Any]] = {
        v: load_card(lake, version(lake, "dropout", v)) for v in set(found["model_version"])
    }
    rows = beside_promises(found, cards)[MODEL_HEALTH.column_names()]
    plain = rows.astype(object).where(rows.notna(), None)
    return frame_of(lake.spark, MODEL_HEALTH, [tuple(row) for row in plain.itertuples(index=False)])


def _told(drift: DataFrame, health: DataFrame) -> str:
    moved = [row.feature for row in drift.where("status = 'drifted'").orderBy(F.desc("psi")).collect()]
    told = f"{len(moved)} features drifted" + (f" ({', '.join(moved[:3])})" if moved else "")
    auc = health.where("metric = 'roc_auc'").orderBy(F.desc("as_of")).first()
    if auc is None:
        return told + "; no scored day has its outcomes yet"
    promised = f", promised {auc.promised:.2f}" if auc.promised is not None else ""
    return f"{told}; ROC AUC of {auc.as_of}: {auc.realised:.2f}{promised}"
