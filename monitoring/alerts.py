"""Rules over what was measured: which of them fire, how grave it is, and what to do."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import timedelta
from importlib import resources
from math import isfinite
from pathlib import Path
from typing import Any

import yaml

from lakehouse.errors import RadarError
from monitoring.contracts import SEVERITIES

EXPLAINED_FOR = timedelta(days=28)
"""How long a cause explains its consequences: as long as most features look back, and until outcomes are known."""
EXPLAINS_FROM = 0.05
"""A cause explains what stands on at most twenty times as many students: five who practise a new language move no
feature of five thousand.
"""


@dataclass(frozen=True)
class Observation:
    """Something measured on a day.

    Attributes:
        measure: what, as rules name it.
        subject: of which table, language, feature or slice.
        value: how much.
        usual: how much it usually is; None where that is not known.
        spread: by how much it usually varies.
        size: how many students it stands on; infinite where that does not matter.
    """

    measure: str
    subject: str
    value: float
    usual: float | None = None
    spread: float | None = None
    size: float = float("inf")


@dataclass(frozen=True)
class Rule:
    """A rule of `alerts.yaml`, where its fields are told."""

    name: str
    measure: str
    severity: str
    says: str
    todo: str
    above: float | None = None
    below: float | None = None
    ratio_above: float | None = None
    ratio_below: float | None = None
    spreads: float | None = None
    size: float = 0
    of: tuple[str, ...] = ()
    excepted: tuple[str, ...] = ()
    explained_by: tuple[str, ...] = ()
    retraining: str = ""

    def fires(self, seen: Observation) -> bool:
        """Whether every condition holds; one on what is usual does not where that is not known."""
        if seen.measure != self.measure or seen.size < self.size or seen.subject in self.excepted:
            return False
        if self.of and seen.subject not in self.of:
            return False
        return all(self._conditions(seen))

    def threshold(self, seen: Observation) -> float:
        """The value that a firing observation passed: the strictest of those stated."""
        usual = seen.usual or 0.0
        up = [self.above, None if self.ratio_above is None else self.ratio_above * usual]
        down = [self.below, None if self.ratio_below is None else self.ratio_below * usual]
        high, low = ([limit for limit in limits if limit is not None] for limits in (up, down))
        return max(high) if high else min(low)

    def _conditions(self, seen: Observation) -> Iterable[bool]:
        yield self.above is None or seen.value > self.above
        yield self.below is None or seen.value < self.below
        usual = seen.usual
        yield self.ratio_above is None or (usual is not None and seen.value > self.ratio_above * usual)
        yield self.ratio_below is None or (usual is not None and seen.value < self.ratio_below * usual)
        if self.spreads is not None:
            known = usual is not None and seen.spread is not None
            yield known and abs(seen.value - (usual or 0)) > self.spreads * (seen.spread or 0)


@dataclass(frozen=True)
class Alert:
    """A rule that fired."""

    rule: str
    severity: str
    subject: str
    value: float
    threshold: float
    message: str
    size: float | None


@dataclass(frozen=True)
class Rules:
    """What `alerts.yaml` says.

    Attributes:
        alerts: the rules, in the order in which they are told.
        retraining: max_days and least_days.
    """

    alerts: tuple[Rule, ...]
    retraining: Mapping[str, int]

    def named(self, retraining: str) -> set[str]:
        """The rules that ask for training again, or forbid it."""
        return {rule.name for rule in self.alerts if rule.retraining == retraining}


def load(path: Path | None = None) -> Rules:
    """The rules of `monitoring/alerts.yaml`, or of another file.

    Raises:
        RadarError: naming the rule, for a field or a severity that is not known, or no condition at all.
    """
    text = path.read_text() if path else resources.files("monitoring").joinpath("alerts.yaml").read_text()
    told = yaml.safe_load(text)
    return Rules(tuple(_rule(rule) for rule in told["rules"]), dict(told["retraining"]))


def alerts(
    seen: Sequence[Observation], rules: Sequence[Rule], lately: Mapping[str, float] | None = None
) -> list[Alert]:
    """The rules that fire, in their order, gravest subject first.

    Args:
        seen: everything measured.
        rules: the rules.
        lately: the rules that fired, as more than info, in the weeks before, and on how many students.
    """
    fired = [(rule, found) for rule in rules for found in seen if rule.fires(found)]
    causes = dict(lately or {})
    for rule, found in fired:
        causes[rule.name] = max(causes.get(rule.name, 0.0), found.size)
    ordered = sorted(fired, key=lambda pair: (rules.index(pair[0]), -abs(pair[1].value), pair[1].subject))
    return [_alert(rule, found, causes) for rule, found in ordered]


def _alert(rule: Rule, seen: Observation, causes: Mapping[str, float]) -> Alert:
    """The alert, as info where a cause that stands on students enough explains it."""
    words = {"subject": seen.subject, "value": seen.value, "usual": seen.usual or 0.0}
    said, severity = f"{rule.says.format(**words)}; {rule.todo}", rule.severity
    enough = seen.size * EXPLAINS_FROM
    cause = next((name for name in rule.explained_by if name in causes and causes[name] >= enough), None)
    if cause:
        said, severity = f"{said} (explained by {cause})", "info"
    size = seen.size if isfinite(seen.size) else None
    return Alert(rule.name, severity, seen.subject, seen.value, rule.threshold(seen), said, size)


def _rule(told: Mapping[str, Any]) -> Rule:
    given = {"excepted" if key == "except" else key: value for key, value in told.items()}
    name = given.get("name", "?")
    unknown = given.keys() - {field.name for field in fields(Rule)}
    if unknown:
        raise RadarError(f"alerts.yaml, rule {name}: there is no field {', '.join(sorted(unknown))}.")
    if given.get("severity") not in SEVERITIES:
        raise RadarError(f"alerts.yaml, rule {name}: severity is one of {', '.join(SEVERITIES)}.")
    if not given.keys() & {"above", "below", "ratio_above", "ratio_below"}:
        raise RadarError(f"alerts.yaml, rule {name}: give above, below, ratio_above or ratio_below.")
    lists = {key: tuple(value) for key, value in given.items() if isinstance(value, list)}
    return Rule(**given | lists)
