"""The charts: one pure function each, listed here in the order of the page."""

from __future__ import annotations

from monitoring.dashboard.charts.activity import daily_actives, languages, weekly_assessments
from monitoring.dashboard.charts.content import lesson_effectiveness, lesson_gain, topic_heat_map
from monitoring.dashboard.charts.drawing import CONFIG, Drawing, Figure
from monitoring.dashboard.charts.learning import (
    cefr_funnel,
    cohort_retention,
    error_by_level,
    level_durations,
    velocity,
)
from monitoring.dashboard.charts.model import feature_drift, ranking_over_time, risk_over_time
from monitoring.dashboard.charts.people import segment_risk, segment_traits

MONITOR = "mlflow run . -e monitor"
SCORE = "mlflow run . -e score"

FIGURES: tuple[Figure, ...] = (
    Figure(
        "daily-actives",
        "overview",
        "Students active each day",
        daily_actives,
        "No activity is on record before this day",
        "mlflow run . -e ingest",
    ),
    Figure(
        "languages",
        "overview",
        "Languages",
        languages,
        "No student has practised a language before this day",
        "mlflow run . -e ingest",
    ),
    Figure(
        "velocity",
        "learning",
        "How fast students progress",
        velocity,
        "No student has been observed for 14 days with a known level",
    ),
    Figure("cefr-funnel", "learning", "Where students stand", cefr_funnel, "No student has a level yet"),
    Figure("level-durations", "learning", "How long a level takes", level_durations, "No student has a level yet"),
    Figure(
        "error-by-level",
        "learning",
        "Errors by level",
        error_by_level,
        "No conversation has a level yet",
        "mlflow run . -e ingest",
    ),
    Figure(
        "weekly-assessments",
        "learning",
        "Assessments week by week",
        weekly_assessments,
        "No assessment has been handed in before this day",
        "mlflow run . -e ingest",
        wide=True,
    ),
    Figure(
        "cohort-retention",
        "learning",
        "Who stays, week by week",
        cohort_retention,
        "No week since the first activity is over yet",
        wide=True,
    ),
    Figure(
        "lesson-effectiveness",
        "content",
        "Which lessons work",
        lesson_effectiveness,
        "No lesson has been begun by three students yet",
    ),
    Figure(
        "lesson-gain",
        "content",
        "Scores before and after a lesson",
        lesson_gain,
        "No lesson has five students with an assessment before and after it",
    ),
    Figure(
        "topic-heat-map",
        "content",
        "Which topics bring students back",
        topic_heat_map,
        "No conversation is on record before this day",
        wide=True,
    ),
    Figure(
        "segment-risk",
        "segments",
        "Risk by segment",
        segment_risk,
        "No student of a segment has been scored for this day",
        SCORE,
    ),
    Figure(
        "segment-traits",
        "segments",
        "What sets the segments apart",
        segment_traits,
        "No student has a segment on this day",
        SCORE,
    ),
    Figure(
        "ranking-over-time",
        "model",
        "Does it find the right students?",
        ranking_over_time,
        "No scores have matured yet: a day's scores can be judged 17 days later",
        MONITOR,
    ),
    Figure(
        "risk-over-time",
        "model",
        "Is the predicted risk right?",
        risk_over_time,
        "No scores have matured yet: a day's scores can be judged 17 days later",
        MONITOR,
    ),
    Figure(
        "feature-drift",
        "model",
        "Do students still look as in training?",
        feature_drift,
        "Nothing has been compared with training yet",
        MONITOR,
        wide=True,
    ),
)

__all__ = ["CONFIG", "FIGURES", "Drawing", "Figure"]
