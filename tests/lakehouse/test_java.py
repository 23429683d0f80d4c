"""No Java, or too old a one: one sentence."""

from __future__ import annotations

import shlex
import subprocess
import sys
from pathlib import Path
from urllib.parse import urlparse
from urllib.request import url2pathname

import pytest

from lakehouse import session
from lakehouse.errors import RadarError
from lakehouse.java import check_java

ROOT = Path(__file__).parent.parent.parent


def pretend(folder: Path, version: str) -> None:
    java = folder / "bin" / "java"
    java.parent.mkdir(parents=True)
    java.write_text(f"#!/bin/sh\necho 'openjdk version \"{version}\"' >&2\n")
    java.chmod(0o755)


@pytest.mark.parametrize(("version", "major"), [("1.8.0_392", 8), ("11.0.21", 11)])
def test_an_old_java_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, version: str, major: int) -> None:
    pretend(tmp_path, version)
    monkeypatch.setenv("JAVA_HOME", str(tmp_path))
    with pytest.raises(RadarError, match=f"is version {major}: install Java 17"):
        check_java()


@pytest.mark.parametrize("version", ["17.0.15", "21", "21.0.2"])
def test_java_17_or_later_will_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, version: str) -> None:
    pretend(tmp_path, version)
    monkeypatch.setenv("JAVA_HOME", str(tmp_path))
    check_java()


def test_without_java_set_up_stops_at_once_with_one_sentence(tmp_path: Path) -> None:
    told = subprocess.run(
        [sys.executable, "-m", "lakehouse.java"],
        capture_output=True, text=True, cwd=ROOT, env={"PATH": str(tmp_path)}, timeout=60,
    )  # fmt: skip
    assert told.returncode == 1
    assert told.stderr.startswith("Spark needs Java 17 and none was found: install Java 17")
    assert len(told.stderr.strip().splitlines()) == 1


def test_a_path_with_spaces_or_quotes_stays_one_option(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Spark takes Java's options apart as a shell does."""
    archive = tmp_path / "Ann's own files" / "classes.jsa"
    archive.parent.mkdir()
    archive.touch()
    monkeypatch.setattr(session, "class_archive", lambda: archive)
    monkeypatch.setattr(session, "delta_jars", list)
    options = shlex.split(session._local_config(1)["spark.driver.extraJavaOptions"])
    assert f"-XX:SharedArchiveFile={archive}" in options
    assert all(option.startswith("-") for option in options)
    (log,) = (option for option in options if option.startswith("-Dlog4j2"))
    assert Path(url2pathname(urlparse(log.partition("=")[2]).path)).is_file()
