from __future__ import annotations

import json
import warnings
from datetime import date

import numpy as np
import pandas as pd
import pytest

from features import student_labels
from lakehouse.errors import RadarError
from lakehouse.lake import Lake
from lakehouse.ledger import champion
from lakehouse.model_files import load_card
from lakehouse.registry import Version, challenger
from tests.training.training_frames import kept_over, set_of
from training import evidence, promotion, segments
from training.archetypes import BEHAVIOUR
from training.data import segment_set
from training.segments import clustered, fixed, scaler
from training.stability import matched, silhouettes, stabilities

FEATURES, SEGMENTS = BEHAVIOUR.features, tuple(BEHAVIOUR.segments)


def groups(size: int = 60) -> np.ndarray:
    random = np.random.default_rng(0)
    return np.concatenate([row + random.normal(scale=0.2, size=(size, len(FEATURES))) for row in BEHAVIOUR.points])


def test_a_day_without_features_makes_no_model(lake: Lake) -> None:
    lake.create(student_labels.CONTRACT)
    with pytest.raises(RadarError, match=r"There are no features for 2024-11-05; run `.* -e features .*` first"):
        segment_set(lake, date(2024, 11, 5), FEATURES)


def test_archetypes_are_the_centroids_of_version_1_in_the_order_of_the_names() -> None:
    model = fixed(BEHAVIOUR.points)
    assert np.allclose(model.cluster_centers_, BEHAVIOUR.points)
    assert [SEGMENTS[i] for i in model.predict(BEHAVIOUR.points)] == list(SEGMENTS)


def test_archetypes_of_one_student_are_all_the_same_without_a_warning() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert not fixed(BEHAVIOUR.points * 0.0).cluster_centers_.any()


def test_the_first_version_means_the_archetypes_whole_whatever_varied_on_its_day() -> None:
    first = Version("models.segments", "1", "run", {"kind": "archetypes", "feature_set": "behaviour"})
    assert (segments.meant(None, first) == BEHAVIOUR.points).all()  # type: ignore[arg-type]


def test_what_was_the_same_for_everybody_counts_for_nothing_later() -> None:
    """Of the first students nobody had taken a test: a later score is no reason to be far from every kind."""
    first = pd.DataFrame(groups(20), columns=FEATURES).assign(score_mean=None, level_index=2.0).astype(float)
    scale = scaler(first, [1.0] * len(FEATURES))
    later = first.assign(score_mean=92.0, level_index=5.0)
    assert np.allclose(scale.transform(later), scale.transform(first))
    assert np.ptp(scale.transform(first), axis=0).astype(bool).sum() == len(FEATURES) - 2


def test_later_centroids_keep_the_names_whatever_their_order() -> None:
    order, mutual = matched(BEHAVIOUR.points, BEHAVIOUR.points[[2, 0, 3, 1]] + 0.05)
    assert order.tolist() == [1, 3, 0, 2]
    assert mutual


def test_names_do_not_hold_when_two_centroids_want_one() -> None:
    old = np.array([[0.0, 0.0], [10.0, 0.0]])
    assert not matched(old, np.array([[0.0, 1.0], [1.0, 0.0]]))[1]


def test_clusters_start_from_the_champion_and_are_stable_where_groups_are() -> None:
    points = groups()
    model, agree = clustered(points, BEHAVIOUR.points, 1)
    assert agree
    assert np.bincount(model.predict(points)).tolist() == [60] * 4
    again, _ = clustered(points, BEHAVIOUR.points, 1)
    assert (again.cluster_centers_ == model.cluster_centers_).all()
    assert stabilities(points, model.cluster_centers_, 1)["4"] > 0.95
    found = silhouettes(points, model.cluster_centers_, 1)
    assert max(found, key=lambda k: found[k]) == "4"


def test_scaling_bears_empty_columns_outliers_and_an_empty_day() -> None:
    random = np.random.default_rng(0)
    rows = pd.DataFrame(random.exponential(size=(100, len(FEATURES))), columns=FEATURES)
    rows["score_mean"] = np.nan
    rows.loc[0, "usual_gap"] = 1e9
    points = scaler(rows, BEHAVIOUR.weights).transform(rows)
    assert np.isfinite(points).all()
    assert np.abs(points).max() < 8
    assert (points[:, FEATURES.index("score_mean")] == 0).all()
    assert np.isfinite(scaler(rows.head(0), BEHAVIOUR.weights).transform(rows)).all()


def test_names_keep_their_meaning_over_three_retrainings_on_moving_data() -> None:
    random = np.random.default_rng(3)
    points = groups(80) + random.normal(scale=0.4, size=(320, len(FEATURES)))
    weeks = []
    for week in range(4):
        drift = np.array([0.3 * week, 0.0, 0.1 * week, 0.0, 0.0])
        lively = points + drift + random.normal(scale=0.15, size=points.shape)
        weeks.append(pd.DataFrame(lively, columns=FEATURES))
    kept = kept_over(weeks)
    assert len(kept) == 3
    assert min(kept) >= 0.9


def test_from_archetypes_to_promoted_clusters_that_give_names_and_distances(
    tracked_lake: Lake, monkeypatch: pytest.MonkeyPatch
) -> None:
    day = date(2024, 12, 2)
    students = pd.DataFrame(groups(), columns=FEATURES)
    students.insert(0, "student_id", [f"s{i:03}" for i in range(len(students))])
    students.insert(1, "as_of", pd.Timestamp(day))
    data = set_of(students, FEATURES, day, tracked_lake, "segments")
    for module in (segments, evidence):
        monkeypatch.setattr(module, "segment_set", lambda *_: data)
    monkeypatch.setattr(evidence, "known_features", lambda _: set(FEATURES))
    assert "version 2" in segments.train(tracked_lake, day, 42)
    assert "nothing new" in segments.train(tracked_lake, day, 42)
    assert "version 2 (kmeans) is champion" in promotion.promote(tracked_lake, "segments", day)
    held, waiting = champion(tracked_lake, "segments"), challenger(tracked_lake, "segments")
    assert held is not None
    assert held == waiting
    card = load_card(tracked_lake, held)
    assert card["names_matched"]
    assert card["pins"] == {"features.student_labels": 3}

    import mlflow

    model = mlflow.sklearn.load_model(held.uri)
    distances = model.transform(students[FEATURES])
    names = [json.loads(held.tags["segments"])[i] for i in distances.argmin(axis=1)]
    assert names == [name for name in SEGMENTS for _ in range(60)]
    assert (mlflow.pyfunc.load_model(held.uri).predict(students[FEATURES]) == distances.argmin(axis=1)).all()
