"""The promotion step: a challenger becomes champion when every rule is kept, and only then."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from lakehouse.cli import Run, as_of_step, command
from lakehouse.errors import RadarError, entry_point
from lakehouse.evaluation import point
from lakehouse.lake import Lake
from lakehouse.ledger import champion, move_alias, person, reigns
from lakehouse.model_files import load_card
from lakehouse.registry import DECISION, MODELS, Version, challenger, check_asked, note, use_mlflow, version
from lakehouse.settings import Settings
from training import dropout, segments
from training.evidence import Evidence
from training.rules import Answer, Question, answers, dropout_questions, load, refusal, segment_questions

SEED = 42
PROMOTED = "promoted by"


@dataclass(frozen=True)
class Wish:
    """What a person asks of a promotion beyond the rules.

    Attributes:
        version: the version to judge in place of the challenger.
        override: why it is to be champion whatever the rules say; empty to obey them.
        by: who says so; whoever runs the command, if empty.
    """

    version: str = ""
    override: str = ""
    by: str = ""


def run(run: Run, as_of: date) -> None:
    """Compare each model's challenger with its champion, and move the alias where every rule is kept.

    Raises:
        RadarError: when an alias is not where the ledger says, or there is no such version.
    """
    asked = [run.options.model] if getattr(run.options, "model", "") else MODELS[::-1]
    wish = Wish(getattr(run.options, "version", ""), getattr(run.options, "override", "").strip())
    with run.step("promote") as step:
        use_mlflow(run.lake.settings)
        step.message = "; ".join(promote(run.lake, model, as_of, wish) for model in asked)


def promote(lake: Lake, model: str, as_of: date, wish: Wish = Wish()) -> str:
    """Decide on one model's challenger; returns the decision in a sentence.

    Raises:
        RadarError: when the alias is not where the ledger says, there is no such version, or one is asked for before
            there is a champion.
    """
    held = champion(lake, model)
    if held is None:
        train = entry_point(f"train_{model}", lake=lake.settings.lake)
        if wish.version:
            raise RadarError(f"{model} has no champion yet, which has to be there before another; `{train}` makes it.")
        return f"{model}: no champion yet; `{train}` makes the first"
    waiting = version(lake, model, wish.version) if wish.version else challenger(lake, model)
    if waiting is None:
        return f"{model}: version {held.version} ({held.kind}) stays, no challenger"
    if waiting.version == held.version:
        if not waiting.tags.get(DECISION, "").startswith(PROMOTED):
            last = reigns(lake, model)[-1]
            note(lake, waiting, DECISION, f"{PROMOTED} {last.by}: {last.reason}")
        return f"{model}: version {held.version} ({held.kind}) is champion already"
    stays = f"{model}: version {held.version} ({held.kind}) stays"
    taken_back = any(decision.version == waiting.version for decision in reigns(lake, model))
    if taken_back and not wish.override:
        return f"{stays}: version {waiting.version} has been champion before, and the rules promote none twice"
    found, told = _examined(lake, model, held, waiting, as_of)
    refused = refusal(found)
    told |= {"rules": {answer.rule: answer.said for answer in found}}
    told |= {"broken": [*(["taken_back"] if taken_back else []), *(a.rule for a in found if not a.kept)]}
    if refused and not wish.override:
        note(lake, waiting, DECISION, f"refused against version {held.version}: {refused}")
        return f"{stays}, version {waiting.version} is refused by rule {refused}"
    by, why = "rules", f"every rule kept against version {held.version}"
    if wish.override:
        by, why = wish.by or person(lake), wish.override
    move_alias(lake, model, waiting.version, as_of, why, told, by)
    note(lake, waiting, DECISION, f"{PROMOTED} {by}: {why}")
    over = f", over rule {refused}" if refused else ""
    return f"{model}: version {waiting.version} ({waiting.kind}) is champion{told.get('said', '')}{over}"


def options(parser: argparse.ArgumentParser) -> None:
    """The step's options."""
    parser.add_argument("--model", default="", help="dropout or segments (default: both)")
    parser.add_argument("--version", default="", help="the version to judge (default: the challenger)")
    parser.add_argument("--override", default="", help="why it is to be champion whatever the rules say")


def check(_: Settings, chosen: argparse.Namespace) -> None:
    """Refuse options that make no sense before the lake is touched.

    Raises:
        RadarError: naming the option.
    """
    if chosen.model:
        check_asked(chosen.model, chosen.version)
    elif chosen.version or chosen.override:
        raise RadarError("Say of which model with --model; a version and an override are of one model.")


def main() -> None:
    """`python -m training.promotion`."""
    command("Promote what keeps every rule.", as_of_step(run), options, check)


def _examined(
    lake: Lake, model: str, held: Version, waiting: Version, as_of: date
) -> tuple[list[Answer], dict[str, Any]]:  # fmt: skip
    """Every rule's answer and the evidence; whatever fails on the way to them is an answer too."""
    told: dict[str, Any] = {"champion": held.version, "challenger": waiting.version}
    evidence = Evidence(lake, as_of, held, waiting)
    try:
        rules = load()[model]
        found = answers(_QUESTIONS[model](evidence, rules))
    except Exception as error:
        return [Answer("evidence", False, f"could not be gathered ({type(error).__name__}: {error})")], told
    if not refusal(found):
        told |= _TOLD[model](evidence) | {"pins": load_card(lake, waiting).get("pins", {})}
    return found, told


def _dropout_questions(evidence: Evidence, rules: Mapping[str, Any]) -> dict[str, Question]:
    return dropout_questions(evidence.papers, lambda: evidence.fresh, rules, SEED)


def _segment_questions(evidence: Evidence, rules: Mapping[str, Any]) -> dict[str, Question]:
    return segment_questions(evidence.papers, lambda: evidence.grouped, rules)


def _dropout_told(evidence: Evidence) -> dict[str, Any]:
    """The metrics on the window, by who."""
    rows, tags = evidence.fresh.rows, evidence.waiting.tags
    columns = {"challenger": "probability", "champion": "champion", "recency": "recency"}
    told = {f"{name}_metrics": point(rows, column) for name, column in columns.items()}
    ours, theirs = told["challenger_metrics"], told["champion_metrics"]
    said = (
        f": AP {ours['average_precision']:.2f} against {theirs['average_precision']:.2f} "
        f"of version {evidence.held.version}, AUC {ours['roc_auc']:.2f} against {theirs['roc_auc']:.2f}"
    )
    return told | {"window": [tags["test_from"], tags["test_to"]], "rows": len(rows), "said": said}


def _segment_told(evidence: Evidence) -> dict[str, Any]:
    found = evidence.grouped
    return {"stability": found.stability, "shares": dict(found.shares), "window": [str(evidence.as_of)] * 2}


_QUESTIONS = {dropout.MODEL: _dropout_questions, segments.MODEL: _segment_questions}
_TOLD = {dropout.MODEL: _dropout_told, segments.MODEL: _segment_told}


if __name__ == "__main__":
    main()
