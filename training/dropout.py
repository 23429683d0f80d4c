"""The dropout model: candidates compete in the past, the winner is calibrated, tested once and registered."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import date
from typing import Any

import pandas as pd

from features.language import main_language
from lakehouse.cli import Run, as_of_step, command
from lakehouse.errors import RadarError
from lakehouse.lake import Lake
from lakehouse.registry import challenge, champion, move_alias, tracked_run, use_mlflow, versions
from lakehouse.settings import Settings
from training import report
from training.calibration import calibrated, method
from training.candidates import RECENCY, RECENCY_FEATURE, Candidate, candidates, fixed_recency_rule
from training.data import LABEL, TrainingSet, training_set
from training.evaluation import Intervals, evaluate, point
from training.splits import FEWEST_CALIBRATION_POSITIVES, TooLittle, Windows, folds, windows
from training.versions import fingerprint, log_model, register, trained_before

MODEL = "dropout"
SELECT_BY = "average_precision"


@dataclass(frozen=True)
class Parameters:
    """What the command line says: kinds of candidates, the test window when it is given, the seed."""

    candidates: tuple[str, ...] = ("logistic", "gradient_boosting")
    test_from: date | None = None
    test_to: date | None = None
    seed: int = 42

    @classmethod
    def of(cls, options: argparse.Namespace) -> Parameters:
        """From parsed options.

        Raises:
            RadarError: for an unknown candidate, no candidate, or what is no date.
        """
        kinds = tuple(filter(None, (kind.strip() for kind in options.candidates.split(","))))
        if not list(candidates(kinds)):
            raise RadarError("candidates is empty; name logistic, gradient_boosting or both.")
        return cls(kinds, _date("test_from", options.test_from), _date("test_to", options.test_to), options.seed)


@dataclass(frozen=True)
class Trained:
    """A fitted and calibrated model, with the kind it is and the features it takes."""

    kind: str
    model: Any
    features: list[str]
    parameters: Mapping[str, Any]

    def risk(self, rows: pd.DataFrame) -> Any:
        """Probability of dropping out, a value a row."""
        return self.model.predict_proba(rows[self.features])[:, 1]


def run(run: Run, as_of: date, options: argparse.Namespace) -> None:
    """Train, and register what was trained as challenger; the recency rule first, as champion, where there is none.

    Raises:
        RadarError: when features are missing or an option makes no sense.
    """
    with run.step("train_dropout") as step:
        step.message = train(run.lake, as_of, Parameters.of(options))


def train(lake: Lake, as_of: date, parameters: Parameters) -> str:
    """Train for a day; returns what came of it, in a sentence."""
    use_mlflow(lake.settings)
    data = training_set(lake, as_of)
    split = windows(data.frame, parameters.test_from, parameters.test_to)
    recency = fit_recency(data, split, parameters.seed)
    tested = None if isinstance(split, TooLittle) else test_rows(lake, data, split, recency)
    ensure_first(lake, data, split, recency, tested, parameters)
    if isinstance(split, TooLittle) or tested is None:
        held = champion(lake, MODEL)
        kept = f"version {held.version} ({held.kind}) stays champion" if held else "there is no champion"
        return f"too little data to learn from: {getattr(split, 'reason', '')}; {kept}"
    mark = fingerprint(data.content_hash, asdict(parameters))
    same = trained_before(lake, MODEL, mark)
    if same:
        return f"nothing new to learn: version {same.version} ({same.kind}) is of the same rows, parameters and code"
    return learn(lake, data, split, tested, parameters, mark)


def learn(
    lake: Lake, data: TrainingSet, split: Windows, tested: pd.DataFrame, parameters: Parameters, mark: str
) -> str:  # fmt: skip
    """Choose among the candidates, calibrate the choice, test it once and register it as challenger."""
    train_rows, features = split.train.rows(data.frame), list(data.features)
    with tracked_run(lake.settings, MODEL, f"train {data.as_of}", {"step": "train_dropout"}):
        chosen = choose(train_rows, features, parameters)
        trained = fit(chosen, data, split, features, parameters.seed)
        rows = tested.assign(probability=trained.risk(tested))
        card = _log(trained, data, split, rows, parameters)
        example = train_rows[features].head(5)
        uri = log_model(lake, trained.model, example, "predict_proba", {"kind": trained.kind}, data)
        number = register(lake, MODEL, uri, _tags(card, mark))
    challenge(lake, MODEL, number)
    return f"version {number} ({trained.kind}): {_told(card['metrics'])}; the recency rule {_told(card['recency'])}"


def choose(train_rows: pd.DataFrame, features: list[str], parameters: Parameters) -> Candidate:
    """The candidate with the best mean average precision over forward-chaining folds; each is a nested run."""
    import mlflow

    split = list(folds(train_rows))
    best, best_score = None, -1.0
    for candidate in candidates(parameters.candidates):
        scores = [_fold_score(candidate, *fold, features, parameters.seed) for fold in split]
        means = pd.DataFrame(scores).mean()
        name = " ".join([candidate.kind, *(f"{key}={value}" for key, value in candidate.parameters.items())])
        with mlflow.start_run(run_name=name, nested=True):
            mlflow.log_params({"kind": candidate.kind, "folds": len(split)} | candidate.parameters)
            mlflow.log_metrics({f"cv_{key}": float(value) for key, value in means.items()})
        score = float(means.get(SELECT_BY, 0.0))
        if score > best_score:
            best, best_score = candidate, score
    assert best is not None
    return best


def fit_recency(data: TrainingSet, split: Windows | TooLittle, seed: int) -> Trained:
    """The recency rule: on the windows where there are any, else on every row, else with fixed coefficients."""
    rows, outcome = data.frame[[RECENCY_FEATURE]], data.frame[LABEL]
    if isinstance(split, TooLittle) and min(outcome.sum(), (1 - outcome).sum()) >= FEWEST_CALIBRATION_POSITIVES:
        fitted = Candidate(RECENCY).fit(rows, outcome, seed)
        return Trained(RECENCY, fitted, [RECENCY_FEATURE], {"coefficients": "fitted on every row, untested"})
    if isinstance(split, TooLittle):
        return Trained(RECENCY, fixed_recency_rule(), [RECENCY_FEATURE], {"coefficients": "fixed"})
    return fit(Candidate(RECENCY), data, split, [RECENCY_FEATURE], seed)


def fit(candidate: Candidate, data: TrainingSet, split: Windows, features: list[str], seed: int) -> Trained:
    """The candidate fitted on the train window and calibrated on the next."""
    learnt, later = split.train.rows(data.frame), split.calibration.rows(data.frame)
    how = method(int(later[LABEL].sum()), later[LABEL].mean(), learnt[LABEL].mean())
    fitted = candidate.fit(learnt[features], learnt[LABEL], seed)
    model = calibrated(fitted, later[features], later[LABEL], how)
    return Trained(candidate.kind, model, features, candidate.parameters | {"calibration": how})


def test_rows(lake: Lake, data: TrainingSet, split: Windows, recency: Trained) -> pd.DataFrame:
    """The test window's rows with the recency rule's probability and each student's language."""
    rows = split.test.rows(data.frame)
    return rows.assign(recency=recency.risk(rows), language=rows["student_id"].map(languages(lake, data.as_of)))


def languages(lake: Lake, as_of: date) -> pd.Series:
    """The main language by student, for the slices."""
    spoken = main_language(lake.table("silver.learning_events"), as_of).toPandas()
    return spoken.set_index("student_id")["language"]


def ensure_first(
    lake: Lake, data: TrainingSet, split: Windows | TooLittle, recency: Trained, tested: pd.DataFrame | None,
    parameters: Parameters,
) -> None:  # fmt: skip
    """See to it that version 1 is the recency rule, and that there is a champion."""
    if champion(lake, MODEL):
        return
    if not versions(lake, MODEL):
        with tracked_run(lake.settings, MODEL, f"recency rule {data.as_of}", {"step": "train_dropout"}):
            rows = None if tested is None else tested.assign(probability=tested["recency"])
            card = _log(recency, data, split, rows, parameters)
            example = pd.DataFrame({RECENCY_FEATURE: [0.1, 0.5, 1.0, 2.0, 5.0]})
            uri = log_model(lake, recency.model, example, "predict_proba", {"kind": RECENCY}, data)
            mark = fingerprint(data.content_hash, asdict(parameters) | {"kind": RECENCY})
            register(lake, MODEL, uri, _tags(card, mark))
    move_alias(lake, MODEL, "1", data.as_of, "first model")


def options(parser: argparse.ArgumentParser) -> None:
    """The step's options."""
    parser.add_argument("--candidates", default="logistic,gradient_boosting", help="kinds of models that compete")
    parser.add_argument("--test-from", default="", help="first day of the test window (default: last quarter)")
    parser.add_argument("--test-to", default="", help="last day of the test window")
    parser.add_argument("--seed", type=int, default=42, help="seed of everything random (default: 42)")


def check(_: Settings, chosen: argparse.Namespace) -> None:
    """Refuse options that make no sense before the lake is touched.

    Raises:
        RadarError: naming the option.
    """
    Parameters.of(chosen)


def main() -> None:
    """`python -m training.dropout`."""
    command("Train the dropout model.", as_of_step(lambda r, day: run(r, day, r.options)), options, check)


def _fold_score(
    candidate: Candidate, earlier: pd.DataFrame, later: pd.DataFrame, features: list[str], seed: int
) -> dict[str, float]:  # fmt: skip
    fitted = candidate.fit(earlier[features], earlier[LABEL], seed)
    return point(later.assign(probability=fitted.predict_proba(later[features])[:, 1]), "probability")


def _log(
    trained: Trained, data: TrainingSet, split: Windows | TooLittle, rows: pd.DataFrame | None, parameters: Parameters
) -> dict[str, Any]:  # fmt: skip
    """Log parameters, data, metrics, figures, card and reference of the active run; returns the card."""
    evaluated: Intervals | None = None
    recency: Intervals | None = None
    if rows is not None:
        evaluated = evaluate(rows, "probability", parameters.seed)
        recency = evaluate(rows, "recency", parameters.seed)
    card = report.card(trained.kind, split, rows, evaluated, recency, data.as_of)
    report.log_training_set(data)
    report.log_parameters(asdict(parameters) | {"kind": trained.kind} | dict(trained.parameters))
    report.log_card(card | {"pins": data.pins}, report.reference(data, split, trained.features, rows))
    if rows is not None:
        report.log_test(rows, parameters.seed)
    return card


def _tags(card: Mapping[str, Any], mark: str) -> dict[str, Any]:
    kept = ("kind", "as_of", "trained_from", "trained_to", "calibrated_to", "test_from", "test_to")
    return {key: card[key] or "" for key in kept} | {"fingerprint": mark}


def _told(metrics: Intervals) -> str:
    auc, precision = metrics["roc_auc"], metrics["average_precision"]
    return f"AUC {_range(auc)}, AP {_range(precision)}"


def _range(metric: Mapping[str, float | None]) -> str:
    if metric["value"] is None:
        return "n/a"
    return f"{metric['value']:.3f} ({metric['low']:.3f}-{metric['high']:.3f})"


def _date(option: str, text: str) -> date | None:
    try:
        return date.fromisoformat(text) if text else None
    except ValueError:
        raise RadarError(f"{option} is {text!r}; give a date as YYYY-MM-DD.") from None


if __name__ == "__main__":
    main()
