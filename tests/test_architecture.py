"""The arrows between packages, and what Spark Connect lacks."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PACKAGES = ("data_gen", "lakehouse", "features", "pipelines", "training", "scoring", "monitoring")
ALLOWED = {
    "data_gen": set(),
    "lakehouse": set(),
    "features": {"lakehouse"},
    "pipelines": {"features", "lakehouse"},
    "training": {"features", "lakehouse"},
    "scoring": {"features", "lakehouse"},
    "monitoring": {"features", "lakehouse"},
}
WIRING = {"pipelines/loop.py", "pipelines/dictionary.py"}
LACKING = r"sparkContext|_jvm|\.rdd\b|DeltaTable|\bSparkContext\b"
FILES = [path for package in PACKAGES for path in sorted((ROOT / package).rglob("*.py"))]


@pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(ROOT)))
def test_imports_point_one_way(path: Path) -> None:
    name = str(path.relative_to(ROOT))
    if name in WIRING:
        return
    package = path.relative_to(ROOT).parts[0]
    foreign = {m for m in _imported(path) if m in PACKAGES} - {package} - ALLOWED[package]
    assert not foreign, f"{name} imports {foreign}; steps meet in tables, and only {sorted(WIRING)} know them all"


def test_the_test_sees_a_forbidden_import(tmp_path: Path) -> None:
    (tmp_path / "bad.py").write_text("import os\nfrom training.data import x\nimport scoring.run\n")
    assert _imported(tmp_path / "bad.py") >= {"training", "scoring"}


@pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(ROOT)))
def test_nothing_that_connect_lacks(path: Path) -> None:
    lines = [line for line in path.read_text().splitlines() if re.search(LACKING, line)]
    # The embedded server's own side lives in one module, before any client exists.
    if path == ROOT / "lakehouse" / "session.py":
        assert len(lines) <= 3
        return
    assert not lines


def test_frames_become_pandas_in_one_place() -> None:
    """By `to_pandas` of lakehouse/rows.py; the class archive's script is a text, run by a process of its own."""
    found = {str(path.relative_to(ROOT)) for path in FILES if ".toPandas()" in path.read_text()}
    assert found == {"lakehouse/rows.py", "lakehouse/jars.py"}


@pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(ROOT)))
def test_files_stay_small(path: Path) -> None:
    assert len(path.read_text().splitlines()) <= 330


def _imported(path: Path) -> set[str]:
    nodes = ast.walk(ast.parse(path.read_text()))
    names = [
        name
        for node in nodes
        if isinstance(node, ast.Import | ast.ImportFrom)
        for name in ([a.name for a in node.names] if isinstance(node, ast.Import) else [node.module or ""])
    ]
    return {name.split(".")[0] for name in names}
