"""The dropout model: candidates compete in the past, the winner is calibrated, tested once and registered."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import date

import pandas as pd

from features.horizons import HORIZON, LEAST_DAYS, MOST_DAYS
from features.student_labels import HORIZON_DAYS
from lakehouse.cli import Run, as_of_step, command, parse_as_of, within
from lakehouse.errors import RadarError
from lakehouse.evaluation import Intervals
from lakehouse.lake import Lake
from lakehouse.ledger import champion, move_alias
from lakehouse.model_files import load_card
from lakehouse.registry import RECENCY, Version, tracked_run, use_mlflow
from lakehouse.settings import Settings
from training.candidates import RECENCY_FEATURE, SPACES, Candidate, Trained, fixed_recency_rule
from training.data import LABEL, TrainingSet, training_set
from training.experiment import MODEL as MODEL
from training.experiment import Experiment, log, registered
from training.search import choose
from training.splits import FEWEST_CALIBRATION_POSITIVES, TooLittle, Windows, gap, windows
from training.versions import MOST_SEED, fingerprint, recency_rule, trained_before, wait_again

MOST_TRIALS = 100


@dataclass(frozen=True)
class Parameters:
    """What the command line says.

    Attributes:
        candidates: kinds of models that compete.
        trials: how many of each kind are tried.
        horizon_days: days without activity that are a dropout.
        test_from: first day of the test window, when it is given.
        test_to: last day of it.
        seed: of everything random.
    """

    candidates: tuple[str, ...] = ("logistic", "gradient_boosting")
    trials: int = 4
    horizon_days: int = HORIZON_DAYS
    test_from: date | None = None
    test_to: date | None = None
    seed: int = 42

    @classmethod
    def of(cls, options: argparse.Namespace) -> Parameters:
        """From parsed options.

        Raises:
            RadarError: for an unknown candidate or none, a number out of its range, or what is no date.
        """
        kinds = tuple(filter(None, (kind.strip() for kind in options.candidates.split(","))))
        if not kinds:
            raise RadarError(f"candidates is empty; name one or more of {', '.join(SPACES)}.")
        for kind in kinds:
            if kind not in SPACES:
                raise RadarError(f"There is no candidate {kind!r}; choose among {', '.join(SPACES)}.")
        within("trials", options.trials, 1, MOST_TRIALS)
        within("horizon_days", options.horizon_days, LEAST_DAYS, MOST_DAYS)
        within("seed", options.seed, 0, MOST_SEED)
        first, last = parse_as_of(options.test_from, "test_from"), parse_as_of(options.test_to, "test_to")
        return cls(kinds, options.trials, options.horizon_days, first, last, options.seed)


def run(run: Run, as_of: date) -> None:
    """Train, and register what was trained as challenger; the recency rule first, as champion, where there is none.

    Raises:
        RadarError: when features are missing or an option makes no sense.
    """
    with run.step("train_dropout") as step:
        parameters = Parameters.of(run.options)
        step.message = train(run.lake, as_of, parameters)
        step.rows[HORIZON] = parameters.horizon_days


def train(lake: Lake, as_of: date, parameters: Parameters) -> str:
    """Train for a day; returns what came of it, in a sentence."""
    use_mlflow(lake.settings)
    data = training_set(lake, as_of, parameters.horizon_days)
    split = windows(data.frame, parameters.test_from, parameters.test_to, gap(parameters.horizon_days))
    _refuse_a_poor_choice(data, split, parameters)
    experiment = split if isinstance(split, TooLittle) else Experiment(lake, data, split, parameters.seed)
    asked_as_ever = parameters.horizon_days == HORIZON_DAYS
    if asked_as_ever:
        ensure_first(lake, data, experiment, parameters)
    if isinstance(experiment, TooLittle):
        held = champion(lake, MODEL)
        kept = f"version {held.version} ({held.kind}) stays champion" if held else "there is no champion"
        return f"too little data to learn from: {experiment.reason}; {kept}"
    mark = fingerprint(data.content_hash, asdict(parameters))
    same = trained_before(lake, MODEL, mark)
    if same:
        if asked_as_ever:
            wait_again(lake, MODEL, same)
        return f"nothing new to learn: version {same.version} ({same.kind}) is of the same rows, parameters and code"
    return learn(experiment, parameters, mark)


def _refuse_a_poor_choice(data: TrainingSet, split: Windows | TooLittle, parameters: Parameters) -> None:
    """Tell too little data from a test window that leaves too little."""
    if not isinstance(split, TooLittle) or not (parameters.test_from or parameters.test_to):
        return
    if not isinstance(windows(data.frame, between=gap(parameters.horizon_days)), TooLittle):
        raise RadarError(
            f"With that test window there is too little to learn from: {split.reason}. Without test_from and test_to "
            "there is enough: leave them out, or choose others."
        )


def learn(experiment: Experiment, parameters: Parameters, mark: str) -> str:
    """Choose among the candidates, calibrate the choice, test it once and register it; returns what came of it."""
    data, between = experiment.data, gap(parameters.horizon_days)
    with tracked_run(experiment.lake.settings, MODEL, f"train {data.as_of}", {"step": "train_dropout"}):
        chosen = choose(
            experiment.train_rows, experiment.features, parameters.candidates, parameters.trials, parameters.seed,
            between,
        )  # fmt: skip
        trained = experiment.fit_candidate(chosen)
        made = experiment.submit(trained, mark, asdict(parameters))
    told = f"version {made.version} ({trained.kind}): {_told(experiment.lake, made)}"
    if parameters.horizon_days != HORIZON_DAYS:
        told += f"; of {parameters.horizon_days} days, so no challenger of the model of {HORIZON_DAYS}"
    return told


def first_rule(data: TrainingSet, seed: int) -> Trained:
    """The recency rule where there are no windows: fitted on every row, or with fixed coefficients on few."""
    rows, outcome = data.frame[[RECENCY_FEATURE]], data.frame[LABEL]
    if min(outcome.sum(), (1 - outcome).sum()) >= FEWEST_CALIBRATION_POSITIVES:
        model = Candidate(RECENCY).fit(rows, outcome, seed)
        return Trained(RECENCY, model, [RECENCY_FEATURE], {"coefficients": "fitted on every row, untested"})
    return Trained(RECENCY, fixed_recency_rule(), [RECENCY_FEATURE], {"coefficients": "fixed"})


def ensure_first(
    lake: Lake, data: TrainingSet, experiment: Experiment | TooLittle, parameters: Parameters
) -> None:  # fmt: skip
    """See to it that there is a recency rule, and a champion: the rule, whatever experiments were registered before.

    Where somebody deleted the rule it is made anew, since challengers have to beat it.
    """
    held, rule_held = champion(lake, MODEL), recency_rule(lake)
    if rule_held is None:
        split = experiment if isinstance(experiment, TooLittle) else experiment.split
        rule = first_rule(data, parameters.seed) if isinstance(experiment, TooLittle) else experiment.recency
        rows = None if isinstance(experiment, TooLittle) else experiment.evaluate(rule)
        with tracked_run(lake.settings, MODEL, f"recency rule {data.as_of}", {"step": "train_dropout"}):
            said = asdict(parameters) | {"kind": RECENCY}
            card = log(lake, rule, data, split, rows, said, parameters.seed)
            example = pd.DataFrame({RECENCY_FEATURE: [0.1, 0.5, 1.0, 2.0, 5.0]})
            rule_held = registered(lake, rule, data, card, fingerprint(data.content_hash, said), example)
    if held is None:
        move_alias(lake, MODEL, rule_held.version, data.as_of, "first model")


def options(parser: argparse.ArgumentParser) -> None:
    """The step's options."""
    default = Parameters()
    parser.add_argument("--candidates", default=",".join(default.candidates), help="kinds of models that compete")
    parser.add_argument("--trials", type=int, default=default.trials, help="how many of each kind are tried")
    parser.add_argument("--horizon-days", type=int, default=HORIZON_DAYS, help="days of absence that are a dropout")
    parser.add_argument("--test-from", default="", help="first day of the test window (default: last quarter)")
    parser.add_argument("--test-to", default="", help="last day of the test window")
    parser.add_argument("--seed", type=int, default=default.seed, help="seed of everything random (default: 42)")


def check(_: Settings, chosen: argparse.Namespace) -> None:
    """Refuse options that make no sense before the lake is touched.

    Raises:
        RadarError: naming the option.
    """
    Parameters.of(chosen)


def main() -> None:
    """`python -m training.dropout`."""
    command("Train the dropout model.", as_of_step(run), options, check)


def _told(lake: Lake, made: Version) -> str:
    card = load_card(lake, made)
    return f"{_figures(card['metrics'])}; the recency rule {_figures(card['recency'])}"


def _figures(metrics: Intervals) -> str:
    return f"AUC {_range(metrics['roc_auc'])}, AP {_range(metrics['average_precision'])}"


def _range(metric: Mapping[str, float | None]) -> str:
    if metric["value"] is None:
        return "n/a"
    return f"{metric['value']:.3f} ({metric['low']:.3f}-{metric['high']:.3f})"


if __name__ == "__main__":
    main()
