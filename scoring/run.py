"""The scoring step: segments and at-risk students of one day, from the champions."""

from __future__ import annotations

import argparse
import json
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from features.contacts import interventions, last_contact
from features.feature_view import views
from features.language import main_language
from features.lookups import known_features, refuse_without_features, with_features
from features.store import model_store
from lakehouse.cli import Run, parse_as_of
from lakehouse.errors import RadarError, entry_point
from lakehouse.lake import Lake
from lakehouse.ledger import champion, champion_on
from lakehouse.model_files import load_model
from lakehouse.registry import MODELS, Version, version
from lakehouse.words import count
from scoring.contracts import AT_RISK_STUDENTS, SEGMENT_MOVEMENT, STUDENT_SEGMENTS
from scoring.risk import banded, distances, explained, nearest, risk_of, suggested, typical_values

A_WEEK = 7


@dataclass(frozen=True)
class InCharge:
    """The versions that score a day."""

    dropout: Version
    segments: Version


def run(run: Run, as_of: date) -> None:
    """Write gold.student_segments and gold.at_risk_students for `as_of`, or for every day with features in a range.

    Raises:
        RadarError: without a champion, without features for the day, or when an alias was moved by hand.
        GateFailed: when a table breaks its contract.
    """
    lake = run.lake
    options = run.options
    first, last = (parse_as_of(getattr(options, name, ""), said) for name, said in (("first", "from"), ("last", "to")))
    days = [as_of] if first is None and last is None else scorable(lake, first, last or as_of)
    if not days:
        raise RadarError(f"No features were made for a day from {first or 'the beginning'} to {last or as_of}.")
    now = None if getattr(options, "champions", "now") == "then" else _in_charge(lake)
    for day in days:
        _score(replace(run, as_of=day), day, now or in_charge_on(lake, day))


def scorable(lake: Lake, first: date | None, last: date) -> list[date]:
    """The days of a range that have features, oldest first."""
    labels = lake.table("features.student_labels").where(F.col("as_of") <= F.lit(last))
    inside = labels.where(F.col("as_of") >= F.lit(first)) if first else labels
    return sorted(row.as_of for row in inside.select("as_of").distinct().collect())


def in_charge_on(lake: Lake, day: date) -> InCharge:
    """The champions of a day, as the ledger has them.

    Raises:
        RadarError: when a model had none yet, or a version is gone.
    """
    found = {model: champion_on(lake, model, day) for model in MODELS}
    lacking = [model for model, decision in found.items() if decision is None]
    if lacking:
        raise RadarError(f"On {day} there was no champion of {' and '.join(lacking)} yet; score from a later day on.")
    return InCharge(**{model: version(lake, model, decision.version) for model, decision in found.items() if decision})


def _score(run: Run, as_of: date, by: InCharge) -> None:
    lake, dropout = run.lake, by.dropout
    with run.step("score") as step:
        spine = lake.table("features.student_labels").where(F.col("as_of") == F.lit(as_of))
        students = step.scratch("students", with_features(lake, spine.select("student_id", "as_of", "eligible")))
        refuse_without_features(lake, students, as_of)
        kinds, model = _loaded(lake, by.segments), _loaded(lake, dropout)
        read = {"as_of": F.lit(as_of), "feature_versions": F.lit(_feature_versions(lake))}
        apart = distances(students, list(kinds.feature_names_in_), kinds.transform)
        told = nearest(apart, _names(by.segments)).withColumns({**read, **_of(by.segments)})
        assigned = step.stage(STUDENT_SEGMENTS, told)
        step.stage(SEGMENT_MOVEMENT, movement(assigned, _earlier_segments(lake, as_of)))
        eligible = students.where("eligible")
        missing = step.rows["missing"] = missing_values(eligible, list(model.feature_names_in_))
        found = model_store(lake).score_batch(model_uri=dropout.uri, df=eligible.select("student_id", "as_of"))
        risks = _with_reasons(step.scratch("bands", banded(risk_of(found))), eligible, model)
        known = Known(
            segments=assigned.select("student_id", "segment"),
            language=main_language(lake.table("silver.learning_events"), as_of),
            contacted=last_contact(interventions(lake), as_of),
        )
        step.stage(AT_RISK_STUDENTS, _keep_first_score(lake, at_risk(risks, known, dropout).withColumns(read), as_of))
        counts = step.staged(AT_RISK_STUDENTS).groupBy("risk_band").count().collect()
        bands = {row["risk_band"]: row["count"] for row in counts}
        step.publish()
        listed = ", ".join(f"{bands.get(band, 0)} {band}" for band in ("high", "medium", "low"))
        step.message = (
            f"{count(sum(bands.values()), 'student')} of {as_of} by {dropout.kind} version {dropout.version}: {listed}"
        )
        step.message += f"; {count(sum(missing.values()), 'missing value')}" if missing else ""


def _names(segments: Version) -> list[str]:
    """What the segments of a version are called, in the order of its centroids.

    Raises:
        RadarError: when it does not say, as one that a person registered may not.
    """
    if "segments" not in segments.tags:
        raise RadarError(
            f"Version {segments.version} of {segments.name} has no tag `segments`, a JSON list of the names of its "
            "clusters in their order: add it, or go back with `-e rollback -P model=segments -P reason=…`."
        )
    return list(json.loads(segments.tags["segments"]))


def missing_values(students: DataFrame, names: list[str]) -> dict[str, int]:
    """The features that are missing of students who are scored, and of how many."""
    counts = students.agg(*[F.count_if(F.col(name).isNull()).alias(name) for name in names]).collect()[0].asDict()
    return {name: count for name, count in counts.items() if count}


@dataclass(frozen=True)
class Known:
    """What is known of the scored students beside their risk, by student_id: segment, language, contacted_on."""

    segments: DataFrame
    language: DataFrame
    contacted: DataFrame


def at_risk(risks: DataFrame, known: Known, version: Version) -> DataFrame:
    """gold.at_risk_students but for as_of and feature_versions.

    Args:
        risks: student_id, days_since_active, risk and risk_band, with the reasons of those bands that have any.
        known: what else is told of them.
        version: the dropout champion.
    """
    told = suggested(risks.join(known.segments, "student_id", "left"))
    for frame in (known.language, known.contacted):
        told = told.join(frame, "student_id", "left")
    return told.withColumns({"model_kind": F.lit(version.kind), "scored_at": F.current_timestamp(), **_of(version)})


def movement(now: DataFrame, before: DataFrame) -> DataFrame:
    """gold.segment_movement: how many students went from one segment to another, none for those that had none.

    Args:
        now: student_id, as_of, segment of one day.
        before: the same of an earlier day.
    """
    moved = now.select("student_id", F.col("segment").alias("to_segment")).join(
        before.select("student_id", F.col("segment").alias("from_segment")), "student_id", "full"
    )
    pairs = moved.fillna("none", ["from_segment", "to_segment"]).groupBy("from_segment", "to_segment")
    days = now.agg(F.max("as_of").alias("as_of")).crossJoin(before.agg(F.max("as_of").alias("since")))
    return pairs.agg(F.count("*").alias("students")).crossJoin(days.where("since IS NOT NULL"))


def _earlier_segments(lake: Lake, as_of: date) -> DataFrame:
    """Everybody's segment on the last day that was scored a week or more before."""
    lake.create(STUDENT_SEGMENTS)
    held = lake.table(STUDENT_SEGMENTS.name).where(F.col("as_of") <= F.date_sub(F.lit(as_of), A_WEEK))
    return held.join(held.agg(F.max("as_of").alias("as_of")), "as_of", "left_semi")


def _with_reasons(bands: DataFrame, students: DataFrame, model: Any) -> DataFrame:
    """The bands with days_since_active, and the reasons of the students in the high and the medium one."""
    names = list(model.feature_names_in_)
    told_from = [name for name, kind in students.dtypes if kind in ("int", "bigint", "double")]

    def predict(rows: Any) -> Any:
        return model.predict_proba(rows[names])[:, 1]

    watched = students.join(bands.where("risk_band <> 'low'").select("student_id"), "student_id", "left_semi")
    reasons = explained(watched, told_from, typical_values(students, told_from), predict)
    days = students.select("student_id", "days_since_active")
    return bands.join(days, "student_id", "left").join(reasons, "student_id", "left")


def _loaded(lake: Lake, found: Version) -> Any:
    """The model of a version, whose every feature the feature tables have.

    Raises:
        RadarError: when its files are gone, or a feature table has lost a feature.
    """
    model = load_model(lake, found)
    known = known_features(lake)
    lacking = [name for name in model.feature_names_in_ if name not in known]
    if lacking:
        raise RadarError(
            f"{found.name} version {found.version} needs {', '.join(lacking)}, which no feature table holds any more. "
            "Earlier scores stand; go back to a version that knows the present features, or train one and promote it "
            "by an override."
        )
    return model


def _feature_versions(lake: Lake) -> str:
    return json.dumps({view.name: lake.version(view.name) for view in views()}, sort_keys=True)


def _in_charge(lake: Lake) -> InCharge:
    return InCharge(**{model: _champion(lake, model) for model in MODELS})


def _champion(lake: Lake, model: str) -> Version:
    found = champion(lake, model)
    if found is None:
        train = entry_point(f"train_{model}", lake=lake.settings.lake)
        raise RadarError(f"No {model} model is champion yet; run `{train}` first.")
    return found


def _of(version: Version) -> dict[str, Any]:
    return {"model_name": F.lit(version.name), "model_version": F.lit(version.version)}


def _keep_first_score(lake: Lake, scored: DataFrame, as_of: date) -> DataFrame:
    """A score that stands already keeps when it was first written, and from which versions of the feature tables."""
    lake.create(AT_RISK_STUDENTS)
    same, first = ["student_id", "risk", "model_name", "model_version"], ("scored_at", "feature_versions")
    held = lake.table(AT_RISK_STUDENTS.name).where(F.col("as_of") == F.lit(as_of))
    joined = scored.join(held.select(*same, *[F.col(name).alias(f"_{name}") for name in first]), same, "left")
    return joined.withColumns({name: F.coalesce(f"_{name}", name) for name in first}).drop(*[f"_{n}" for n in first])


def options(parser: argparse.ArgumentParser) -> None:
    """The step's options."""
    parser.add_argument("--from", dest="first", default="", help="score every day with features from this one on")
    parser.add_argument("--to", dest="last", default="", help="and up to this one")
    when = "score a range by today's champions, or by those of each day"
    parser.add_argument("--champions", default="now", choices=("now", "then"), help=when)
