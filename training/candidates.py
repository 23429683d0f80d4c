"""The models that compete, each made for the rows it is to learn from."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from lakehouse.errors import RadarError

Grid = Sequence[dict[str, float]]

RECENCY = "recency_rule"
RECENCY_FEATURE = "gap_ratio"
FIXED_INTERCEPT, FIXED_SLOPE = -3.0, 2.0
"""Log-odds of the recency rule where there is nothing to fit it on, per log(1 + gap_ratio): 5 % at no gap, 17 % at one
usual gap, 31 % at two and 64 % at five, close to what real course logs give."""

BOOSTING_GRID: Grid = (
    {"max_leaf_nodes": 4, "min_samples_leaf": 100},
    {"max_leaf_nodes": 8, "min_samples_leaf": 100},
    {"max_leaf_nodes": 8, "min_samples_leaf": 300},
)
LOGISTIC_GRID: Grid = ({"C": 0.003}, {"C": 0.03}, {"C": 0.3})


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


def candidates(kinds: Sequence[str]) -> Iterator[Candidate]:
    """Every candidate of the kinds named.

    Raises:
        RadarError: for a kind that is not known.
    """
    for kind in kinds:
        if kind not in GRIDS:
            raise RadarError(f"There is no candidate {kind!r}; choose among {', '.join(GRIDS)}.")
        yield from (Candidate(kind, dict(parameters)) for parameters in GRIDS[kind])


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
    from sklearn.impute import SimpleImputer
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import FunctionTransformer

    logged = make_pipeline(SimpleImputer(strategy="median", keep_empty_features=True), FunctionTransformer(np.log1p))
    return make_pipeline(make_column_transformer((logged, [RECENCY_FEATURE])), LogisticRegression(C=100.0))


def _logistic(rows: pd.DataFrame, parameters: dict[str, float], seed: int) -> Any:
    from sklearn.compose import make_column_transformer
    from sklearn.impute import SimpleImputer
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import QuantileTransformer, StandardScaler

    return make_pipeline(
        make_column_transformer(("passthrough", usable(rows))),
        SimpleImputer(strategy="median", add_indicator=True),
        QuantileTransformer(n_quantiles=min(100, len(rows)), random_state=seed),
        StandardScaler(),
        LogisticRegression(max_iter=2000, **parameters),
    )


def _boosting(rows: pd.DataFrame, parameters: dict[str, float], seed: int) -> Any:
    from sklearn.compose import make_column_transformer
    from sklearn.ensemble import HistGradientBoostingClassifier
    from sklearn.pipeline import make_pipeline

    return make_pipeline(
        make_column_transformer(("passthrough", usable(rows))),
        HistGradientBoostingClassifier(
            learning_rate=0.05, max_iter=200, early_stopping=False, random_state=seed, **parameters
        ),
    )


GRIDS: dict[str, Grid] = {"logistic": LOGISTIC_GRID, "gradient_boosting": BOOSTING_GRID}
_MAKERS: dict[str, Callable[[pd.DataFrame, dict[str, float], int], Any]] = {
    RECENCY: _recency,
    "logistic": _logistic,
    "gradient_boosting": _boosting,
}
