"""The model in use as tutors and maintainers read it; whatever the card lacks is a dash."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pandas as pd

from lakehouse.ops import SUMS
from monitoring.dashboard.frames import Frames
from monitoring.dashboard.words import DASH, count, missing, number, percent, short_day

KINDS = {
    "recency_rule": "Recency rule",
    "logistic": "Logistic regression",
    "gradient_boosting": "Gradient boosting",
}
SMALL_TEST = 100
STALE, MUCH = ("stale_log", "stale_table"), ("much_quarantined",)
"""Rules of monitoring/alerts.yaml that say that a table is stale, and that too much of it is set aside."""
LITTLE = 0.01
"""A share of rows set aside that is worth a look."""


@dataclass(frozen=True)
class Metric:
    """A test figure: how it is called, what it means in words, how it is written, and which way is better."""

    key: str
    name: str
    meaning: str
    digits: int
    percent: bool = False
    better: int = 1


METRICS = (
    Metric("roc_auc", "ROC AUC", "How often one who stops has a higher risk than one who stays. 0.5 is guessing.", 2),
    Metric("average_precision", "Average precision", "How pure the top of the list is, over all cut-offs.", 2),
    Metric(
        "precision_at_10", "Precision in the top 10%", "Of the tenth with the highest risk, how many stopped.", 0, True
    ),
    Metric("lift_at_10", "Lift in the top 10%", "How many times more than in a list drawn at random.", 1),
    Metric("brier", "Brier score", "Mean squared error of the risk; lower is better.", 3, better=-1),
    Metric(
        "calibration_error", "Calibration error", "How far risks lie from what happens; lower is better.", 3, better=-1
    ),
    Metric("base_rate", "Share that stopped", "In the test window, for scale.", 0, True, better=0),
)
PROMISES = {metric.key: metric for metric in METRICS}


def facts(card: dict[str, Any]) -> list[tuple[str, str]]:
    """Name, version, kind and windows of the model."""
    return [
        ("Model", _plain(card.get("model_name"))),
        ("Version", _plain(card.get("version"))),
        ("Kind", kind(card)),
        ("Trained on", _window(card.get("trained_from"), card.get("trained_to"))),
        ("Tested on", _window(card.get("test_from"), card.get("test_to"))),
        ("Test size", f"{number(card.get('test_rows'))} rows, {_students(card)}"),
        ("Why it is in use", _plain(card.get("in_use"))),
    ]


def kind(card: dict[str, Any]) -> str:
    """The kind of model in words."""
    given = _plain(card.get("kind"))
    return KINDS.get(given, given)


def scored_by(at_risk: pd.DataFrame) -> str:
    """What wrote the day's scores, which need not be the model in use now."""
    versions = at_risk[["model_kind", "model_version"]].drop_duplicates().to_dict("records")
    return " and ".join(f"{kind({'kind': told['model_kind']})}, version {told['model_version']}" for told in versions)


def rows(card: dict[str, Any]) -> list[dict[str, Any]]:
    """A row a metric: the model's value and interval beside the recency rule's, and whether it is clearly better."""
    return [
        {
            "name": metric.name,
            "meaning": metric.meaning,
            "model": _value(metric, card.get("metrics")),
            "model_interval": _interval(metric, card.get("metrics")),
            "rule": _value(metric, card.get("recency")),
            "rule_interval": _interval(metric, card.get("recency")),
            "verdict": _verdict(metric, card),
        }
        for metric in METRICS
    ]


def sentence(card: dict[str, Any]) -> str:
    """What the figures say, in one sentence."""
    if not card:
        return "No model is in use yet."
    precision, rate = _number(card.get("metrics"), "precision_at_10"), _number(card.get("metrics"), "base_rate")
    if precision is None:
        return f"{kind(card)}, version {_plain(card.get('version'))}; its test figures are not known."
    told = f"Of the tenth of students with the highest risk, {percent(precision)} stopped in the test window"
    return f"{told}, against {percent(rate)} of all." if rate is not None else f"{told}."


def small_test(card: dict[str, Any]) -> str:
    """A caution when the test stands on few students."""
    students = card.get("test_students")
    if missing(students) or not students or students >= SMALL_TEST:
        return ""
    return f"Small test: {count(students, 'student')}. Read the intervals rather than the values."


def promises(health: pd.DataFrame) -> tuple[str, list[dict[str, str]]]:
    """The newest week that has matured, and what its newest version realised beside what that promised."""
    known = health[health["metric"].isin(PROMISES) & health["realised"].notna()]
    if known.empty:
        return "", []
    day = known["as_of"].max()
    week = known[known["as_of"] == day]
    newest = week[week["model_version"] == max(week["model_version"], key=int)].set_index("metric")
    found = []
    for key, metric in PROMISES.items():
        if key in newest.index:
            row: Any = newest.loc[[key]].iloc[-1]
            told = {
                "name": metric.name,
                "promised": _write(metric, row["promised"]),
                "realised": _write(metric, row["realised"]),
            }
            found.append(told | {"version": str(row["model_version"])})
    return short_day(day), found


def quality_rows(frames: Frames) -> list[dict[str, Any]]:
    """A row a table: size, freshness and what is set aside, with a word on each; whether it is told `first`.

    First come the silver tables, which all others are made from, and whatever is not fine.
    """
    found, quality = [], frames.quality
    stale, much = (set(frames.alerts.loc[frames.alerts["rule"].isin(of), "subject"]) for of in (STALE, MUCH))
    for row in quality.sort_values("table_name").to_dict("records"):
        total, aside = int(row["row_count"]), int(row["quarantined"])
        part = aside / (total + aside) if total + aside else 0.0
        table = row["table_name"]
        word, tone = _judged(row["gate_failures"], table in much, table in stale, part)
        found.append(
            {
                "table": str(table),
                "first": str(table).startswith("silver.") or tone != "ok",
                "rows": number(total),
                "newest": short_day(row["newest_at"]),
                "behind": behind(row["hours_behind"]),
                "aside": number(aside),
                "share": percent(part, 1) if aside else "",
                "tone": tone,
                "word": word,
            }
        )
    return found


def _judged(gate_failures: Any, much: bool, stale: bool, aside: float) -> tuple[str, str]:
    """The gravest thing to say of a table, and its tone."""
    if not missing(gate_failures) and gate_failures:
        return "its gate failed", "high"
    if much:
        return "too many set aside", "high"
    if stale:
        return "stale", "medium"
    return ("look at these", "medium") if aside > LITTLE else ("fine", "ok")


def quality_sentence(quality: pd.DataFrame) -> str:
    """Rows and quarantine over all tables, in one sentence."""
    total, aside = int(quality["row_count"].sum()), int(quality["quarantined"].sum())
    tables = count(int((~quality["table_name"].isin(SUMS)).sum()), "table")
    if not aside:
        return f"{count(total, 'row')} in {tables}; none had to be set aside."
    return (
        f"{count(total, 'row')} in {tables}; {count(aside, 'row')} could not be used and "
        f"{'is' if aside == 1 else 'are'} in quarantine."
    )


def behind(hours: Any) -> str:
    """`up to date`, `5 hours`, `3 days`."""
    if missing(hours):
        return DASH
    if hours < 1:
        return "under an hour"
    return count(round(hours), "hour") if hours < 48 else count(round(hours / 24), "day")


def _plain(value: Any) -> str:
    return DASH if missing(value) or value == "" else str(value)


def _window(start: Any, end: Any) -> str:
    return DASH if missing(start) and missing(end) else f"{short_day(start)} to {short_day(end)}"


def _students(card: dict[str, Any]) -> str:
    students = card.get("test_students")
    return count(students, "student")


def _number(metrics: Any, key: str, part: str = "value") -> float | None:
    found = (metrics or {}).get(key)
    found = found.get(part) if isinstance(found, dict) else found if part == "value" else None
    return None if found is None or missing(found) else float(found)


def _write(metric: Metric, value: Any) -> str:
    return percent(value, metric.digits) if metric.percent else number(value, metric.digits)


def _value(metric: Metric, metrics: Any) -> str:
    return _write(metric, _number(metrics, metric.key))


def _interval(metric: Metric, metrics: Any) -> str:
    low, high = _number(metrics, metric.key, "low"), _number(metrics, metric.key, "high")
    return "" if low is None or high is None else f"{_write(metric, low)} to {_write(metric, high)}"


def _verdict(metric: Metric, card: dict[str, Any]) -> str:
    """Better or worse only where the rule's value lies outside the model's interval."""
    mine, rule = _number(card.get("metrics"), metric.key), _number(card.get("recency"), metric.key)
    low, high = _number(card.get("metrics"), metric.key, "low"), _number(card.get("metrics"), metric.key, "high")
    if mine is None or rule is None or low is None or high is None:
        return ""
    if not metric.better or card.get("kind") == "recency_rule":
        return ""
    if low <= rule <= high:
        return "not clearly different"
    return "better" if (mine - rule) * metric.better > 0 else "worse"
