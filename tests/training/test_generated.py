"""On generated students, whose true hazard is known, the model must come near what can be known."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import numpy as np
import pandas as pd
from pyspark.sql import SparkSession
from sklearn.metrics import roc_auc_score
from training_frames import set_of

from data_gen.__main__ import main as generate
from features.views import student_activity, student_learning, student_progress, student_rhythm
from lakehouse.registry import tracked_run
from lakehouse.settings import settings
from tests.chain import Chain, chain, read_raw
from training.data import LABEL, TrainingSet
from training.dropout import Parameters, choose, fit
from training.splits import TooLittle, windows

END = date(2025, 1, 1)


def labelled(made: Chain) -> TrainingSet:
    """What `training_set` reads from the lake, from the pure chain."""
    key = ["student_id", "as_of"]
    wide = made.labels
    for table in (made.activity, made.learning, made.rhythm, made.progress):
        wide = wide.merge(table, on=key)
    days = pd.to_datetime(wide["as_of"])
    wide = wide[wide["eligible"] & wide[LABEL].notna() & (days.dt.dayofweek == 0)].drop(columns="eligible")
    groups = (student_activity, student_learning, student_rhythm, student_progress)
    held = {name for group in groups for name in group.CONTRACT.column_names()}
    features = tuple(name for name in wide.columns if name in held and name not in key)
    wide = wide[[*key, LABEL, *features]]
    frame = wide.assign(as_of=pd.to_datetime(wide["as_of"]), **{LABEL: wide[LABEL].astype(int)})
    frame = frame.astype(dict.fromkeys(features, float)).sort_values(["as_of", "student_id"], ignore_index=True)
    return set_of(frame, features, END)


def test_at_least_nine_tenths_of_the_way_to_the_true_hazard(spark: SparkSession, tmp_path: Path) -> None:
    landing = tmp_path / "landing"
    generate(["--students", "500", "--days", "180", "--seed", "42", "--out", str(landing)])
    data = labelled(chain(spark, read_raw(landing), END))
    split = windows(data.frame, None, None)
    assert not isinstance(split, TooLittle), split
    parameters = Parameters(("logistic", "gradient_boosting"), None, None, 42)
    features = list(data.features)
    with tracked_run(settings(str(tmp_path / "lake")), "dropout", "generated", {}):
        chosen = choose(split.train.rows(data.frame), features, parameters)
        trained = fit(chosen, data, split, features, 42)
    rows = split.test.rows(data.frame)
    hazard = pd.read_parquet(tmp_path / "truth" / "hazard.parquet")
    truth = hazard.assign(student_id=hazard["user_id"].astype(str), as_of=pd.to_datetime(hazard["date"]))
    told = rows.merge(truth[["student_id", "as_of", "hazard"]], on=["student_id", "as_of"], how="left")
    assert told["hazard"].notna().all()
    ours = roc_auc_score(told[LABEL], trained.risk(told))
    true = roc_auc_score(told[LABEL], told["hazard"])
    assert true > 0.75
    assert ours - 0.5 >= 0.9 * (true - 0.5), f"model {ours:.3f}, hazard {true:.3f}"
    assert np.isfinite(trained.risk(told)).all()
