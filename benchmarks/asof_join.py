"""How fast the feature store's point-in-time join is beside Feast's plan on Spark, DuckDB and Polars.

    python -m benchmarks.asof_join [--labels 500000] [--students 50000] [--rows 100] [--repeats 3] [--only project …]

Each engine runs in a process of its own, one after the other on the same Parquet files, and computes every output
column: a small run first, whose rows have to be the same from every engine, then the median of several whole ones,
whose sums have to be. Peak memory is the kernel's high-water mark: of the JVM and its Python workers for Spark, of the
process for others. CPU seconds stand beside, as they change less when the machine has other work. Polars is no
dependency of the project: without it the run says so and goes on.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

FEATURES = [f"feature_{n}" for n in range(5)]
COLUMNS = ["row", "student_id", "asked", *FEATURES]
SUMS = ["count(1)", "sum(row)", "count(student_id)", "count(asked)", *[f"sum({name})" for name in FEATURES]]
YEAR = 365 * 86_400
START = 1_735_689_600  # 2025-01-01, in seconds
TARGETS = {"row_number": "at least 3", "duckdb": "at least 0.2", "polars": "at least 0.2"}


class Measured(NamedTuple):
    """What a process tells: medians in seconds, peak memory in MiB, sums over every output column."""

    wall: float
    cpu: float
    peak: float
    sums: list[float]


def main() -> None:
    """Print seconds, ratios and peak memory."""
    options = _options()
    if options.engine:
        print(json.dumps(_measure(ENGINES[options.engine], options.engine, options.folder, options.repeats)))
        return
    folder = Path(tempfile.mkdtemp(prefix="bench-"))
    try:
        make(folder / "small", 5_000, 500, 20)
        make(folder / "whole", options.labels, options.students, options.rows)
        rows = options.students * options.rows
        print(f"{options.labels:,} labels, {rows:,} feature rows of {options.students:,} students; load {_load()}")
        _report({name: _child(name, folder, options.repeats) for name in options.only}, folder)
    finally:
        shutil.rmtree(folder)


def make(folder: Path, labels: int, students: int, rows: int) -> None:
    """Write labels and features, each in random order; one label in ten is of the very time of a feature row."""
    rng = np.random.default_rng(42)
    stride = YEAR // rows
    times = START + np.arange(rows) * stride + rng.integers(0, stride, (students, rows))
    student = rng.integers(0, students + students // 100, labels)  # some have no features at all
    at = START + rng.integers(0, YEAR, labels)
    tie = (rng.random(labels) < 0.1) & (student < students)
    at[tie] = times[student[tie], rng.integers(0, rows, tie.sum())]
    columns = {"row": np.arange(labels), "student_id": _names(student, rng), "asked": _moments(at, rng)}
    _write(folder / "labels", pa.table(columns), 2)
    order = rng.permutation(students * rows)
    values = {name: pa.array(rng.random(len(order)), mask=rng.random(len(order)) < 0.02) for name in FEATURES}
    keys = {"student_id": _names(order // rows), "as_of": _moments(times.ravel()[order])}
    _write(folder / "features", pa.table(keys | values), 4)


def project(spark: Any, folder: Path) -> Any:
    """The project's own join."""
    from features.store.join import as_of_join
    from features.store.spec import Lookup

    outputs = {name: name for name in FEATURES}
    lookup = Lookup("features", ("student_id",), "as_of", ("student_id",), "asked", None, outputs, {})
    return as_of_join(*_frames(spark, folder), lookup, outputs)


def row_number(spark: Any, folder: Path) -> Any:
    """The plan of Feast's offline store on Spark: every earlier row, numbered, and the first one kept."""
    from pyspark.sql import Window
    from pyspark.sql import functions as F

    labels, features = _frames(spark, folder)
    same = (labels.student_id == features.student_id) & (features.as_of <= labels.asked)
    newest = F.row_number().over(Window.partitionBy("row").orderBy(F.desc("as_of")))
    return labels.join(features, same, "left").drop(features.student_id).withColumn("n", newest).where("n = 1")


def duckdb(folder: Path, sums: bool) -> pa.Table:
    """DuckDB's `ASOF JOIN`."""
    import duckdb as engine

    joined = (
        f"SELECT l.*, {', '.join(FEATURES)} FROM '{folder}/labels/*.parquet' l ASOF LEFT JOIN "
        f"'{folder}/features/*.parquet' f ON l.student_id = f.student_id AND l.asked >= f.as_of"
    )
    return engine.sql(f"SELECT {', '.join(SUMS if sums else COLUMNS)} FROM ({joined})").to_arrow_table()


def polars(folder: Path, sums: bool) -> pa.Table:
    """Polars' `join_asof`, of frames sorted by time."""
    try:
        import polars as pl
    except ImportError as error:
        raise SystemExit("Polars is not installed; `pip install polars` brings it.") from error
    labels = pl.scan_parquet(folder / "labels" / "*.parquet").sort("asked")
    features = pl.scan_parquet(folder / "features" / "*.parquet").sort("as_of")
    known = labels.filter(pl.col("asked").is_not_null())  # join_asof refuses a time that is null
    joined = known.join_asof(features, left_on="asked", right_on="as_of", by="student_id", check_sortedness=False)
    joined = pl.concat([joined, labels.filter(pl.col("asked").is_null())], how="diagonal")
    totals = [pl.len().alias("n"), pl.sum("row"), pl.count("student_id", "asked"), pl.sum(*FEATURES)]
    return (joined.select(totals) if sums else joined.select(COLUMNS)).collect().to_arrow()


def on_spark(plan: Callable[[Any, Path], Any]) -> Callable[[Path, bool], pa.Table]:
    """A plan as an engine, in the project's own session."""

    def run(folder: Path, sums: bool) -> pa.Table:
        from lakehouse.session import connect

        joined = plan(connect(), folder)
        return (joined.selectExpr(*SUMS) if sums else joined.select(*COLUMNS)).toArrow()

    return run


ENGINES: dict[str, Callable[[Path, bool], pa.Table]] = {
    "row_number": on_spark(row_number), "project": on_spark(project), "duckdb": duckdb, "polars": polars,
}  # fmt: skip


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--labels", type=int, default=500_000)
    parser.add_argument("--students", type=int, default=50_000)
    parser.add_argument("--rows", type=int, default=100, help="feature rows of each student")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--only", nargs="+", choices=ENGINES, default=list(ENGINES))
    parser.add_argument("--engine", choices=ENGINES, help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    return parser.parse_args()


def _child(name: str, folder: Path, repeats: int) -> Measured | None:
    options = ["--engine", name, "--folder", str(folder), "--repeats", str(repeats)]
    command = [sys.executable, "-m", "benchmarks.asof_join", *options]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        reason = done.stderr.strip().splitlines() or ["no word"]
        print(f"{name}: left out, it failed: {reason[-1]}")
        return None
    return Measured(*json.loads(done.stdout.splitlines()[-1]))


def _measure(run: Callable[[Path, bool], pa.Table], name: str, folder: Path, repeats: int) -> Measured:
    pq.write_table(run(folder / "small", False), folder / f"{name}.parquet")
    run(folder / "small", True)
    pid = os.getpid()
    if "pyspark" in sys.modules:
        from lakehouse.session import jvm_pid

        pid = jvm_pid() or pid
    wall, cpu = [], []
    for _ in range(repeats):
        began, used = time.monotonic(), _cpu(pid)
        sums = run(folder / "whole", True)
        wall.append(time.monotonic() - began)
        cpu.append(_cpu(pid) - used)
    totals = [float(column[0].as_py()) for column in sums.columns]
    return Measured(statistics.median(wall), statistics.median(cpu), _peak(pid), totals)


def _report(found: dict[str, Measured | None], folder: Path) -> None:
    measured = {name: seen for name, seen in found.items() if seen}
    _check(measured, folder)
    print(f"{'':12}{'seconds':>9}{'CPU s':>9}{'peak MiB':>10}")
    for name, seen in measured.items():
        print(f"{name:12}{seen.wall:9.2f}{seen.cpu:9.2f}{seen.peak:10,.0f}")
    for name, target in TARGETS.items():
        if name in measured and "project" in measured:
            ratio, used = (measured[name][n] / measured["project"][n] for n in (0, 1))
            print(f"{name} / project: {ratio:.2f} ({used:.2f} by CPU); target: {target}")


def _check(measured: dict[str, Measured], folder: Path) -> None:
    first = next(iter(measured))
    for name, seen in measured.items():
        tables = [pq.read_table(folder / f"{one}.parquet").sort_by("row").to_pydict() for one in (first, name)]
        for column in COLUMNS:
            if tables[0][column] != tables[1][column]:
                raise SystemExit(f"{name} and {first} differ in {column}.")
        if not all(math.isclose(a, b, rel_tol=1e-9) for a, b in zip(measured[first].sums, seen.sums, strict=True)):
            raise SystemExit(f"{name} and {first} differ in their sums: {seen.sums} and {measured[first].sums}.")
    print(f"the same answer from {', '.join(measured)}")


def _frames(spark: Any, folder: Path) -> tuple[Any, Any]:
    labels, features = (spark.read.parquet(str(folder / name)) for name in ("labels", "features"))
    return labels, features


def _names(numbers: np.ndarray, rng: np.random.Generator | None = None) -> pa.Array:
    told = pa.array(np.char.add("student-", np.char.zfill(np.arange(numbers.max() + 1).astype(str), 8)))
    return told.take(pa.array(numbers, mask=_holes(len(numbers), rng)))


def _moments(seconds: np.ndarray, rng: np.random.Generator | None = None) -> pa.Array:
    return pa.array(seconds * 1_000_000, pa.timestamp("us", "UTC"), mask=_holes(len(seconds), rng))


def _holes(count: int, rng: np.random.Generator | None) -> np.ndarray | None:
    return None if rng is None else rng.random(count) < 0.001


def _write(folder: Path, table: pa.Table, files: int) -> None:
    folder.mkdir(parents=True)
    size = -(-len(table) // files)
    for n in range(files):
        pq.write_table(table.slice(n * size, size), folder / f"part-{n}.parquet")


def _cpu(pid: int) -> float:
    fields = [_stat(one) for one in (pid, *_below(pid))]
    return sum(int(field[11]) + int(field[12]) for field in fields) / os.sysconf("SC_CLK_TCK")


def _peak(pid: int) -> float:
    peak = 0
    for one in (pid, *_below(pid)):
        told = dict(line.split(":", 1) for line in Path(f"/proc/{one}/status").read_text().splitlines())
        peak += int(told.get("VmHWM", "0 kB").split()[0])  # a worker that has just ended has none
    return peak / 1024


def _below(pid: int) -> list[int]:
    told = [file.read_text().split() for file in Path(f"/proc/{pid}/task").glob("*/children")]
    children = [int(child) for line in told for child in line]
    return [*children, *(deep for child in children for deep in _below(child))]


def _stat(pid: int) -> list[str]:
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()


def _load() -> str:
    return f"{os.getloadavg()[0]:.1f} on {os.cpu_count()} cores"


if __name__ == "__main__":
    main()
