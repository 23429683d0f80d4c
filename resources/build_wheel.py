"""The wheel for Databricks: as it is built, without what its runtime brings.

Serverless compute has Spark, Delta and a Python of its own; an environment that installs another pyspark fails.
"""

from __future__ import annotations

import base64
import hashlib
import re
import shutil
import subprocess
import zipfile
from pathlib import Path

ROOT = Path(__file__).parent.parent
BROUGHT = r"^Requires-Dist: (pyspark|delta-spark)\b.*\n"
PYTHON = (r"^Requires-Python: .*$", "Requires-Python: >=3.11")


def build(out: Path) -> Path:
    """Build the project's wheel into a folder that holds no other, and take those requirements out of it."""
    shutil.rmtree(out, ignore_errors=True)
    subprocess.run(["uv", "build", "--quiet", "--wheel", "--out-dir", str(out)], cwd=ROOT, check=True)
    (wheel,) = out.glob("*.whl")
    return slim(wheel)


def slim(wheel: Path) -> Path:
    """Write a wheel anew in its place, with the requirements of a runtime that has Spark."""
    with zipfile.ZipFile(wheel) as archive:
        files = {info: archive.read(info) for info in archive.infolist()}
    metadata = next(info for info in files if info.filename.endswith(".dist-info/METADATA"))
    record = next(info for info in files if info.filename.endswith(".dist-info/RECORD"))
    told = re.sub(BROUGHT, "", files[metadata].decode(), flags=re.MULTILINE)
    files[metadata] = re.sub(*PYTHON, told, count=1, flags=re.MULTILINE).encode()
    digest = base64.urlsafe_b64encode(hashlib.sha256(files[metadata]).digest()).rstrip(b"=").decode()
    line = f"{metadata.filename},sha256={digest},{len(files[metadata])}"
    lines = files[record].decode().splitlines()
    lines = [line if entry.startswith(f"{metadata.filename},") else entry for entry in lines]
    files[record] = "\n".join([*lines, ""]).encode()
    with zipfile.ZipFile(wheel, "w", zipfile.ZIP_DEFLATED) as archive:
        for info, content in files.items():
            archive.writestr(info, content)
    return wheel


if __name__ == "__main__":
    print(build(ROOT / "dist"))
