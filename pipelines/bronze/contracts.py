"""Contracts of the bronze tables: the raw columns as text, with where and when they came from."""

from __future__ import annotations

from lakehouse.contracts import Contract, Publish, between, columns, rows

RAW_TABLES: dict[str, str] = {
    "conversations": "id user_id language difficulty_level topic_id created_at updated_at",
    "messages": "id conversation_id role content audio_path corrections created_at",
    "lessons": "id language lesson_type title subject difficulty_level order_index is_active created_at",
    "lesson_progress": (
        "id user_id lesson_id language status completion_percentage mastery_score started_at completed_at "
        "last_accessed_at"
    ),
    "assessments": (
        "id language assessment_type title description difficulty_level duration_minutes is_active created_at"
    ),
    "assessment_attempts": (
        "id user_id assessment_id language score total_questions correct_answers started_at completed_at answers_json "
        "recommended_level skill_scores_json"
    ),
    "user_levels": "id user_id language cefr_level proficiency_score assessed_at updated_at",
    "closures": "id language closed_from closed_to cancelled",
    "interventions": "id user_id contacted_at channel",
}
OPTIONAL = ("closures", "interventions")
"""Tables that nobody has to deliver, and whose rows need no id."""

META = columns("""
    _other_columns | STRING | columns that the contract does not know, as JSON
    _raw_types | STRING NOT NULL | the type each column was received with, as JSON
    _source_file | STRING NOT NULL | file, relative to the landing folder
    _file_hash | STRING NOT NULL | SHA-256 of the file's content
    _arrived_at | DATE | arrival date of the file's batch, null for a backfill
    _ingested_at | TIMESTAMP NOT NULL | when this lake took the file in
""")


def bronze(table: str) -> Contract:
    """The contract of `bronze.<table>`."""
    business = columns("\n".join(f"{name} | STRING | as received" for name in RAW_TABLES[table].split()))
    return Contract(
        f"bronze.{table}",
        f"The app's {table}, append-only, every column as the text it was received as.",
        business + META,
        expectations=(rows(1),),
        publish=Publish.APPEND,
        clustered="_ingested_at",
    )


INTAKE = Contract(
    "bronze.intake",
    "For each raw table: the rows that the batch's files hold by their footers, and those that were staged.",
    columns("""
        raw_table | STRING NOT NULL | the raw table
        rows_in_files | BIGINT NOT NULL | rows by the footers
        rows_staged | BIGINT NOT NULL | rows about to be appended
        lost | BIGINT NOT NULL | rows_in_files less rows_staged
    """),
    key=("raw_table",),
    expectations=(between("lost", 0, 0),),
)

CONTRACTS = tuple(bronze(table) for table in RAW_TABLES)
