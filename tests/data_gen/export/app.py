"""The app's SQLite file as tests make it, and what they read of an export."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

SCHEMA = """
CREATE TABLE conversations (
    id INTEGER NOT NULL, language VARCHAR(50) NOT NULL, difficulty_level VARCHAR(20), topic_id VARCHAR(100),
    created_at DATETIME, updated_at DATETIME, PRIMARY KEY (id));
CREATE TABLE messages (
    id INTEGER NOT NULL, conversation_id INTEGER NOT NULL, role VARCHAR(20) NOT NULL, content TEXT NOT NULL,
    audio_path VARCHAR(255), corrections JSON, created_at DATETIME, PRIMARY KEY (id),
    FOREIGN KEY(conversation_id) REFERENCES conversations (id));
CREATE TABLE lessons (
    id INTEGER NOT NULL, language VARCHAR(50) NOT NULL, lesson_type VARCHAR(50) NOT NULL, title VARCHAR(200) NOT NULL,
    oneliner VARCHAR(500), subject VARCHAR(100), difficulty_level VARCHAR(20) NOT NULL, order_index INTEGER NOT NULL,
    is_active BOOLEAN NOT NULL, created_at DATETIME, updated_at DATETIME, last_accessed_at DATETIME, PRIMARY KEY (id));
CREATE TABLE lesson_items (id INTEGER NOT NULL, lesson_id INTEGER NOT NULL, content TEXT NOT NULL, PRIMARY KEY (id));
CREATE TABLE lesson_progress (
    id INTEGER NOT NULL, lesson_id INTEGER NOT NULL, language VARCHAR(50) NOT NULL, status VARCHAR(20) NOT NULL,
    completion_percentage FLOAT NOT NULL, mastery_score FLOAT, started_at DATETIME, completed_at DATETIME,
    last_accessed_at DATETIME, PRIMARY KEY (id));
CREATE TABLE assessments (
    id INTEGER NOT NULL, language VARCHAR(50) NOT NULL, assessment_type VARCHAR(50) NOT NULL,
    title VARCHAR(200) NOT NULL, description TEXT, difficulty_level VARCHAR(20) NOT NULL, duration_minutes INTEGER,
    is_active BOOLEAN NOT NULL, created_at DATETIME, PRIMARY KEY (id));
CREATE TABLE assessment_attempts (
    id INTEGER NOT NULL, assessment_id INTEGER NOT NULL, language VARCHAR(50) NOT NULL, score FLOAT NOT NULL,
    total_questions INTEGER NOT NULL, correct_answers INTEGER NOT NULL, started_at DATETIME, completed_at DATETIME,
    answers_json JSON, recommended_level VARCHAR(20), skill_scores_json JSON, PRIMARY KEY (id));
CREATE TABLE user_levels (
    id INTEGER NOT NULL, language VARCHAR(50) NOT NULL, cefr_level VARCHAR(20) NOT NULL,
    proficiency_score FLOAT NOT NULL, assessed_at DATETIME, updated_at DATETIME, PRIMARY KEY (id), UNIQUE (language));
"""
ROWS = """
INSERT INTO conversations VALUES
    (1, 'es', 'beginner', 'restaurant', '2024-11-04 10:00:00.000000', '2024-11-04 10:09:00.000000'),
    (2, 'spanish', 'A2', NULL, '2024-11-05 10:00:00.000000+02:00', '2024-11-05 10:01:00.000000+02:00');
INSERT INTO messages VALUES
    (1, 1, 'user', 'Quiero dos cafés, por favor ☕🙂', NULL, '[{"type": "grammar", "original": "a"}]',
     '2024-11-04 10:01:00.000000'),
    (2, 1, 'assistant', '¡Claro!', NULL, NULL, '2024-11-04 10:02:00.000000'),
    (3, 2, 'user', 'Hola', '/audio/3.wav', '[]', '2024-11-05 10:01:00.000000+02:00');
INSERT INTO lessons VALUES
    (1, 'es', 'vocabulary', 'Greetings', 'Say hello', NULL, 'A1', 1, 1,
     '2024-11-01 08:00:00.000000', '2024-11-01 08:00:00.000000', NULL),
    (2, 'es', 'grammar', 'Ser y estar', NULL, 'verbs', 'intermediate', 2, 1,
     '2024-11-01 08:00:00.000000', '2024-11-01 08:00:00.000000', '2024-11-06 09:00:00.000000');
INSERT INTO lesson_items VALUES (1, 1, 'Hola');
INSERT INTO lesson_progress VALUES
    (1, 1, 'es', 'completed', 100.0, 0.85, '2024-11-05 09:00:00.000000', '2024-11-06 09:00:00.000000',
     '2024-11-06 09:00:00.000000'),
    (2, 99, 'es', 'in_progress', 40.0, NULL, '2024-11-06 09:00:00.000000+00:00', NULL, NULL);
INSERT INTO assessments VALUES
    (5, 'es', 'cefr_placement', 'Placement', 'Finds your level', 'A1', 20, 1, '2024-11-01 08:00:00.000000');
INSERT INTO assessment_attempts VALUES
    (1, 5, 'es', 62.5, 8, 5, '2024-11-07 18:00:00.000000', '2024-11-07 18:12:00.000000', '{"1": "a"}', 'A2',
     '[{"skill": "grammar", "total": 8, "correct": 5, "score": 62.5}]');
INSERT INTO user_levels VALUES
    (1, 'es', 'advanced', 62.5, '2024-11-07 18:12:00.000000', '2024-11-07 18:12:00.000000');
"""
# The first 32 digits of the SHA-256 of, for instance, ["spanish", "cefr_placement", "Placement", "A1"].
GREETINGS = "de25e2e274a2b9939fcc08ed26590417"
SER_Y_ESTAR = "46217ea48a5f28abaeee9007834b8dfa"
PLACEMENT = "07a402359bca45dc4cbf33aa6a9c42d9"

Rows = list[dict[str, Any]]
Run = Callable[..., str]


def change(db: Path, *statements: str) -> None:
    """What the app does to its file."""
    with closing(sqlite3.connect(db)) as app:
        app.executescript(";".join(statements))


def copy_of_lesson_1(lesson_id: int, lesson_type: str, oneliner: str, is_active: int) -> str:
    return (
        f"INSERT INTO lessons SELECT {lesson_id}, language, '{lesson_type}', title, '{oneliner}', subject, "
        f"difficulty_level, order_index, {is_active}, created_at, updated_at, NULL FROM lessons WHERE id = 1"
    )


def files(out: Path) -> list[str]:
    """All files under a folder, hidden ones too."""
    return sorted(str(path.relative_to(out)) for path in out.rglob("*") if path.is_file())


def rows(file: Path) -> Rows:
    return pq.ParquetFile(file).read().to_pylist()


def counts(said: str, table: str) -> tuple[int, int, int]:
    """New, changed and unchanged of a table in the report."""
    words = next(line for line in said.splitlines() if line.startswith(f"  {table} ")).split()
    return int(words[1]), int(words[3]), int(words[5])
