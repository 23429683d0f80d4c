"""Contracts of the gold tables that answer the five questions; each is a whole table, as of one day."""

from __future__ import annotations

from lakehouse.contracts import Contract, between, columns, one_of, ordered, rows
from lakehouse.levels import LEVELS as LEVELS

DAILY_METRICS = Contract(
    "gold.daily_metrics",
    "Activity per day and language.",
    columns("""
        activity_date | DATE NOT NULL | UTC date
        language | STRING NOT NULL | language practised
        active_students | BIGINT NOT NULL | students with an active day on that date in that language
        conversations | BIGINT NOT NULL | conversations started
        total_messages | BIGINT NOT NULL | messages of both sides in the conversations started
        avg_session_minutes | DOUBLE | mean duration of the conversations started
        avg_error_rate | DOUBLE | mean error rate of the conversations started
    """),
    key=("activity_date", "language"),
    expectations=(rows(1), between("active_students", 1, None), between("avg_error_rate", 0, 1)),
)

LESSON_EFFECTIVENESS = Contract(
    "gold.lesson_effectiveness",
    "One row a lesson that was begun: how many complete it, how well, and what scores did around it.",
    columns("""
        lesson_id | STRING NOT NULL | the app's id
        language | STRING NOT NULL | language taught
        lesson_type | STRING | vocabulary, grammar or listening
        subject | STRING | subject
        title | STRING | title
        lesson_level | STRING | level, A1 to C2
        attempts | BIGINT NOT NULL | students who began it (status in_progress or completed)
        completions | BIGINT NOT NULL | students who completed it
        completion_rate | DOUBLE NOT NULL | completions / attempts
        avg_mastery | DOUBLE | mean mastery over completed, missing mastery as 0; null without a completion
        avg_hours_to_complete | DOUBLE | mean hours from start to completion
        effectiveness_score | DOUBLE | 0.4 completion_rate + 0.6 avg_mastery; null with fewer than 3 attempts
        students_with_gain | BIGINT NOT NULL | students with an assessment before and after completing it
        mean_score_gain | DOUBLE | mean of (next score - previous score), shrunk towards the language's mean gain
        gain_low | DOUBLE | lower end of its 95 % interval
        gain_high | DOUBLE | upper end of its 95 % interval
    """),
    key=("lesson_id",),
    expectations=(
        between("completion_rate", 0, 1),
        between("effectiveness_score", 0, 1),
        ordered("attempts", "completions"),
        ordered("gain_high", "gain_low"),
    ),
)

CEFR_FUNNEL = Contract(
    "gold.cefr_funnel",
    "How many students stand at each level, and how many ever did.",
    columns("""
        language | STRING NOT NULL | language
        cefr_level | STRING NOT NULL | A1 to C2
        students_at_level | BIGINT NOT NULL | students whose current level it is
        students_ever_at_level | BIGINT NOT NULL | students who were ever given it
        avg_score | DOUBLE | mean score of attempts at assessments of that level
        attempts | BIGINT NOT NULL | attempts completed at assessments of that level
    """),
    key=("language", "cefr_level"),
    expectations=(one_of("cefr_level", *LEVELS), ordered("students_ever_at_level", "students_at_level")),
)

TOPIC_ENGAGEMENT = Contract(
    "gold.topic_engagement",
    "Which topics are talked about, and whether students come back after them.",
    columns("""
        topic | STRING NOT NULL | topic, or (none)
        language | STRING NOT NULL | language
        conversations | BIGINT NOT NULL | conversations
        students | BIGINT NOT NULL | different students
        avg_messages | DOUBLE | mean messages of both sides a conversation
        avg_duration_minutes | DOUBLE | mean duration
        avg_error_rate | DOUBLE | mean error rate
        judged | BIGINT NOT NULL | conversations that are 7 days old
        return_rate_7d | DOUBLE | of those, the share followed by another, any topic, within 7 days
    """),
    key=("topic", "language"),
    expectations=(between("return_rate_7d", 0, 1), between("avg_error_rate", 0, 1), between("conversations", 1, None)),
)

LEARNING_VELOCITY = Contract(
    "gold.learning_velocity",
    "How fast each student climbs.",
    columns("""
        student_id | STRING NOT NULL | who
        language | STRING NOT NULL | in which language
        first_level | STRING NOT NULL | first level known (levels given, and levels recommended by attempts)
        current_level | STRING NOT NULL | newest level known
        levels_gained | INT NOT NULL | steps between them, negative when they fell
        days_observed | DOUBLE NOT NULL | days from the first activity or level to as_of
        levels_per_30_days | DOUBLE | levels gained per 30 days observed; null under 14 days
    """),
    key=("student_id", "language"),
    expectations=(one_of("current_level", *LEVELS), between("levels_gained", -5, 5), between("days_observed", 0, None)),
)

LEVEL_DURATIONS = Contract(
    "gold.level_durations",
    "How long a level takes, students still on their way counted as censored (Kaplan-Meier).",
    columns("""
        language | STRING NOT NULL | language
        cefr_level | STRING NOT NULL | level that is left upwards
        students | BIGINT NOT NULL | students who entered it
        reached_next | BIGINT NOT NULL | students who reached a higher one
        median_days | DOUBLE | Kaplan-Meier median days to a higher level; null when fewer than half get there
        restricted_mean_days | DOUBLE | mean days up to the longest observed, by the same curve
    """),
    key=("language", "cefr_level"),
    expectations=(one_of("cefr_level", *LEVELS), ordered("students", "reached_next"), between("median_days", 0, None)),
)

COHORT_RETENTION = Contract(
    "gold.cohort_retention",
    "Of the students who began in a week, the share active in each week after.",
    columns("""
        cohort_week | DATE NOT NULL | Monday of the week of the first activity
        week_number | INT NOT NULL | weeks since, 0 for the first
        students | BIGINT NOT NULL | students of the cohort
        active | BIGINT NOT NULL | of those, with an active day in that week
        retention | DOUBLE NOT NULL | active / students
    """),
    key=("cohort_week", "week_number"),
    expectations=(between("retention", 0, 1), between("week_number", 0, None)),
)

CONTRACTS = (
    DAILY_METRICS, LESSON_EFFECTIVENESS, CEFR_FUNNEL, TOPIC_ENGAGEMENT, LEARNING_VELOCITY, LEVEL_DURATIONS,
    COHORT_RETENTION,
)  # fmt: skip
