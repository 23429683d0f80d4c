"""Why a student is at risk, in words: what each group of features adds to the risk of a typical active student."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

Predict = Callable[[pd.DataFrame], np.ndarray]
SMALLEST = 0.05
TOLD = 3
SELDOM = 0.9
"""A silence longer than this share of a student's own gaps is worth a word."""
AWAY_DAYS = 14


@dataclass(frozen=True)
class Reason:
    """A group of features that tell one story.

    Attributes:
        name: the playbook's key.
        features: set back to typical together.
        tell: the words, from the student's row and the typical one.
        family: reasons of one family measure one thing, so that the strongest of them speaks first for all.
    """

    name: str
    features: tuple[str, ...]
    tell: Callable[[pd.Series, pd.Series], str | None]
    family: str


def _silence(row: pd.Series, typical: pd.Series) -> str | None:
    days, usual = row["days_since_active"], row["usual_gap"]
    long = [shown for shown in (usual, typical["days_since_active"]) if pd.notna(shown)]
    if days <= 1 or all(days <= shown for shown in long):
        return None
    beside = f"; usual gap {_days(usual)}" if pd.notna(usual) else "; no rhythm yet"
    unheard = ", seldom that long" if row.get("silence_percentile", 0.0) >= SELDOM else ""
    return f"{_days(days)} since the last session{beside}{unheard}"


def _absences(row: pd.Series, typical: pd.Series) -> str | None:
    if not row["longest_gap"] > AWAY_DAYS:
        return None
    return f"has been away for {_days(row['longest_gap'])} before"


def _effort(row: pd.Series, typical: pd.Series) -> str | None:
    if not _under(row["messages_14"], typical["messages_14"]):
        return None
    return f"{_count(row['messages_14'], 'message')} in 14 days; typical {typical['messages_14']:.0f}"


def _rhythm(row: pd.Series, typical: pd.Series) -> str | None:
    if not _under(row["active_days_28"], typical["active_days_28"]):
        return None
    return f"active on {row['active_days_28']:.0f} of the last 28 days; typical {typical['active_days_28']:.0f}"


def _decline(row: pd.Series, typical: pd.Series) -> str | None:
    before = row["active_days_28"] - row["active_days_14"]
    if row["activity_trend"] >= 0:
        return None
    return f"{_count(row['active_days_14'], 'active day')} in the last 14, down from {before:.0f}"


def _streak(row: pd.Series, typical: pd.Series) -> str | None:
    if row["streak_lost"] < max(2, typical["streak_lost"]):
        return None
    lasting = row["streak_weeks"]
    return f"practised {_count(row['streak_lost'] + lasting, 'week')} in a row before; now {lasting:.0f}"


def _sessions(row: pd.Series, typical: pd.Series) -> str | None:
    less = -np.expm1(row["session_change"])
    return f"sessions about {less:.0%} shorter than before" if round(less, 2) > 0 else None


def _scores(row: pd.Series, typical: pd.Series) -> str | None:
    latest, mean = row["score_latest"], row["score_mean"]
    if pd.isna(latest):
        return None
    for other, said in ((mean, "their mean is"), (typical["score_latest"], "typical is")):
        if _under(latest, other):
            return f"latest assessment {latest:.0f} of 100; {said} {other:.0f}"
    return None


def _setback(row: pd.Series, typical: pd.Series) -> str | None:
    if row["failed_then_silent"] < 1:
        return None
    return f"no session since an assessment of {row['score_latest']:.0f} of 100"


def _errors(row: pd.Series, typical: pd.Series) -> str | None:
    rate = row["error_rate_14"] if pd.notna(row["error_rate_14"]) else row["error_rate_28"]
    if pd.isna(rate) or not round(rate, 2) > round(typical["error_rate_28"], 2):
        return None
    return f"{rate:.0%} of messages corrected; typical {typical['error_rate_28']:.0%}"


def _lessons(row: pd.Series, typical: pd.Series) -> str | None:
    done, since = row["lessons_completed_28"], row["days_since_lesson"]
    if done >= typical["lessons_completed_28"]:
        return None
    last = f"; last lesson {_days(since)} ago" if pd.notna(since) else ""
    return f"{_count(done, 'lesson')} completed in 28 days{last}"


def _assessments(row: pd.Series, typical: pd.Series) -> str | None:
    since = row["days_since_attempt"]
    if pd.isna(since):
        return "no assessment in the last 180 days"
    return f"last assessment {_days(since)} ago" if since > typical["days_since_attempt"] else None


def _peers(row: pd.Series, typical: pd.Series) -> str | None:
    if row["attempts_behind"] >= 1:
        return f"{_count(row['attempts_behind'], 'assessment')} fewer than students who began when they did"
    if not row["lessons_rank"] < min(0.5, typical["lessons_rank"]):
        return None
    if row["lessons_rank"] == 0:
        return "no more lessons than any other who began when they did"
    if round(row["lessons_rank"], 2) == 0:
        return "fewer lessons than nearly everybody who began when they did"
    return f"more lessons than only {row['lessons_rank']:.0%} of the students who began when they did"


def _newcomer(row: pd.Series, typical: pd.Series) -> str | None:
    if row["tenure_days"] >= min(28, typical["tenure_days"]):
        return None
    return f"began only {_days(row['tenure_days'])} ago"


REASONS = (
    Reason("silence", ("days_since_active", "gap_ratio", "usual_gap", "active_days_7",
                       "silence_percentile", "silence_over_long_gap", "missed_days", "returns_from_silence"),
           _silence, "practice"),
    Reason("absences", ("longest_gap", "silent_fortnights"), _absences, "practice"),
    Reason("effort", ("messages_7", "messages_14", "messages_28", "minutes_7", "minutes_14", "minutes_28",
                      "effort_share"), _effort, "practice"),
    Reason("rhythm", ("active_days_14", "active_days_28", "conversations_7", "conversations_14", "conversations_28",
                      "weekly_rhythm", "streak_weeks", "active_days_180", "active_share", "decayed_7",
                      "activity_rank"), _rhythm, "practice"),
    Reason("decline", ("activity_trend", "message_trend", "trend_break", "platform_break"), _decline, "practice"),
    Reason("streak", ("streak_lost",), _streak, "practice"),
    Reason("sessions", ("session_change",), _sessions, "practice"),
    Reason("scores", ("score_latest", "score_mean", "score_slope", "score_drop", "mastery_mean", "mastery_recent",
                      "score_beside_level"), _scores, "scores"),
    Reason("setback", ("failed_then_silent",), _setback, "scores"),
    Reason("errors", ("error_rate_14", "error_rate_28", "error_rate_180", "error_rate_change",
                      "error_beside_level", "error_break", "grammar_share", "vocabulary_share", "spelling_share"),
           _errors, "errors"),
    Reason("lessons", ("lessons_started_28", "lessons_completed_28", "lessons_completed_180", "lessons_open",
                       "days_since_lesson", "lesson_pace_change", "lesson_overdue"), _lessons, "lessons"),
    Reason("peers", ("lessons_rank", "attempts_behind", "attempt_missed"), _peers, "lessons"),
    Reason("assessments", ("attempts_28", "attempts_180", "days_since_attempt"), _assessments, "assessments"),
    Reason("newcomer", ("tenure_days",), _newcomer, "tenure"),
)  # fmt: skip


EXPLAINED = ["reason_1", "reason_2", "reason_3", "effect_1", "effect_2", "effect_3", "cause"]


def explain(rows: pd.DataFrame, typical: Mapping[str, float], predict: Predict) -> pd.DataFrame:
    """The three reasons that raise each student's risk most.

    Args:
        rows: features, a row a student.
        typical: the median of every feature among the eligible students of the day.
        predict: probabilities from a frame of features.

    Returns:
        reason_1, reason_2, reason_3 (words or None), effect_1, effect_2, effect_3 (what each adds to the log-odds) and
        cause (the playbook's key of the first, or None), in the order of `rows`.
    """
    reference = pd.Series(typical, dtype="float64")
    raised = contributions(rows, typical, predict)
    told = [_tell(row, reference, raised[i]) for i, (_, row) in enumerate(rows.iterrows())]
    return pd.DataFrame(told, columns=EXPLAINED, index=rows.index, dtype=object)


def contributions(rows: pd.DataFrame, typical: Mapping[str, float], predict: Predict) -> np.ndarray:
    """How much each reason adds to the log-odds of a student's risk beside a typical student's: Shapley values.

    The groups of features go from typical to the student's own one after another, in a few fixed orders and their
    reverses, and each is given what it changed on the way (Štrumbelj and Kononenko, Explaining prediction models and
    individual predictions with feature contributions, 2014; antithetic orders: Mitchell et al., Sampling permutations
    for Shapley value estimation, 2022). Where groups act apart from each other, as in a linear model, that is exact.

    Args:
        rows: features, a row a student.
        typical: what a group is compared with.
        predict: probabilities from a frame of features.

    Returns:
        Shape (rows, reasons). A row sums to its log-odds less those of the same student with every group typical.
    """
    own = [[name for name in reason.features if name in rows] for reason in REASONS]
    every = [name for names in own for name in names]
    begin = rows.assign(**{name: typical[name] for name in every})
    lowest = _log_odds(predict(begin))
    added = np.zeros((len(rows), len(REASONS)))
    for order in ORDERS:
        now, before = begin.copy(), lowest
        for place in order:
            now[own[place]] = rows[own[place]]
            after = _log_odds(predict(now))
            added[:, place] += after - before
            before = after
    return added / len(ORDERS)


def _orders(pairs: int) -> tuple[tuple[int, ...], ...]:
    """Random orders of the reasons, each with its reverse; always the same ones."""
    drawn = [np.random.default_rng(n).permutation(len(REASONS)).tolist() for n in range(pairs)]
    return tuple(tuple(order) for one in drawn for order in (one, one[::-1]))


ORDERS = _orders(4)


def _tell(row: pd.Series, typical: pd.Series, raised: np.ndarray) -> list[str | float | None]:
    strongest = [i for i in np.argsort(-raised.round(6), kind="stable") if raised[i] >= SMALLEST]
    words = {i: said for i in strongest if (said := REASONS[i].tell(row, typical))}
    told = _varied(list(words))
    lacking: list[None] = [None] * (TOLD - len(told))
    effects = [round(float(raised[i]), 4) for i in told]
    return [*[words[i] for i in told], *lacking, *effects, *lacking, REASONS[told[0]].name if told else None]


def _varied(places: list[int]) -> list[int]:
    """Three of the reasons, strongest first: of each family its strongest, and others only where those are fewer."""
    first = {REASONS[i].family: i for i in reversed(places)}
    leading = [i for i in places if first[REASONS[i].family] == i]
    chosen = [*leading, *[i for i in places if i not in leading]][:TOLD]
    return [i for i in places if i in chosen]


def _log_odds(probability: np.ndarray) -> np.ndarray:
    clipped = np.clip(probability, 1e-6, 1 - 1e-6)
    return np.log(clipped / (1 - clipped))


def _under(value: float, other: float) -> bool:
    """Whether a number is less than another, and looks it as whole numbers."""
    return value < other and f"{value:.0f}" != f"{other:.0f}"


def _days(days: float) -> str:
    return _count(days, "day")


def _count(number: float, noun: str) -> str:
    shown = f"{number:.1f}".removesuffix(".0")
    return f"{shown} {noun}" if shown == "1" else f"{shown} {noun}s"
