"""The documentation site: `make docs` builds it into build/docs, every warning an error."""

from __future__ import annotations

import sys
import tomllib
from pathlib import Path
from pkgutil import walk_packages
from typing import Any

from sphinx.application import Sphinx

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
PACKAGES = PROJECT["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"]


def modules_of(package: str) -> list[str]:
    """Every module below a package that others may import."""
    found = walk_packages([str(ROOT / package)], f"{package}.")
    return [module.name for module in found if not module.name.split(".")[-1].startswith("_")]


project = "Learner Radar"
release = PROJECT["project"]["version"]
extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.autosummary", "sphinx.ext.napoleon"]
templates_path = ["_templates"]
# Two classes are called TrainingSet, the store's and training's.
suppress_warnings = ["ref.python"]
# What other libraries document is not linked: the site builds without a network.
nitpick_ignore_regex = [("py:.*", rf"(?!({'|'.join(PACKAGES)})\.)[\w.\[]+")]

myst_heading_anchors = 4
default_role = "code"

autosummary_context = {"modules_of": {package: modules_of(package) for package in PACKAGES}}
autodoc_default_options = {"members": True, "member-order": "bysource", "ignore-module-all": True}
autodoc_typehints_format = "short"
autodoc_use_type_comments = False
# Docstrings say what is returned, and signatures of what type: no "type: " is read out of the first sentence.
napoleon_custom_sections = [("Returns", "plain"), ("Attributes", "params_style")]
napoleon_numpy_docstring = False

html_theme = "furo"
html_title = f"Learner Radar {release}"
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_show_sphinx = False
html_copy_source = False


def setup(app: Sphinx) -> None:
    """Sphinx calls this; `prose` listens before napoleon."""
    app.connect("autodoc-process-docstring", prose, priority=400)
    app.connect("autodoc-process-signature", parsable)


def prose(_: Sphinx, what: str, name: str, obj: Any, options: Any, lines: list[str]) -> None:
    """What a constant says of itself is prose: napoleon would take what its first line has before a colon for a type.

    So a comment goes first.
    """
    if what in {"data", "attribute", "property"}:
        lines[:0] = [".. prose", ""]


def parsable(_: Sphinx, what: str, name: str, obj: Any, options: Any, signature: str | None, returns: str) -> Any:
    """A dataclass' default that a factory makes is `...`: Sphinx cannot read `<factory>`."""
    return (signature.replace("<factory>", "..."), returns) if signature else None
