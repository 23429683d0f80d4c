"""Errors that a user can act on: the command line prints their text alone, without a stack trace."""

from __future__ import annotations


class RadarError(Exception):
    """Something the person at the keyboard can mend; the message says what, where and what to do next."""

    def _render_traceback_(self) -> list[str]:
        """What a notebook shows of it (IPython asks for this): the sentence alone."""
        return [f"error: {self}"]


class GateFailed(RadarError):
    """A quality gate refused a batch; nothing of it was published."""


class LakeBusy(RadarError):
    """Another run is writing to the lake and did not finish in time."""


def entry_point(name: str = "main", **parameters: object) -> str:
    """The command line that runs an entry point of MLproject, for a sentence that tells what to do next."""
    named = "" if name == "main" else f" -e {name}"
    given = "".join(f" -P {key}={value}" for key, value in parameters.items())
    return f"mlflow run . --env-manager local{named}{given}"
