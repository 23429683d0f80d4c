"""What training costs in time and memory: a million rows of 40 features, without a search.

    python -m benchmarks.training_rows --rows 1000000

Both candidates are fitted on the train window, calibrated, and evaluated on the test window with bootstrap intervals,
as `train_dropout` does after its choice. Features are made up; dropout follows three of them. Prints seconds and the
peak memory of the whole process.
"""

from __future__ import annotations

import argparse
import resource
import time

import numpy as np
import pandas as pd

from lakehouse.evaluation import evaluate
from training.calibration import calibrated, method
from training.candidates import RECENCY_FEATURE, Candidate
from training.data import LABEL
from training.splits import TooLittle, windows

WEEKS, FEATURES = 50, 40
CANDIDATES = (
    Candidate("logistic", {"C": 0.03}),
    Candidate("gradient_boosting", {"max_leaf_nodes": 8, "min_samples_leaf": 100}),
)


def main() -> None:
    """Print a line a candidate."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=1_000_000)
    frame = made_up(parser.parse_args().rows)
    split = windows(frame)
    assert not isinstance(split, TooLittle), split
    features = [name for name in frame.columns if name not in ("student_id", "as_of", LABEL)]
    learnt, later, test = (span.rows(frame) for span in (split.train, split.calibration, split.test))
    print(f"{len(frame):,} rows, {len(features)} features: {len(learnt):,} to learn from, {len(test):,} to test on")
    for candidate in CANDIDATES:
        began = time.perf_counter()
        fitted = candidate.fit(learnt[features], learnt[LABEL], 42)
        how = method(int(later[LABEL].sum()), later[LABEL].mean(), learnt[LABEL].mean())
        model = calibrated(fitted, later[features], later[LABEL], how)
        found = evaluate(test.assign(probability=model.predict_proba(test[features])[:, 1]), "probability", 42)
        told = found["roc_auc"]
        print(
            f"{candidate.kind}: {time.perf_counter() - began:.0f} s, ROC AUC {told['value']:.3f} "
            f"({told['low']:.3f}-{told['high']:.3f}), peak {peak_gb():.1f} GB"
        )


def made_up(rows: int) -> pd.DataFrame:
    """Weekly rows of students with features, some missing, and an outcome that follows a few of them."""
    random = np.random.default_rng(0)
    students = rows // WEEKS
    frame = pd.DataFrame(random.exponential(size=(students * WEEKS, FEATURES)), copy=False)
    frame.columns = [RECENCY_FEATURE, *(f"feature_{n:02}" for n in range(1, FEATURES))]
    odds = -3 + 0.8 * frame[RECENCY_FEATURE] - 0.5 * frame["feature_01"] + 0.3 * frame["feature_02"]
    frame[LABEL] = (random.random(len(frame)) < 1 / (1 + np.exp(-odds))).astype(int)
    frame.loc[::7, "feature_03"] = np.nan
    names = pd.Categorical.from_codes(np.tile(np.arange(students), WEEKS), [f"s{n:07}" for n in range(students)])
    frame.insert(0, "student_id", names.astype(str))
    frame.insert(1, "as_of", np.repeat(pd.date_range("2024-01-01", periods=WEEKS, freq="7D"), students))
    return frame


def peak_gb() -> float:
    """The most memory that this process has held."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024 / 1024


if __name__ == "__main__":
    main()
