"""How far the features of a scored day have moved from those a model was trained on."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

WATCH = 0.1
DRIFTED = 0.25
# Empty bins count as this share, so that the logarithms exist.
FLOOR = 1e-4


def feature_drift(features: DataFrame, reference: Mapping[str, Mapping[str, Any]]) -> DataFrame:
    """PSI, Jensen-Shannon distance and missing share of each feature, as Spark aggregates.

    PSI is the sum over bins of (p - q) ln(p / q), with the usual bounds of 0.1 and 0.25 (Siddiqi, Credit Risk
    Scorecards, 2006); the Jensen-Shannon distance is the square root of the divergence in base 2, 0 to 1 (Lin, 1991).

    Args:
        features: a row a scored student; holds the reference's features.
        reference: per feature `edges` (inner bin edges, ascending), `shares` (one more, of the non-null values) and
            `missing` (share of nulls).

    Returns:
        feature, psi, jensen_shannon, missing_share, reference_missing_share, status.
    """
    spark = features.sparkSession
    names = [name for name in reference if name in features.columns]
    rows = [
        (name, [float(e) for e in r["edges"]], [float(s) for s in r["shares"]], float(r["missing"]))
        for name, r in ((name, reference[name]) for name in names)
    ]
    expected = spark.createDataFrame(
        rows, "feature string, edges array<double>, shares array<double>, reference_missing_share double"
    )
    values = features.select(*[F.col(name).cast("double").alias(name) for name in names])
    long = values.unpivot([], list[Column | str](names), "feature", "value").join(
        F.broadcast(expected.select("feature", "edges")), "feature"
    )
    bin_of = F.when(F.col("value").isNotNull(), F.expr("size(filter(edges, e -> e < value))"))
    counts = long.groupBy("feature", bin_of.alias("bin")).agg(F.count("*").alias("n"))
    seen = counts.groupBy("feature").agg(
        F.map_from_entries(F.collect_list(F.when(F.col("bin").isNotNull(), F.struct("bin", "n")))).alias("by_bin"),
        F.sum(F.when(F.col("bin").isNotNull(), F.col("n")).otherwise(0)).alias("present"),
        F.sum("n").alias("total"),
    )
    measured = seen.join(expected, "feature").withColumn("pairs", F.expr(_PAIRS))
    psi = "aggregate(pairs, 0D, (s, x) -> s + (x.p - x.q) * ln(x.p / x.q))"
    middle = "aggregate(pairs, 0D, (s, x) -> s + x.p * log2(2 * x.p / (x.p + x.q)) + x.q * log2(2 * x.q / (x.p + x.q)))"
    any_seen = F.col("present") > 0
    scored = measured.select(
        "feature",
        F.when(any_seen, F.expr(psi)).alias("psi"),
        F.when(any_seen, F.sqrt(F.greatest(F.lit(0.0), F.least(F.lit(1.0), F.expr(middle) / 2)))).alias(
            "jensen_shannon"
        ),
        (1 - F.col("present") / F.col("total")).alias("missing_share"),
        "reference_missing_share",
    )
    status = F.when(F.col("psi") > DRIFTED, "drifted").when(F.col("psi") > WATCH, "watch").otherwise("ok")
    return scored.withColumn("status", status)


_PAIRS = (
    "transform(shares, (q, i) -> named_struct("
    f"'p', greatest(coalesce(try_element_at(by_bin, i), 0) / greatest(present, 1), {FLOOR}D), "
    f"'q', greatest(q, {FLOOR}D)))"
)
