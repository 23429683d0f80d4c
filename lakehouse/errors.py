"""Errors that a user can act on: the command line prints their text alone, without a stack trace."""

from __future__ import annotations


class RadarError(Exception):
    """Something the person at the keyboard can mend; the message says what, where and what to do next."""


class GateFailed(RadarError):
    """A quality gate refused a batch; nothing of it was published."""


class LakeBusy(RadarError):
    """Another run is writing to the lake and did not finish in time."""
