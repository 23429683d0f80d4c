"""Is there a Java that Spark can run on?"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

from lakehouse.errors import RadarError

REQUIRED = 17
ADVICE = f"install Java {REQUIRED} (for example the package openjdk-{REQUIRED}-jre-headless) or set JAVA_HOME to one"


def check_java() -> None:
    """Raises RadarError with what to install when Java is missing or older than 17."""
    home = os.environ.get("JAVA_HOME")
    java = shutil.which("java", path=os.path.join(home, "bin")) if home else shutil.which("java")
    if java is None:
        raise RadarError(f"Spark needs Java {REQUIRED} and none was found: {ADVICE}.")
    answer = subprocess.run([java, "-version"], capture_output=True, text=True, timeout=60).stderr
    found = re.search(r'version "(\d+)(?:\.(\d+))?', answer)
    if found is None:
        raise RadarError(f"{java} does not tell its version: {ADVICE}.")
    major = int(found[2]) if found[1] == "1" and found[2] else int(found[1])
    if major < REQUIRED:
        raise RadarError(f"Spark needs Java {REQUIRED} and {java} is version {major}: {ADVICE}.")


def is_java(pid: int) -> bool:
    """Whether that process is a JVM that has not ended; where there is no `/proc`, any process of this user."""
    try:
        if Path("/proc").is_dir():
            stat = Path(f"/proc/{pid}/stat").read_text()
            return "(java)" in stat and ") Z " not in stat
        os.kill(pid, 0)
    except (FileNotFoundError, ProcessLookupError, PermissionError):
        return False
    return True


def began(pid: int) -> str:
    """When a process began, in ticks since the machine did, to tell it from a later one of the same number; empty where
    nothing tells.
    """
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[19]
    except (OSError, IndexError):
        return ""


if __name__ == "__main__":
    try:
        check_java()
    except RadarError as problem:
        sys.exit(str(problem))
