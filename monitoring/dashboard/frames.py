"""What the page is made from: plain pandas frames, so that everything after the reading is pure."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd

COLUMNS: dict[str, tuple[str, ...]] = {
    "at_risk": (
        "student_id", "risk", "risk_band", "reason_1", "reason_2", "reason_3", "segment", "suggested_action",
        "language", "days_since_active", "contacted_on", "model_kind", "model_version", "scored_at", "trend",
    ),
    "students": ("students", "active_7", "active_7_before", "active_28", "new_28"),
    "presence": ("present", "paused"),
    "closures": ("language", "closed_from", "closed_to", "lately", "ahead"),
    "gold_day": ("as_of",),
    "daily": ("activity_date", "active_students"),
    "metrics": (
        "activity_date", "language", "active_students", "conversations", "total_messages", "avg_session_minutes",
        "avg_error_rate",
    ),
    "languages": ("language", "students", "active_28"),
    "funnel": (
        "language", "cefr_level", "students_at_level", "students_ever_at_level", "avg_score", "attempts",
    ),
    "velocity": ("language", "students", "mean_velocity", "sd_velocity", "climbed"),
    "durations": (
        "language", "cefr_level", "students", "reached_next", "median_days", "restricted_mean_days",
    ),
    "assessments": ("week", "language", "attempts", "mean_score"),
    "errors": ("cefr_level", "conversations", "students", "mean_error_rate"),
    "retention": ("cohort_week", "week_number", "students", "active", "retention"),
    "lessons": (
        "lesson_id", "language", "lesson_type", "subject", "title", "lesson_level", "attempts", "completions",
        "completion_rate", "avg_mastery", "avg_hours_to_complete", "effectiveness_score", "students_with_gain",
        "mean_score_gain", "gain_low", "gain_high",
    ),
    "topics": (
        "topic", "language", "conversations", "students", "avg_messages", "avg_duration_minutes", "avg_error_rate",
        "judged", "return_rate_7d",
    ),
    "segments": ("segment", "students", "between_two"),
    "movement": ("since", "from_segment", "to_segment", "students"),
    "traits": ("segment", "trait", "mean", "overall_mean", "overall_sd"),
    "health": ("as_of", "model_name", "model_version", "metric", "promised", "realised"),
    "drift": ("as_of", "feature", "psi", "jensen_shannon", "missing_share", "reference_missing_share", "status"),
    "alerts": ("rule", "severity", "subject", "value", "threshold", "message"),
    "retraining": ("model_name", "retrain", "because", "acted_on"),
    "quality": ("as_of", "table_name", "row_count", "newest_at", "hours_behind", "quarantined", "gate_failures"),
}  # fmt: skip


@dataclass(frozen=True)
class Frames:
    """The dashboard's data, each frame as of one day and with the columns named in `COLUMNS`.

    at_risk: one row a scored student. students: one row of counts of distinct students. presence: one row of students
    active in the 14 open days before, and of those who are not scored for a closure. closures: those of the 180 days
    before (lately) and of the 14 to come (ahead). gold_day: one row, the day that gold was made for. daily: distinct
    active students a day. metrics: gold.daily_metrics. languages: distinct students a language, ever and in the last
    28 days. velocity: levels per 30 days by language. assessments: attempts by week (Monday) and language. errors:
    error rate by level. segments, movement, traits: sizes, moves since an earlier day and means of features by
    segment. The others are gold tables.
    What each asks of the lake is in `sql/`.
    """

    at_risk: pd.DataFrame
    students: pd.DataFrame
    presence: pd.DataFrame
    closures: pd.DataFrame
    gold_day: pd.DataFrame
    daily: pd.DataFrame
    metrics: pd.DataFrame
    languages: pd.DataFrame
    funnel: pd.DataFrame
    velocity: pd.DataFrame
    durations: pd.DataFrame
    assessments: pd.DataFrame
    errors: pd.DataFrame
    retention: pd.DataFrame
    lessons: pd.DataFrame
    topics: pd.DataFrame
    segments: pd.DataFrame
    movement: pd.DataFrame
    traits: pd.DataFrame
    health: pd.DataFrame
    drift: pd.DataFrame
    alerts: pd.DataFrame
    retraining: pd.DataFrame
    quality: pd.DataFrame


def empty(name: str) -> pd.DataFrame:
    """The frame `name` without rows."""
    return pd.DataFrame(columns=list(COLUMNS[name]))
