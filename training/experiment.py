"""An experiment on the dropout model: a training set, its windows, and what a model shows on them.

`dropout` runs one for its own candidates. A notebook runs one for any classifier whose types skops trusts, in four
lines:

    experiment = again(lake, "2")
    trained = experiment.fit("discriminant", make_pipeline(SimpleImputer(), LinearDiscriminantAnalysis()))
    experiment.compare(trained)
    experiment.submit(trained)
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any

import pandas as pd

from features.contacts import marked
from features.language import main_language
from features.student_labels import HORIZON_DAYS
from lakehouse.errors import RadarError
from lakehouse.evaluation import Intervals, evaluate
from lakehouse.lake import Lake
from lakehouse.model_files import load_artifact
from lakehouse.registry import RECENCY, Version, tracked_run, version
from lakehouse.rows import to_pandas
from training import report
from training.calibration import calibrated, method
from training.candidates import RECENCY_FEATURE, Candidate, Trained
from training.data import LABEL, TrainingSet, described, loaded
from training.splits import Span, TooLittle, Windows
from training.versions import fingerprint, log_model, register, wait

MODEL = "dropout"


@dataclass(frozen=True)
class Experiment:
    """Rows cut into windows, on which models are fitted, compared and submitted.

    Attributes:
        lake: whose registry a model goes to.
        data: the training set.
        split: its windows.
        seed: of everything random.
    """

    lake: Lake
    data: TrainingSet
    split: Windows
    seed: int = 42
    recency: Trained = field(init=False)
    tested: pd.DataFrame = field(init=False)

    def __post_init__(self) -> None:
        rule = fitted(Candidate(RECENCY), self.data, self.split, [RECENCY_FEATURE], self.seed)
        rows = self.split.test.rows(self.data.frame)
        spoken = rows["student_id"].map(languages(self.lake, self.data.as_of))
        object.__setattr__(self, "recency", rule)
        told = rows.assign(recency=rule.risk(rows), language=spoken)
        object.__setattr__(self, "tested", marked(self.lake, told))

    @property
    def train_rows(self) -> pd.DataFrame:
        """Rows of the train window."""
        return self.split.train.rows(self.data.frame)

    @property
    def features(self) -> list[str]:
        """Every feature of the training set."""
        return list(self.data.features)

    def fit(self, kind: str, estimator: Any, parameters: Mapping[str, Any] | None = None) -> Trained:
        """A classifier fitted on the train window and calibrated on the next.

        Args:
            kind: what the version is to be called.
            estimator: unfitted, with `fit` and `predict_proba`; takes every feature of the training set.
            parameters: to be logged.
        """
        rows = self.train_rows
        model = estimator.fit(rows[self.features], rows[LABEL])
        return _calibrated(kind, model, self.data, self.split, self.features, parameters or {})

    def fit_candidate(self, candidate: Candidate) -> Trained:
        """One of this project's own candidates, fitted and calibrated."""
        return fitted(candidate, self.data, self.split, self.features, self.seed)

    def evaluate(self, trained: Trained) -> pd.DataFrame:
        """The test rows with the model's probability, the recency rule's and each student's language."""
        return self.tested.assign(probability=trained.risk(self.tested))

    def compare(self, trained: Trained) -> pd.DataFrame:
        """Every metric with its 95 % interval on the test window: the model's and the recency rule's."""
        rows = self.evaluate(trained)
        columns = {trained.kind: "probability", "recency_rule": "recency"}
        return pd.concat(
            {name: pd.DataFrame(evaluate(rows, column, self.seed)).T for name, column in columns.items()}, axis=1
        )

    def submit(self, trained: Trained, mark: str = "", parameters: Mapping[str, Any] | None = None) -> Version:
        """Test the model once, log all there is to know of it in the active run or one of its own, and register it.

        It becomes the challenger that `promote` judges, unless it answers another question than the champion, as one of
        another horizon does.

        Args:
            trained: from `fit`.
            mark: the training's fingerprint (default: one of the rows, the kind and the parameters).
            parameters: what else is to be logged.
        """
        import mlflow

        if mlflow.active_run() is None:
            with tracked_run(self.lake.settings, MODEL, f"{trained.kind} {self.data.as_of}", {"step": "experiment"}):
                return self.submit(trained, mark, parameters)
        said = {"kind": trained.kind, "seed": self.seed} | dict(trained.parameters) | dict(parameters or {})
        card = log(self.lake, trained, self.data, self.split, self.evaluate(trained), said, self.seed)
        mark = mark or fingerprint(self.data.content_hash, said)
        made = registered(self.lake, trained, self.data, card, mark, self.train_rows[trained.features].head(5))
        if self.data.recipe.horizon_days == HORIZON_DAYS:
            wait(self.lake, MODEL, made.version)
        return made


def again(lake: Lake, number: str, seed: int = 42) -> Experiment:
    """An experiment on the very rows and windows of a registered version, from the table versions that it pins.

    Args:
        lake: the lake.
        number: a version of the dropout model.
        seed: of everything random.

    Raises:
        RadarError: when there is no such version, or it was made without windows.
    """
    found = version(lake, MODEL, number)
    told = load_artifact(lake, found, report.TRAINING_SET)
    if not all(found.tags.get(name) for name in report.SPANS):
        raise RadarError(f"Version {number} of {found.name} was made of too little data to have windows of its own.")
    days = [date.fromisoformat(found.tags[name]) for name in report.SPANS]
    split = Windows(Span(*days[:2]), Span(*days[2:4]), Span(*days[4:]))
    return Experiment(lake, loaded(lake, described(told), told["features"]), split, seed)


def fitted(candidate: Candidate, data: TrainingSet, split: Windows, features: list[str], seed: int) -> Trained:
    """A candidate fitted on the train window and calibrated on the next."""
    rows = split.train.rows(data.frame)
    model = candidate.fit(rows[features], rows[LABEL], seed)
    return _calibrated(candidate.kind, model, data, split, features, candidate.parameters)


def log(
    lake: Lake, trained: Trained, data: TrainingSet, split: Windows | TooLittle, rows: pd.DataFrame | None,
    parameters: Mapping[str, Any], seed: int,
) -> dict[str, Any]:  # fmt: skip
    """Log parameters, data, metrics, figures, card and reference in the active run; returns the card."""
    evaluated: Intervals | None = None if rows is None else evaluate(rows, "probability", seed)
    recency: Intervals | None = None if rows is None else evaluate(rows, "recency", seed)
    card = report.card(trained, data, split, rows, evaluated, recency)
    report.log_training_set(lake, data)
    report.log_parameters(dict(parameters) | dict(trained.parameters))
    if rows is not None:
        card |= report.log_test(trained, rows, seed)
    report.log_card(card, report.reference(data, split, trained.features, rows))
    return card


def registered(
    lake: Lake, trained: Trained, data: TrainingSet, card: Mapping[str, Any], mark: str, example: pd.DataFrame
) -> Version:  # fmt: skip
    """Log the model in the active run and register it, with its card as description."""
    uri = log_model(lake, trained.model, example, "predict_proba", {"kind": trained.kind}, data)
    tags = report.tags(card) | {"fingerprint": mark}
    number = register(lake, MODEL, uri, tags, report.written(card, MODEL), data.pins)
    return version(lake, MODEL, number)


def languages(lake: Lake, as_of: date) -> pd.Series:
    """The main language by student, for the slices."""
    spoken = to_pandas(main_language(lake.table("silver.learning_events"), as_of))
    return spoken.set_index("student_id")["language"]


def _calibrated(
    kind: str, model: Any, data: TrainingSet, split: Windows, features: list[str], parameters: Mapping[str, Any]
) -> Trained:  # fmt: skip
    learnt, later = split.train.rows(data.frame), split.calibration.rows(data.frame)
    how = method(int(later[LABEL].sum()), later[LABEL].mean(), learnt[LABEL].mean())
    mended = calibrated(model, later[features], later[LABEL], how)
    return Trained(kind, mended, features, dict(parameters) | {"calibration": how})
