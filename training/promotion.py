"""The promotion step: a challenger becomes champion when every rule is kept, and only then."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from datetime import date
from typing import Any

import pandas as pd

from lakehouse.cli import Run, as_of_step, command
from lakehouse.lake import Lake
from lakehouse.registry import (
    Version,
    challenger,
    champion,
    decisions,
    load_card,
    move_alias,
    note,
    use_mlflow,
)
from training import dropout, segments
from training.evaluation import point
from training.report import TEST_ROWS
from training.rules import Answer, Question, answers, dropout_questions, load, refusal, segment_questions

SEED = 42


def run(run: Run, as_of: date, options: argparse.Namespace) -> None:
    """Compare each model's challenger with its champion, and move the alias where every rule is kept.

    Raises:
        RadarError: when an alias is not where the ledger says.
    """
    with run.step("promote") as step:
        use_mlflow(run.lake.settings)
        step.message = "; ".join(promote(run.lake, model, as_of) for model in (segments.MODEL, dropout.MODEL))


def promote(lake: Lake, model: str, as_of: date) -> str:
    """Decide on one model's challenger; returns the decision in a sentence."""
    held, waiting = champion(lake, model), challenger(lake, model)
    if waiting is None or held is None:
        return f"{model}: {f'version {held.version} ({held.kind}) stays, ' if held else ''}no challenger"
    if waiting.version == held.version:
        return f"{model}: version {held.version} ({held.kind}) is champion already"
    stays = f"{model}: version {held.version} ({held.kind}) stays"
    if any(decision.version == waiting.version for decision in decisions(lake, model)):
        return f"{stays}: version {waiting.version} has been champion before and was taken back"
    found, evidence = _examined(lake, model, held, waiting)
    refused = refusal(found)
    note(lake, waiting, "decision", f"refused against version {held.version}: {refused}" if refused else "promoted")
    if refused:
        return f"{stays}, version {waiting.version} is refused by rule {refused}"
    evidence["rules"] = {answer.rule: answer.said for answer in found}
    move_alias(lake, model, waiting.version, as_of, f"every rule kept against version {held.version}", evidence)
    return f"{model}: version {waiting.version} ({waiting.kind}) is champion{evidence['said']}"


def compared(lake: Lake, held: Version, waiting: Version) -> pd.DataFrame:
    """The challenger's test rows with the champion's probability of each, from its own loaded model."""
    import mlflow

    path = mlflow.artifacts.download_artifacts(f"runs:/{waiting.run_id}/{TEST_ROWS}")
    rows = pd.read_parquet(path)
    model = mlflow.pyfunc.load_model(held.uri)
    features = model.metadata.get_input_schema().input_names()
    return rows.assign(champion=model.predict(rows[features])[:, 1])


def main() -> None:
    """`python -m training.promotion`."""
    command("Promote what keeps every rule.", as_of_step(lambda r, day: run(r, day, r.options)))


def _examined(lake: Lake, model: str, held: Version, waiting: Version) -> tuple[list[Answer], dict[str, Any]]:
    """Every rule's answer and the evidence; whatever fails on the way to them is an answer too."""
    evidence: dict[str, Any] = {"champion": held.version, "challenger": waiting.version, "said": ""}
    try:
        rules = load()[model]
        questions = _QUESTIONS[model](lake, held, waiting, rules, evidence)
    except Exception as error:
        return [Answer("evidence", False, f"could not be gathered ({type(error).__name__}: {error})")], evidence
    return answers(questions), evidence


def _dropout(
    lake: Lake, held: Version, waiting: Version, rules: Mapping[str, Any], evidence: dict[str, Any]
) -> dict[str, Question]:  # fmt: skip
    rows = compared(lake, held, waiting)
    for name, column in (("challenger", "probability"), ("champion", "champion"), ("recency", "recency")):
        evidence[f"{name}_metrics"] = point(rows, column)
    ours, theirs = evidence["challenger_metrics"], evidence["champion_metrics"]
    evidence["said"] = (
        f": AP {ours['average_precision']:.2f} against {theirs['average_precision']:.2f} "
        f"of version {held.version}, AUC {ours['roc_auc']:.2f} against {theirs['roc_auc']:.2f}"
    )
    return dropout_questions(rows, rules, SEED)


def _segments(
    lake: Lake, held: Version, waiting: Version, rules: Mapping[str, Any], evidence: dict[str, Any]
) -> dict[str, Question]:  # fmt: skip
    card = load_card(lake, waiting)
    evidence |= {name: card[name] for name in ("stability", "silhouette", "shares")}
    return segment_questions(card, rules)


_QUESTIONS = {dropout.MODEL: _dropout, segments.MODEL: _segments}


if __name__ == "__main__":
    main()
