"""How far the features and the risk of a scored day have moved: from training, and from the weeks before."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta
from statistics import NormalDist
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from lakehouse.rows import to_pandas

Array = NDArray[np.float64]
WATCH = 0.1
DRIFTED = 0.25
RECENT_WEEKS = 4
"""How many weeks a day is held against."""
WEEKS_BEFORE = 8
FEWEST_WEEKS = 4
RARE = 0.001
"""How often sampling alone may pass for drift."""
# Empty bins count as this share, so that the logarithms exist.
FLOOR = 1e-4


def days_compared(as_of: date) -> list[date]:
    """The day and the Mondays before it that drift is measured on, newest first: a week before it or earlier."""
    monday = as_of - timedelta(days=7 + as_of.weekday())
    return [as_of, *(monday - timedelta(weeks=n) for n in range(WEEKS_BEFORE + RECENT_WEEKS))]


def bin_counts(features: DataFrame, reference: Mapping[str, Mapping[str, Any]]) -> pd.DataFrame:
    """How many rows of each day lie in each bin of each feature, as one Spark aggregate.

    Args:
        features: a row a student and day; holds as_of and features of the reference.
        reference: see `feature_drift`.

    Returns:
        feature, as_of, bin (NaN for nulls), n, least and greatest: the extremes of the bin's values.
    """
    names = [name for name in reference if name in features.columns]
    edges = [(name, [float(edge) for edge in reference[name]["edges"]]) for name in names]
    known = features.sparkSession.createDataFrame(edges, "feature string, edges array<double>")
    values = features.select("as_of", *[F.col(name).cast("double").alias(name) for name in names])
    long = values.unpivot(["as_of"], list[Column | str](names), "feature", "value").join(F.broadcast(known), "feature")
    bin_of = F.when(F.col("value").isNotNull(), F.expr("size(filter(edges, e -> e < value))"))
    counts = long.groupBy("feature", "as_of", bin_of.alias("bin")).agg(
        F.count("*").alias("n"), F.min("value").alias("least"), F.max("value").alias("greatest")
    )  # fmt: skip
    return to_pandas(counts)


def feature_drift(counts: pd.DataFrame, reference: Mapping[str, Mapping[str, Any]], as_of: date) -> pd.DataFrame:
    """PSI, Jensen-Shannon distance and missing share of each feature.

    PSI is the sum over bins of (p - q) ln(p / q), with the usual bounds of 0.1 and 0.25 (Siddiqi, Credit Risk
    Scorecards, 2006); the Jensen-Shannon distance is the square root of the divergence in base 2, 0 to 1 (Lin, 1991).
    Of two samples of n and m from one distribution, PSI / (1/n + 1/m) is near chi-squared with bins - 1 degrees of
    freedom (Yurdakul, Statistical properties of population stability index, 2018); what it passes once in a thousand is
    `noise`. A student is in several recent weeks, so m is the mean of a week. Beside sampling a feature may change
    from week to week by its nature: `usual_psi` is the largest of the same index in up to eight weeks before.

    Args:
        counts: from `bin_counts`, of `days_compared`.
        reference: per feature `edges` (inner bin edges, ascending), `shares` (one more, of the non-null values) and
            `missing` (share of nulls).
        as_of: the scored day.

    Returns:
        The columns of gold.feature_drift. A feature that is the same for all students of the day tells of the day and
        not of students: it has no recent_psi.
    """
    days = days_compared(as_of)
    found = [
        {"as_of": as_of, "feature": name} | _one(_table(rows, days, len(reference[name]["edges"]) + 1), reference[name])
        for name, rows in ((str(name), rows) for name, rows in counts.groupby("feature", sort=True))
        if (rows["as_of"] == as_of).any()
    ]
    return pd.DataFrame(found)


def _one(weeks: pd.DataFrame, reference: Mapping[str, Any]) -> dict[str, Any]:
    """Every distance of one feature; see `_table`."""
    bins = weeks.drop(columns=["missing", "constant"]).to_numpy(float)
    missing, shares = weeks["missing"].to_numpy(float), np.asarray(reference["shares"], float)
    present, total = bins.sum(axis=1), bins.sum(axis=1) + missing
    psi = _psi(bins[0] / present[0], shares) if present[0] and len(shares) else None
    moved = [_recent(bins, week, weeks["constant"].to_numpy(bool)) for week in range(WEEKS_BEFORE + 1)]
    earlier = [value for value in moved[1:] if value is not None]
    recent = slice(1, 1 + RECENT_WEEKS)
    held = bins[recent].sum(axis=1)
    noise = _rare(bins.shape[1] - 1) * (1 / present[0] + 1 / held[held > 0].mean()) if moved[0] is not None else None
    return {
        "students": int(total[0]),
        "psi": psi,
        "jensen_shannon": _jensen_shannon(bins[0] / present[0], shares) if psi is not None else None,
        "missing_share": missing[0] / total[0],
        "reference_missing_share": float(reference["missing"]),
        "recent_psi": moved[0],
        "recent_missing_share": missing[recent].sum() / total[recent].sum() if total[recent].any() else None,
        "noise": noise,
        "usual_psi": max(earlier) if len(earlier) >= FEWEST_WEEKS else None,
        "status": "ok" if psi is None or psi <= WATCH else "watch" if psi <= DRIFTED else "drifted",
    }


def _table(rows: pd.DataFrame, days: list[date], bins: int) -> pd.DataFrame:
    """The counts of one feature: a row a day, newest first, a column a bin, `missing`, and whether it is `constant`."""
    held = rows.dropna(subset="bin")
    counts = held.pivot_table(index="as_of", columns="bin", values="n", aggfunc="sum", fill_value=0)
    whole = counts.reindex(index=days, columns=range(bins), fill_value=0)
    extremes = held.groupby("as_of").agg(least=("least", "min"), greatest=("greatest", "max")).reindex(days)
    missing = rows[rows["bin"].isna()].set_index("as_of")["n"].reindex(days, fill_value=0)
    return whole.assign(missing=missing, constant=extremes["least"] == extremes["greatest"])


def _recent(bins: Array, week: int, constant: NDArray[np.bool_]) -> float | None:
    """PSI of a week against those before it together; None without both."""
    now, before = bins[week], bins[week + 1 : week + 1 + RECENT_WEEKS].sum(axis=0)
    if not now.sum() or not before.sum() or constant[week]:
        return None
    return _psi(now / now.sum(), before / before.sum())


def _psi(p: Array, q: Array) -> float:
    p, q = np.maximum(p, FLOOR), np.maximum(q, FLOOR)
    return float(((p - q) * np.log(p / q)).sum())


def _jensen_shannon(p: Array, q: Array) -> float:
    p, q = np.maximum(p, FLOOR), np.maximum(q, FLOOR)
    divergence = (p * np.log2(2 * p / (p + q)) + q * np.log2(2 * q / (p + q))).sum() / 2
    return float(np.sqrt(np.clip(divergence, 0, 1)))


def _rare(freedom: int) -> float:
    """The chi-squared value that is passed as rarely as `RARE` (Wilson and Hilferty, 1931: its cube root is normal)."""
    if not freedom:
        return 0.0
    width = 2 / (9 * freedom)
    return float(freedom * (1 - width + NormalDist().inv_cdf(1 - RARE) * width**0.5) ** 3)
