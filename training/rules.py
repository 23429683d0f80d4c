"""The rules of promotion: pure questions to evidence, each answered yes, or no with the reason.

A rule that raises, or compares with NaN, has not been kept: every comparison asks for what must be true.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import yaml

from features.student_labels import HORIZON_DAYS
from lakehouse.evaluation import evaluate, point, resampled, slices, students
from lakehouse.registry import RECENCY
from training.splits import gap

Rules = Mapping[str, Any]
SAME, ALMOST_ALL = 1e-6, 0.99
QUESTION = {"horizon_days": str(HORIZON_DAYS), "feature_set": "behaviour"}
"""Tags that say what a version answers, with what one without them does."""
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


@dataclass(frozen=True)
class Papers:
    """What two versions say of themselves, and what there is for them.

    Attributes:
        as_of: the day of the decision.
        champion: tags of the champion.
        challenger: tags of the challenger.
        inputs: features that the challenger takes.
        outputs: what champion and challenger give out, as their signatures say.
        available: features that the feature tables hold.
    """

    as_of: date
    champion: Mapping[str, str]
    challenger: Mapping[str, str]
    inputs: Sequence[str]
    outputs: tuple[str, str]
    available: Collection[str]


@dataclass(frozen=True)
class Fresh:
    """Both versions on rows that were made anew for the decision.

    Attributes:
        rows: the challenger's test window: student_id, as_of, dropped_out, language, level_index, tenure_days, and the
            probabilities `probability` (challenger), `champion`, `recency`, and `evaluated`: what the challenger's own
            training logged.
        seconds_per_1000: time that the challenger took.
    """

    rows: pd.DataFrame
    seconds_per_1000: float


@dataclass(frozen=True)
class Grouped:
    """A segment challenger on the students of the day.

    Attributes:
        segments: its names.
        shares: share of the students by name.
        stability: adjusted Rand index between its groups and those learnt from bootstrap samples.
        names_hold: whether each centroid and the champion's of its name are each other's nearest.
    """

    segments: Sequence[str]
    shares: Mapping[str, float]
    stability: float
    names_hold: bool


def paper_questions(papers: Papers, rules: Rules) -> dict[str, Question]:
    """The rules that can be answered without a single prediction.

    Args:
        papers: of both versions.
        rules: the section of the model in the thresholds.
    """
    return {
        "same_question": lambda: _same_question(papers),
        "features_available": lambda: _available(papers),
        "signature_equal": lambda: _signature(papers),
        "evidence_fresh": lambda: _fresh(papers, rules["max_evidence_age_days"]),
    }


def dropout_questions(papers: Papers, fresh: Callable[[], Fresh], rules: Rules, seed: int) -> dict[str, Question]:
    """The rules for a dropout challenger.

    Args:
        papers: of both versions.
        fresh: gives both on fresh rows; what it raises breaks the rule that asked.
        rules: the section `dropout` of the thresholds.
        seed: of the bootstrap.
    """
    return paper_questions(papers, rules) | {
        "test_window_unseen": lambda: _unseen(papers),
        "valid_probabilities": lambda: _valid(fresh().rows),
        "as_evaluated": lambda: _as_evaluated(fresh().rows),
        "enough_positive_students": lambda: _enough(fresh().rows, rules["min_positive_students"]),
        "differs_from_champion": lambda: _differs(fresh().rows),
        "plausible": lambda: _plausible(fresh().rows, rules["max_roc_auc"]),
        "better_than_recency_rule": lambda: _better(fresh().rows, rules["min_gain_over_recency"], seed),
        "not_worse_than_champion": lambda: _not_worse(fresh().rows, rules["max_loss_to_champion"], seed),
        "calibrated": lambda: _calibrated(fresh().rows, rules["max_calibration_error"]),
        "no_slice_far_behind": lambda: _slices_hold(
            fresh().rows, rules["slice_min_positive_students"], rules["max_slice_loss"]
        ),
        "fast_enough": lambda: _fast(fresh().seconds_per_1000, rules["max_seconds_per_1000_rows"]),
    }


def segment_questions(papers: Papers, found: Callable[[], Grouped], rules: Rules) -> dict[str, Question]:
    """The rules for a segment challenger.

    Args:
        papers: of both versions.
        found: gives its groups of the students of the day; what it raises breaks the rule that asked.
        rules: the section `segments` of the thresholds.
    """

    def stable() -> tuple[bool, str]:
        stability = found().stability
        return stability >= rules["min_stability"], f"adjusted Rand {stability:.2f}, at least {rules['min_stability']}"

    def large() -> tuple[bool, str]:
        shares, least = found().shares, rules["min_segment_share"]
        name = min(shares, key=lambda key: shares[key])
        kept = len(shares) == len(found().segments) and shares[name] >= least
        return kept, f"{name} holds {shares[name]:.1%} of the students, at least {least:.0%}"

    def named() -> tuple[bool, str]:
        return found().names_hold, "each centroid nearest to the one that gave it its name"

    return paper_questions(papers, rules) | {"stable": stable, "no_segment_too_small": large, "names_hold": named}


def _answer(rule: str, question: Question) -> Answer:
    try:
        kept, said = question()
    except Exception as error:
        return Answer(rule, False, f"could not be answered ({type(error).__name__}: {error})")
    return Answer(rule, bool(kept), said)


def _same_question(papers: Papers) -> tuple[bool, str]:
    asked = [{key: tags.get(key, QUESTION[key]) for key in QUESTION} for tags in (papers.champion, papers.challenger)]
    return asked[0] == asked[1], f"it answers {asked[1]}, the champion {asked[0]}"


def _available(papers: Papers) -> tuple[bool, str]:
    lacking = sorted(set(papers.inputs) - set(papers.available))
    told = f"no feature table holds {', '.join(lacking)}" if lacking else f"all {len(papers.inputs)} are there"
    return bool(papers.inputs) and not lacking, told


def _signature(papers: Papers) -> tuple[bool, str]:
    theirs, ours = papers.outputs
    return bool(ours) and ours == theirs, f"it gives {ours or 'nothing that it names'}, the champion {theirs}"


def _fresh(papers: Papers, most: int) -> tuple[bool, str]:
    tags = papers.challenger
    newest = date.fromisoformat(tags.get("test_to") or tags["as_of"])
    settled = newest + (gap(int(tags["horizon_days"])) if tags.get("test_to") else timedelta(0))
    age = (papers.as_of - settled).days
    return 0 <= age <= most, f"its evidence ended on {newest} and is {age} days old on {papers.as_of}, at most {most}"


def _unseen(papers: Papers) -> tuple[bool, str]:
    first, needed = date.fromisoformat(papers.challenger["test_from"]), gap(int(papers.challenger["horizon_days"]))
    if not _seen(papers.challenger):
        return False, "it does not say what it was learnt from"
    # The recency rule ranks by one feature, whatever rows it was fitted on: to have seen the window cannot help it.
    champion = {} if papers.champion.get("kind") == RECENCY else papers.champion
    spoilt = {
        who: last
        for who, tags in (("challenger", papers.challenger), ("champion", champion))
        if (last := _seen(tags)) and last + needed > first
    }
    if not spoilt:
        whose = "neither saw anything" if champion else "the champion is a recency rule, and the challenger saw nothing"
        return True, f"{whose} from {first - needed} on"
    told = [f"the {who} was learnt or tuned on days up to {last}" for who, last in spoilt.items()]
    said = f"{' and '.join(told)}, and the test window starts on {first}"
    return False, f"{said}; train with test_from={max(spoilt.values()) + needed} or later"


def _seen(tags: Mapping[str, str]) -> date | None:
    """The last day that a version was learnt or tuned on."""
    days = [date.fromisoformat(tags[key]) for key in ("trained_to", "calibrated_to") if tags.get(key)]
    return max(days, default=None)


def _as_evaluated(rows: pd.DataFrame) -> tuple[bool, str]:
    same = (rows["probability"] - rows["evaluated"]).abs() <= SAME
    told = f"{same.sum():,} of {len(rows):,} test rows have the probability that its training logged"
    return bool(len(rows) and same.mean() >= ALMOST_ALL), f"{told}; if history changed since, train again"


def _plausible(rows: pd.DataFrame, most: float) -> tuple[bool, str]:
    found = point(rows, "probability")["roc_auc"]
    return found <= most, f"ROC AUC {found:.3f}, at most {most}: nobody foresees people better, look for a leak"


def _fast(seconds: float, most: float) -> tuple[bool, str]:
    return seconds <= most, f"{seconds:.3f} s per 1,000 rows, at most {most}"


def _valid(rows: pd.DataFrame) -> tuple[bool, str]:
    whose = {"probability": "its own", "champion": "the champion's", "recency": "the recency rule's"}
    wrong = [who for column, who in whose.items() if not rows[column].astype(float).between(0, 1).all()]
    told = f"; {' and '.join(wrong)} do not" if wrong else ""
    return len(rows) > 0 and not wrong, f"probabilities must lie in [0, 1], none missing{told}"


def _enough(rows: pd.DataFrame, least: int) -> tuple[bool, str]:
    count = students(rows)["positive_students"]
    return count >= least, f"{count} students drop out in the test window, at least {least}"


def _differs(rows: pd.DataFrame) -> tuple[bool, str]:
    apart = (rows["probability"] - rows["champion"]).abs().max()
    return apart > 1e-9, "its probabilities must not be the champion's own"


def _better(rows: pd.DataFrame, least: float, seed: int) -> tuple[bool, str]:
    gains = {metric: _gain(rows, "recency", metric, seed) for metric in ("average_precision", "roc_auc")}
    ours, rule = evaluate(rows, "probability", seed), point(rows, "recency")
    surely = [metric for metric in gains if (ours[metric]["low"] or 0.0) > rule[metric]]
    kept = any(gains[metric].value >= least for metric in surely) and all(gain.high >= 0 for gain in gains.values())
    told = ", ".join(f"{metric} {gain}" for metric, gain in gains.items())
    return kept, (
        f"{told} on the recency rule, whose value lies below the interval of {' and '.join(surely) or 'neither'}; one "
        f"such is to be {least} or more, and none surely lower"
    )


def _not_worse(rows: pd.DataFrame, loss: float, seed: int) -> tuple[bool, str]:
    gain = _gain(rows, "champion", "average_precision", seed)
    return gain.value >= -loss and gain.high >= 0, f"average_precision {gain} on the champion's"


@dataclass(frozen=True)
class _Gain:
    """How much better the challenger is, with the 95 % interval of a paired bootstrap over students."""

    value: float
    low: float
    high: float

    def __str__(self) -> str:
        return f"{self.value:+.3f} ({self.low:+.3f} to {self.high:+.3f})"


def _gain(rows: pd.DataFrame, over: str, metric: str, seed: int) -> _Gain:
    value = point(rows, "probability")[metric] - point(rows, over)[metric]
    apart = resampled(rows, "probability", seed)[metric] - resampled(rows, over, seed)[metric]
    low, high = np.quantile(apart, [0.025, 0.975])
    return _Gain(float(value), float(low), float(high))


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
