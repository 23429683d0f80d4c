"""What the richer features are worth: the best model with and without them, on the same test rows of one lake.

    python -m benchmarks.feature_lift --lake real/lake --as-of 2015-06-11 --test-from 2014-10-15 --test-to 2015-05-25

Old: the columns of student_activity and student_learning. New: every feature table. Each side chooses its candidate on
the folds of its train window, is calibrated and looks at the test window once. The difference has a 95 % interval from
a paired bootstrap over students. Looking at a test window uses it up a little: do not choose features by this.
"""

from __future__ import annotations

import argparse
import tempfile
from datetime import date

import numpy as np

from features.student_labels import HORIZON_DAYS
from features.views import student_activity, student_learning
from lakehouse.errors import RadarError
from lakehouse.evaluation import evaluate, resampled, students
from lakehouse.lake import Lake
from lakehouse.registry import tracked_run
from lakehouse.settings import settings
from training.candidates import Trained
from training.data import TrainingSet, training_set
from training.dropout import MODEL, Parameters
from training.experiment import fitted
from training.search import choose
from training.splits import Span, TooLittle, Windows, gap, windows

RESAMPLES = 1000
METRICS = ("roc_auc", "average_precision")


def main() -> None:
    """Print both sides' metrics and their difference."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--lake", default="real/lake")
    parser.add_argument("--as-of", type=date.fromisoformat, required=True)
    parser.add_argument("--test-from", default="")
    parser.add_argument("--test-to", default="")
    parser.add_argument("--candidates", default="logistic,gradient_boosting")
    parser.add_argument("--trials", type=int, default=4)
    parser.add_argument("--horizon-days", type=int, default=HORIZON_DAYS)
    parser.add_argument("--seed", type=int, default=42)
    options = parser.parse_args()
    parameters = Parameters.of(options)
    data = training_set(Lake.open(settings(options.lake)), options.as_of, parameters.horizon_days)
    split = windows(data.frame, parameters.test_from, parameters.test_to, gap(parameters.horizon_days))
    if isinstance(split, TooLittle):
        raise RadarError(split.reason)
    sides = {"old": _first_features(data), "new": list(data.features)}
    rows = split.test.rows(data.frame)
    print(f"train {_span(split.train)}, calibration {_span(split.calibration)}, test {_span(split.test)}")
    print(f"{len(rows):,} test rows, {students(rows)}")
    for side, features in sides.items():
        trained = _best(data, split, features, parameters)
        rows = rows.assign(**{side: trained.risk(rows)})
        told = evaluate(rows, side, parameters.seed, RESAMPLES)
        print(f"{side}: {len(features)} features, {trained.kind} {dict(trained.parameters)}")
        for name in METRICS:
            print(f"  {name} {told[name]['value']:.4f} ({told[name]['low']:.4f} to {told[name]['high']:.4f})")
    old, new = (resampled(rows, side, parameters.seed, RESAMPLES) for side in ("old", "new"))
    points = [evaluate(rows, side, parameters.seed, 1) for side in ("old", "new")]
    print(f"new less old, paired over {RESAMPLES} bootstrap samples of students:")
    for name in METRICS:
        value = (points[1][name]["value"] or 0.0) - (points[0][name]["value"] or 0.0)
        low, high = np.nanquantile(new[name] - old[name], [0.025, 0.975])
        print(f"  {name} {value:+.4f} ({low:+.4f} to {high:+.4f})")


def _first_features(data: TrainingSet) -> list[str]:
    held = {*student_activity.CONTRACT.column_names(), *student_learning.CONTRACT.column_names()}
    return [name for name in data.features if name in held]


def _best(data: TrainingSet, split: Windows, features: list[str], parameters: Parameters) -> Trained:
    """The candidate chosen on folds, fitted and calibrated; its runs are logged beside the lake, and thrown away."""
    rows, between = split.train.rows(data.frame), gap(parameters.horizon_days)
    with tempfile.TemporaryDirectory() as folder, tracked_run(settings(folder), MODEL, "feature lift", {}):
        chosen = choose(rows, features, parameters.candidates, parameters.trials, parameters.seed, between)
    return fitted(chosen, data, split, features, parameters.seed)


def _span(span: Span) -> str:
    return f"{span.first} to {span.last}"


if __name__ == "__main__":
    main()
