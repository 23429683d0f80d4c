"""From text to types: every bronze column has a rule, and a value that breaks it sends its row to quarantine."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from pipelines.silver.contracts import LEVELS

LEGACY_LEVELS = {"BEGINNER": "A1", "INTERMEDIATE": "B1", "ADVANCED": "C1"}
LANGUAGE_CODES = {
    "de": "german", "en": "english", "es": "spanish", "fr": "french", "it": "italian", "ja": "japanese",
    "ko": "korean", "nl": "dutch", "pt": "portuguese", "ru": "russian", "zh": "chinese",
}  # fmt: skip


@dataclass(frozen=True)
class Rule:
    """How one silver column is made from one bronze column.

    Attributes:
        name: the silver column.
        raw: the bronze column.
        value: the typed value, null when the text is empty or breaks the rule.
        problem: what to say of a text that breaks the rule, null when it does not.
    """

    name: str
    raw: str
    value: Column
    problem: Column


def identifier(name: str, raw: str) -> Rule:
    """A required id; `12.0`, as a nullable integer becomes in pandas, is `12`."""
    value = F.regexp_replace(_clean(raw), r"^(-?\d+)\.0+$", "$1")
    return Rule(name, raw, value, F.when(value.isNull(), F.lit(f"{raw} is empty")))


def text(name: str, raw: str) -> Rule:
    """Any text; blank is null."""
    return Rule(name, raw, _clean(raw), _no_problem())


def number(name: str, raw: str, low: float, high: float) -> Rule:
    """A number in [low, high]."""
    value = F.expr(f"try_cast({raw} AS DOUBLE)")
    inside = F.when(value.between(low, high), value)
    return _checked(name, raw, inside, f"is not a number from {low:g} to {high:g}", empty=F.lower(raw) == "nan")


def integer(name: str, raw: str, low: int = 0, high: int = 2**31 - 1) -> Rule:
    """A whole number in [low, high]."""
    value = F.expr(f"try_cast({raw} AS DOUBLE)")
    whole = F.when(value.between(low, high) & (value == F.floor(value)), value.cast("int"))
    return _checked(name, raw, whole, f"is not a whole number from {low} to {high}", empty=F.lower(raw) == "nan")


def moment(name: str, raw: str, required: bool = True) -> Rule:
    """A timestamp, UTC unless it carries an offset, from the year 2000 on."""
    value = F.expr(f"try_cast({raw} AS TIMESTAMP)")
    rule = _checked(
        name, raw, F.when(value >= F.lit("2000-01-01").cast("timestamp"), value), "is not a time since 2000"
    )
    missing = F.when(_clean(raw).isNull(), F.lit(f"{raw} is empty")) if required else _no_problem()
    return Rule(name, raw, rule.value, F.coalesce(missing, rule.problem))


def flag(name: str, raw: str) -> Rule:
    """A boolean; 0 and 1 are taken too."""
    return _checked(name, raw, F.expr(f"try_cast({raw} AS BOOLEAN)"), "is neither true nor false")


def level(name: str, raw: str, required: bool = False) -> Rule:
    """A CEFR level; beginner, intermediate and advanced are A1, B1 and C1."""
    upper = F.upper(_clean(raw))
    mapped = _mapped(upper, LEGACY_LEVELS)
    rule = _checked(name, raw, F.when(mapped.isin(*LEVELS), mapped), "is not a level from A1 to C2")
    missing = F.when(_clean(raw).isNull(), F.lit(f"{raw} is empty")) if required else _no_problem()
    return Rule(name, raw, rule.value, F.coalesce(missing, rule.problem))


def language(name: str = "language", raw: str = "language") -> Rule:
    """A required language: its lower-case English name, or an ISO code that is mapped to it."""
    value = _mapped(F.lower(_clean(raw)), LANGUAGE_CODES)
    return Rule(name, raw, value, F.when(value.isNull(), F.lit(f"{raw} is empty")))


def choice(name: str, raw: str, *values: str) -> Rule:
    """One of a few words, required."""
    word = F.lower(_clean(raw))
    rule = _checked(name, raw, F.when(word.isin(*values), word), f"is none of {', '.join(values)}")
    return Rule(name, raw, rule.value, F.when(word.isNull(), F.lit(f"{raw} is empty")).otherwise(rule.problem))


def json(name: str, raw: str, kind: str) -> Rule:
    """A JSON array of `kind`."""
    return _checked(name, raw, F.from_json(_clean(raw), kind), "is not a JSON array of the kind expected")


def typed(bronze: DataFrame, rules: Sequence[Rule], checks: Sequence[tuple[str, str]] = ()) -> DataFrame:
    """Apply every rule and row check.

    Args:
        bronze: rows of a bronze table.
        rules: one for each silver column.
        checks: pairs of an SQL condition over silver columns that must not be true, and what to say when it is.

    Returns:
        The silver columns; `raw_key` (the id as received), `reasons` (array of text, empty for a good row), `row_json`
        and `row_hash`; and bronze's `_source_file`, `_file_hash`, `_arrived_at`, `_ingested_at`.
    """
    received = F.struct(*[F.col(name) for name in bronze.columns if not name.startswith("_")])
    kept = bronze.select(
        *[rule.value.alias(rule.name) for rule in rules],
        F.array_compact(F.array(*[rule.problem for rule in rules])).alias("_problems"),
        F.coalesce(F.col("id"), F.lit("(no id)")).alias("raw_key"),
        F.to_json(received).alias("row_json"),
        *[F.col(name) for name in ("_source_file", "_file_hash", "_arrived_at", "_ingested_at")],
    )
    found = [F.when(F.expr(condition), F.lit(what)) for condition, what in checks]
    reasons = F.concat("_problems", F.array_compact(F.array(*found))) if found else F.col("_problems")
    return kept.withColumns({"reasons": reasons, "row_hash": F.sha2("row_json", 256)}).drop("_problems")


def _clean(raw: str) -> Column:
    return F.nullif(F.trim(F.regexp_replace(raw, "\\x00", "")), F.lit(""))


def _mapped(value: Column, names: dict[str, str]) -> Column:
    pairs = F.create_map(*[F.lit(text) for pair in names.items() for text in pair])
    return F.coalesce(F.try_element_at(pairs, value), value)


def _checked(name: str, raw: str, value: Column, what: str, empty: Column | None = None) -> Rule:
    absent = _clean(raw).isNull() if empty is None else (_clean(raw).isNull() | empty)
    shown = F.concat(F.lit(f"{raw} "), F.to_json(F.struct(F.substring(raw, 1, 40).alias("v"))), F.lit(f" {what}"))
    said = F.regexp_replace(shown, r'\{"v":(".*")\}', "$1")
    return Rule(name, raw, F.when(~absent, value), F.when(~absent & value.isNull(), said))


def _no_problem() -> Column:
    return F.lit(None).cast("string")
