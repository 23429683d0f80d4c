"""The charts: one pure function each, listed here in the order of the page."""

from __future__ import annotations

from lakehouse.errors import entry_point
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
from monitoring.dashboard.charts.people import segment_movement, segment_risk, segment_traits
from monitoring.dashboard.widgets import Channel, category, chart, day, grouped

INGEST, SCORE, MONITOR = (entry_point(name) for name in ("ingest", "score", "monitor"))
LANGUAGE, LEVEL = category("language", "Language"), category("cefr_level", "Level")

FIGURES: tuple[Figure, ...] = (
    Figure(
        "daily-actives",
        "overview",
        "Students active each day",
        daily_actives,
        chart("daily", "line", day("activity_date", "Day"), Channel("active_students", "Active students")),
        "No activity is on record before this day",
        INGEST,
    ),
    Figure(
        "languages",
        "overview",
        "Languages",
        languages,
        chart("languages", "bar", Channel("active_28", "Students in 28 days"), category("language", "Language")),
        "No student has practised a language before this day",
        INGEST,
    ),
    Figure(
        "velocity",
        "learning",
        "How fast students progress",
        velocity,
        chart("velocity", "bar", Channel("mean_velocity", "Levels per 30 days"), category("language", "Language")),
        "No student has been observed for 14 days with a known level",
    ),
    Figure(
        "cefr-funnel",
        "learning",
        "Where students stand",
        cefr_funnel,
        chart("funnel", "bar", LEVEL, Channel("students_at_level", "Students"), LANGUAGE),
        "No student has a level yet",
    ),
    Figure(
        "level-durations",
        "learning",
        "How long a level takes",
        level_durations,
        grouped("durations", LEVEL, Channel("median_days", "Median days to the next level"), LANGUAGE),
        "No student has a level yet",
    ),
    Figure(
        "error-by-level",
        "learning",
        "Errors by level",
        error_by_level,
        chart("errors", "bar", LEVEL, Channel("mean_error_rate", "Messages corrected")),
        "No conversation has a level yet",
        INGEST,
    ),
    Figure(
        "weekly-assessments",
        "learning",
        "Assessments week by week",
        weekly_assessments,
        chart("assessments", "line", day("week", "Week"), Channel("mean_score", "Mean score"), LANGUAGE),
        "No assessment has been handed in before this day",
        INGEST,
        wide=True,
    ),
    Figure(
        "cohort-retention",
        "learning",
        "Who stays, week by week",
        cohort_retention,
        chart(
            "retention",
            "heatmap",
            category("week_number", "Weeks since the first"),
            category("cohort_week", "First week"),
            Channel("retention", "Still active"),
        ),
        "No week since the first activity is over yet",
        wide=True,
    ),
    Figure(
        "lesson-effectiveness",
        "content",
        "Which lessons work",
        lesson_effectiveness,
        grouped("lessons", Channel("effectiveness_score", "Effectiveness"), category("title", "Lesson"), LANGUAGE),
        "No lesson has been begun by three students yet",
    ),
    Figure(
        "lesson-gain",
        "content",
        "Scores before and after a lesson",
        lesson_gain,
        grouped("lessons", Channel("mean_score_gain", "Points gained"), category("title", "Lesson"), LANGUAGE),
        "No lesson has five students with an assessment before and after it",
    ),
    Figure(
        "topic-heat-map",
        "content",
        "Which topics bring students back",
        topic_heat_map,
        chart(
            "topics", "heatmap", LANGUAGE, category("topic", "Topic"), Channel("return_rate_7d", "Back within 7 days")
        ),
        "No conversation is on record before this day",
        wide=True,
    ),
    Figure(
        "segment-risk",
        "segments",
        "Risk by segment",
        segment_risk,
        chart(
            "at_risk",
            "bar",
            category("segment", "Segment"),
            Channel("students", "Students", expression="COUNT(`student_id`)"),
            category("risk_band", "Band"),
        ),
        "No student of a segment has been scored for this day",
        SCORE,
    ),
    Figure(
        "segment-movement",
        "segments",
        "Who moved between segments",
        segment_movement,
        chart(
            "movement",
            "heatmap",
            category("to_segment", "Now"),
            category("from_segment", "Before"),
            Channel("students", "Students"),
        ),
        "No day a week or more before this one has been scored",
        SCORE,
    ),
    Figure(
        "segment-traits",
        "segments",
        "What sets the segments apart",
        segment_traits,
        chart(
            "traits",
            "heatmap",
            category("segment", "Segment"),
            category("trait", "Trait"),
            Channel(
                "distance",
                "Deviations from the mean of all",
                expression="(`mean` - `overall_mean`) / nullif(`overall_sd`, 0)",
            ),
        ),
        "No student has a segment on this day",
        SCORE,
        wide=True,
    ),
    Figure(
        "ranking-over-time",
        "model",
        "Does it find the right students?",
        ranking_over_time,
        chart(
            "health",
            "line",
            day("as_of", "Scored on"),
            Channel("roc_auc", "ROC AUC", expression="AVG(CASE WHEN `metric` = 'roc_auc' THEN `realised` END)"),
        ),
        "No scores have matured yet: a day's scores can be judged 17 days later",
        MONITOR,
    ),
    Figure(
        "risk-over-time",
        "model",
        "Is the predicted risk right?",
        risk_over_time,
        chart(
            "health",
            "line",
            day("as_of", "Scored on"),
            Channel(
                "rate", "Share", expression="AVG(CASE WHEN `metric` IN ('mean_risk', 'base_rate') THEN `realised` END)"
            ),
            category("metric", "Figure"),
        ),
        "No scores have matured yet: a day's scores can be judged 17 days later",
        MONITOR,
    ),
    Figure(
        "feature-drift",
        "model",
        "Do students still look as in training?",
        feature_drift,
        chart("drift", "bar", Channel("psi", "PSI against training"), category("feature", "Feature")),
        "Nothing has been compared with training yet",
        MONITOR,
        wide=True,
    ),
)

__all__ = ["CONFIG", "FIGURES", "Drawing", "Figure"]
