"""Evidence for a promotion, gathered anew: what both versions make of rows that neither of them brought along."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd
from pyspark.sql import functions as F

from features.lookups import known_features, learnable, with_features
from lakehouse.errors import RadarError
from lakehouse.lake import Lake
from lakehouse.model_files import load_artifact, load_model
from lakehouse.registry import Version
from training.data import KEY, LABELS, collected, labelled, sampled, segment_set
from training.experiment import languages
from training.report import TEST_ROWS, TRAINING_SET
from training.rules import Fresh, Grouped, Papers
from training.segments import meant
from training.splits import Span
from training.stability import matched, stability
from training.versions import recency_rule


@dataclass(frozen=True)
class Evidence:
    """What speaks for and against a challenger.

    Attributes:
        lake: the lake.
        as_of: the day of the decision.
        held: the champion.
        waiting: the challenger.
    """

    lake: Lake
    as_of: date
    held: Version
    waiting: Version

    @cached_property
    def papers(self) -> Papers:
        """What both say of themselves; no model is loaded for it."""
        theirs, ours = _signature(self.held), _signature(self.waiting)
        inputs = ours.inputs.input_names() if ours and ours.inputs else []
        outputs = tuple(str(found.outputs) if found and found.outputs else "" for found in (theirs, ours))
        return Papers(
            self.as_of, self.held.tags, self.waiting.tags, inputs, (outputs[0], outputs[1]), known_features(self.lake)
        )

    @cached_property
    def window(self) -> pd.DataFrame:
        """The rows of the challenger's test window, as the feature store has them now."""
        tags = self.waiting.tags
        test = Span(date.fromisoformat(tags["test_from"]), date.fromisoformat(tags["test_to"]))
        share = load_artifact(self.lake, self.waiting, TRAINING_SET)["share_of_students"]
        return window_rows(self.lake, test, self.as_of, share)

    @cached_property
    def fresh(self) -> Fresh:
        """Both versions, and the recency rule, on those rows."""
        rows, judged = self.window, self._predictor(self.waiting)
        if lacking := [name for name in _inputs(self.held) if name not in rows]:
            raise RadarError(
                f"the champion, version {self.held.version}, needs {', '.join(lacking)}, which no feature table holds "
                "any more; go back by `rollback`, or promote with an override"
            )
        judged(rows.head(1))
        began = time.perf_counter()
        ours = judged(rows)
        seconds = (time.perf_counter() - began) / max(len(rows), 1) * 1000
        logged = test_rows(self.waiting)[[*KEY, "probability"]].rename(columns={"probability": "evaluated"})
        told = rows.assign(
            probability=ours, champion=self._predictor(self.held)(rows), recency=self._predictor(self._rule)(rows)
        ).merge(logged, on=KEY, how="left")
        return Fresh(told, seconds)

    @cached_property
    def grouped(self) -> Grouped:
        """The challenger's groups of the students of the day."""
        model = load_model(self.lake, self.waiting)
        names = json.loads(self.waiting.tags["segments"])
        rows = segment_set(self.lake, self.as_of, list(model.feature_names_in_)).frame[list(model.feature_names_in_)]
        labels, centroids = model.predict(rows), model[-1].cluster_centers_
        places, agree = matched(meant(self.lake, self.held), centroids)
        same = names == json.loads(self.held.tags["segments"]) and bool((places == np.arange(len(places))).all())
        shares = {name: float((labels == place).mean()) for place, name in enumerate(names)}
        steady = stability(model[:-1].transform(rows), centroids, len(centroids), 0)
        return Grouped(names, shares, steady, agree and same)

    @property
    def _rule(self) -> Version:
        found = recency_rule(self.lake)
        if found is None:
            raise RadarError("There is no recency rule among the versions; there is nothing to beat.")
        return found

    def _predictor(self, found: Version) -> Callable[[pd.DataFrame], Any]:
        """The probabilities of a loaded version."""
        model, inputs = load_model(self.lake, found), _inputs(found)
        return lambda rows: model.predict_proba(rows[inputs])[:, 1]


def window_rows(lake: Lake, test: Span, as_of: date, share: float) -> pd.DataFrame:
    """Students and Mondays of a window whose outcome is known by a day, with every feature that a model can take and
    their language.

    Args:
        lake: whose feature tables are read as they are now.
        test: the window.
        as_of: the day.
        share: of the students, the share that is taken.
    """
    labels = labelled(lake.table(LABELS), as_of)
    inside = labels.where(F.col("as_of").between(F.lit(test.first), F.lit(test.last)))
    found = with_features(lake, sampled(inside, share))
    features = sorted({*learnable(lake)} & set(found.columns))
    rows = collected(found, features)
    return rows.assign(language=rows["student_id"].map(languages(lake, as_of)))


def test_rows(found: Version) -> pd.DataFrame:
    """The test rows that a version's training logged."""
    import mlflow

    return pd.read_parquet(mlflow.artifacts.download_artifacts(f"runs:/{found.run_id}/{TEST_ROWS}"))


def _signature(found: Version) -> Any:
    import mlflow

    return mlflow.models.get_model_info(found.uri).signature


def _inputs(found: Version) -> list[str]:
    return list(_signature(found).inputs.input_names())
