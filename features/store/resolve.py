"""From lookups as a person writes them to a spec; what Databricks' client refuses is refused here, as clearly."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from pyspark.sql.types import DataType, StructField, StructType

from features.store.errors import SpecError, refuse_twice
from features.store.spec import Function, Lookup, Part, Spec
from features.store.tables import FeatureTable

if TYPE_CHECKING:
    from databricks.feature_engineering import FeatureFunction, FeatureLookup

MOST_FUNCTIONS = 100
WHOLE = {"short": 16, "integer": 32, "long": 64}
"""Bits of a whole number."""
READ: dict[str, Callable[[str], Any]] = {
    **dict.fromkeys(WHOLE, int), "float": float, "double": float, "string": str,
    "boolean": lambda told: told.lower() == "true",
}  # fmt: skip
"""Types of features that may have a default, and how the client reads one from its text."""

Find = Callable[[str], FeatureTable]


def resolve(
    schema: StructType, given: Iterable[FeatureLookup | FeatureFunction], labels: Sequence[str],
    excluded: Sequence[str], find: Find,
) -> Spec:  # fmt: skip
    """The spec of lookups and functions for a frame.

    Args:
        schema: of the frame.
        given: lookups and functions.
        labels: the frame's columns that are no features.
        excluded: columns left out of what is loaded.
        find: a feature table's metadata by name.

    Raises:
        SpecError: saying which lookup, column or type is wrong.
    """
    from databricks.feature_engineering import FeatureFunction, FeatureLookup

    given = list(given)
    asked = [part for part in given if isinstance(part, FeatureLookup)]
    computed = [part for part in given if isinstance(part, FeatureFunction)]
    if len(asked) + len(computed) < len(given):
        raise SpecError("feature_lookups holds something that is neither a FeatureLookup nor a FeatureFunction.")
    if len(computed) > MOST_FUNCTIONS:
        raise SpecError(f"There are {len(computed)} FeatureFunctions; at most {MOST_FUNCTIONS} are supported.")
    _check_frame(schema.names, labels, excluded)
    tables = {lookup.table_name: find(lookup.table_name) for lookup in asked}
    _check_lookbacks(asked, tables)
    lookups = tuple(_lookup(lookup, tables[lookup.table_name]) for lookup in asked)
    functions = tuple(_function(function) for function in computed)
    sources = tuple(name for name in schema.names if name not in labels)
    spec = Spec(sources, lookups, functions, tuple(excluded))
    _check_names(spec, labels)
    _check_no_label_is_asked_of(spec, labels)
    check_keys(lookups, schema, {table.name: table for table in tables.values()})
    in_order(spec, schema.names)
    return spec


def in_order(spec: Spec, there: Iterable[str]) -> list[Part]:
    """Lookups and functions so that each finds its columns: a feature may be the key of another lookup.

    In rounds, as the client does it: the functions whose inputs are there, else the lookups whose keys are. It heeds no
    time when it makes them, so that one has to be there before its lookup's round.

    Raises:
        SpecError: naming the columns that nothing gives, or not in time.
    """
    have, waiting, done = set(there), list(spec.parts), list[Part]()
    while waiting:
        ready: list[Part] = [part for part in waiting if isinstance(part, Function) and have.issuperset(part.needs)]
        ready = ready or [part for part in waiting if isinstance(part, Lookup) and have.issuperset(part.lookup_keys)]
        lacking = dict.fromkeys(name for part in ready or waiting for name in part.needs if name not in have)
        if lacking:
            late = [name for name in lacking if any(name in part.gives for part in spec.parts)] if ready else []
            raise SpecError(
                f"The frame has no column {', '.join(lacking)}, which lookups or functions need; it has "
                f"{', '.join(spec.sources)}."
                + (f" {', '.join(late)} of another lookup comes too late to be the time of one." if late else "")
            )
        done += ready
        have |= {name for part in ready for name in part.gives}
        waiting = [part for part in waiting if part not in ready]
    return done


def _lookup(asked: FeatureLookup, table: FeatureTable) -> Lookup:
    names = list(asked.feature_names) or sorted(table.values)
    types = table.schema
    unknown = [name for name in names if name not in types.names]
    if unknown:
        raise SpecError(f"{table.name} has no feature {', '.join(unknown)}; it has {', '.join(table.values)}.")
    refuse_twice(f"A lookup of {table.name} names the feature", names)
    outputs = {name: str(asked._get_output_name(name)) for name in names}
    keys = [asked.lookup_key] if isinstance(asked.lookup_key, str) else list(asked.lookup_key)
    moment = asked.timestamp_lookup_key or ""
    _check_arity(table, keys, moment)
    back = asked.lookback_window
    return Lookup(
        table.name, tuple(table.entity_keys), next(iter(table.timestamp_keys), ""), tuple(keys), moment,
        None if back is None else back.total_seconds(), outputs, _defaults(asked.default_values, outputs, types, table),
    )  # fmt: skip


def _function(asked: FeatureFunction) -> Function:
    name = str(asked.udf_name)
    return Function(name, dict(asked.input_bindings), asked.output_name or name)


def _defaults(
    given: Mapping[str, Any], outputs: Mapping[str, str], types: StructType, table: FeatureTable
) -> dict[str, Any]:  # fmt: skip
    """Defaults by output, each read from its text as the client reads it; an empty text is none."""
    features, found = {output: name for name, output in outputs.items()}, dict[str, Any]()
    for output, value in given.items():
        if output not in features:
            raise SpecError(
                f"There is a default for {output}, which the lookup of {table.name} does not give; it gives "
                f"{', '.join(features)}."
            )
        plain = value.item() if hasattr(value, "item") else value
        if plain is None or plain == "":
            continue
        kind = types[features[output]].dataType.typeName()
        if kind not in READ:
            raise SpecError(f"{output} of {table.name} is {kind}; a default must be one of {', '.join(READ)}.")
        if not isinstance(plain, str | int | float):
            raise SpecError(f"The default {value!r} for {output} of {table.name} is neither a number nor a text.")
        try:
            found[output] = READ[kind](str(plain))
        except ValueError:
            raise SpecError(f"The default {value!r} for {output} of {table.name} is no {kind}.") from None
        if kind in WHOLE and not -(2 ** (WHOLE[kind] - 1)) <= found[output] < 2 ** (WHOLE[kind] - 1):
            raise SpecError(f"The default {value!r} for {output} of {table.name} is too large for {kind}.")
    return found


def _check_frame(columns: Sequence[str], labels: Sequence[str], excluded: Sequence[str]) -> None:
    refuse_twice("The frame has the column", columns)
    refuse_twice("The labels name", labels)
    for label in labels:
        if label not in columns:
            raise SpecError(f"The label {label} is not a column of the frame; it has {', '.join(columns)}.")
        if label in excluded:
            raise SpecError(f"The label {label} is excluded; leave it out of exclude_columns.")


def _check_no_label_is_asked_of(spec: Spec, labels: Sequence[str]) -> None:
    """A feature that is looked up by the label, or made of it, would tell it; as with the client a time may be one."""
    for part in spec.parts:
        asked = part.lookup_keys if isinstance(part, Lookup) else part.needs
        told = [name for name in asked if name in labels]
        if told:
            of = f"a key of the lookup of {part.table}" if isinstance(part, Lookup) else f"an input of {part.name}"
            raise SpecError(f"{told[0]} is a label, and {of}; what is asked for would tell what is to be learnt.")


def _check_lookbacks(asked: Sequence[FeatureLookup], tables: Mapping[str, FeatureTable]) -> None:
    windows: dict[str, set[Any]] = {}
    for lookup in asked:
        windows.setdefault(tables[lookup.table_name].name, set()).add(lookup.lookback_window)
    for table, found in windows.items():
        if len(found) > 1:
            told = ", ".join(sorted(str(window) for window in found))
            raise SpecError(f"{table} is looked up with several lookback windows ({told}); a table has one.")


def _check_arity(table: FeatureTable, keys: Sequence[str], moment: str) -> None:
    if len(keys) != len(table.entity_keys):
        raise SpecError(f"{table.name} has the keys {table.entity_keys}, and the lookup gives {list(keys)}.")
    if table.timestamp_keys and not moment:
        raise SpecError(
            f"{table.name} holds features over time; its lookup needs a timestamp_lookup_key, to meet "
            f"{table.timestamp_keys[0]}."
        )
    if moment and not table.timestamp_keys:
        raise SpecError(f"{table.name} holds no features over time; leave out timestamp_lookup_key {moment}.")
    met = [name for name in (*keys, moment) if name]
    twice = [name for name in dict.fromkeys(met) if met.count(name) > 1]
    if twice:
        raise SpecError(
            f"A lookup of {table.name} meets two of its keys by the column {', '.join(twice)}; give the frame a copy "
            "of it under a name of its own."
        )


def _check_names(spec: Spec, labels: Sequence[str]) -> None:
    """Every output once, and none that is a column, a label, or the same feature found the same way."""
    taken = dict.fromkeys(spec.sources, "a column of the frame") | dict.fromkeys(labels, "a label")
    for part in spec.parts:
        source = part.table if isinstance(part, Lookup) else part.name
        for name in part.gives:
            if name in taken:
                raise SpecError(
                    f"{name} of {source} would appear twice: it is {taken[name]} already; rename it with "
                    "rename_outputs or output_name, or leave it out."
                )
            taken[name] = f"an output of {source}"
    found: set[tuple[object, ...]] = set()
    for lookup in spec.lookups:
        for name in lookup.outputs:
            way = (lookup.table, lookup.lookup_keys, lookup.lookup_time, name)
            if way in found:
                raise SpecError(f"The feature {name} of {lookup.table} is looked up twice by {lookup.needs}.")
            found.add(way)


def check_keys(lookups: Sequence[Lookup], schema: StructType, tables: Mapping[str, FeatureTable]) -> None:
    """Keys and times are of the table's very type: INT is not LONG, DATE is not TIMESTAMP.

    Args:
        lookups: what is looked up.
        schema: of the frame, whose columns take the place of features of their names.
        tables: every feature table of the lookups by its name.

    Raises:
        SpecError: naming table, key and both types.
    """
    types: dict[str, DataType] = {}
    for lookup in lookups:
        held = {field.name: field.dataType for field in tables[lookup.table].schema}
        types |= {output: held[name] for name, output in lookup.outputs.items() if name in held}
    types |= {name: schema[name].dataType for name in schema.names}
    for lookup in lookups:
        table = tables[lookup.table]
        theirs = (*lookup.keys, *((lookup.time,) if lookup.time else ()))
        for mine, key in zip(lookup.needs, theirs, strict=True):
            if mine in types:
                refuse_other_type(lookup.table, table.schema[key], f"the frame's {mine}", types[mine])


def refuse_other_type(table: str, key: StructField, mine: str, given: DataType) -> None:
    """Refuse what is to meet a key of a table and is of another type.

    Raises:
        SpecError: naming the key, what is to meet it, and both types.
    """
    has, wanted = given.typeName(), key.dataType.typeName()
    if has != wanted:
        raise SpecError(f"{table} has the key {key.name} of type {wanted}, and {mine} is {has}; cast it.")
