"""Which files of a landing folder were generated: no others are replaced."""

import hashlib
import json
from collections.abc import Iterable
from pathlib import Path

NAMES = "generated.json"
"""The file of the truth folder that tells them: SHA-256 by path in the landing folder."""


def note(landing: Path, names: Iterable[str], truth: Path) -> None:
    """Write down which files were generated; OSError if the disk refuses."""
    hashes = {name: _hash(landing / name) for name in sorted(names)}
    (truth / NAMES).write_text(json.dumps(hashes, indent=1) + "\n")


def strangers(landing: Path, names: Iterable[str], truth: Path) -> list[str]:
    """Those of these files that lie in the landing folder and are not as a generation left them."""
    noted = json.loads((truth / NAMES).read_text()) if (truth / NAMES).is_file() else {}
    present = [name for name in names if (landing / name).is_file()]
    return sorted(name for name in present if noted.get(name) != _hash(landing / name))


def _hash(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
