"""Realistic frames for the dashboard: a school of 500 students and six languages on 2 December 2024."""

from __future__ import annotations

from dataclasses import fields
from datetime import date, timedelta
from typing import Any

import numpy as np
import pandas as pd

from monitoring.dashboard.frames import COLUMNS, Frames, empty

AS_OF = date(2024, 12, 2)
LANGUAGES = ("spanish", "french", "german", "italian", "portuguese", "japanese")
WEIGHTS = np.array([0.30, 0.22, 0.18, 0.13, 0.10, 0.07])
LEVELS = ("A1", "A2", "B1", "B2", "C1", "C2")
SEGMENTS = ("High Performers", "Active Learners", "Struggling Students", "Casual Users")
TOPICS = ("travel", "food", "work", "family", "health", "culture", "sport", "technology", "shopping", "weather")
ACTIONS = {
    "silence": "Send a short personal message and offer a ten-minute conversation.",
    "errors": "Offer a lesson one level down and praise what went well.",
    "score": "Go through the last assessment together.",
    "trend": "Suggest a fixed day and time for the next two weeks.",
}
TRAITS = {
    "active_days_28": ((15, 18, 9, 4), 5.0),
    "minutes_28": ((310, 340, 170, 60), 120.0),
    "score_mean": ((84, 70, 52, 66), 12.0),
    "error_rate_28": ((0.10, 0.19, 0.35, 0.22), 0.1),
    "lessons_completed_28": ((7, 6, 2.4, 1), 2.7),
    "usual_gap": ((2.1, 1.6, 3.4, 6.8), 2.2),
}


def sample_frames(students: int = 500, seed: int = 7) -> Frames:
    """Frames of a school with `students` students, about 0.6 of them active in the last 14 days."""
    rng = np.random.default_rng(seed)
    scored = at_risk(int(students * 0.6), rng)
    made = {
        "at_risk": scored,
        "students": _students(students, len(scored)),
        "presence": pd.DataFrame([(len(scored), 0)], columns=list(COLUMNS["presence"])),
        "closures": pd.DataFrame(columns=list(COLUMNS["closures"])),
        "gold_day": pd.DataFrame({"as_of": [AS_OF]}),
        "daily": _daily(students, rng),
        "metrics": _metrics(students, rng),
        "languages": _languages(students),
        "funnel": _funnel(students),
        "velocity": _velocity(students),
        "durations": _durations(rng),
        "assessments": _assessments(students, rng),
        "errors": pd.DataFrame(
            {
                "cefr_level": LEVELS,
                "conversations": [4210, 5120, 4388, 2105, 804, 17],
                "students": [150, 190, 170, 88, 31, 3],
                "mean_error_rate": [0.31, 0.27, 0.22, 0.18, 0.13, 0.09],
            }
        ),
        "retention": _retention(rng),
        "lessons": _lessons(rng),
        "topics": _topics(rng),
        "segments": pd.DataFrame({"segment": SEGMENTS, "students": _sizes(scored), "between_two": [4, 0, 1, 9]}),
        "movement": _movement(),
        "traits": _traits(),
        "health": _health(rng),
        "drift": _drift(),
        "alerts": _alerts(),
        "retraining": pd.DataFrame(
            [("spark_catalog.models.dropout", True, "the newest version was trained 28 days ago, more than 21", False)],
            columns=list(COLUMNS["retraining"]),
        ),
        "quality": _quality(),
    }
    assert all(list(made[name].columns) == list(columns) for name, columns in COLUMNS.items())
    return Frames(**made)


def at_risk(rows: int, rng: np.random.Generator) -> pd.DataFrame:
    """Scored students, in no order."""
    risk = np.clip(rng.beta(1.3, 3.6, rows), 0.01, 0.97)
    silent = np.clip(np.round(risk * 13 + rng.normal(0, 2, rows)), 1, 14).astype(int)
    gap = np.clip(rng.poisson(3, rows), 1, None)
    segment = rng.choice(SEGMENTS, rows, p=[0.24, 0.27, 0.25, 0.24])
    kind = rng.choice(list(ACTIONS), rows, p=[0.5, 0.2, 0.1, 0.2])
    errors = rng.integers(22, 48, rows)
    return pd.DataFrame(
        {
            "student_id": [f"S{1000 + i}" for i in rng.permutation(rows)],
            "risk": risk,
            "risk_band": np.where(risk >= 0.5, "high", np.where(risk >= 0.25, "medium", "low")),
            "reason_1": [
                f"{d} days since the last session; usual gap {g}" for d, g in zip(silent, gap, strict=True)
            ],
            "reason_2": [
                f"{e}% of messages corrected in the last 28 days; was {e - 7}%" if k == "errors" else
                f"{g} active days in the last 28; {g + 5} in the 28 before"
                for e, k, g in zip(errors, kind, gap, strict=True)
            ],
            "reason_3": [None if r < 0.15 else "No lesson completed in the last 28 days" for r in risk],
            "segment": segment,
            "suggested_action": [ACTIONS[k] for k in kind],
            "language": rng.choice(LANGUAGES, rows, p=WEIGHTS),
            "days_since_active": silent,
            "contacted_on": [date(2024, 11, 27) if n % 9 == 0 else None for n in range(rows)],
            "model_kind": "gradient_boosting",
            "model_version": "4",
            "scored_at": pd.Timestamp("2024-12-02 05:10:00"),
            "trend": [" ".join(str(round(100 * r * part)) for part in (0.5, 0.7, 0.6, 1.0)) for r in risk],
        }
    )  # fmt: skip


def model_card() -> dict[str, Any]:
    """A gradient boosting champion with its test figures beside the recency rule's."""
    return {
        "model_name": "spark_catalog.models.dropout",
        "version": "4",
        "kind": "gradient_boosting",
        "in_use": "Better than version 1 on the same fresh window: every check passed.",
        "trained_from": date(2024, 3, 4),
        "trained_to": date(2024, 9, 9),
        "test_from": date(2024, 10, 14),
        "test_to": date(2024, 11, 11),
        "metrics": _metrics_of(0.842, 0.611, 0.104, 0.021, 0.78, 3.9, 0.20),
        "recency": _metrics_of(0.791, 0.498, 0.121, 0.034, 0.64, 3.2, 0.20),
        "too_little_data": False,
        "test_rows": 1310,
        "test_students": 342,
    }


def small_model_card() -> dict[str, Any]:
    """The recency rule as champion, because there is too little data, with figures missing."""
    return {
        "model_name": "spark_catalog.models.dropout",
        "version": "1",
        "kind": "recency_rule",
        "reason": "Only 12 students who dropped out are in the training window; 30 are needed.",
        "too_little_data": True,
        "metrics": {"roc_auc": {"value": float("nan")}},
    }


def _metrics_of(*values: float) -> dict[str, dict[str, float]]:
    names = ("roc_auc", "average_precision", "brier", "calibration_error", "precision_at_10", "lift_at_10", "base_rate")
    return {n: {"value": v, "low": v * 0.93, "high": v * 1.06} for n, v in zip(names, values, strict=True)}


def _sizes(scored: pd.DataFrame) -> list[int]:
    counts = scored["segment"].value_counts()
    return [int(counts.get(s, 0)) + 20 + 15 * i for i, s in enumerate(SEGMENTS)]


def _students(students: int, scored: int) -> pd.DataFrame:
    seven = int(scored * 0.8)
    row = (students, seven, int(seven * 1.06), int(scored * 1.15), int(students * 0.05))
    return pd.DataFrame([row], columns=list(COLUMNS["students"]))


def _daily(students: int, rng: np.random.Generator) -> pd.DataFrame:
    days = [AS_OF - timedelta(days=d) for d in range(200, 0, -1)]
    season = [
        students * (0.16 + 0.05 * np.sin(i / 32) + (0.03 if d.weekday() < 5 else -0.03)) for i, d in enumerate(days)
    ]
    return pd.DataFrame({"activity_date": days, "active_students": rng.poisson(season)})


def _metrics(students: int, rng: np.random.Generator) -> pd.DataFrame:
    rows = []
    for back in range(60, 0, -1):
        for language, weight in zip(LANGUAGES, WEIGHTS, strict=True):
            active = int(rng.poisson(students * 0.17 * weight) + 1)
            day = AS_OF - timedelta(days=back)
            rows.append((day, language, active, active, active * 14, float(rng.normal(16, 1.5)), 0.23))
    return pd.DataFrame(rows, columns=list(COLUMNS["metrics"]))


def _languages(students: int) -> pd.DataFrame:
    ever = (WEIGHTS * students * 1.15).astype(int)
    return pd.DataFrame({"language": LANGUAGES, "students": ever, "active_28": (ever * 0.64).astype(int)})


def _funnel(students: int) -> pd.DataFrame:
    now, ever = (0.24, 0.27, 0.25, 0.15, 0.07, 0.02), (0.52, 0.55, 0.44, 0.24, 0.1, 0.02)
    rows = [
        (lang, level, int(students * w * now[i]), int(students * w * ever[i]) + 1, 58.0 + 4 * i, 40 - 5 * i)
        for lang, w in zip(LANGUAGES, WEIGHTS, strict=True)
        for i, level in enumerate(LEVELS)
    ]
    return pd.DataFrame(rows, columns=list(COLUMNS["funnel"]))


def _velocity(students: int) -> pd.DataFrame:
    sizes = (WEIGHTS * students).astype(int)
    means = (0.24, 0.21, 0.17, 0.29, 0.26, 0.12)
    columns = (LANGUAGES, sizes, means, (0.31,) * 6, (sizes * 0.41).astype(int))
    return pd.DataFrame(dict(zip(COLUMNS["velocity"], columns, strict=True)))


def _durations(rng: np.random.Generator) -> pd.DataFrame:
    rows = []
    for language, weight in zip(LANGUAGES, WEIGHTS, strict=True):
        for i, level in enumerate(LEVELS[:-1]):
            entered = int(300 * weight * (0.9, 1, 0.8, 0.4, 0.12)[i])
            median = float(rng.normal(42 + 19 * i, 6)) if i < 4 else None
            rows.append((language, level, entered, int(entered * (0.6 - 0.1 * i)), median, 80.0 + 14 * i))
    return pd.DataFrame(rows, columns=list(COLUMNS["durations"]))


def _assessments(students: int, rng: np.random.Generator) -> pd.DataFrame:
    rows = []
    for back in range(26, 0, -1):
        for language, weight in zip(LANGUAGES, WEIGHTS, strict=True):
            attempts = int(rng.poisson(students * 0.12 * weight) + 1)
            score = float(63 + (26 - back) * 0.2 + rng.normal(0, 2.5))
            rows.append((AS_OF - timedelta(weeks=back), language, attempts, score))
    return pd.DataFrame(rows, columns=list(COLUMNS["assessments"]))


def _retention(rng: np.random.Generator) -> pd.DataFrame:
    rows = []
    for back in range(30, 0, -1):
        size = int(rng.integers(3, 24))
        for week in range(back):
            kept = 1.0 if week == 0 else 0.72 * week**-0.28
            active = size if week == 0 else int(rng.binomial(size, kept))
            rows.append((AS_OF - timedelta(weeks=back), week, size, active, active / size))
    return pd.DataFrame(rows, columns=list(COLUMNS["retention"]))


def _lessons(rng: np.random.Generator) -> pd.DataFrame:
    rows: list[tuple[Any, ...]] = []
    for language, weight in zip(LANGUAGES, WEIGHTS, strict=True):
        for i in range(72):
            level, kind = LEVELS[i // 12], ("vocabulary", "grammar", "listening")[i % 3]
            attempts = int(rng.poisson(160 * weight * (1 - i / 80))) + 1
            done = int(rng.binomial(attempts, 0.8 - 0.004 * i))
            mastery = float(np.clip(rng.normal(0.72, 0.1), 0, 1)) if done else None
            rate = done / attempts
            score = 0.4 * rate + 0.6 * (mastery or 0) if attempts >= 3 else None
            gained = done // 2
            gain = float(rng.normal(1.4, 1.2)) if gained >= 2 else None
            width = 6 / np.sqrt(gained) if gain is not None else 0.0
            subject = TOPICS[i % len(TOPICS)]
            rows.append((
                f"{language}-{i}", language, kind, subject, f"{subject.capitalize()}: {kind} {level}.{i % 12 + 1}",
                level, attempts, done, rate, mastery, 20.0, score, gained, gain,
                None if gain is None else gain - width, None if gain is None else gain + width,
            ))  # fmt: skip
    return pd.DataFrame(rows, columns=list(COLUMNS["lessons"]))


def _topics(rng: np.random.Generator) -> pd.DataFrame:
    rows = []
    for j, topic in enumerate(TOPICS):
        for language, weight in zip(LANGUAGES, WEIGHTS, strict=True):
            talks = int(rng.poisson(420 * weight * (1 - j / 11))) + 1
            back = float(np.clip(0.55 + 0.02 * (5 - j) + rng.normal(0, 0.04), 0, 1))
            rows.append((topic, language, talks, talks // 4 + 1, 14.0, 15.5, 0.2, talks, back))
    return pd.DataFrame(rows, columns=list(COLUMNS["topics"]))


def _movement() -> pd.DataFrame:
    names = (*SEGMENTS, "none")
    rows = [
        (AS_OF - timedelta(days=28), before, now, 60 if before == now else 3 + 2 * i + j)
        for i, before in enumerate(names)
        for j, now in enumerate(names)
        if (before, now) != ("none", "none")
    ]
    return pd.DataFrame(rows, columns=list(COLUMNS["movement"]))


def _alerts() -> pd.DataFrame:
    rows = [
        ("silent_client", "critical", "silver.messages", 4.1, 0.7, "4.1 rows of silver.messages an active student"),
        ("feature_drifted", "info", "minutes_28", 0.61, 0.5, "minutes_28 has a PSI of 0.61"),
    ]
    return pd.DataFrame(rows, columns=list(COLUMNS["alerts"]))


def _traits() -> pd.DataFrame:
    rows = [
        (segment, trait, float(means[i]), float(np.mean(means)), spread)
        for trait, (means, spread) in TRAITS.items()
        for i, segment in enumerate(SEGMENTS)
    ]
    return pd.DataFrame(rows, columns=list(COLUMNS["traits"]))


def _health(rng: np.random.Generator) -> pd.DataFrame:
    promised = {
        "roc_auc": 0.842, "average_precision": 0.611, "brier": 0.104, "calibration_error": 0.021,
        "precision_at_10": 0.78, "lift_at_10": 3.9, "base_rate": 0.2, "mean_risk": 0.21,
    }  # fmt: skip
    rows: list[tuple[Any, ...]] = []
    for back in range(11, 2, -1):
        day = AS_OF - timedelta(weeks=back)
        rows += [
            (day, "spark_catalog.models.dropout", "4", metric, value, value * float(rng.normal(0.98, 0.03)))
            for metric, value in promised.items()
        ]
        rows.append((day, "spark_catalog.models.dropout", "4", "students", None, 290.0))
    return pd.DataFrame(rows, columns=list(COLUMNS["health"]))


def _drift() -> pd.DataFrame:
    values = {
        "platform_active_28": 0.31, "minutes_7": 0.14, "messages_28": 0.08, "error_rate_change": 0.06,
        "days_since_active": 0.05, "tenure_days": 0.04, "mean_score": 0.02, "streak": 0.01,
    }  # fmt: skip
    status = ["drifted" if v > 0.25 else "watch" if v > 0.1 else "ok" for v in values.values()]
    rows = [(AS_OF, f, v, v / 2, 0.02, 0.02, s) for (f, v), s in zip(values.items(), status, strict=True)]
    return pd.DataFrame(rows, columns=list(COLUMNS["drift"]))


def _quality() -> pd.DataFrame:
    rows = [
        ("silver.conversations", 16644, "2024-12-01 23:41", 0.3, 12),
        ("silver.messages", 231840, "2024-12-01 23:58", 0.0, 340),
        ("silver.lesson_progress", 9120, "2024-12-01 22:14", 1.8, 0),
        ("silver.lessons", 432, "2024-01-01 00:00", 8064.0, 0),
        ("silver.assessment_attempts", 3120, "2024-11-28 17:20", 78.7, 231),
        ("silver.student_levels", 1604, None, None, 0),
    ]
    shaped = [(AS_OF, t, n, pd.Timestamp(m) if m else pd.NaT, h, q, 0) for t, n, m, h, q in rows]
    return pd.DataFrame(shaped, columns=list(COLUMNS["quality"]))


def no_frames() -> Frames:
    """Every frame empty, as in a lake where nothing has run."""
    return Frames(**{field.name: empty(field.name) for field in fields(Frames)})
