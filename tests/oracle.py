"""Gold computed a second time, with DuckDB straight from the raw Parquet files, sharing no code with the project.

Each function takes a landing folder and an as-of date and returns every row of the table of its name. For a backfill
without bad rows, legacy levels or language codes: nothing is cleaned here.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import pandas as pd

VIEWS = """
CREATE VIEW conversations AS
SELECT c.id, c.user_id, c.language, c.topic, c.ts,
       count(m.id) AS messages,
       date_diff('microsecond', c.ts, greatest(c.ts, coalesce(max(m.ts), c.ts))) / 60e6 AS minutes,
       CASE WHEN count(m.id) FILTER (m.role = 'user') = 0 THEN 0.0
            ELSE count(m.id) FILTER (m.role = 'user' AND m.errors > 0) / count(m.id) FILTER (m.role = 'user')
       END AS error_rate
FROM (SELECT id::VARCHAR AS id, user_id::VARCHAR AS user_id, language, topic_id AS topic, {created_at} AS ts
      FROM raw_conversations) c
LEFT JOIN (SELECT id, conversation_id::VARCHAR AS conversation_id, role, {created_at} AS ts,
                  coalesce(json_array_length(corrections::VARCHAR), 0) AS errors
           FROM raw_messages) m
  ON m.conversation_id = c.id AND m.ts < $as_of
WHERE c.ts < $as_of
GROUP BY c.id, c.user_id, c.language, c.topic, c.ts;

CREATE VIEW progress AS
SELECT user_id, lesson_id, language, begun_at, mastery, status = 'completed' AND ended_at < $as_of AS done,
       CASE WHEN ended_at < $as_of THEN ended_at END AS done_at
FROM (SELECT user_id::VARCHAR AS user_id, lesson_id::VARCHAR AS lesson_id, language, status, mastery_score AS mastery,
             {started_at} AS begun_at, {completed_at} AS ended_at FROM raw_lesson_progress)
WHERE status <> 'not_started' AND begun_at < $as_of;

CREATE VIEW attempts AS
SELECT * FROM (SELECT id::VARCHAR AS id, user_id::VARCHAR AS user_id, assessment_id::VARCHAR AS assessment_id, language,
                      score::DOUBLE AS score, {completed_at} AS ts FROM raw_assessment_attempts)
WHERE ts < $as_of;

CREATE VIEW levels AS
SELECT * FROM (SELECT user_id::VARCHAR AS user_id, language, cefr_level, {assessed_at} AS ts FROM raw_user_levels)
WHERE ts < $as_of;

CREATE VIEW activity AS
SELECT user_id, language, ts FROM conversations
UNION ALL SELECT user_id, language, begun_at FROM progress
UNION ALL SELECT user_id, language, done_at FROM progress WHERE done
UNION ALL SELECT user_id, language, ts FROM attempts;
"""

DAILY_METRICS = """
WITH active AS (SELECT ts::DATE AS activity_date, language, count(DISTINCT user_id) AS active_students
                FROM activity GROUP BY ALL),
     talked AS (SELECT ts::DATE AS activity_date, language, count(*) AS conversations, sum(messages) AS total_messages,
                       avg(minutes) AS avg_session_minutes, avg(error_rate) AS avg_error_rate
                FROM conversations GROUP BY ALL)
SELECT activity_date, language, active_students, coalesce(conversations, 0) AS conversations,
       coalesce(total_messages, 0) AS total_messages, avg_session_minutes, avg_error_rate
FROM active LEFT JOIN talked USING (activity_date, language)
"""

LESSON_EFFECTIVENESS = """
WITH outcomes AS (
    SELECT lesson_id, count(DISTINCT user_id) AS attempts, count(DISTINCT user_id) FILTER (done) AS completions,
           avg(coalesce(mastery, 0)) FILTER (done) AS avg_mastery,
           avg(date_diff('microsecond', begun_at, done_at) / 3600e6) FILTER (done) AS avg_hours_to_complete
    FROM progress GROUP BY ALL),
completed AS (SELECT lesson_id, language, user_id, min(done_at) AS done_at FROM progress WHERE done GROUP BY ALL),
gains AS (
    SELECT lesson_id, language,
           (SELECT a.score FROM attempts a WHERE a.user_id = c.user_id AND a.language = c.language AND a.ts > c.done_at
              AND a.score IS NOT NULL ORDER BY a.ts, a.id LIMIT 1)
         - (SELECT a.score FROM attempts a WHERE a.user_id = c.user_id AND a.language = c.language AND a.ts < c.done_at
              AND a.score IS NOT NULL ORDER BY a.ts DESC, a.id DESC LIMIT 1) AS gain
    FROM completed c),
known AS (
    SELECT *, avg(gain) OVER (PARTITION BY lesson_id) AS lesson_mean, avg(gain) OVER (PARTITION BY language) AS mean
    FROM gains WHERE gain IS NOT NULL),
per_lesson AS (
    SELECT language, lesson_id, count(*) AS n, any_value(lesson_mean) AS lesson_mean, any_value(mean) AS mean,
           sum((gain - lesson_mean) ** 2) AS within, sum((gain - mean) ** 2) AS total
    FROM known GROUP BY ALL),
per_language AS (
    SELECT language, sum(n) AS students, count(*) AS lessons, sum(within) AS ss_within,
           sum(n * (lesson_mean - mean) ** 2) AS ss_between, sum(total) AS ss_total, sum(n * n) AS sum_n2
    FROM per_lesson GROUP BY ALL),
variances AS (
    SELECT language,
           CASE WHEN students > lessons THEN ss_within / (students - lessons) END AS within,
           CASE WHEN students > 1 THEN ss_total / (students - 1) END AS overall,
           CASE WHEN lessons > 1 THEN ss_between / (lessons - 1) END AS mean_square_between,
           CASE WHEN lessons > 1 THEN (students - sum_n2 / students) / (lessons - 1) END AS typical_n
    FROM per_language),
shrinkage AS (
    SELECT language, coalesce(within, overall) AS variance,
           CASE WHEN mean_square_between > within
                THEN least(100.0, within * typical_n / (mean_square_between - within)) ELSE 100.0 END AS k
    FROM variances),
estimates AS (
    SELECT lesson_id, n, mean + n / (n + k) * (lesson_mean - mean) AS estimate,
           1.959963984540054 * sqrt(variance / (n + k)) AS margin
    FROM per_lesson JOIN shrinkage USING (language))
SELECT lesson_id, l.language, lesson_type, subject, title, difficulty_level AS lesson_level, attempts, completions,
       completions / attempts AS completion_rate, avg_mastery, avg_hours_to_complete,
       CASE WHEN attempts >= 3 THEN 0.4 * completions / attempts + 0.6 * coalesce(avg_mastery, 0) END
         AS effectiveness_score,
       coalesce(n, 0) AS students_with_gain, estimate AS mean_score_gain,
       estimate - margin AS gain_low, estimate + margin AS gain_high
FROM outcomes JOIN raw_lessons l ON l.id::VARCHAR = lesson_id LEFT JOIN estimates USING (lesson_id)
"""

CEFR_FUNNEL = """
WITH assessed AS (
    SELECT a.language, s.difficulty_level AS cefr_level, avg(score) AS avg_score, count(*) AS attempts
    FROM attempts a JOIN raw_assessments s ON s.id::VARCHAR = assessment_id
    WHERE s.difficulty_level IS NOT NULL GROUP BY ALL),
ever AS (SELECT language, cefr_level, count(DISTINCT user_id) AS students FROM levels GROUP BY ALL),
newest AS (SELECT * FROM levels QUALIFY row_number() OVER (PARTITION BY user_id, language ORDER BY ts DESC) = 1),
standing AS (SELECT language, cefr_level, count(*) AS students FROM newest GROUP BY ALL)
SELECT language, cefr_level, coalesce(standing.students, 0) AS students_at_level,
       coalesce(ever.students, 0) AS students_ever_at_level, avg_score, coalesce(attempts, 0) AS attempts
FROM ever FULL JOIN assessed USING (language, cefr_level) LEFT JOIN standing USING (language, cefr_level)
"""

TOPIC_ENGAGEMENT = """
WITH followed AS (
    SELECT *, CASE WHEN ts <= $as_of::TIMESTAMP - INTERVAL 7 DAY THEN
        CASE WHEN (SELECT min(n.ts) FROM conversations n WHERE n.user_id = c.user_id AND n.ts > c.ts)
                  <= ts + INTERVAL 7 DAY THEN 1.0 ELSE 0.0 END END AS returned
    FROM conversations c)
SELECT coalesce(topic, '(none)') AS topic, language, count(*) AS conversations, count(DISTINCT user_id) AS students,
       avg(messages) AS avg_messages, avg(minutes) AS avg_duration_minutes, avg(error_rate) AS avg_error_rate,
       count(returned) AS judged, avg(returned) AS return_rate_7d
FROM followed GROUP BY ALL
"""

COHORT_RETENTION = """
WITH weeks AS (SELECT DISTINCT user_id, date_trunc('week', ts)::DATE AS week FROM activity),
begun AS (SELECT user_id, min(week) AS cohort_week FROM weeks GROUP BY ALL),
cohorts AS (SELECT cohort_week, count(*) AS students FROM begun GROUP BY ALL),
grid AS (SELECT *, unnest(generate_series(cohort_week::TIMESTAMP, $as_of::TIMESTAMP - INTERVAL 1 DAY, INTERVAL 7 DAY))
                     ::DATE AS week FROM cohorts),
seen AS (SELECT cohort_week, week, count(*) AS active FROM begun JOIN weeks USING (user_id) GROUP BY ALL)
SELECT cohort_week, (week - cohort_week) // 7 AS week_number, students, coalesce(active, 0) AS active,
       coalesce(active, 0) / students AS retention
FROM grid LEFT JOIN seen USING (cohort_week, week)
"""

TABLES = (
    "conversations", "messages", "lessons", "lesson_progress", "assessments", "assessment_attempts", "user_levels",
)  # fmt: skip
TIMES = ("created_at", "started_at", "completed_at", "assessed_at")


def daily_metrics(raw_dir: Path, as_of: date) -> pd.DataFrame:
    """Key: activity_date, language."""
    return _answer(DAILY_METRICS, raw_dir, as_of)


def lesson_effectiveness(raw_dir: Path, as_of: date) -> pd.DataFrame:
    """Key: lesson_id."""
    return _answer(LESSON_EFFECTIVENESS, raw_dir, as_of)


def cefr_funnel(raw_dir: Path, as_of: date) -> pd.DataFrame:
    """Key: language, cefr_level."""
    return _answer(CEFR_FUNNEL, raw_dir, as_of)


def topic_engagement(raw_dir: Path, as_of: date) -> pd.DataFrame:
    """Key: topic, language."""
    return _answer(TOPIC_ENGAGEMENT, raw_dir, as_of)


def cohort_retention(raw_dir: Path, as_of: date) -> pd.DataFrame:
    """Key: cohort_week, week_number."""
    return _answer(COHORT_RETENTION, raw_dir, as_of)


def compare(actual: pd.DataFrame, expected: pd.DataFrame, key: Sequence[str]) -> None:
    """Both frames hold the same rows and values; numbers within 1e-9, relative, or absolute below one.

    Raises:
        AssertionError: with the columns, the keys or the cells that differ.
    """
    assert set(actual.columns) == set(expected.columns), f"columns {set(actual.columns) ^ set(expected.columns)}"
    ours, theirs = _by_key(actual, key), _by_key(expected, key)
    missing, extra = theirs.keys() - ours.keys(), ours.keys() - theirs.keys()
    assert not missing, f"{len(missing)} rows missing, such as {sorted(missing)[:5]}"
    assert not extra, f"{len(extra)} rows too many, such as {sorted(extra)[:5]}"
    wrong = [
        f"{dict(zip(key, at, strict=True))} {name}: {ours[at][name]!r}, expected {row[name]!r}"
        for at, row in theirs.items()
        for name in row
        if not _same(ours[at][name], row[name])
    ]
    assert not wrong, f"{len(wrong)} cells differ:\n" + "\n".join(wrong[:20])


def _answer(query: str, raw_dir: Path, as_of: date) -> pd.DataFrame:
    with duckdb.connect() as db:
        db.execute("SET TimeZone = 'UTC'")
        for table in TABLES:
            db.execute(f"CREATE VIEW raw_{table} AS SELECT * FROM read_parquet({_files(raw_dir, table)!r})")
        times = {name: f"(({name}::VARCHAR)::TIMESTAMPTZ AT TIME ZONE 'UTC')" for name in TIMES}
        day = f"DATE '{as_of}'"
        db.execute(VIEWS.format(**times).replace("$as_of", day))
        return db.sql(query.replace("$as_of", day)).df()


def _files(raw_dir: Path, table: str) -> list[str]:
    found = [*raw_dir.glob(f"{table}.parquet"), *raw_dir.glob(f"{table}/**/*.parquet")]
    assert found, f"{raw_dir} holds no {table}"
    return sorted(map(str, found))


def _by_key(frame: pd.DataFrame, key: Sequence[str]) -> dict[tuple[Any, ...], dict[str, Any]]:
    rows = [{name: _plain(value) for name, value in row.items()} for row in frame.to_dict("records")]
    found = {tuple(row[name] for name in key): row for row in rows}
    assert len(found) == len(rows), f"{len(rows) - len(found)} rows repeat a key"
    return found


def _plain(value: Any) -> Any:
    """Days as text, numbers as floats, everything absent as None."""
    if value is None or value is pd.NaT or (isinstance(value, float) and math.isnan(value)):
        return None
    if isinstance(value, date):
        return str(value)[:10]
    return value if isinstance(value, str) else float(value)


def _same(one: Any, other: Any) -> bool:
    if isinstance(one, float) and isinstance(other, float):
        return math.isclose(one, other, rel_tol=1e-9, abs_tol=1e-9)
    return bool(one == other)
