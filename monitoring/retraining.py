"""Whether to train again, and why."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from monitoring.alerts import Alert, Rules


@dataclass(frozen=True)
class Decision:
    """Whether to train again, and why or why not."""

    retrain: bool
    because: str

    def __str__(self) -> str:
        return f"retrain: yes, because {self.because}" if self.retrain else f"retrain: no, {self.because}"


def decide(alerts: Sequence[Alert], trained: date | None, as_of: date, rules: Rules) -> Decision:
    """A decision needs something newer than the last training, data that can be learnt from, and a reason.

    Args:
        alerts: of the day; those that another explains are no reason.
        trained: the day that the newest version was trained for, whoever is champion; None without any.
        as_of: the day.
        rules: of `alerts.yaml`.
    """
    if trained is None:
        return Decision(True, "there is no model yet")
    days = (as_of - trained).days
    if days <= 0:
        return Decision(False, f"since training ran as of {trained} already")
    grave = [alert for alert in alerts if alert.severity != "info"]
    forbids = [alert for alert in grave if alert.rule in rules.named("forbids")]
    if forbids:
        return Decision(False, f"since these days' data must not be learnt from: {_told(forbids)}")
    asks = [alert for alert in grave if alert.rule in rules.named("asks")]
    if asks and days >= rules.retraining["least_days"]:
        return Decision(True, f"{_told(asks)}; the last training was {days} days ago")
    if days > rules.retraining["max_days"]:
        return Decision(True, f"the last training was {days} days ago, more than {rules.retraining['max_days']}")
    waits = f", too lately for {_told(asks)}" if asks else " and no alert asks for it"
    return Decision(False, f"since the last training was {days} days ago{waits}")


def _told(alerts: Sequence[Alert]) -> str:
    first = f"{alerts[0].rule} ({alerts[0].subject})"
    return first if len(alerts) == 1 else f"{first} and {len(alerts) - 1} more"
