"""The models that compete, each made for the rows it is to learn from."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from lakehouse.errors import RadarError
from lakehouse.registry import RECENCY

RECENCY_FEATURE = "gap_ratio"
RECENCY_WEIGHT = 10.0
"""The logistic model starts from the recency rule and corrects it: that term is scaled up, so that its penalty hardly
counts. On generated folds it lifted average precision from .43 to .48 and from .51 to .55 (170 and 242 dropouts)."""
FIXED_INTERCEPT, FIXED_SLOPE = -3.0, 2.0
"""Log-odds of the recency rule where there is nothing to fit it on, per log(1 + gap_ratio): 5 % at no gap, 17 % at one
usual gap, 31 % at two and 64 % at five, close to what real course logs give."""

SPACES: dict[str, dict[str, list[float]]] = {
    "logistic": {"C": [0.001, 0.003, 0.01, 0.03, 0.1, 0.3]},
    "gradient_boosting": {
        "max_leaf_nodes": [4, 8],
        "min_samples_leaf": [50, 100, 200, 300],
        "l2_regularization": [0.0, 10.0],
    },
}
"""What a search draws from: weekly rows of a student repeat each other, so all of it is strongly regularised."""

MONOTONE = {
    "days_since_active": 1, "gap_ratio": 1, "silence_percentile": 1,
    "active_days_7": -1, "active_days_14": -1, "active_days_28": -1,
}  # fmt: skip
"""Features that can only raise (1) or only lower (-1) the risk, all else equal: a longer silence never speaks for a
student, a day of practice never against. Boosting is held to it, so that no reason contradicts common sense."""


@dataclass(frozen=True)
class Candidate:
    """A kind of model with its parameters."""

    kind: str
    parameters: dict[str, float] = field(default_factory=dict)

    def fit(self, rows: pd.DataFrame, outcome: pd.Series, seed: int) -> Any:
        """A pipeline fitted on these rows, and on nothing else.

        Args:
            rows: the feature columns.
            outcome: 0 or 1.
            seed: of whatever is random.
        """
        return _MAKERS[self.kind](rows, self.parameters, seed).fit(rows, outcome)


@dataclass(frozen=True)
class Trained:
    """A fitted and calibrated classifier, with the kind it is and the features it takes."""

    kind: str
    model: Any
    features: list[str]
    parameters: Mapping[str, Any]

    def risk(self, rows: pd.DataFrame) -> Any:
        """Probability of dropping out, a value a row."""
        return self.model.predict_proba(rows[self.features])[:, 1]


def candidates(kind: str, trials: int, seed: int) -> list[Candidate]:
    """Candidates of a kind, drawn at random and without repetition from its space; all of it when that is smaller.

    Raises:
        RadarError: for a kind that is not known.
    """
    from sklearn.model_selection import ParameterGrid, ParameterSampler

    if kind not in SPACES:
        raise RadarError(f"There is no candidate {kind!r}; choose among {', '.join(SPACES)}.")
    most = len(ParameterGrid(SPACES[kind]))
    drawn = ParameterSampler(SPACES[kind], min(trials, most), random_state=seed)
    return [Candidate(kind, dict(parameters)) for parameters in drawn]


def usable(rows: pd.DataFrame) -> list[str]:
    """The columns that hold two values at least; empty and constant ones say nothing, and boosting refuses them."""
    return [name for name in rows.columns if rows[name].nunique() > 1]


def fixed_recency_rule() -> Any:
    """The recency rule with fixed coefficients, for a lake with too few outcomes to fit it on."""
    rows = pd.DataFrame({RECENCY_FEATURE: [0.0, 1.0, 2.0, 3.0]})
    model = _recency(rows, {}, 0).fit(rows, [0, 0, 1, 1])
    model[-1].coef_[:] = FIXED_SLOPE
    model[-1].intercept_[:] = FIXED_INTERCEPT
    return model


def _recency(rows: pd.DataFrame, parameters: dict[str, float], seed: int) -> Any:
    from sklearn.compose import make_column_transformer
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline

    return make_pipeline(make_column_transformer((_logged(), [RECENCY_FEATURE])), LogisticRegression(C=100.0))


def _logistic(rows: pd.DataFrame, parameters: dict[str, float], seed: int) -> Any:
    from sklearn.compose import ColumnTransformer
    from sklearn.impute import SimpleImputer
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import QuantileTransformer, StandardScaler

    ranked = make_pipeline(
        SimpleImputer(strategy="median", add_indicator=True),
        QuantileTransformer(n_quantiles=min(100, len(rows)), random_state=seed),
        StandardScaler(),
    )
    parts = [("ranks", ranked, usable(rows)), ("recency", _logged(), [RECENCY_FEATURE])]
    return make_pipeline(
        ColumnTransformer(parts, transformer_weights={"recency": RECENCY_WEIGHT}),
        LogisticRegression(max_iter=2000, **parameters),
    )


def _logged() -> Any:
    """log(1 + gap_ratio), what the recency rule goes by."""
    from sklearn.impute import SimpleImputer
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import FunctionTransformer

    return make_pipeline(SimpleImputer(strategy="median", keep_empty_features=True), FunctionTransformer(np.log1p))


def _boosting(rows: pd.DataFrame, parameters: dict[str, float], seed: int) -> Any:
    from sklearn.compose import make_column_transformer
    from sklearn.ensemble import HistGradientBoostingClassifier
    from sklearn.pipeline import make_pipeline

    names = usable(rows)
    return make_pipeline(
        make_column_transformer(("passthrough", names)),
        HistGradientBoostingClassifier(
            learning_rate=0.05, max_iter=200, early_stopping=False, random_state=seed,
            monotonic_cst=[MONOTONE.get(name, 0) for name in names], **parameters,
        ),
    )  # fmt: skip


_MAKERS: dict[str, Callable[[pd.DataFrame, dict[str, float], int], Any]] = {
    RECENCY: _recency,
    "logistic": _logistic,
    "gradient_boosting": _boosting,
}
