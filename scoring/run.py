"""The scoring step: segments and at-risk students of one day, from the champions."""

from __future__ import annotations

import json
from datetime import date
from typing import Any

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from features.language import main_language
from features.lookups import with_features
from lakehouse.cli import Run
from lakehouse.errors import RadarError
from lakehouse.lake import Lake
from lakehouse.registry import Version, champion, use_mlflow
from scoring.contracts import AT_RISK_STUDENTS, STUDENT_SEGMENTS
from scoring.risk import banded, nearest, score, suggested, typical_values


def run(run: Run, as_of: date) -> None:
    """Write gold.student_segments and gold.at_risk_students for `as_of`.

    Raises:
        RadarError: without a champion, without features for the day, or when an alias was moved by hand.
        GateFailed: when a table breaks its contract.
    """
    lake = run.lake
    dropout, segments = _champion(lake, "dropout"), _champion(lake, "segments")
    with run.step("score") as step:
        spine = lake.table("features.student_labels").where(F.col("as_of") == F.lit(as_of))
        found = with_features(lake, spine.select("student_id", "as_of", "eligible"))
        students = step.scratch("scored_students", found)
        if students.isEmpty():
            raise RadarError(
                f"There are no features for {as_of}; run `mlflow run . -e features -P as_of={as_of}` first."
            )
        assigned = step.stage(STUDENT_SEGMENTS, student_segments(students, segments, _model(lake, segments), as_of))
        model = _model(lake, dropout)
        missing = step.rows["missing"] = imputed(students.where("eligible"), list(model.feature_names_in_))
        risks = step.scratch("risks", _risks(students.where("eligible"), model))
        language = main_language(lake.table("silver.learning_events"), as_of)
        days = students.select("student_id", "days_since_active")
        shaped = at_risk(risks, assigned, language, days, dropout, as_of)
        step.stage(AT_RISK_STUDENTS, _keep_first_scored_at(lake, shaped, as_of))
        counts = step.staged(AT_RISK_STUDENTS).groupBy("risk_band").count().collect()
        bands = {row["risk_band"]: row["count"] for row in counts}
        step.publish()
        told = ", ".join(f"{bands.get(band, 0)} {band}" for band in ("high", "medium", "low"))
        step.message = f"{sum(bands.values()):,} students by {dropout.kind} version {dropout.version}: {told}"
        step.message += f"; {sum(missing.values()):,} missing values imputed" if missing else ""


def imputed(students: DataFrame, names: list[str]) -> dict[str, int]:
    """The features that the model has to impute, and for how many students."""
    counts = students.agg(*[F.count_if(F.col(name).isNull()).alias(name) for name in names]).collect()[0].asDict()
    return {name: count for name, count in counts.items() if count}


def student_segments(students: DataFrame, version: Version, model: Any, as_of: date) -> DataFrame:
    """gold.student_segments: the nearest centroid of each student.

    Args:
        students: student_id and features.
        version: the segment champion; its tag `segments` names the centroids in order.
        model: a pipeline with `feature_names_in_` whose `transform` gives distances to the centroids.
        as_of: the day.
    """
    labels = json.loads(version.tags["segments"])
    assigned = nearest(students, list(model.feature_names_in_), model.transform, labels)
    return assigned.withColumns({"as_of": F.lit(as_of), **_of(version)})


def at_risk(
    risks: DataFrame, segments: DataFrame, language: DataFrame, days: DataFrame, version: Version, as_of: date
) -> DataFrame:
    """gold.at_risk_students from scored students and what is known of them.

    Args:
        risks: from `risk.score`.
        segments: student_id, segment.
        language: student_id, language.
        days: student_id, days_since_active.
        version: the dropout champion.
        as_of: the day.
    """
    joined = banded(risks).join(segments.select("student_id", "segment"), "student_id", "left")
    told = suggested(joined).join(language, "student_id", "left").join(days, "student_id", "left")
    stamped = {"as_of": F.lit(as_of), "model_kind": F.lit(version.kind), "scored_at": F.current_timestamp()}
    return told.withColumns({**stamped, **_of(version)})


def _risks(students: DataFrame, model: Any) -> DataFrame:
    names = list(model.feature_names_in_)
    explained = [name for name, kind in students.dtypes if kind in ("int", "bigint", "double")]

    def predict(rows: Any) -> Any:
        return model.predict_proba(rows[names])[:, 1]

    return score(students, explained, typical_values(students, explained), predict)


def _champion(lake: Lake, model: str) -> Version:
    found = champion(lake, model)
    if found is None:
        raise RadarError(f"No {model} model is champion yet; run `mlflow run . -e train_{model}` first.")
    return found


def _model(lake: Lake, version: Version) -> Any:
    use_mlflow(lake.settings)
    import mlflow.sklearn

    return mlflow.sklearn.load_model(version.uri)


def _of(version: Version) -> dict[str, Any]:
    return {"model_name": F.lit(version.name), "model_version": F.lit(version.version)}


def _keep_first_scored_at(lake: Lake, scored: DataFrame, as_of: date) -> DataFrame:
    """A score that stands already keeps the time at which it was first written."""
    if not lake.exists(AT_RISK_STUDENTS.name):
        return scored
    same = ["student_id", "risk", "model_name", "model_version"]
    held = lake.table(AT_RISK_STUDENTS.name).where(F.col("as_of") == F.lit(as_of))
    first = held.select(*same, F.col("scored_at").alias("_first"))
    joined = scored.join(first, same, "left")
    return joined.withColumn("scored_at", F.coalesce("_first", "scored_at")).drop("_first")
