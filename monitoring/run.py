"""The monitoring step: drift, realised performance, data quality, alerts, and whether to train again."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, timedelta
from functools import reduce
from math import inf
from typing import Any

import pandas as pd
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

import monitoring.dashboard.run
from features.closures import CLOSURES, EVERYBODY, by_all, closed_dates
from features.contacts import interventions, with_contacted
from features.feature_view import views
from features.horizons import HORIZON, asks_as_ever
from features.lookups import refuse_without_features, with_features
from lakehouse.cli import Run, resolve_as_of
from lakehouse.contracts import Contract
from lakehouse.errors import RadarError
from lakehouse.lake import Lake
from lakehouse.ledger import champion, decisions, is_decided
from lakehouse.model_files import load_card, load_reference
from lakehouse.ops import FILES, GATE_RESULTS, QUARANTINE
from lakehouse.publish import WORKERS, Step
from lakehouse.registry import DECISION, MODELS, RECENCY, Version, challenger, model_name, version, versions
from lakehouse.rows import frame_of, to_pandas
from lakehouse.runs import done
from lakehouse.task_values import set_task_value
from monitoring import observations as seen_in
from monitoring.alerts import EXPLAINED_FOR, Alert, Observation, alerts, load
from monitoring.contracts import (
    ALERTS,
    CONTRACTS,
    DATA_QUALITY,
    FEATURE_DRIFT,
    MODEL_HEALTH,
    RETRAINING,
    SEVERITIES,
    WEEKLY_MEASURES,
)
from monitoring.drift import bin_counts, days_compared, feature_drift
from monitoring.performance import matured, realised, unseen
from monitoring.quality import SCHEMAS, counted, data_quality
from monitoring.retraining import Decision, decide
from monitoring.weekly import by_language, first_seen, learnt, weekly_measures, weeks_of

LABELS, SCORES = "features.student_labels", "gold.at_risk_students"
NEW_FOR = timedelta(days=28)
"""How long a language counts as new where no model says what it learnt from."""
MOVES_THE_DAY = ("conversations", "messages", "lesson_progress", "assessment_attempts", "user_levels")
"""Raw tables of what students do, by which the log's newest day moves on."""


def run(run: Run, as_of: date) -> Decision:
    """Write the tables of monitoring for `as_of`, then the dashboard; returns whether to train again.

    Raises:
        RadarError: when a table or the day's features are missing, or an alias was moved by hand.
        GateFailed: when a table breaks its contract.
    """
    dropout = champion(run.lake, "dropout")
    card = _card(run.lake, dropout) if dropout else {}
    decision = watch(run, as_of, dropout, card)
    set_task_value("retrain", str(decision.retrain).lower())
    monitoring.dashboard.run.run(run, as_of, card | _in_use(run.lake, dropout, card) if dropout else {})
    return decision


def _in_use(lake: Lake, dropout: Version, card: Mapping[str, Any]) -> dict[str, Any]:
    """Why the champion is in use, and whether there is still too little data for any other: none was tested since."""
    untested = bool(card.get("too_little_data")) and versions(lake, "dropout")[0].version == dropout.version
    known = {"version": dropout.version, "kind": dropout.kind, "in_use": decisions(lake, "dropout")[-1].reason}
    # Later trainings leave no card as long as there is too little data.
    why = {"reason": f"On {card['as_of']}: {card['reason']}"} if card.get("reason") else {}
    return known | why | {"too_little_data": untested}


def _card(lake: Lake, found: Version) -> dict[str, Any]:
    """The model card; nothing of a version that a person registered and made champion, or whose files are gone."""
    try:
        return load_card(lake, found)
    except RadarError:
        return {}


def watch(run: Run, as_of: date, dropout: Version | None, card: Mapping[str, Any]) -> Decision:
    """Measure, alert and decide, and tell of it; see `run`.

    Args:
        run: the command.
        as_of: the day.
        dropout: the champion, if there is one.
        card: its model card.
    """
    lake = run.lake
    with run.step("monitor") as step:
        found = _observed(step, dropout, card, as_of)
        rules = load()
        fired = alerts(found, rules.alerts, _lately(lake, as_of))
        trained = _trained(lake)
        decision = decide(fired, max(trained, default=None), as_of, rules)
        batches = {
            ALERTS: [(as_of, *vars(alert).values()) for alert in fired],
            RETRAINING: _decided(lake, decision, as_of, as_of in trained),
        }
        step.stage_all({contract: frame_of(lake.spark, contract, rows) for contract, rows in batches.items()})
        step.publish()
        step.message = told(fired)
    for alert in fired:
        if alert.severity != "info":
            print(f"    {alert.severity}: {alert.message}")
    print(f"    {decision}", flush=True)
    return decision


def told(fired: Sequence[Alert]) -> str:
    """How many alerts there are, gravest first, in a sentence."""
    counts = Counter(alert.severity for alert in fired)
    return ", ".join(f"{counts[s]} {s}" for s in reversed(SEVERITIES) if counts[s]) or "no alert"


def _observed(step: Step, model: Version | None, card: Mapping[str, Any], as_of: date) -> list[Observation]:
    """Stage every measurement; returns what was seen."""
    lake, events = step.lake, step.lake.table("silver.learning_events")
    closed = _closed(lake, as_of, as_of)
    weeks = to_pandas(by_language(events, as_of, closed))
    shut = weeks_of(closed[EVERYBODY], as_of)
    weekly = weekly_measures(weeks, as_of, first_seen(events, as_of), _learnt_until(card, as_of), shut)
    weekly = weekly.assign(as_of=as_of)
    own = {contract.name for contract in CONTRACTS}
    names = [name for name in lake.tables() if name.split(".")[0] in SCHEMAS and name not in own]
    with ThreadPoolExecutor(WORKERS) as pool:
        told = reduce(DataFrame.union, pool.map(lambda name: counted(name, lake.table(name), as_of), names))
    quality = data_quality(told, lake.table(QUARANTINE.name), lake.table(GATE_RESULTS.name), as_of, closed[EVERYBODY])
    batches = {DATA_QUALITY: quality, WEEKLY_MEASURES: _frame(lake, WEEKLY_MEASURES, weekly)}
    found = [*seen_in.of_weeks(weekly)]
    if model and card:
        drift, health = _drift(lake, model, as_of), _health(lake, as_of)
        batches |= {FEATURE_DRIFT: _frame(lake, FEATURE_DRIFT, drift), MODEL_HEALTH: _frame(lake, MODEL_HEALTH, health)}
        found += [*seen_in.of_drift(drift, card.get("importance") or {}), *seen_in.of_health(health, model.version)]
    step.stage_all(batches)
    found += _since_intake(lake, as_of, datetime.now(UTC).date())
    return [*found, *seen_in.of_tables(to_pandas(step.staged(DATA_QUALITY)))]


def _since_intake(lake: Lake, as_of: date, today: date) -> list[Observation]:
    """How many days ago the last dated file of what students do was taken in, days closed for everybody aside, where
    the day is the newest of the log: where none comes any more, the day stands still, and no row of it grows older.
    """
    lake.create(FILES)
    # An erasure writes of files anew that had been taken in before; catalogues, closures and tutors' notes move no day.
    delivered = lake.table(FILES.name).where("arrived_at IS NOT NULL AND row_count > 0 AND bronze_hash IS NULL")
    delivered = delivered.where(F.col("table_name").isin(*MOVES_THE_DAY))
    last = delivered.select(F.to_date(F.max("taken_in_at")).alias("day")).collect()[0].day
    if last is None or as_of < resolve_as_of(lake, None):
        return []
    days = [last + timedelta(days=n) for n in range(1, (today - last).days + 1)]
    closed = _closed(lake, today + timedelta(days=1), as_of)[EVERYBODY]
    return [Observation("days_since_intake", "landing", float(len(set(days) - closed)))]


def _closed(lake: Lake, before: date, as_of: date) -> dict[str, set[date]]:
    """The days before one that are known by then to be closed, by language and for everybody of those who learn at
    `as_of`.
    """
    announced = closed_dates(lake.table(CLOSURES), before) if lake.exists(CLOSURES) else {}
    return by_all(announced, learnt(lake.table("silver.learning_events"), as_of) if announced else ())


def _drift(lake: Lake, model: Version, as_of: date) -> pd.DataFrame:
    days = days_compared(as_of)
    told, reference = lake.table(LABELS).where(F.col("as_of").isin(days)), load_reference(lake, model)
    refuse_without_features(lake, told.where(F.col("as_of") == F.lit(as_of)), as_of)
    tables = [lake.table(view.name) for view in views()]
    eligible = told.where("eligible").select("student_id", "as_of")
    rows = reduce(lambda left, right: left.join(right, ["student_id", "as_of"]), tables, eligible)
    counts = bin_counts(rows, reference["features"])
    expected = reference["features"] | {seen_in.RISK: reference["scores"]}
    if lake.exists(SCORES):
        mine = F.col("as_of").isin(days) & (F.col("model_version") == model.version)
        scores = bin_counts(lake.table(SCORES).where(mine).select("as_of", "risk"), expected)
        counts = pd.concat([frame for frame in (counts, scores) if len(frame)] or [counts])
    return feature_drift(counts, expected, as_of)


def _health(lake: Lake, as_of: date) -> pd.DataFrame:
    if not lake.exists(SCORES):
        return pd.DataFrame()
    learnt = {v.version: date.fromisoformat(v.tags["as_of"]) for v in versions(lake, "dropout") if "as_of" in v.tags}
    scores = unseen(lake.table(SCORES), learnt)
    known = matured(scores, lake.table(LABELS), as_of)
    keys = known.withColumnsRenamed({"as_of": "week", "scored_for": "as_of"})
    contacts = interventions(lake)
    if not contacts.isEmpty():
        keys = with_contacted(keys, contacts)
    traits = with_features(lake, keys, ["level_index", "tenure_days"])
    rows = to_pandas(traits.drop("as_of").withColumnRenamed("week", "as_of"))
    cards = {number: _card(lake, version(lake, "dropout", number)) for number in set(rows["model_version"])}
    return realised(rows, cards)


def _learnt_until(card: Mapping[str, Any], as_of: date) -> date:
    told = card.get("trained_to")
    return date.fromisoformat(told) if told else as_of - NEW_FOR


def _lately(lake: Lake, as_of: date) -> dict[str, float]:
    """The rules that fired as more than info in the weeks before, and on how many students at most."""
    if not lake.exists(ALERTS.name):
        return {}
    lake.create(ALERTS)  # one of an earlier release gains its new column
    since = F.col("as_of").between(F.lit(as_of - EXPLAINED_FOR), F.lit(as_of - timedelta(days=1)))
    told = lake.table(ALERTS.name).where(since & (F.col("severity") != "info"))
    most = F.max(F.coalesce("size", F.lit(inf))).alias("size")
    return {row.rule: row["size"] for row in told.groupBy("rule").agg(most).collect()}


def _trained(lake: Lake) -> set[date]:
    """The days for which training ran to its end for what answers the champion's question, as some experiments do not:
    versions tell, and runs that had too little or nothing new to learn from.

    Where a run was killed, the recency rule that it began with tells of no training, and a challenger that nobody has
    decided on tells of none that ended, unless another version of its day was decided on, as where it is an experiment
    on the rows of that one.
    """
    found = versions(lake, "dropout")
    waits = challenger(lake, "dropout")
    tags = [one.tags for one in found if one.kind != RECENCY and "as_of" in one.tags]
    days = {date.fromisoformat(told["as_of"]) for told in tags if asks_as_ever(told)}
    runs = done(lake, "train_dropout", wrote=HORIZON).select("as_of", "rows_json").collect() if found else []
    days |= {run.as_of for run in runs if asks_as_ever(json.loads(run.rows_json))}
    decided = {told["as_of"] for told in tags if DECISION in told and asks_as_ever(told)}
    if waits and not is_decided(lake, waits) and waits.tags.get("as_of") not in {None, *decided}:
        days.discard(date.fromisoformat(waits.tags["as_of"]))
    return days


def _decided(lake: Lake, decision: Decision, as_of: date, acted_on: bool) -> list[tuple[Any, ...]]:
    """The day's rows of gold.retraining: a yes that was acted on stays a yes, with its reason."""
    told = decision
    if acted_on and not decision.retrain and lake.exists(RETRAINING.name):
        held = lake.table(RETRAINING.name).where((F.col("as_of") == F.lit(as_of)) & F.col("retrain")).first()
        told = Decision(True, held.because) if held else decision
    return [(as_of, model_name(lake.settings, model), told.retrain, told.because, acted_on) for model in MODELS]


def _frame(lake: Lake, contract: Contract, rows: pd.DataFrame) -> DataFrame:
    held = rows.reindex(columns=contract.column_names())
    plain = held.astype(object).where(held.notna(), None)
    return frame_of(lake.spark, contract, [tuple(row) for row in plain.itertuples(index=False)])
