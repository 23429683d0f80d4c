"""What a training set or a model looks up: resolved, checked, and small enough to travel with a model."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True)
class Lookup:
    """Features of one table, found by columns of the frame.

    Attributes:
        table: two-level name.
        keys: the table's primary keys without its time.
        time: the table's time column; empty for a table without one.
        lookup_keys: columns of the frame that meet `keys`.
        lookup_time: column of the frame that meets `time`.
        lookback_seconds: how old a row may be; None for any age.
        outputs: names under which the features appear, by feature.
        defaults: what a missing value becomes, by output.
    """

    table: str
    keys: tuple[str, ...]
    time: str
    lookup_keys: tuple[str, ...]
    lookup_time: str
    lookback_seconds: float | None
    outputs: dict[str, str]
    defaults: dict[str, Any]

    @property
    def needs(self) -> tuple[str, ...]:
        """Columns that have to be there before this lookup can be done."""
        return (*self.lookup_keys, *((self.lookup_time,) if self.lookup_time else ()))

    @property
    def gives(self) -> tuple[str, ...]:
        """Columns that it adds."""
        return tuple(self.outputs.values())

    @property
    def pairs(self) -> dict[str, str]:
        """The key of the table that each column of the frame meets, time aside."""
        return dict(zip(self.lookup_keys, self.keys, strict=True))

    def wanted(self, held: Collection[str]) -> dict[str, str]:
        """The `outputs` that a frame of these columns does not hold already."""
        return {name: output for name, output in self.outputs.items() if output not in held}


@dataclass(frozen=True)
class Function:
    """A column computed by an SQL function: its name, the columns bound to its parameters, the output."""

    name: str
    bindings: dict[str, str]
    output: str

    @property
    def needs(self) -> tuple[str, ...]:
        """Columns that have to be there before it can be computed."""
        return tuple(self.bindings.values())

    @property
    def gives(self) -> tuple[str, ...]:
        """The column that it adds."""
        return (self.output,)


Part = Lookup | Function


@dataclass(frozen=True)
class Spec:
    """Everything that is done to a frame.

    Attributes:
        sources: the frame's own columns that stay, labels aside.
        lookups: in the order given.
        functions: in the order given.
        excluded: columns that are left out in the end.
    """

    sources: tuple[str, ...]
    lookups: tuple[Lookup, ...]
    functions: tuple[Function, ...]
    excluded: tuple[str, ...]

    @property
    def parts(self) -> tuple[Part, ...]:
        """Lookups, then functions."""
        return (*self.lookups, *self.functions)

    @property
    def inputs(self) -> list[str]:
        """The columns that come out, labels aside: a model's inputs."""
        made = [name for part in self.parts for name in part.gives]
        return [name for name in (*self.sources, *made) if name not in self.excluded]

    @property
    def required(self) -> list[str]:
        """The columns that a frame must bring, since nothing makes them."""
        made = {name for part in self.parts for name in part.gives}
        wanted = [name for name in self.sources if name not in self.excluded]
        wanted += [name for part in self.parts for name in part.needs if name not in made]
        return list(dict.fromkeys(wanted))

    def to_dict(self) -> dict[str, Any]:
        """As JSON can hold it."""
        return asdict(self)

    @classmethod
    def of_dict(cls, told: dict[str, Any]) -> Spec:
        """From what `to_dict` gave."""
        names = ("keys", "lookup_keys")
        lookups = [Lookup(**(found | {name: tuple(found[name]) for name in names})) for found in told["lookups"]]
        functions = tuple(Function(**found) for found in told["functions"])
        return cls(tuple(told["sources"]), tuple(lookups), functions, tuple(told["excluded"]))
