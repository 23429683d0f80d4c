"""What a model promised beside what came true, once outcomes are known."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from lakehouse.metrics import metrics


def matured(scores: DataFrame, labels: DataFrame) -> DataFrame:
    """Scores whose outcome is known: as_of, student_id, model_name, model_version, risk, dropped_out (0 or 1).

    Args:
        scores: gold.at_risk_students.
        labels: features.student_labels.
    """
    known = labels.where("dropped_out IS NOT NULL").select(
        "student_id", "as_of", F.col("dropped_out").cast("int").alias("dropped_out")
    )
    columns = ["as_of", "student_id", "model_name", "model_version", "risk"]
    return scores.select(*columns).join(known, ["student_id", "as_of"])


def realised(rows: pd.DataFrame) -> pd.DataFrame:
    """Metrics of each scored day and model version; metrics that are not defined (one outcome only) are left out.

    Args:
        rows: from `matured`.

    Returns:
        as_of, model_name, model_version, metric, realised.
    """
    found = []
    for (as_of, name, version), day in rows.groupby(["as_of", "model_name", "model_version"], sort=True):
        outcome, risk = day["dropped_out"].to_numpy(float), day["risk"].to_numpy(float)
        values = {m: float(v[0]) for m, v in metrics(outcome, risk, np.ones((1, len(day)))).items()}
        values |= {"mean_risk": float(risk.mean()), "students": float(len(day))}
        found += [(as_of, name, version, metric, value) for metric, value in values.items() if np.isfinite(value)]
    return pd.DataFrame(found, columns=["as_of", "model_name", "model_version", "metric", "realised"])


def beside_promises(found: pd.DataFrame, cards: Mapping[str, Mapping[str, Any]]) -> pd.DataFrame:
    """Add `promised`: the metric on the version's own test window, NaN where its card has none.

    Args:
        found: from `realised`.
        cards: model cards by version.
    """

    def promised(version: str, metric: str) -> float:
        value = (cards[version].get("metrics", {}).get(metric) or {}).get("value")
        return float("nan") if value is None else float(value)

    pairs = zip(found["model_version"], found["metric"], strict=True)
    return found.assign(promised=[promised(version, metric) for version, metric in pairs])
