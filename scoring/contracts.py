"""Contracts of the tables that scoring writes."""

from __future__ import annotations

from features import segments
from lakehouse.contracts import Contract, Publish, between, columns, one_of, ordered

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
        effect_1 | DOUBLE | what the first adds to the log-odds of a typical active student's risk
        effect_2 | DOUBLE | what the second adds
        effect_3 | DOUBLE | what the third adds
        segment | STRING | the student's segment on that day
        suggested_action | STRING | what a tutor could do
        language | STRING | the language practised most in the last 28 days
        days_since_active | INT | days since the last active day
        contacted_on | DATE | the last day in the 28 before that a tutor got in touch
        model_name | STRING NOT NULL | three-level name of the model
        model_version | STRING NOT NULL | its version
        feature_versions | STRING NOT NULL | Delta version of every feature table read, as JSON
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
    clustered="as_of",
)

STUDENT_SEGMENTS = Contract(
    "gold.student_segments",
    "What kind of student each one is; one row a student and as-of date.",
    columns("""
        student_id | STRING NOT NULL | who
        as_of | DATE NOT NULL | the day, midnight UTC
        segment | STRING NOT NULL | name of the nearest centroid
        distance | DOUBLE NOT NULL | distance to it, in standard deviations
        second_segment | STRING NOT NULL | name of the second nearest centroid
        clarity | DOUBLE NOT NULL | 1 for a typical member, on the centroid; 0 for one half-way to the second segment
        model_name | STRING NOT NULL | three-level name of the model
        model_version | STRING NOT NULL | its version
        feature_versions | STRING NOT NULL | Delta version of every feature table read, as JSON
    """),
    key=("student_id", "as_of"),
    expectations=(
        one_of("segment", *segments.BEHAVIOUR, *segments.ERRORS),
        between("distance", 0, None),
        between("clarity", 0, 1),
    ),
    publish=Publish.REPLACE_AS_OF,
    clustered="as_of",
)

SEGMENT_MOVEMENT = Contract(
    "gold.segment_movement",
    "How students moved between segments since the last day scored a week or more before; a row a pair of segments.",
    columns("""
        as_of | DATE NOT NULL | the day, midnight UTC
        since | DATE NOT NULL | the earlier day
        from_segment | STRING NOT NULL | segment on the earlier day, or none
        to_segment | STRING NOT NULL | segment on the day, or none
        students | BIGINT NOT NULL | students
    """),
    key=("as_of", "from_segment", "to_segment"),
    expectations=(between("students", 1, None), ordered("as_of", "since")),
    publish=Publish.REPLACE_AS_OF,
)

CONTRACTS = (AT_RISK_STUDENTS, STUDENT_SEGMENTS, SEGMENT_MOVEMENT)
