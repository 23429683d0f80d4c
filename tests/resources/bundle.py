"""The bundle as its files say it, with variables put in where a test needs real names."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).parent.parent.parent
BUNDLE: dict[str, Any] = yaml.safe_load((ROOT / "databricks.yml").read_text())
FILES = sorted(ROOT.glob("resources/*.yml"))
RESOURCES: list[tuple[str, str, dict[str, Any]]] = [
    (kind, key, told)
    for path in FILES
    for kind, found in yaml.safe_load(path.read_text())["resources"].items()
    for key, told in found.items()
]
JOBS = {key: told for kind, key, told in RESOURCES if kind == "jobs"}
TASKS = [(f"{job}.{task['task_key']}", task) for job, told in JOBS.items() for task in told["tasks"]]


def of_kind(kind: str) -> dict[str, dict[str, Any]]:
    """The resources of one kind, by key."""
    return {key: told for found, key, told in RESOURCES if found == kind}


def texts(told: Any) -> Iterator[str]:
    """Every string in a resource."""
    if isinstance(told, dict):
        yield from (text for value in told.values() for text in texts(value))
    elif isinstance(told, list):
        yield from (text for value in told for text in texts(value))
    elif isinstance(told, str):
        yield told


def put_in(text: str, catalog: str, prefix: str) -> str:
    """A text with catalog, prefix and names of schemas in place of their variables."""
    text = re.sub(r"\$\{resources\.schemas\.(\w+)\.name}", lambda m: of_kind("schemas")[m[1]]["name"], text)
    return text.replace("${var.catalog}", catalog).replace("${var.schema_prefix}", prefix)
