"""The rules of promotion: pure questions to evidence, each answered yes, or no with the reason.

A rule that raises, or compares with NaN, has not been kept: every comparison asks for what must be true.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import yaml

from training.evaluation import point, resampled, slices, students

Rules = Mapping[str, Any]
PATH = Path(__file__).with_name("rules.yaml")


@dataclass(frozen=True)
class Answer:
    """What a rule says: kept or not, and the figures it said so on."""

    rule: str
    kept: bool
    said: str


Question = Callable[[], tuple[bool, str]]


def load(path: Path = PATH) -> Rules:
    """The thresholds per model."""
    return dict(yaml.safe_load(path.read_text()))


def answers(questions: Mapping[str, Question]) -> list[Answer]:
    """Every rule's answer; one that raises is not kept, and says what it raised."""
    return [_answer(rule, question) for rule, question in questions.items()]


def refusal(found: list[Answer]) -> str:
    """The first broken rule with its reason; empty when all are kept. No rule at all is a refusal."""
    if not found:
        return "there was no rule to keep"
    return next((f"{answer.rule}: {answer.said}" for answer in found if not answer.kept), "")


def dropout_questions(rows: pd.DataFrame, rules: Rules, seed: int) -> dict[str, Question]:
    """The rules for a dropout challenger.

    Args:
        rows: the challenger's test rows: student_id, dropped_out, language, level_index, tenure_days, and the
            probabilities `probability` (challenger), `champion` and `recency`.
        rules: the section `dropout` of the thresholds.
        seed: of the bootstrap.
    """
    return {
        "valid_probabilities": lambda: _valid(rows),
        "enough_positive_students": lambda: _enough(rows, rules["min_positive_students"]),
        "differs_from_champion": lambda: _differs(rows),
        "better_than_recency_rule": lambda: _better(rows, rules["min_gain_over_recency"]),
        "not_worse_than_champion": lambda: _not_worse(rows, rules["max_loss_to_champion"], seed),
        "calibrated": lambda: _calibrated(rows, rules["max_calibration_error"]),
        "no_slice_far_behind": lambda: _slices_hold(
            rows, rules["slice_min_positive_students"], rules["max_slice_loss"]
        ),
    }


def segment_questions(card: Mapping[str, Any], rules: Rules) -> dict[str, Question]:
    """The rules for a segment challenger.

    Args:
        card: its model card.
        rules: the section `segments` of the thresholds.
    """

    def stable() -> tuple[bool, str]:
        found = float(card["stability"][str(len(card["segments"]))])
        return found >= rules["min_stability"], f"adjusted Rand {found:.2f}, at least {rules['min_stability']}"

    def large() -> tuple[bool, str]:
        name, share = min(card["shares"].items(), key=lambda item: item[1])
        kept = len(card["shares"]) == len(card["segments"]) and share >= rules["min_segment_share"]
        return kept, f"{name} holds {share:.1%} of the students, at least {rules['min_segment_share']:.0%}"

    def named() -> tuple[bool, str]:
        return card["names_matched"] is True, "each centroid nearest to the one that gave it its name"

    return {"stable": stable, "no_segment_too_small": large, "names_hold": named}


def _answer(rule: str, question: Question) -> Answer:
    try:
        kept, said = question()
    except Exception as error:
        return Answer(rule, False, f"could not be answered ({type(error).__name__}: {error})")
    return Answer(rule, bool(kept), said)


def _valid(rows: pd.DataFrame) -> tuple[bool, str]:
    scores = rows[["probability", "champion", "recency"]].to_numpy(float)
    good = np.isfinite(scores).all() and (scores >= 0).all() and (scores <= 1).all() and len(rows) > 0
    return bool(good), "probabilities must lie in [0, 1], none missing"


def _enough(rows: pd.DataFrame, least: int) -> tuple[bool, str]:
    count = students(rows)["positive_students"]
    return count >= least, f"{count} students drop out in the test window, at least {least}"


def _differs(rows: pd.DataFrame) -> tuple[bool, str]:
    apart = (rows["probability"] - rows["champion"]).abs().max()
    return apart > 1e-9, "its probabilities must not be the champion's own"


def _better(rows: pd.DataFrame, least: float) -> tuple[bool, str]:
    ours, theirs = point(rows, "probability"), point(rows, "recency")
    gains = {metric: ours[metric] - theirs[metric] for metric in ("average_precision", "roc_auc")}
    kept = max(gains.values()) >= least and all(gain >= 0 for gain in gains.values())
    told = ", ".join(f"{metric} {ours[metric]:.3f} against {theirs[metric]:.3f}" for metric in gains)
    return kept, f"{told} of the recency rule, one by {least} or more and none lower"


def _not_worse(rows: pd.DataFrame, loss: float, seed: int) -> tuple[bool, str]:
    metric = "average_precision"
    gain = point(rows, "probability")[metric] - point(rows, "champion")[metric]
    gains = resampled(rows, "probability", seed)[metric] - resampled(rows, "champion", seed)[metric]
    low, high = np.quantile(gains, [0.025, 0.975])
    return bool(gain >= -loss and high >= 0), f"{metric} {gain:+.3f} ({low:+.3f} to {high:+.3f}) on the champion's"


def _calibrated(rows: pd.DataFrame, most: float) -> tuple[bool, str]:
    error = point(rows, "probability")["calibration_error"]
    return error <= most, f"calibration error {error:.3f}, at most {most}"


def _slices_hold(rows: pd.DataFrame, least: int, loss: float) -> tuple[bool, str]:
    behind = [said for gain, said in _slice_gains(rows, least) if not gain >= -loss]
    return not behind, "; ".join(behind) or f"no slice loses more than {loss} of ROC AUC on the champion"


def _slice_gains(rows: pd.DataFrame, least: int) -> Iterator[tuple[float, str]]:
    for name, of in slices(rows).items():
        for value, part in rows.groupby(of):
            if students(part)["positive_students"] < least or part["dropped_out"].min() == 1:
                continue
            ours, theirs = point(part, "probability")["roc_auc"], point(part, "champion")["roc_auc"]
            yield ours - theirs, f"{name} {value}: ROC AUC {ours:.3f} against {theirs:.3f}"
