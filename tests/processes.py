"""Steps in processes of their own, and their end by SIGKILL."""

from __future__ import annotations

import os
import signal
import subprocess
import sys


def start(module: str, *arguments: object, stderr: int | None = None) -> subprocess.Popen[bytes]:
    """A step in a process group of its own, which its JVM is of too; `stderr` is as `Popen` has it."""
    command = [sys.executable, "-m", module, *map(str, arguments)]
    return subprocess.Popen(command, start_new_session=True, stderr=stderr)


def kill(process: subprocess.Popen[bytes]) -> None:
    """End a step and its JVM by SIGKILL."""
    os.killpg(process.pid, signal.SIGKILL)
    process.wait(60)
