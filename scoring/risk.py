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

from features.capacity import HIGH_PERCENT, MEDIUM_PERCENT
from scoring.reasons import Predict, explain

REASONED = (
    "student_id string, reason_1 string, reason_2 string, reason_3 string, effect_1 double, effect_2 double, "
    "effect_3 double, cause string"
)


def risk_of(predicted: DataFrame) -> DataFrame:
    """The risk of each student from what MLflow gives of a classifier's two probabilities: the first, of staying.

    Args:
        predicted: student_id and `prediction`, the probability of staying.

    Returns:
        student_id, risk (0 to 1, six decimals).
    """
    return predicted.select("student_id", F.round(1 - F.col("prediction"), 6).alias("risk"))


def explained(features: DataFrame, names: list[str], typical: Mapping[str, float], predict: Predict) -> DataFrame:
    """The reasons of each student, computed on the workers; for those alone whom a tutor will look at.

    Args:
        features: student_id and the feature columns.
        names: the features that reasons are told from.
        typical: see `reasons.explain`.
        predict: probabilities from a frame of features; travels to the workers.

    Returns:
        student_id, and the columns of `reasons.explain`.
    """

    def told(frames: Iterator[pd.DataFrame]) -> Iterator[pd.DataFrame]:
        for frame in frames:
            rows = frame[names].astype("float64")
            yield pd.concat([frame[["student_id"]], explain(rows, typical, predict)], axis=1)

    return features.select("student_id", *names).mapInPandas(told, REASONED)


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
    """The median of each feature over the students; NaN where all are null, as each student's own value is then."""
    medians = features.agg(*[F.median(F.col(name)).alias(name) for name in names]).collect()[0].asDict()
    return {name: float(value) if value is not None else float("nan") for name, value in medians.items()}


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


def distances(features: DataFrame, names: list[str], transform: Callable[[pd.DataFrame], Any]) -> DataFrame:
    """How far each student is from every centroid, computed on the workers.

    Args:
        features: student_id and the feature columns.
        names: the features that the model takes.
        transform: distances from a frame of features; travels to the workers.

    Returns:
        student_id, distances (an array, in the order of the centroids).
    """

    def measured(frames: Iterator[pd.DataFrame]) -> Iterator[pd.DataFrame]:
        for frame in frames:
            yield frame[["student_id"]].assign(distances=list(transform(frame[names].astype("float64"))))

    return features.select("student_id", *names).mapInPandas(measured, "student_id string, distances array<double>")


def nearest(apart: DataFrame, labels: list[str]) -> DataFrame:
    """The two nearest centroids of each student.

    Args:
        apart: from `distances`.
        labels: the segment of each centroid, in the same order.

    Returns:
        student_id, segment, distance, second_segment, clarity: 1 - distance / distance to the second, 1 on the
        centroid and 0 half-way between the two, or on both (four decimals).
    """
    far = "transform(distances, (far, i) -> struct(round(far, 4) AS distance, i AS place))"
    name = F.array(*[F.lit(label) for label in labels])
    first, second = F.col("ranked")[0], F.col("ranked")[1]
    return apart.select("student_id", F.array_sort(F.expr(far)).alias("ranked")).select(
        "student_id",
        name[first["place"]].alias("segment"),
        first["distance"].alias("distance"),
        name[second["place"]].alias("second_segment"),
        F.round(1 - F.coalesce(F.try_divide(first["distance"], second["distance"]), F.lit(1.0)), 4).alias("clarity"),
    )
