"""The ledger: every change of the champion alias, decided, then made, then noted as made."""

from __future__ import annotations

import getpass
import json
import os
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any

from lakehouse.errors import RadarError, entry_point
from lakehouse.lake import Lake
from lakehouse.ops import PROMOTIONS
from lakehouse.registry import CHAMPION, DECISION, Version, client, holder, model_name, version, versions
from lakehouse.rows import append_rows


@dataclass(frozen=True)
class Decision:
    """An alias that goes to a version.

    Attributes:
        promotion_id: of both its rows.
        version: who holds the alias from then on.
        previous: who held it.
        as_of: the day it is for.
        decided_at: when it was decided, UTC.
        by: `rules`, or the person who overrode them.
        reason: why.
        evidence: metrics, window and table versions that it stands on.
        applied: whether the alias has been moved.
    """

    promotion_id: str
    version: str
    previous: str | None
    as_of: date
    decided_at: datetime
    by: str
    reason: str
    evidence: Mapping[str, Any]
    applied: bool


def champion(lake: Lake, model: str) -> Version | None:
    """The champion, its alias resolved once and held against the ledger; None before the first model.

    Raises:
        RadarError: when the alias is not where the ledger says.
    """
    settle(lake, model)
    held = holder(lake, model, CHAMPION)
    return version(lake, model, held) if held else None


def champion_on(lake: Lake, model: str, day: date) -> Decision | None:
    """The decision that stands for a day: the last one made for that day or an earlier one; None before the first."""
    return next((found for found in reversed(reigns(lake, model)) if found.as_of <= day), None)


def move_alias(
    lake: Lake, model: str, number: str, as_of: date, reason: str, evidence: Mapping[str, Any] | None = None,
    by: str = "rules",
) -> None:  # fmt: skip
    """Make a version the champion: the ledger's row `decided`, then the alias, then the row `applied`."""
    version(lake, model, number)
    row = {
        "promotion_id": uuid.uuid4().hex,
        "model_name": model_name(lake.settings, model),
        "alias": CHAMPION,
        "version": number,
        "previous_version": holder(lake, model, CHAMPION),
        "as_of": as_of,
        "decided_at": datetime.now(UTC),
        "decided_by": by,
        "reason": reason,
        "evidence_json": json.dumps(evidence or {}, sort_keys=True, default=str),
        "state": "decided",
    }
    _record(lake, row)
    point_alias(lake, model, number)
    _record(lake, row | {"state": "applied"})


def point_alias(lake: Lake, model: str, number: str) -> None:
    """Move the alias in the registry, between the two rows."""
    client(lake.settings).set_registered_model_alias(model_name(lake.settings, model), CHAMPION, number)


def settle(lake: Lake, model: str) -> str:
    """Hold the champion alias against the ledger; finish a change that was decided and not applied.

    Where every version that the ledger tells of was deleted, nobody is champion, and a training makes a first one anew.

    Returns:
        What was finished, in a sentence that is printed too; empty when nothing was.

    Raises:
        RadarError: when the alias is not where the ledger's last decision put it.
    """
    told, held = decisions(lake, model), holder(lake, model, CHAMPION)
    last = told[-1] if told else None
    if held is None and not _left(lake, model, [decision.version for decision in told]):
        return ""
    if last is None or held not in ({last.version} if last.applied else {last.version, last.previous}):
        raise RadarError(_tampered(lake, model_name(lake.settings, model), held, last))
    if last.applied:
        return ""
    point_alias(lake, model, last.version)
    row = _rows(lake, model).where(f"promotion_id = '{last.promotion_id}'").first()
    _record(lake, row.asDict() | {"state": "applied", "decided_at": row.decided_at.astimezone(UTC)})
    said = f"{model}: finished a promotion of version {last.version} that a killed run had decided."
    print(f"  {said}", flush=True)
    return said


def person(lake: Lake) -> str:
    """Who runs this command, for the ledger: the account on a machine, or in a workspace the user."""
    if not lake.settings.local:
        return str(lake.one("SELECT current_user()"))
    try:
        return getpass.getuser()
    except KeyError:  # as in a container that is run as nobody known
        return f"user {os.getuid()}"


def rollback(lake: Lake, model: str, as_of: date, reason: str, by: str = "a person") -> Version:
    """Give the champion alias back to the version that held it before; one that was killed is finished, and no other
    begun.

    Raises:
        RadarError: when nobody held it before, or the alias is not where the ledger says.
    """
    last = next(reversed(decisions(lake, model)), None)
    settle(lake, model)
    if last and not last.applied and "rollback_of" in last.evidence:
        return version(lake, model, last.version)
    held = _left(lake, model, holders(lake, model))
    if len(held) < 2:
        raise RadarError(f"{model} has no earlier champion left; there is nothing to go back to.")
    move_alias(lake, model, held[-2], as_of, reason, {"rollback_of": held[-1]}, by)
    return version(lake, model, held[-2])


def decisions(lake: Lake, model: str) -> list[Decision]:
    """The ledger of a model's champion alias, oldest first."""
    if not lake.exists(PROMOTIONS.name):
        return []
    rows = _rows(lake, model).orderBy("decided_at", "promotion_id").collect()
    applied = {row.promotion_id for row in rows if row.state == "applied"}
    newest = {row.promotion_id: row for row in rows}
    return [
        Decision(
            key, row.version, row.previous_version, row.as_of, row.decided_at, row.decided_by, row.reason,
            json.loads(row.evidence_json or "{}"), key in applied,
        )
        for key, row in newest.items()
    ]  # fmt: skip


def is_decided(lake: Lake, found: Version) -> bool:
    """Whether a version was promoted or refused; its tag says so a moment after the ledger does."""
    return DECISION in found.tags or any(found.version == one.version for one in decisions(lake, found.model))


def reigns(lake: Lake, model: str) -> list[Decision]:
    """The decisions that moved the alias, oldest first: a version that was decided for and never made champion is no
    champion of before.
    """
    return [decision for decision in decisions(lake, model) if decision.applied]


def holders(lake: Lake, model: str) -> list[str]:
    """The line of champions, oldest first, each once: a return to an earlier one ends those that came after it."""
    line: list[str] = []
    for decision in reigns(lake, model):
        earlier = line.index(decision.version) if decision.version in line else len(line)
        line[earlier:] = [decision.version]
    return line


def _left(lake: Lake, model: str, numbers: Sequence[str]) -> list[str]:
    """Those of some versions that nobody has deleted, in the order given."""
    there = {found.version for found in versions(lake, model)}
    return [number for number in numbers if number in there]


def _rows(lake: Lake, model: str) -> Any:
    name = model_name(lake.settings, model)
    return lake.table(PROMOTIONS.name).where(f"model_name = '{name}' AND alias = '{CHAMPION}'")


def _record(lake: Lake, row: Mapping[str, Any]) -> None:
    append_rows(lake, PROMOTIONS, [tuple(row[name] for name in PROMOTIONS.column_names())])


def _tampered(lake: Lake, name: str, held: str | None, last: Decision | None) -> str:
    short = name.split(".")[-1]
    points = f"points at version {held}" if held else "points at no version"
    says = f"gave it to version {last.version}" if last else "never gave it to any"
    keep = f" To keep version {held}, say so with version={held}." if held else ""
    back = next(reversed(_left(lake, short, holders(lake, short))), held)
    mend = entry_point("rollback", lake=lake.settings.lake, model=short, version=back, reason="…")
    return (
        f"{name}: the alias {CHAMPION} {points}, but ops.promotions {says}; it was moved by hand. Nothing is scored "
        f"until that is settled: `{mend}` "
        f"writes who decided it and puts it right.{keep}"
    )
