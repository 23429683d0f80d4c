"""Delta's jars, resolved once, and a class-data-sharing archive beside them that makes Spark start faster."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from importlib.metadata import version
from pathlib import Path

from lakehouse.errors import RadarError
from lakehouse.java import check_java, is_java

DELTA = "io.delta:delta-spark_{spark}_2.13:{delta}"
# Spark ships these itself; a second copy on the class path would shadow it.
SHIPPED_WITH_SPARK = ("org.apache.hadoop", "org.apache.parquet", "org.apache.logging", "com.fasterxml", "org.slf4j")
RESOLVE = """
from pyspark.sql import SparkSession
SparkSession.builder.master("local[1]").config("spark.jars.packages", {package!r}).config(
    "spark.jars.ivy", {ivy!r}).config("spark.ui.enabled", "false").getOrCreate().stop()
"""
ARCHIVE = "LEARNER_RADAR_ARCHIVE_CLASSES"
WARM_UP = """
import tempfile
from lakehouse.session import connect, jvm_pid
spark = connect()
folder = tempfile.mkdtemp()
spark.range(100).selectExpr("id", "id % 7 AS g").write.format("delta").save(folder)
spark.sql(f"MERGE INTO delta.`{folder}` t USING (SELECT id, g FROM range(50) CROSS JOIN (SELECT 1 g)) s ON t.id = s.id "
          "WHEN MATCHED THEN UPDATE SET *").collect()
spark.read.format("delta").load(folder).groupBy("g").count().toPandas()
print(jvm_pid())
"""


def cache_folder() -> Path:
    """`LEARNER_RADAR_CACHE`, or `~/.cache/learner-radar`; one folder below it for each pair of Spark and Delta."""
    base = os.environ.get("LEARNER_RADAR_CACHE") or Path.home() / ".cache" / "learner-radar"
    return Path(base) / f"spark-{version('pyspark')}-delta-{version('delta-spark')}"


def delta_jars() -> list[Path]:
    """Paths of Delta's jars, resolved from Maven on the first call and read from the cache afterwards.

    Raises:
        RadarError: when the jars cannot be resolved (no network on the first call).
    """
    folder = cache_folder() / "jars"
    if not folder.is_dir():
        _resolve(folder)
    return sorted(folder.glob("*.jar"))


def class_archive() -> Path:
    """Where the class-data-sharing archive lies, whether it was made yet or not."""
    return cache_folder() / "classes.jsa"


def _resolve(folder: Path) -> None:
    check_java()
    package = DELTA.format(spark=".".join(version("pyspark").split(".")[:2]), delta=version("delta-spark"))
    ivy = folder.with_name(f"ivy-{os.getpid()}")
    answer = subprocess.run(
        [sys.executable, "-c", RESOLVE.format(package=package, ivy=str(ivy))],
        capture_output=True, text=True, timeout=600,
    )  # fmt: skip
    if answer.returncode != 0:
        shutil.rmtree(ivy, ignore_errors=True)
        raise RadarError(
            f"The jar {package} could not be resolved from Maven; check the network and run `make setup` again. "
            f"Spark said: {answer.stderr.strip().splitlines()[-1] if answer.stderr.strip() else 'nothing'}"
        )
    for jar in (ivy / "jars").glob("*.jar"):
        if jar.name.startswith(SHIPPED_WITH_SPARK):
            jar.unlink()
    folder.parent.mkdir(parents=True, exist_ok=True)
    if not folder.exists():
        (ivy / "jars").rename(folder)
    shutil.rmtree(ivy, ignore_errors=True)


def main() -> None:
    """Resolve the jars and make the archive, unless both are there."""
    delta_jars()
    if class_archive().exists():
        return
    draft = class_archive().with_suffix(".draft")
    told = subprocess.run(
        [sys.executable, "-c", WARM_UP],
        env=os.environ | {ARCHIVE: str(draft)},
        capture_output=True,
        text=True,
        timeout=600,
    )
    if told.returncode != 0:
        raise RadarError(f"Spark did not start: {told.stderr.strip().splitlines()[-1]}; see {class_archive().parent}.")
    jvm = int(told.stdout.split()[-1])
    while is_java(jvm):
        time.sleep(0.2)
    if draft.exists():
        draft.rename(class_archive())


if __name__ == "__main__":
    try:
        main()
    except RadarError as problem:
        sys.exit(str(problem))
