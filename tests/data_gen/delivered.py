"""Daily deliveries, written and read back; and how a drift is asked for."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from data_gen.generate import Plan
from data_gen.write import TableFolder

Write = Callable[[Plan, TableFolder, TableFolder], None]
Defect = dict[str, Any]


def planted(kind: str, since: date) -> list[str]:
    """The generator's options that plant a drift of a kind, `none` too."""
    return [] if kind == "none" else ["--drift", kind, "--drift-from", str(since)]


@dataclass(frozen=True)
class Delivered:
    """What a run wrote: tables by path, paths that cannot be read, and the manifest."""

    root: Path
    tables: dict[str, pa.Table]
    unreadable: set[str]
    manifest: dict[str, Any]

    def defects(self, kind: str) -> list[Defect]:
        return [defect for defect in self.manifest["defects"] if defect["kind"] == kind]

    def with_fate(self, fate: str) -> list[Defect]:
        return [defect for defect in self.manifest["defects"] if defect["fate"] == fate]

    def rows(self, defect: Defect) -> list[dict[str, Any]]:
        """The rows of a defect's file that it tells of."""
        wanted = set(defect["ids"])
        return [row for row in self.tables[defect["file"]].to_pylist() if text(row["id"]) in wanted]


def text(record: object) -> str:
    """An id as the manifest has it."""
    if record is None:
        return ""
    return str(int(record)) if isinstance(record, float) else str(record)


def day_of(path: str) -> date:
    return date.fromisoformat(path.split("arrived=")[1][:10])


def days(landing: Path) -> list[str]:
    """The folders of arrival of a landing folder, `arrived=YYYY-MM-DD`, in order."""
    return sorted({path.parent.name for path in landing.glob("*/arrived=*/*.parquet")})


def read(root: Path) -> Delivered:
    tables, unreadable = {}, set()
    for file in (root / "landing").rglob("*.parquet"):
        path = str(file.relative_to(root / "landing"))
        try:
            tables[path] = pq.ParquetFile(file).read()
        except (pa.ArrowException, OSError):
            unreadable.add(path)
    return Delivered(root, tables, unreadable, json.loads((root / "truth" / "manifest.json").read_text()))


def written(write: Write, plan: Plan, root: Path) -> Path:
    with TableFolder(root / "landing") as landing, TableFolder(root / "truth") as truth:
        write(plan, landing, truth)
    return root


def contents(root: Path) -> dict[str, bytes]:
    return {str(file.relative_to(root)): file.read_bytes() for file in root.rglob("*") if file.is_file()}
