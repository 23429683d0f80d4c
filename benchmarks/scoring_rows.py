"""What scoring costs a student, beside a bare predict in memory: a million students of 40 features.

    python -m benchmarks.scoring_rows --students 1000000

The same rows, the same model (gradient boosting, calibrated) and both cores for each way: `predict_proba` on a frame
that is in memory already; `score_batch`, which looks features up by keys and predicts on the workers; and the same
with MLflow's `spark_udf`. Each way of Spark runs first while the feature table holds a thousand students and no more:
that is its start-up, and taken off. Prints seconds, rows a second, the ratio to the bare predict, and the most memory
that the processes held, for a quarter of the rows and for all. What reasons cost, which the high and the medium band
alone are told, is printed apart, from ten thousand students.
"""

from __future__ import annotations

import argparse
import tempfile
import threading
import time
from collections.abc import Callable
from datetime import date
from functools import partial
from typing import Any

import psutil
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from benchmarks.training_rows import FEATURES, made_up
from features.capacity import HIGH_PERCENT, MEDIUM_PERCENT
from features.store import open_store
from features.store.join import single_moments
from features.store.local import LocalFeatureStore, augmented, logged_spec
from lakehouse.lake import Lake
from lakehouse.model_files import TRUSTED
from lakehouse.registry import tracked_run
from lakehouse.settings import settings
from scoring.reasons import REASONS
from scoring.risk import explained
from training.calibration import calibrated
from training.candidates import RECENCY_FEATURE, Candidate
from training.data import LABEL

DAY = date(2024, 11, 4)
TABLE = "features.made_up"
TOLD_FROM = list(dict.fromkeys([RECENCY_FEATURE, *(name for reason in REASONS for name in reason.features)]))
"""The features that reasons tell of; the model knows the first forty."""
NAMES = TOLD_FROM[:FEATURES]
FEW, EXPLAINED = 1_000, 10_000
WATCHED = (HIGH_PERCENT + MEDIUM_PERCENT) / 100
"""Of all students, those in the high and the medium band."""
BARE = "bare predict"
REPEATS = 4
"""Runs of each way, of which the fastest counts: Java compiles meanwhile, which is start-up too."""

Way = Callable[[DataFrame], DataFrame]


def main() -> None:
    """Print a line a way."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--students", type=int, default=1_000_000)
    students = parser.parse_args().students
    with tempfile.TemporaryDirectory() as folder, Lake.writing(settings(folder), "benchmark") as lake:
        store = open_store(lake)
        created(lake)
        first = filled(lake, 0, FEW)
        uri, model = learnt(lake, store, first)
        ways: dict[str, Way] = {
            "score_batch": lambda asked: store.score_batch(model_uri=uri, df=asked).select("student_id", "prediction"),
            "spark_udf": lambda asked: by_udf(lake, uri, asked),
        }
        few = {way: start_up(scored, first) for way, scored in ways.items()}
        keys = filled(lake, FEW, students)
        frame = lake.table(TABLE).select(*NAMES).toPandas().astype("float64")
        for rows in (students // 4, students):
            asked, held = keys.where(F.col("n") < rows), frame[:rows]
            done = side_by_side(ways, asked, lambda: model.predict_proba(held))  # noqa: B023
            bare, _ = done.pop(BARE)
            print(f"{BARE} of {rows:,}: {bare:.1f} s, {rows / bare:,.0f} rows/s")
            for way, (seconds, memory) in done.items():
                took = seconds - few[way]
                print(
                    f"{way} of {rows:,}: {took:.1f} s net of {few[way]:.1f} s, {rows / took:,.0f} rows/s, "
                    f"{bare / took:.2f} of the {BARE}; most memory {memory:.1f} GB"
                )
        pace, watched = EXPLAINED / reasons(lake, model), students * WATCHED
        print(f"reasons: {pace:,.0f} students/s; those of {watched:,.0f} take {watched / pace:,.0f} s")


def side_by_side(ways: dict[str, Way], asked: DataFrame, bare: Callable[[], Any]) -> dict[str, tuple[float, float]]:
    """Seconds of each way's fastest run, and the most memory of any; by turns, since a machine's speed changes
    meanwhile, and Java's later runs are faster.
    """
    works: dict[str, Callable[[], Any]] = {way: partial(_run, scored, asked) for way, scored in ways.items()}
    works[BARE] = bare
    runs: dict[str, list[tuple[float, float]]] = {way: [] for way in works}
    for _ in range(REPEATS):
        for way, work in works.items():
            with Memory() as memory:
                seconds = timed(work)
            runs[way].append((seconds, memory.peak))
    return {way: (min(seconds for seconds, _ in of), max(peak for _, peak in of)) for way, of in runs.items()}


def _run(scored: Way, asked: DataFrame) -> None:
    written(scored(asked))


def start_up(scored: Way, few: DataFrame) -> float:
    """Seconds that a few students take once the way is warm."""
    written(scored(few))
    return min(timed(lambda: written(scored(few))) for _ in range(REPEATS))


def by_udf(lake: Lake, uri: str, asked: DataFrame) -> DataFrame:
    """The same by MLflow's own UDF, of which every task loads the model."""
    import mlflow

    spec = logged_spec(uri)
    found = augmented(asked, spec, lake.table, single_moments(asked, spec.lookups, lake.table))
    predict = mlflow.pyfunc.spark_udf(lake.spark, uri, "double", env_manager="local")
    return found.withColumn("risk", predict(F.struct(*NAMES))).select("student_id", "risk")


def reasons(lake: Lake, model: Any) -> float:
    """Seconds that the reasons of made-up students take, net of those of a few."""

    def predict(rows: Any) -> Any:
        return model.predict_proba(rows[NAMES])[:, 1]

    def told(students: int) -> None:
        drawn = [(-F.log(1 - F.rand(n))).alias(name) for n, name in enumerate(TOLD_FROM)]
        rows = lake.spark.range(0, students, 1, 4).select(F.col("id").cast("string").alias("student_id"), *drawn)
        written(explained(rows, TOLD_FROM, dict.fromkeys(TOLD_FROM, 1.0), predict))

    told(100)
    return timed(lambda: told(EXPLAINED + 100)) - timed(lambda: told(100))


def who(lake: Lake, first: int, end: int) -> DataFrame:
    """Keys of made-up students on one day, with a number each."""
    name = F.format_string("s%07d", "id").alias("student_id")
    return lake.spark.range(first, end).select(F.col("id").alias("n"), name, F.lit(DAY).alias("as_of"))


def created(lake: Lake) -> None:
    """The feature table, empty."""
    features = ", ".join(f"{name} double" for name in NAMES)
    LocalFeatureStore(lake).create_table(
        name=TABLE, schema=lake.spark.createDataFrame([], f"student_id string, as_of date, {features}").schema,
        primary_keys=["student_id", "as_of"], timeseries_column="as_of",
    )  # fmt: skip


def filled(lake: Lake, first: int, end: int) -> DataFrame:
    """The feature table given the rows of students from number `first` on; returns the keys of all that it holds, from
    files, as the scoring job has them.
    """
    features = [F.round(-F.log(1 - F.rand(n)), 6).alias(name) for n, name in enumerate(NAMES)]
    rows = who(lake, first, end).select("student_id", "as_of", *features)
    rows.write.format("delta").mode("append").saveAsTable(lake.name(TABLE))
    return lake.stage("keys", who(lake, 0, end))


def learnt(lake: Lake, store: Any, keys: DataFrame) -> tuple[str, Any]:
    """A model of the features, logged with their lookups: its URI, and itself."""
    import mlflow.sklearn
    from databricks.feature_engineering import FeatureLookup
    from mlflow.models import infer_signature

    frame = made_up(100_000)
    frame = frame.rename(
        columns=dict(zip([n for n in frame.columns if n.startswith("feature_")], NAMES[1:], strict=True))
    )
    model = Candidate("gradient_boosting", {"max_leaf_nodes": 8, "min_samples_leaf": 100}).fit(
        frame[NAMES], frame[LABEL], 42
    )
    model = calibrated(model, frame[NAMES], frame[LABEL], "sigmoid")
    lookup = FeatureLookup(table_name=TABLE, lookup_key="student_id", timestamp_lookup_key="as_of")
    made = store.create_training_set(
        df=keys.limit(1).withColumn("left", F.lit(1)), feature_lookups=[lookup], label="left",
        exclude_columns=["n", "student_id", "as_of"],
    )  # fmt: skip
    few = frame[NAMES].head()
    with tracked_run(lake.settings, "dropout", "benchmark", {}):
        logged = store.log_model(
            model=model, artifact_path="model", flavor=mlflow.sklearn, training_set=made,
            signature=infer_signature(few, model.predict_proba(few)), pyfunc_predict_fn="predict_proba",
            serialization_format="skops", skops_trusted_types=list(TRUSTED),
        )  # fmt: skip
    return str(logged.model_uri), model


def written(frame: DataFrame) -> None:
    """Compute every row and keep none."""
    frame.write.format("noop").mode("overwrite").save()


def timed(work: Callable[[], Any]) -> float:
    """Seconds of one run."""
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


class Memory:
    """The most memory that this process and its children hold meanwhile, in GB."""

    peak = 0.0

    def __enter__(self) -> Memory:
        self._over = threading.Event()
        self._watch = threading.Thread(target=self._look, daemon=True)
        self._watch.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._watch.join()

    def _look(self) -> None:
        me = psutil.Process()
        while not self._over.wait(0.25):
            held = 0
            for process in (me, *me.children(recursive=True)):
                try:
                    held += process.memory_info().rss
                except psutil.NoSuchProcess:
                    continue
            self.peak = max(self.peak, held / 1024**3)


if __name__ == "__main__":
    main()
