"""From text to types: every bronze column has a rule that accepts a value, mends it, or sends its row to quarantine."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from pipelines.silver.contracts import LEVELS

LEGACY_LEVELS = {"BEGINNER": "A1", "INTERMEDIATE": "B1", "ADVANCED": "C1"}
LANGUAGE_CODES = {
    "de": "german", "en": "english", "es": "spanish", "fr": "french", "it": "italian", "ja": "japanese",
    "ko": "korean", "nl": "dutch", "pt": "portuguese", "ru": "russian", "zh": "chinese",
}  # fmt: skip
LONGEST_ID, LONGEST_TEXT, LONGEST_MESSAGE = 255, 1_000, 100_000
SPACE = " \t\r\n\f\x0b"
WHOLE = r"^(-?[0-9]+)\.0+$"
REGION = "^([a-z]{2})([-_]([a-z]{2}|[a-z]{4}|[0-9]{3}))+$"


@dataclass(frozen=True)
class Rule:
    """How one silver column is made from one bronze column.

    Attributes:
        name: the silver column.
        raw: the bronze column.
        value: makes the typed value, null when the text is empty or breaks the rule.
        problem: makes what is said of a text that breaks the rule, null when it does not.
        says: the rule in words, for the data dictionary.
    """

    name: str
    raw: str
    value: Callable[[], Column]
    problem: Callable[[], Column]
    says: str


@dataclass(frozen=True)
class RawTable:
    """The rules of one raw table.

    Attributes:
        rules: one for each typed column.
        checks: pairs of an SQL condition over typed columns that must not be true, and what is said when it is.
    """

    rules: Sequence[Rule]
    checks: Sequence[tuple[str, str]] = field(default=())


def identifier(name: str, raw: str) -> Rule:
    """A required id; `12.0`, as a nullable integer becomes in pandas, is `12`."""

    def value() -> Column:
        return same_id(F.col(raw))

    def problem() -> Column:
        return F.when(value().isNull(), F.lit(f"{raw} is empty")).when(
            F.length(value()) > LONGEST_ID, F.concat(F.lit(f"{raw} has "), F.length(value()), F.lit(" characters"))
        )

    says = f"text of up to {LONGEST_ID} characters; 12.0 becomes 12; empty or longer: quarantined"
    return Rule(name, raw, value, problem, says)


def text(name: str, raw: str) -> Rule:
    """Any text in any script; blank is null."""

    def problem() -> Column:
        long = F.concat(F.lit(f"{raw} has "), F.length(_clean(raw)), F.lit(f" characters, over {LONGEST_TEXT}"))
        return F.when(F.length(_clean(raw)) > LONGEST_TEXT, long)

    says = (
        "text in any script, emoji included; NUL bytes and space around it are removed; blank becomes null; over "
        f"{LONGEST_TEXT} characters: quarantined"
    )
    return Rule(name, raw, lambda: _clean(raw), problem, says)


def number(name: str, raw: str, low: float, high: float) -> Rule:
    """A number in [low, high]; `nan` is null."""

    def value() -> Column:
        cast = F.expr(f"try_cast(`{raw}` AS DOUBLE)")
        return F.when(cast.between(low, high), cast)

    what = f"is not a number from {low:g} to {high:g}"
    return _checked(name, raw, value, what, "NaN becomes null", empty=_word(raw, "nan"))


def integer(name: str, raw: str, low: int = 0, high: int = 2**31 - 1) -> Rule:
    """A whole number in [low, high]; `nan` is null."""

    def value() -> Column:
        cast = F.expr(f"try_cast(`{raw}` AS DOUBLE)")
        return F.when(cast.between(low, high) & (cast == F.floor(cast)), cast.cast("int"))

    what = f"is not a whole number from {low} to {high}"
    return _checked(name, raw, value, what, "12.0 becomes 12, NaN null", empty=_word(raw, "nan"))


def length(name: str, raw: str) -> Rule:
    """The number of characters of a text that itself stays in bronze."""

    def problem() -> Column:
        told = F.concat(F.lit(f"{raw} has "), F.length(raw), F.lit(" characters"))
        return F.when(F.length(raw) > LONGEST_MESSAGE, told)

    says = f"any text, of which the length is kept; over {LONGEST_MESSAGE:,} characters: quarantined"
    return Rule(name, raw, lambda: F.length(raw), problem, says)


def moment(name: str, raw: str, required: bool = True) -> Rule:
    """A timestamp, UTC unless it carries an offset, from the year 2000 on and not a day later than its arrival.

    A file without an arrival date is held against the time of its intake.
    """

    def value() -> Column:
        # A time without a date would be cast to that time of today.
        return F.expr(
            rf"CASE WHEN btrim(`{raw}`) RLIKE '^[+]?[0-9]{{4,6}}-' THEN try_cast(btrim(`{raw}`) AS TIMESTAMP) END"
        )

    def since_2000() -> Column:
        return F.when(value() >= F.lit("2000-01-01").cast("timestamp"), value())

    rule = _checked(name, raw, since_2000, "is not a time since 2000", required=required)

    def problem() -> Column:
        last = F.coalesce(F.date_add("_arrived_at", 2).cast("timestamp"), F.expr("_ingested_at + INTERVAL 1 DAY"))
        return F.coalesce(rule.problem(), F.when(value() > last, _said(raw, "lies in the future of its arrival")))

    says = (
        f"{'required' if required else 'may be empty'}; ISO-8601 text or a timestamp of any precision, UTC unless it "
        "has an offset; before 2000, over a day after its arrival, or no time: quarantined"
    )
    return Rule(name, raw, rule.value, problem, says)


def day(name: str, raw: str) -> Rule:
    """A required date since 2000, which may lie ahead."""

    def value() -> Column:
        cast = F.expr(rf"CASE WHEN btrim(`{raw}`) RLIKE '^[0-9]{{4}}-' THEN try_cast(btrim(`{raw}`) AS DATE) END")
        return F.when(cast >= F.lit("2000-01-01").cast("date"), cast)

    return _checked(name, raw, value, "is not a date since 2000", "a time of day is left out", required=True)


def flag(name: str, raw: str) -> Rule:
    """A boolean; 0 and 1 are taken too, as numbers of any kind."""

    def value() -> Column:
        return F.regexp_replace(F.btrim(raw), WHOLE, "$1").try_cast("boolean")

    return _checked(name, raw, value, "is neither true nor false", "0 and 1 are taken too")


def level(name: str, raw: str, required: bool = False) -> Rule:
    """A CEFR level; beginner, intermediate and advanced are A1, B1 and C1."""

    def value() -> Column:
        mapped = _mapped(F.upper(_clean(raw)), LEGACY_LEVELS)
        return F.when(mapped.isin(*LEVELS), mapped)

    mends = "beginner, intermediate and advanced become A1, B1 and C1, lower case upper case"
    return _checked(name, raw, value, "is not a level from A1 to C2", mends, required)


def language(name: str = "language", raw: str = "language") -> Rule:
    """A required language: a name in letters, or an ISO code that is mapped to its lower-case English name."""

    def value() -> Column:
        word = _mapped(F.regexp_replace(F.lower(_clean(raw)), REGION, "$1"), LANGUAGE_CODES)
        return F.when(word.rlike(r"^\p{L}[\p{L}\p{M} '-]{0,39}$"), word)

    codes = ", ".join(LANGUAGE_CODES)
    mends = (
        f"the codes {codes} become names, whatever the region behind them (`es-MX`), capitals small letters; an "
        "unknown name is a language of its own"
    )
    return _checked(name, raw, value, "is no name of a language", mends, required=True)


def choice(name: str, raw: str, *values: str) -> Rule:
    """One of a few words, required."""

    def value() -> Column:
        word = F.lower(_clean(raw))
        return F.when(word.isin(*values), word)

    what = f"is none of {', '.join(values)}"
    return _checked(name, raw, value, what, "capitals become small letters", required=True)


def json(name: str, raw: str, kind: str) -> Rule:
    """A JSON array of `kind`; JSON's null is null."""

    def value() -> Column:
        return F.when(_clean(raw).rlike(r"(?s)^\[.*\]$"), F.from_json(_clean(raw), kind))

    what = "is not a JSON array of the kind expected"
    return _checked(name, raw, value, what, "JSON's null becomes null", empty=_word(raw, "null"))


def typed(bronze: DataFrame, table: RawTable) -> DataFrame:
    """Apply every rule and row check.

    Args:
        bronze: rows of a bronze table.
        table: its rules.

    Returns:
        The typed columns; `raw_key` (the id as received), `reasons` (array of text, empty for a good row) and
        `row_hash` (of the row as received); and bronze's `_source_file`, `_file_hash`, `_arrived_at`, `_ingested_at`.
    """
    kept = bronze.select(
        *[rule.value().alias(rule.name) for rule in table.rules],
        F.array_compact(F.array(*[rule.problem() for rule in table.rules])).alias("_problems"),
        raw_key().alias("raw_key"),
        F.sha2(row_json(bronze), 256).alias("row_hash"),
        *[F.col(name) for name in ("_source_file", "_file_hash", "_arrived_at", "_ingested_at")],
    )
    found = [F.when(F.expr(condition), F.lit(what)) for condition, what in table.checks]
    reasons = F.concat("_problems", F.array_compact(F.array(*found))) if found else F.col("_problems")
    return kept.withColumn("reasons", reasons).drop("_problems")


def raw_key() -> Column:
    """The id of a bronze row as received."""
    return F.coalesce(F.col("id"), F.lit("(no id)"))


def row_json(bronze: DataFrame) -> Column:
    """A bronze row as it was received, as JSON."""
    return F.to_json(F.struct(*[F.col(name) for name in bronze.columns if not name.startswith("_")]))


def same_id(said: Column) -> Column:
    """An id as silver knows it: without NUL bytes and space around it, `12.0` as `12`; null when nothing is left."""
    return F.regexp_replace(_clean(said), WHOLE, "$1")


def _clean(raw: str | Column) -> Column:
    return F.nullif(F.btrim(F.regexp_replace(raw, "\\x00", ""), F.lit(SPACE)), F.lit(""))


def _mapped(value: Column, names: dict[str, str]) -> Column:
    pairs = F.create_map(*[F.lit(text) for pair in names.items() for text in pair])
    return F.coalesce(F.try_element_at(pairs, value), value)


def _word(raw: str, word: str) -> Callable[[], Column]:
    return lambda: F.lower(F.btrim(F.col(raw))) == word


def _checked(
    name: str, raw: str, make: Callable[[], Column], what: str, mends: str = "", required: bool = False,
    empty: Callable[[], Column] | None = None,
) -> Rule:  # fmt: skip
    """A rule that refuses a text of which `make` makes nothing.

    Args:
        name: the silver column.
        raw: the bronze column.
        make: the typed value of a text that is there, null where it cannot be made.
        what: said of a text that is refused, after its column.
        mends: what the rule mends, in words.
        required: whether an empty text is refused too.
        empty: whether a text stands for none; a blank one always does.
    """

    def absent() -> Column:
        return _clean(raw).isNull() if empty is None else (_clean(raw).isNull() | empty())

    def value() -> Column:
        return F.when(~absent(), make())

    def problem() -> Column:
        lacking = F.lit(f"{raw} is empty") if required else _no_problem()
        return F.when(absent(), lacking).when(make().isNull(), _said(raw, what))

    said = [mends, f"quarantined if it {what}"]
    return Rule(name, raw, value, problem, "; ".join(["required" if required else "may be empty", *filter(None, said)]))


def _said(raw: str, what: str) -> Column:
    """The column, up to 40 characters of its value, quoted, and what is wrong with it."""
    shown = F.concat(F.lit(f"{raw} "), F.to_json(F.struct(F.substring(raw, 1, 40).alias("v"))), F.lit(f" {what}"))
    return F.regexp_replace(shown, r'\{"v":(".*")\}', "$1")


def _no_problem() -> Column:
    return F.lit(None).cast("string")
