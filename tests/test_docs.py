"""The documentation holds: the site builds, links lead somewhere, commands and quoted messages are the code's."""

from __future__ import annotations

import ast
import importlib.util
import json
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from functools import cache
from itertools import pairwise
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest
import yaml
from markdown_it import MarkdownIt
from markdown_it.token import Token
from myst_parser.mdit_to_docutils.base import default_slugify

ROOT = Path(__file__).parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
ENTRY_POINTS = yaml.safe_load((ROOT / "MLproject").read_text())["entry_points"]
PARAMETERS = {name: set(entry["parameters"]) for name, entry in ENTRY_POINTS.items()}
TARGETS = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.M))
PAGES = [
    ROOT / "README.md",
    ROOT / "CHANGELOG.md",
    *sorted(path for path in (ROOT / "docs").rglob("*.md")),
    *sorted((ROOT / "notebooks").glob("*.ipynb")),
]
FOLDED = r"<details>\n<summary>.*</summary>\n|</details>\n?"
NAMES = [str(page.relative_to(ROOT)) for page in PAGES]
SHORTEST_FRAGMENT = 8


def test_the_site_builds_without_a_warning(tmp_path: Path) -> None:
    options = ["--fail-on-warning", "--keep-going", "--nitpicky", "--quiet", "--doctree-dir", str(tmp_path / "trees")]
    built = subprocess.run(
        [sys.executable, "-m", "sphinx", *options, "docs", str(tmp_path / "site")],
        capture_output=True, text=True, cwd=ROOT, timeout=900,
    )  # fmt: skip
    assert built.returncode == 0, built.stderr
    reference = (tmp_path / "site" / "reference" / "packages" / "lakehouse.html").read_text()
    assert 'id="lakehouse.contracts.Contract"' in reference


@pytest.mark.parametrize("name", NAMES)
def test_links_lead_somewhere(name: str) -> None:
    page = ROOT / name
    for target in links(markdown(page)):
        parts = urlsplit(target)
        if parts.scheme:
            assert parts.scheme == "https", f"{target} is no https address"
            assert "." in parts.netloc, f"{target} names no site"
            continue
        path = page.parent / unquote(parts.path) if parts.path else page
        assert path.exists(), f"{target} is not there"
        if parts.fragment:
            assert parts.fragment in anchors(path), f"{target} has no such heading"


@pytest.mark.parametrize("name", NAMES)
def test_no_word_is_taken_for_a_tag(name: str) -> None:
    found = [token.content for token in tokens(markdown(ROOT / name)) if token.type.startswith("html")]
    tags = [tag for tag in found if not re.fullmatch(FOLDED, tag)]
    assert not tags, "outside of code, < begins a tag, and what follows is not shown"


@pytest.mark.parametrize("name", NAMES)
def test_commands_are_those_of_the_project(name: str) -> None:
    for line in commands(ROOT / name):
        for entry, parameters in runs(line):
            assert entry in PARAMETERS, f"no entry point {entry}: {line}"
            assert parameters <= PARAMETERS[entry], f"{entry} takes no {parameters - PARAMETERS[entry]}: {line}"
        for target in re.findall(r"(?:^|[\s`(])make ([a-z]+)", line):
            assert target in TARGETS, f"no make {target}: {line}"
        for module in re.findall(r"python -m ([\w.]+)", line):
            assert importlib.util.find_spec(module), f"no module {module}: {line}"


@pytest.mark.parametrize("name", sorted(set(ENTRY_POINTS) - {"main"}))
def test_an_entry_point_is_in_the_readme(name: str) -> None:
    assert f"`{name}`" in (ROOT / "README.md").read_text()


def test_quoted_messages_are_the_codes() -> None:
    quotes = [t.content for t in tokens(markdown(ROOT / "docs" / "troubleshooting.md")) if t.info == "text"]
    assert len(quotes) > 20
    for quote in quotes:
        parts = " ".join(quote.split()).strip("…").split("…")
        longest, pattern = max(parts, key=len), re.compile(".*".join(map(re.escape, parts)))
        assert len(longest) >= SHORTEST_FRAGMENT, f"{quote} quotes too little to be found"
        assert any(longest in said and pattern.search(said) for said in sentences()), f"no code says: {quote}"


def test_the_changelogs_newest_version_is_the_projects() -> None:
    versions = re.findall(r"^## (\d+\.\d+\.\d+) - \d{4}-\d{2}-\d{2}$", (ROOT / "CHANGELOG.md").read_text(), re.M)
    assert versions[0] == PROJECT["project"]["version"]
    assert versions == sorted(versions, key=lambda v: [int(part) for part in v.split(".")], reverse=True)


def test_the_checks_see_what_is_wrong() -> None:
    assert links("[a](b.md#c) ![d](e.png) <https://f.org> `[g](h.md)`") == ["b.md#c", "e.png", "https://f.org"]
    assert runs("mlflow run . -e score -P lake=x -P wrong=y") == [("score", {"lake", "wrong"})]
    assert runs("mlflow run . -P lake=x") == [("main", {"lake"})]
    assert runs("see `-e forget -P student_id=…`") == [("forget", {"student_id"})]


def markdown(page: Path) -> str:
    """A page's Markdown; of a notebook the text between its code."""
    if page.suffix != ".ipynb":
        return page.read_text()
    cells = json.loads(page.read_text())["cells"]
    return "\n\n".join("".join(cell["source"]) for cell in cells if cell["cell_type"] == "markdown")


def tokens(text: str) -> Iterator[Token]:
    for token in MarkdownIt("commonmark").enable("table").parse(text):
        yield token
        yield from token.children or ()


def links(text: str) -> list[str]:
    found = [token.attrGet("href") or token.attrGet("src") for token in tokens(text)]
    return [str(target) for target in found if target]


@cache
def anchors(page: Path) -> set[str]:
    """The names that a page's headings can be linked by."""
    flow = list(tokens(markdown(page)))
    titles = [after.children or [] for token, after in pairwise(flow) if token.type == "heading_open"]
    return {default_slugify("".join(part.content for part in title)) for title in titles}


def commands(page: Path) -> Iterator[str]:
    """Every line of code on a page, those that go on in the next one joined."""
    for token in tokens(markdown(page)):
        if token.type in ("code_inline", "fence", "code_block") and token.info != "text":
            yield from re.sub(r"\\\n\s*", " ", token.content).splitlines()


def runs(line: str) -> list[tuple[str, set[str]]]:
    """The entry points that a line of code runs, with the parameters it gives them."""
    found = re.search(r"(?:^|[\s`])-e (\w+)", line)
    if found is None and "mlflow run" not in line:
        return []
    return [(found[1] if found else "main", set(re.findall(r"-P (\w+)=", line)))]


@cache
def sentences() -> frozenset[str]:
    """Every text in the packages' code, with … for what is filled in."""
    return frozenset(
        " ".join(said.split())
        for package in PROJECT["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"]
        for path in (ROOT / package).rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        if (said := _said(node))
    )


def _said(node: ast.AST) -> str:
    if isinstance(node, ast.JoinedStr):
        return "".join(_said(part) or "…" for part in node.values)
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else ""
