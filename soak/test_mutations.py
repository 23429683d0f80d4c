"""Random damage to rows and files: no crash, no loss, the balance holds."""

from __future__ import annotations

import random
from collections import defaultdict
from pathlib import Path

import pandas as pd
import pyarrow.parquet as pq

from data_gen.arrivals import deliver
from data_gen.generate import Plan
from data_gen.write import TableFolder
from lakehouse.lake import Lake
from lakehouse.settings import settings
from pipelines.bronze.contracts import RAW_TABLES
from pipelines.silver.version_tables import RECORD, SILVER_OF, VERSIONS
from soak.conftest import Report
from tests.lakes import take_in

PARENTS = {"messages": "conversations", "lesson_progress": "lessons", "assessment_attempts": "assessments"}
ROWS, FILES, SEED = 1_000, 100, 20241231
ODD = (
    None, "", " ", "\x00", "NaN", "null", "-1", "1e309", "0", "99999999999999999999", "2024-02-30T10:00:00",
    "1899-01-01", "9999-12-31T23:59:59Z", "[]", "{}", '[{"type": 1}]', "ünïcödé 🎉", "مرحبا", "a" * 5_000, "\n", "C3",
    "true", "'; DROP TABLE x; --", "12.0",
)  # fmt: skip


def test_mutated_rows_and_files(tmp_path: Path, report: Report) -> None:
    """Values of random rows are replaced by odd ones, then bytes of random copies of files by others."""
    print(f"seed {SEED}")
    rng, landing = random.Random(SEED), tmp_path / "landing"
    with TableFolder(landing) as folder, TableFolder(tmp_path / "truth") as truth:
        deliver(Plan(SEED, 60, 28), folder, truth)
    originals = sorted(landing.rglob("part-*.parquet"))
    _spoil_rows(originals, rng)
    delivered = {str(path.relative_to(landing)): pq.ParquetFile(path).metadata.num_rows for path in originals}
    spoilt = [_spoil_file(path, n, rng) for n, path in enumerate(rng.choices(originals, k=FILES))]
    chosen = settings(str(tmp_path / "lake"), str(landing))
    take_in(chosen)
    lake = Lake.open(chosen)
    told = {row.source_file: row for row in lake.table("ops.files").collect()}
    assert set(told) == {str(path.relative_to(landing)) for path in [*originals, *spoilt]}
    assert {name: (told[name].error, told[name].row_count) for name in delivered} == {
        name: (None, rows) for name, rows in delivered.items()
    }
    counts = {table: _balanced(lake, table, told) for table in RAW_TABLES}
    aside = sum(told[str(path.relative_to(landing))].error is not None for path in spoilt)
    report(
        f"{ROWS} mutated rows, {FILES} mutated files (seed {SEED}): {aside} of these set aside, "
        f"{sum(counts.values()):,} rows accounted for to the row"
    )


def _balanced(lake: Lake, table: str, told: dict[str, object]) -> int:
    """Rows of the files taken in = rows of bronze = rows in silver + superseded + in quarantine; returns them."""
    rows = lake.table(f"bronze.{table}").count()
    assert rows == sum(row.row_count for row in told.values() if row.table_name == table)  # type: ignore[attr-defined]
    silver = SILVER_OF[table].name
    quarantine = lake.table("ops.quarantine").where(f"table_name = '{silver}' AND released_at IS NULL")
    held = quarantine.selectExpr("coalesce(sum(copies), 0)").collect()[0][0]
    sound = lake.table(VERSIONS[table].name).where("size(reasons) = 0")
    if table in PARENTS:
        parents = lake.table(SILVER_OF[PARENTS[table]].name)
        sound = sound.join(parents, RECORD[PARENTS[table]][0], "left_semi")
    stand = lake.table(silver).count()
    superseded = sound.count() - sound.select(*RECORD[table]).distinct().count()
    assert rows == stand + superseded + held
    return rows


def _spoil_rows(paths: list[Path], rng: random.Random) -> None:
    every = [(path, row) for path in paths for row in range(pq.ParquetFile(path).metadata.num_rows)]
    chosen: dict[Path, list[int]] = defaultdict(list)
    for path, row in rng.sample(every, ROWS):
        chosen[path].append(row)
    for path, rows in chosen.items():
        frame = pd.read_parquet(path).astype(object)
        for row in rows:
            frame.iat[row, rng.randrange(len(frame.columns))] = rng.choice(ODD)
        texts = frame.map(lambda value: None if value is None or value is pd.NA or value != value else str(value))
        texts.to_parquet(path, index=False)


def _spoil_file(path: Path, number: int, rng: random.Random) -> Path:
    content = bytearray(path.read_bytes())
    for _ in range(rng.randrange(1, 40)):
        content[rng.randrange(len(content))] = rng.randrange(256)
    if rng.random() < 0.3:
        content = content[: rng.randrange(len(content))]
    spoilt = path.with_name(f"spoilt-{number}.parquet")
    spoilt.write_bytes(bytes(content))
    return spoilt
