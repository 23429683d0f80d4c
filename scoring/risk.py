"""From features and a champion to rows that a tutor acts on: pure functions."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import cache
from importlib import resources
from typing import Any

import pandas as pd
import yaml
from pyspark.sql import DataFrame, Window
from pyspark.sql import functions as F

from scoring.reasons import Predict, explain

HIGH_PERCENT = 10
MEDIUM_PERCENT = 20
SCORED = "student_id string, risk double, reason_1 string, reason_2 string, reason_3 string, cause string"


def score(features: DataFrame, names: list[str], typical: Mapping[str, float], predict: Predict) -> DataFrame:
    """Risk and reasons for each student, computed on the workers.

    Args:
        features: student_id and the feature columns.
        names: the features of the frame, in order.
        typical: see `reasons.explain`.
        predict: probabilities from a frame of features; travels to the workers.

    Returns:
        student_id, risk (0 to 1, six decimals), reason_1..3, cause.
    """

    def scored(frames: Iterator[pd.DataFrame]) -> Iterator[pd.DataFrame]:
        for frame in frames:
            rows = frame[names].astype("float64")
            told = explain(rows, typical, predict)
            yield pd.concat([frame[["student_id"]], told.assign(risk=predict(rows).round(6))], axis=1)[_COLUMNS]

    return features.select("student_id", *names).mapInPandas(scored, SCORED)


def banded(scored: DataFrame) -> DataFrame:
    """Add risk_band: the tenth of the students with the highest risk are high, the next fifth medium.

    Bands follow what tutors can handle rather than a probability; ties are broken by student_id.
    """
    everyone = Window.partitionBy(F.lit(1))
    place = F.row_number().over(everyone.orderBy(F.desc("risk"), "student_id"))
    total = F.count("*").over(everyone)
    ahead = (place - 1) * 100
    high, medium = ahead < total * HIGH_PERCENT, ahead < total * (HIGH_PERCENT + MEDIUM_PERCENT)
    band = F.when(high, "high").when(medium, "medium").otherwise("low")
    return scored.withColumn("risk_band", band)


def typical_values(features: DataFrame, names: list[str]) -> dict[str, float]:
    """The median of each feature over the students; 0 where all are null."""
    medians = features.agg(*[F.median(F.col(name)).alias(name) for name in names]).collect()[0].asDict()
    return {name: float(value) if value is not None else 0.0 for name, value in medians.items()}


def suggested(scored: DataFrame) -> DataFrame:
    """Add suggested_action from the playbook, by cause and segment.

    Args:
        scored: holds `cause` (null when nothing stands out) and `segment`.
    """
    lines = [
        (cause, None if segment == "any" else segment, action)
        for cause, by_segment in playbook().items()
        for segment, action in by_segment.items()
    ]
    spark = scored.sparkSession
    book = spark.createDataFrame(lines, "_cause string, _segment string, suggested_action string")
    general = book.where("_segment IS NULL").select("_cause", F.col("suggested_action").alias("_general"))
    special = book.where("_segment IS NOT NULL")
    cause = F.coalesce("cause", F.lit("none"))
    joined = scored.join(F.broadcast(general), cause == F.col("_cause"), "left").drop("_cause")
    chosen = joined.join(
        F.broadcast(special), [cause == F.col("_cause"), F.col("segment") == F.col("_segment")], "left"
    )
    return chosen.withColumn("suggested_action", F.coalesce("suggested_action", "_general")).drop("_cause", "_segment")


@cache
def playbook() -> dict[str, dict[str, str]]:
    """Actions by cause and segment."""
    text = resources.files("scoring").joinpath("playbook.yaml").read_text()
    return dict(yaml.safe_load(text))


def nearest(
    features: DataFrame, names: list[str], centres: Callable[[pd.DataFrame], Any], labels: list[str]
) -> DataFrame:
    """The nearest centroid of each student and the distance to it, computed on the workers.

    Args:
        features: student_id and the feature columns.
        names: the features of the model, in order.
        centres: distances to every centroid from a frame of features, shape (rows, segments); travels to the workers.
        labels: the segment of each centroid.

    Returns:
        student_id, segment, distance (four decimals).
    """

    def assigned(frames: Iterator[pd.DataFrame]) -> Iterator[pd.DataFrame]:
        for frame in frames:
            distance = centres(frame[names].astype("float64")).round(4)
            segment = [labels[i] for i in distance.argmin(axis=1)]
            yield pd.DataFrame(
                {"student_id": frame["student_id"], "segment": segment, "distance": distance.min(axis=1)}
            )

    return features.select("student_id", *names).mapInPandas(
        assigned, "student_id string, segment string, distance double"
    )


_COLUMNS = [part.split()[0] for part in SCORED.split(", ")]
