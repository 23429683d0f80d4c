"""Which files were generated: no others are replaced, and no truth is lost while what it is true of is there."""

import hashlib
import json
import os
from collections.abc import Iterable
from pathlib import Path

NAMES = "generated.json"
"""The file of the truth folder that tells them: SHA-256 by path from that folder."""


def note(files: Iterable[Path], truth: Path) -> None:
    """Write down which files were generated; OSError if the disk refuses."""
    hashes = {os.path.relpath(path, truth): _hash(path) for path in sorted(files)}
    unfinished = truth / f".{NAMES}.unfinished"
    unfinished.write_text(json.dumps(hashes, indent=1) + "\n")
    unfinished.replace(truth / NAMES)


def strangers(files: Iterable[Path], truth: Path) -> list[Path]:
    """Those of these files that are there and not as a generation left them."""
    noted = _noted(truth)
    return sorted(path for path in files if path.is_file() and noted.get(path) != _hash(path))


def earlier(files: Iterable[Path], truth: Path) -> list[Path]:
    """What an earlier generation wrote that is there still, as it was, and is none of these."""
    mine, noted = set(files), _noted(truth)
    return sorted(path for path in noted.keys() - mine if path.is_file() and _hash(path) == noted[path])


def _noted(truth: Path) -> dict[Path, str]:
    """The hashes by path; none where nothing that can be read says so."""
    try:
        noted = json.loads((truth / NAMES).read_text()).items()
    except (FileNotFoundError, ValueError, AttributeError):
        return {}
    return {Path(os.path.normpath(truth / name)): told for name, told in noted}


def _hash(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
