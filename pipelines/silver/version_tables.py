"""Contracts of the version tables: every row that was ever received, typed, good or not; silver is made from them."""

from __future__ import annotations

from lakehouse.contracts import Column, Contract, Publish, columns
from lakehouse.lake import Lake
from pipelines.bronze import contracts as bronze
from pipelines.silver import contracts as c
from pipelines.silver.versions import KNOWN_BY

SILVER_OF = {
    "lessons": c.LESSONS, "assessments": c.ASSESSMENTS, "conversations": c.CONVERSATIONS, "messages": c.MESSAGES,
    "lesson_progress": c.LESSON_PROGRESS, "assessment_attempts": c.ASSESSMENT_ATTEMPTS,
    "user_levels": c.STUDENT_LEVELS, "closures": c.CLOSURES,
    "interventions": c.INTERVENTIONS,
}  # fmt: skip
"""The silver table of each raw table."""
RECORD = {
    "lessons": ("lesson_id",), "assessments": ("assessment_id",), "conversations": ("conversation_id",),
    "messages": ("message_id",), "lesson_progress": ("progress_id",), "assessment_attempts": ("attempt_id",),
    "user_levels": ("student_id", "language", "assessed_at", *KNOWN_BY), "closures": ("language", "closed_from"),
    "interventions": ("student_id", "contacted_at"),
}  # fmt: skip
"""The columns by which the versions of one record are told, by raw table. The app overwrites levels, so each that was
known for a while is a record.
"""
ROW = {"row_key": "raw_key", "row_hash": "row_hash", "source_file": "_source_file"}
"""What tells a received row from every other, but for its copies in the same file: in quarantine, and in a version."""
LEVEL_ID = Column("level_id", "STRING", "the app's id")
CANCELLED = Column("cancelled", "BOOLEAN", "whether the closure is called off")
META = columns("""
    raw_key | STRING NOT NULL | the id as received
    reasons | ARRAY<STRING> NOT NULL | what is wrong with the row, empty for a good one
    row_hash | STRING NOT NULL | hash of the row as received
    _source_file | STRING NOT NULL | the file it came in, relative to the landing folder
    _file_hash | STRING NOT NULL | SHA-256 of that file
    _arrived_at | DATE | arrival date of the file's batch, null for a backfill
    _ingested_at | TIMESTAMP NOT NULL | when this lake took the file in
    event_time | TIMESTAMP | the latest of the row's event times
    live | BOOLEAN NOT NULL | whether it arrived in a dated batch rather than in a backfill
    received_at | TIMESTAMP NOT NULL | midnight after its arrival; for a backfill its event time
    known_from | TIMESTAMP | of a live row that a mended rule released, from when it is known; null for others
""")


def _versions(raw_table: str, silver: Contract, names: str, *more: Column) -> Contract:
    by_name = {column.name: column for column in silver.columns}
    typed = [by_name[name] for name in names.split()]
    nullable = tuple(Column(column.name, column.type, column.comment) for column in (*more, *typed))
    return Contract(
        f"silver.{raw_table}_versions",
        f"Every version of the rows of {silver.name} that was received, typed by the rules; refused rows too.",
        (*nullable, *META),
        publish=Publish.APPEND,
        clustered="received_at",
        tracked=True,
    )


VERSIONS: dict[str, Contract] = {
    "conversations": _versions(
        "conversations", c.CONVERSATIONS, "conversation_id student_id language cefr_level topic started_at"
    ),
    "messages": _versions(
        "messages", c.MESSAGES, "message_id conversation_id role content_length corrections sent_at"
    ),
    "lessons": _versions(
        "lessons", c.LESSONS, "lesson_id language lesson_type title subject cefr_level order_index is_active"
    ),
    "assessments": _versions(
        "assessments", c.ASSESSMENTS,
        "assessment_id language assessment_type title cefr_level duration_minutes is_active",
    ),
    "lesson_progress": _versions(
        "lesson_progress", c.LESSON_PROGRESS,
        "progress_id student_id lesson_id language status completion_percentage mastery_score started_at completed_at "
        "last_accessed_at",
    ),
    "assessment_attempts": _versions(
        "assessment_attempts", c.ASSESSMENT_ATTEMPTS,
        "attempt_id student_id assessment_id language score total_questions correct_answers started_at completed_at "
        "recommended_level skills",
    ),
    "user_levels": _versions(
        "user_levels", c.STUDENT_LEVELS, "student_id language cefr_level proficiency_score assessed_at", LEVEL_ID
    ),
    "closures": _versions("closures", c.CLOSURES, "language closed_from closed_to", CANCELLED),
    "interventions": _versions("interventions", c.INTERVENTIONS, "student_id contacted_at channel"),
}  # fmt: skip

EVENT_TIMES = {
    "conversations": ("started_at",),
    "messages": ("sent_at",),
    "lessons": (),
    "assessments": (),
    "lesson_progress": ("started_at", "completed_at"),
    "assessment_attempts": ("started_at", "completed_at"),
    "user_levels": ("assessed_at",),
    "closures": (),
    "interventions": ("contacted_at",),
}
"""The times of what learners did once, by raw table: what the app overwrites is none."""

CONTRACTS = tuple(VERSIONS.values())


def widen(lake: Lake) -> None:
    """Give the tables that silver is made from the columns that those of an earlier release lack, whether anything came
    for them or not.
    """
    for contract in (*bronze.CONTRACTS, *CONTRACTS):
        if lake.exists(contract.name):
            lake.create(contract)
