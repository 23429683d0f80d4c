"""What the tables of monitoring say, as observations that rules can be asked of."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import Any

import pandas as pd

from monitoring.alerts import Observation
from monitoring.performance import ALL

RISK = "risk"
HIGHER_IS_BETTER = ("roc_auc", "precision_at_10")


def of_weeks(weekly: pd.DataFrame) -> Iterator[Observation]:
    """Every row of gold.weekly_measures as it is."""
    for row in _records(weekly):
        yield Observation(row["measure"], row["subject"], row["value"], row["usual"], row["spread"], row["size"])


def of_tables(quality: pd.DataFrame) -> Iterator[Observation]:
    """hours_behind, quarantined_share and gate_failures of each table, as far as they are known."""
    for row in _records(quality):
        for measure in ("hours_behind", "quarantined_share", "gate_failures"):
            if row[measure] is not None:
                yield Observation(measure, row["table_name"], row[measure])


def of_drift(drift: pd.DataFrame, important: Collection[str]) -> Iterator[Observation]:
    """important_feature_psi, feature_psi or risk_psi against the weeks before, training_psi, and feature_missing.

    What such an index is usually: sampling noise, or twice the most that it was in the weeks before; not known, and no
    reason for an alert, where there are too few of those.

    Args:
        drift: gold.feature_drift of a day.
        important: the features that the model goes by most.
    """
    for row in _records(drift):
        name, size = row["feature"], row["students"]
        kind = "risk_psi" if name == RISK else "important_feature_psi" if name in important else "feature_psi"
        if row["recent_psi"] is not None:
            usual = None if row["usual_psi"] is None else max(row["noise"], 2 * row["usual_psi"])
            yield Observation(kind, name, row["recent_psi"], usual, size=size)
            if name != RISK and row["psi"] is not None:
                yield Observation("training_psi", name, row["psi"], size=size)
        if row["recent_missing_share"] is not None:
            yield Observation("feature_missing", name, row["missing_share"] - row["recent_missing_share"], size=size)


def of_health(health: pd.DataFrame, version: str) -> Iterator[Observation]:
    """How far the realised interval of the newest week lies from the promised one, on the wrong side: of the version in
    charge, since one that was replaced that week needs no alert.

    `<metric>_short` of what should be high, `calibration_gap_off` in both directions; the size is dropouts. Two 95 %
    intervals that do not meet are a stricter test than one of their difference at 95 % (Schenker and Gentleman, 2001).
    """
    if health.empty:
        return
    newest = health["as_of"] == health["as_of"].max()
    for row in _records(health[newest & (health["model_version"] == version)]):
        if row["promised_low"] is None or row["realised_low"] is None:
            continue
        subject = ALL if row["slice"] == ALL else f"{row['slice']} {row['slice_value']}"
        below = row["promised_low"] - row["realised_high"]
        if row["metric"] in HIGHER_IS_BETTER:
            yield Observation(f"{row['metric']}_short", subject, below, size=row["dropouts"])
        if row["metric"] == "calibration_gap":
            off = max(below, row["realised_low"] - row["promised_high"])
            yield Observation("calibration_gap_off", subject, off, size=row["dropouts"])


def _records(frame: pd.DataFrame) -> list[dict[str, Any]]:
    plain = frame.astype(object).where(frame.notna(), None)
    return [{str(name): value for name, value in row.items()} for row in plain.to_dict("records")]
