"""Contracts of the tables that scoring writes."""

from __future__ import annotations

from lakehouse.contracts import Contract, Publish, between, columns, one_of

AT_RISK_STUDENTS = Contract(
    "gold.at_risk_students",
    "Who is about to drop out, why, and what would help; one row an eligible student and as-of date.",
    columns("""
        student_id | STRING NOT NULL | who
        as_of | DATE NOT NULL | the day the risk is for, midnight UTC
        risk | DOUBLE NOT NULL | calibrated probability of no active day in the next 14
        risk_band | STRING NOT NULL | high, medium or low
        reason_1 | STRING | what moves the risk up most, in words
        reason_2 | STRING | the next
        reason_3 | STRING | the next
        segment | STRING | the student's segment on that day
        suggested_action | STRING | what a tutor could do
        language | STRING | the language practised most in the last 28 days
        days_since_active | INT | days since the last active day
        model_name | STRING NOT NULL | three-level name of the model
        model_version | STRING NOT NULL | its version
        model_kind | STRING NOT NULL | recency_rule, logistic or gradient_boosting
        scored_at | TIMESTAMP NOT NULL | when these scores were first written
    """),
    key=("student_id", "as_of"),
    expectations=(
        between("risk", 0, 1),
        one_of("risk_band", "high", "medium", "low"),
        between("days_since_active", 1, 14),
    ),
    publish=Publish.REPLACE_AS_OF,
)

STUDENT_SEGMENTS = Contract(
    "gold.student_segments",
    "What kind of student each one is; one row a student and as-of date.",
    columns("""
        student_id | STRING NOT NULL | who
        as_of | DATE NOT NULL | the day, midnight UTC
        segment | STRING NOT NULL | name of the nearest centroid
        distance | DOUBLE NOT NULL | distance to it, in standard deviations
        model_name | STRING NOT NULL | three-level name of the model
        model_version | STRING NOT NULL | its version
    """),
    key=("student_id", "as_of"),
    expectations=(
        one_of("segment", "High Performers", "Active Learners", "Struggling Students", "Casual Users"),
        between("distance", 0, None),
    ),
    publish=Publish.REPLACE_AS_OF,
)

CONTRACTS = (AT_RISK_STUDENTS, STUDENT_SEGMENTS)
