"""The retire entry point: versions that nobody needs any more, listed, and deleted where a person says so."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from datetime import date, timedelta

from pyspark.sql import functions as F

from lakehouse.cli import Run, as_of_step, command
from lakehouse.lake import Lake
from lakehouse.ledger import decisions
from lakehouse.registry import MODELS, RECENCY, Version, aliases, client, model_name, versions
from lakehouse.words import INDENT

KEEP = "keep"
"""A tag of this name, whatever it says, keeps a version: the pin that a person sets."""
RECENT_DAYS = 90
SCORES = {"dropout": "gold.at_risk_students", "segments": "gold.student_segments"}


def run(run: Run, as_of: date) -> None:
    """List the versions that can go, and why the others stay; with `--delete true` delete them.

    A version that goes no longer holds back the clean-up of the table versions that it pins.
    """
    with run.step("retire") as step:
        told = []
        for model in MODELS:
            found, why = versions(run.lake, model), needed(run.lake, model, as_of)
            gone = [version for version in found if version.version not in why]
            told += [f"{model} version {number} stays: {reason}" for number, reason in why.items()]
            told += [f"{model} version {version.version} ({version.kind}) can go" for version in gone]
            if run.options.delete == "true":
                _delete(run.lake, model, gone)
                step.rows[f"retired {model}"] = [version.version for version in gone]
                told += [f"{model} version {version.version} is deleted" for version in gone]
        step.message = f"\n{INDENT}".join(told) or "no version is registered yet"


def needed(lake: Lake, model: str, as_of: date) -> dict[str, str]:
    """The versions that something needs, newest first, with what.

    A rollback may go back to any version that has been champion. The recency rule is what every challenger has to beat.
    """
    ledger = {decision.version for decision in decisions(lake, model)}
    named = {number: f"it is {alias}" for alias, number in sorted(aliases(lake, model).items(), reverse=True)}
    scored = recently_scored_by(lake, model, as_of)

    def why(found: Version) -> str:
        reasons: Mapping[str, bool] = {
            named.get(found.version, ""): found.version in named,
            "it has been champion, and a rollback may go back to it": found.version in ledger,
            f"it scored students in the last {RECENT_DAYS} days": found.version in scored,
            "every challenger is held against the recency rule": found.kind == RECENCY,
            f"its tag {KEEP} says so": KEEP in found.tags,
        }
        return next((reason for reason, holds in reasons.items() if holds), "")

    told = {found.version: why(found) for found in versions(lake, model)}
    return {number: reason for number, reason in told.items() if reason}


def recently_scored_by(lake: Lake, model: str, as_of: date) -> set[str]:
    """The versions whose scores of the last 90 days stand in gold."""
    if not lake.exists(SCORES[model]):
        return set()
    since = F.lit(as_of - timedelta(days=RECENT_DAYS))
    rows = lake.table(SCORES[model]).where(F.col("as_of") >= since).select("model_version").distinct().collect()
    return {row.model_version for row in rows}


def _delete(lake: Lake, model: str, gone: list[Version]) -> None:
    for version in gone:
        client(lake.settings).delete_model_version(model_name(lake.settings, model), version.version)


def _options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--delete", default="false", choices=("true", "false"), help="delete what can go")


def main() -> None:
    """`python -m training.retire`."""
    command("List model versions that can go.", as_of_step(run), _options)


if __name__ == "__main__":
    main()
