"""The four lessons top to bottom on one lake, solutions included; their tables are those of the loop."""

from __future__ import annotations

import os
import re
import shutil
from datetime import date
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell
from pyspark.sql import SparkSession

from lakehouse.lake import Lake
from lakehouse.settings import Settings, settings
from tests.lakes import assert_same

NOTEBOOKS = Path(__file__).parents[1] / "notebooks"
LESSONS = ("01_bronze_layer", "02_silver_layer", "03_gold_layer", "04_dashboard")
SOLUTION = re.compile(r"<details>.*?```python\n(.*?)```.*?</details>", re.DOTALL)


@pytest.fixture(scope="module")
def learnt(
    tutorial: tuple[Settings, date], spark: SparkSession, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Settings, dict[str, NotebookNode]]:
    """The lessons' lake and the executed notebooks: a kernel for each, all on this process's Spark server."""
    folder = tmp_path_factory.mktemp("lessons")
    chosen = settings(str(folder / "lake"))
    chosen.landing.mkdir(parents=True)
    for optional in ("closures", "interventions"):
        shutil.copy2(tutorial[0].landing / f"{optional}.parquet", chosen.landing)
    Lake.open(chosen)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LEARNER_RADAR_LAKE", str(chosen.lake))
        patch.setenv("SPARK_REMOTE", f"sc://localhost:{spark.conf.get('spark.connect.grpc.binding.port')}")
        patch.setenv("PYTHONPATH", os.pathsep.join([str(NOTEBOOKS.parent), os.environ.get("PYTHONPATH", "")]))
        return chosen, {lesson: executed(lesson, folder) for lesson in LESSONS}


def executed(lesson: str, folder: Path) -> NotebookNode:
    """A notebook after all its cells have run, and after them the solution of its exercise."""
    notebook = nbformat.read(NOTEBOOKS / f"{lesson}.ipynb", as_version=4)
    notebook.cells += [new_code_cell(solution) for solution in solutions(notebook)]
    NotebookClient(notebook, timeout=900, resources={"metadata": {"path": str(folder)}}).execute()
    nbformat.write(notebook, folder / f"{lesson}.ipynb")
    return notebook


def solutions(notebook: NotebookNode) -> list[str]:
    texts = [cell.source for cell in notebook.cells if cell.cell_type == "markdown"]
    return [solution for text in texts for solution in SOLUTION.findall(text)]


def shown(notebook: NotebookNode) -> str:
    """What a notebook prints and the plain text of what it shows, with single spaces."""
    outputs = [output for cell in notebook.cells for output in cell.get("outputs", [])]
    texts = [output.get("text", "") + output.get("data", {}).get("text/plain", "") for output in outputs]
    return re.sub(r"\s+", " ", " ".join(texts))


@pytest.mark.long
def test_the_tables_of_the_lessons_are_those_of_the_loop(
    learnt: tuple[Settings, dict[str, NotebookNode]], tutorial: tuple[Settings, date]
) -> None:
    assert_same(learnt[0], tutorial[0], schemas=("bronze", "silver", "gold"))


@pytest.mark.long
def test_what_the_lessons_tell_is_what_they_show(learnt: tuple[Settings, dict[str, NotebookNode]]) -> None:
    bronze, silver, gold, dashboard = (shown(learnt[1][lesson]) for lesson in LESSONS)
    assert "rows_of_the_refused_insert 0 0" in bronze
    assert "without mergeSchema: [DELTA_METADATA_MISMATCH]" in bronze
    assert re.search(r"title_now title_before 0 1 Untitled (?!Untitled)", bronze)
    assert re.search(r"\[role \"teacher\" is none of user, assistant\]", silver)
    assert "attempts different 0 277 0" in silver
    assert re.search(r"days_and_languages different conversations 0 \d+ 0 1202", gold)
    assert "too few to cluster" in gold
    assert "index.html" in dashboard


@pytest.mark.parametrize("lesson", LESSONS)
def test_a_lesson_is_committed_without_outputs_and_ends_with_exercise_and_talking_points(lesson: str) -> None:
    notebook = nbformat.read(NOTEBOOKS / f"{lesson}.ipynb", as_version=4)
    assert all(not cell.outputs for cell in notebook.cells if cell.cell_type == "code")
    last = notebook.cells[-1].source
    assert len(solutions(notebook)) == 1
    assert last.index("## Exercise") < last.index("## Talking points")
    pictures = [p for cell in notebook.cells for p in re.findall(r"!\[.+\]\((.+?)\)", cell.source)]
    assert pictures
    assert all((NOTEBOOKS / picture).is_file() for picture in pictures if "lesson-" in picture)
