"""On generated students, whose true hazard is known, the model must come near what can be known."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from sklearn.metrics import adjusted_rand_score, roc_auc_score

from features.lookups import with_features
from lakehouse.model_files import load_card, load_model
from lakehouse.registry import client, use_mlflow, version
from scoring.reasons import REASONS, explain
from tests.training.conftest import Learnt
from training.archetypes import BEHAVIOUR
from training.data import LABEL, segment_set
from training.evidence import test_rows as logged_rows
from training.segments import clustered, scaler


def test_nine_tenths_of_the_way_to_the_true_hazard_and_surely_better_than_the_recency_rule(learnt: Learnt) -> None:
    found = version(learnt.lake, "dropout", "2")
    hazard = pd.read_parquet(learnt.truth / "hazard.parquet")
    truth = hazard.assign(student_id=hazard["user_id"].astype(str), as_of=pd.to_datetime(hazard["date"]))
    told = logged_rows(found).merge(truth[["student_id", "as_of", "hazard"]], on=["student_id", "as_of"], how="left")
    assert told["hazard"].notna().all()
    ours, true = (roc_auc_score(told[LABEL], told[column]) for column in ("probability", "hazard"))
    assert true > 0.75
    assert ours - 0.5 >= 0.92 * (true - 0.5), f"model {ours:.3f}, hazard {true:.3f}"
    assert np.isfinite(told["probability"]).all()
    card = load_card(learnt.lake, found)
    assert card["metrics"]["roc_auc"]["value"] > card["recency"]["roc_auc"]["value"] + 0.02
    assert card["metrics"]["calibration_error"]["value"] < 0.05


def test_the_planted_archetypes_are_found(learnt: Learnt) -> None:
    frame = segment_set(learnt.lake, learnt.as_of, BEHAVIOUR.features).frame
    rows = frame[BEHAVIOUR.features]
    points = scaler(rows, BEHAVIOUR.weights).transform(rows)
    model, names_hold = clustered(points, BEHAVIOUR.points, 42)
    planted = pd.read_parquet(learnt.truth / "students.parquet")
    truth = planted.set_index(planted["user_id"].astype(str))["archetype"]
    assert names_hold
    assert adjusted_rand_score(frame["student_id"].map(truth), model.predict(points)) >= 0.6


CAUSES = {
    "gap": {"silence", "absences"}, "poor_scores": {"scores", "setback"}, "corrections": {"errors"},
    "no_lesson": {"lessons", "peers"},
}  # fmt: skip
"""What raises the hazard of a generated student, and the reasons that tell of it."""


def test_a_planted_cause_is_among_the_three_reasons_of_those_at_the_top(learnt: Learnt) -> None:
    model = load_model(learnt.lake, version(learnt.lake, "dropout", "2"))
    names = list(model.feature_names_in_)
    hazard = pd.read_parquet(learnt.truth / "hazard.parquet")
    truth = hazard.assign(student_id=hazard["user_id"].astype(str)).set_index(["student_id", "date"])
    labels = learnt.lake.table("features.student_labels").where(
        f"eligible AND as_of > date_sub('{learnt.as_of}', 70) AND as_of < '{learnt.as_of}'"
    )  # fmt: skip
    found = []
    for day, of_day in with_features(learnt.lake, labels.select("student_id", "as_of")).toPandas().groupby("as_of"):
        rows = of_day.reset_index(drop=True)
        values = rows.select_dtypes("number").astype(float)
        risk = model.predict_proba(values[names])[:, 1]
        top = np.argsort(-risk)[: round(len(rows) / 10)]
        typical = values.median().fillna(0).to_dict()
        told = explain(values.iloc[top], typical, lambda rows: model.predict_proba(rows[names])[:, 1])
        for place, reasons in zip(top, told.itertuples(index=False), strict=True):
            parts = truth.loc[(rows["student_id"][place], day), [*CAUSES, "hazard"]].astype(float)
            cause = parts[list(CAUSES)].idxmax()
            if parts[cause] < max(0.6 * parts["hazard"], 0.005):
                continue
            student, everyone = values.iloc[place], pd.Series(typical)
            words = [reason.tell(student, everyone) for reason in REASONS if reason.name in CAUSES[cause]]
            found.append((cause, bool({*words} & {reasons.reason_1, reasons.reason_2, reasons.reason_3} - {None})))
    named = pd.DataFrame(found, columns=["cause", "named"])
    assert set(named["cause"]) == set(CAUSES)
    assert named["named"].mean() >= 0.8, named.groupby("cause")["named"].mean().to_dict()


def test_a_run_is_found_by_its_documented_names_with_its_kinds_and_trials_below(learnt: Learnt) -> None:
    import mlflow

    use_mlflow(learnt.lake.settings)
    asked = (
        "tags.step = 'train_dropout' AND params.horizon_days = '14' AND params.trials = '4' "
        "AND metrics.test_average_precision_low > 0.3"
    )
    runs = mlflow.search_runs(experiment_names=["learner-radar-dropout"], filter_string=asked, output_format="list")
    found = next(run for run in runs if run.data.tags["kind"] != "recency_rule")
    assert {"code_hash", "python_version", "scikit-learn_version", "as_of"} <= found.data.tags.keys()
    assert {"candidates", "seed", "calibration"} <= found.data.params.keys()
    assert found.inputs.dataset_inputs[0].dataset.name == "dropout_training_set"
    files = {file.path for file in mlflow.artifacts.list_artifacts(run_id=found.info.run_id)}
    assert {
        "model_card.md", "model_card.json", "training_set.json", "slices.json", "importance.json", "roc.png",
        "precision_recall.png", "reliability.png", "importance.png", "test_rows.parquet", "reference.json",
    } <= files  # fmt: skip
    kinds = below(found.info.run_id)
    assert {run.data.tags["kind"] for run in kinds} == {"logistic", "gradient_boosting"}
    trials = [trial for run in kinds for trial in below(run.info.run_id)]
    assert len(trials) == 8
    assert all(trial.data.metrics["cv_average_precision"] > 0 for trial in trials)
    best = max(trial.data.metrics["cv_average_precision"] for trial in trials)
    assert best == max(run.data.metrics["cv_average_precision"] for run in kinds)


def below(run_id: str) -> list[Any]:
    import mlflow

    return mlflow.search_runs(
        experiment_names=["learner-radar-dropout"], filter_string=f"tags.mlflow.parentRunId = '{run_id}'",
        output_format="list",
    )  # fmt: skip


def test_the_card_in_words_is_the_versions_description(learnt: Learnt) -> None:
    found = version(learnt.lake, "dropout", "2")
    held = client(learnt.lake.settings).get_model_version(found.name, found.version)
    assert held.description.startswith("# Dropout risk: ")
    for said in ("**When not.**", "| roc_auc | 0.", "| language | spanish |", "upwards.", "**Limits.**"):
        assert said in held.description
