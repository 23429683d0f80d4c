"""Feature views: a feature table is a module of features/views with a `VIEW`, and nothing else has to know of it."""

from __future__ import annotations

import pkgutil
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from importlib import import_module

from pyspark.sql import DataFrame

import features.views
from lakehouse.contracts import Contract


@dataclass(frozen=True)
class Known:
    """What the lake knew at each as-of date, from which every view is made.

    Attributes:
        days: one row a student, as-of and day; see `days.known_days`.
        students: the students and as-of dates to write rows for, with their active days; see `days.students_at`.
    """

    days: DataFrame
    students: DataFrame


@dataclass(frozen=True)
class FeatureView:
    """A feature table as code.

    Attributes:
        contract: name, keys, a comment for each column, expectations.
        make: the pure function that gives the contract's columns, a row for each of `Known.students`.
        entity: whose features these are.
        sources: the tables they are made from.
        owner: who answers for them.
    """

    contract: Contract
    make: Callable[[Known], DataFrame]
    entity: str = "student"
    sources: tuple[str, ...] = ("silver.learning_events", "silver.closures")
    owner: str = "Learner Radar"

    @property
    def name(self) -> str:
        """`features.<table>`."""
        return self.contract.name

    @property
    def features(self) -> list[str]:
        """The columns that are no key."""
        return [name for name in self.contract.column_names() if name not in self.contract.key]


@cache
def views() -> tuple[FeatureView, ...]:
    """Every feature view, in order of name."""
    names = sorted(module.name for module in pkgutil.iter_modules(features.views.__path__))
    return tuple(import_module(f"features.views.{name}").VIEW for name in names)
