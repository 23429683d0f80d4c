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
MOST_SECONDS = 600
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
    try:
        _python(RESOLVE.format(package=package, ivy=str(ivy)))
    except RadarError as error:
        shutil.rmtree(ivy, ignore_errors=True)
        raise RadarError(
            f"The jar {package} could not be resolved from Maven; check the network and run `make setup` again. "
            f"Spark said: {error}"
        ) from None
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
    try:
        jvm = int(_python(WARM_UP, **{ARCHIVE: str(draft)}).split()[-1])
    except RadarError as error:
        raise RadarError(f"Spark did not start: {error}; see {class_archive().parent}.") from None
    while is_java(jvm):
        time.sleep(0.2)
    if draft.exists():
        draft.rename(class_archive())


def _python(code: str, **environment: str) -> str:
    """What a Python process of its own prints; a RadarError with the last line that it complained by."""
    try:
        told = subprocess.run(
            [sys.executable, "-c", code],
            env=os.environ | environment, capture_output=True, text=True, timeout=MOST_SECONDS,
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        raise RadarError(f"nothing within {MOST_SECONDS} s") from None
    if told.returncode != 0:
        raise RadarError(next(reversed(told.stderr.strip().splitlines()), "nothing"))
    return told.stdout


if __name__ == "__main__":
    try:
        main()
    except RadarError as problem:
        sys.exit(str(problem))
