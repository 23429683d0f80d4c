"""What scoring costs a student, beside a bare predict in memory: a million students of 40 features.

    python -m benchmarks.scoring_rows --students 1000000

The same rows, the same model (gradient boosting, calibrated) and both cores for each way: `predict_proba` on a frame
that is in memory already; `score_batch`, which looks features up by keys and predicts on the workers; and the same
with MLflow's `spark_udf`. Each way of Spark runs on a thousand students first, and that time is taken off. Prints
seconds, rows a second, the ratio to the bare predict, and the most memory that the processes held, for a quarter of the
rows and for all.
"""

from __future__ import annotations

import argparse
import tempfile
import threading
import time
from collections.abc import Callable
from datetime import date
from typing import Any

import psutil
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from benchmarks.training_rows import FEATURES, made_up
from features.store import open_store
from features.store.join import single_moments
from features.store.local import LocalFeatureStore, augmented, logged_spec
from lakehouse.lake import Lake
from lakehouse.registry import TRUSTED, tracked_run
from lakehouse.settings import settings
from training.calibration import calibrated
from training.candidates import RECENCY_FEATURE, Candidate
from training.data import LABEL

DAY = date(2024, 11, 4)
TABLE = "features.made_up"
NAMES = [RECENCY_FEATURE, *(f"feature_{n:02}" for n in range(1, FEATURES))]
FEW = 1_000


def main() -> None:
    """Print a line a way."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--students", type=int, default=1_000_000)
    students = parser.parse_args().students
    with tempfile.TemporaryDirectory() as folder, Lake.writing(settings(folder), "benchmark") as lake:
        store = open_store(lake)
        keys = filled(lake, students)
        uri, model = learnt(lake, store, keys)
        frame = lake.table(TABLE).select(*NAMES).toPandas().astype("float64")
        bare = timed(lambda: model.predict_proba(frame))
        print(f"bare predict of {students:,}: {bare:.1f} s, {students / bare:,.0f} rows/s")

        ways = {
            "score_batch": lambda asked: store.score_batch(model_uri=uri, df=asked).select("student_id", "prediction"),
            "spark_udf": lambda asked: by_udf(lake, uri, asked),
        }
        for way, scored in ways.items():
            written(scored(keys.where(F.col("n") < FEW)))
            few = timed(lambda: written(scored(keys.where(F.col("n") < FEW))))  # noqa: B023
            for rows in (students // 4, students):
                with Memory() as memory:
                    took = timed(lambda: written(scored(keys.where(F.col("n") < rows)))) - few  # noqa: B023
                print(
                    f"{way} of {rows:,}: {took:.1f} s net of {few:.1f} s, {rows / took:,.0f} rows/s, "
                    f"{rows / took / (students / bare):.2f} of the bare predict; most memory {memory.peak:.1f} GB"
                )


def by_udf(lake: Lake, uri: str, asked: DataFrame) -> DataFrame:
    """The same by MLflow's own UDF, of which every task loads the model."""
    import mlflow

    spec = logged_spec(uri)
    found = augmented(asked, spec, lake.table, single_moments(asked, spec.lookups))
    predict = mlflow.pyfunc.spark_udf(lake.spark, uri, "double", env_manager="local")
    return found.withColumn("risk", predict(F.struct(*NAMES))).select("student_id", "risk")


def filled(lake: Lake, students: int) -> DataFrame:
    """A feature table of made-up students on one day; returns their keys, with a number each."""
    features = [F.round(-F.log(1 - F.rand(n)), 6).alias(name) for n, name in enumerate(NAMES)]
    who = lake.spark.range(students).select(
        F.col("id").alias("n"), F.format_string("s%07d", "id").alias("student_id"), F.lit(DAY).alias("as_of")
    )
    store = LocalFeatureStore(lake)
    rows = who.select("student_id", "as_of", *features)
    keys = {"primary_keys": ["student_id", "as_of"], "timeseries_column": "as_of"}
    store.create_table(name=TABLE, schema=rows.schema, **keys)  # type: ignore[arg-type]
    rows.write.format("delta").mode("append").saveAsTable(lake.name(TABLE))
    return who


def learnt(lake: Lake, store: Any, keys: DataFrame) -> tuple[str, Any]:
    """A model of the features, logged with their lookups: its URI, and itself."""
    import mlflow.sklearn
    from databricks.feature_engineering import FeatureLookup
    from mlflow.models import infer_signature

    frame = made_up(100_000)
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
