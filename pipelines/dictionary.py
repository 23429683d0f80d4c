"""The data dictionary, made from the contracts: `python -m pipelines.dictionary > docs/data-dictionary.md`."""

from __future__ import annotations

import features.run
import monitoring.contracts
import pipelines.bronze.contracts
import pipelines.gold.contracts
import pipelines.silver.contracts
import pipelines.silver.version_tables
import scoring.contracts
from lakehouse import ops
from lakehouse.contracts import Column, Contract, Expectation
from pipelines.silver.raw import RULES
from pipelines.silver.typed import RawTable

CONTRACTS: tuple[Contract, ...] = (
    *pipelines.bronze.contracts.CONTRACTS,
    *pipelines.silver.version_tables.CONTRACTS,
    *pipelines.silver.contracts.CONTRACTS,
    *features.run.CONTRACTS,
    *pipelines.gold.contracts.CONTRACTS,
    *scoring.contracts.CONTRACTS,
    *monitoring.contracts.CONTRACTS,
    *ops.CONTRACTS,
)
HEAD = """# Data dictionary

Made from the contracts by `python -m pipelines.dictionary`; a test keeps this page equal to them. How a value reaches a
silver column, and what sends a row to quarantine, stands under [Rules for values](#rules-for-values).
"""
RULES_HEAD = """
## Rules for values

Every value is taken, mended or refused. One refused value sends its row to `ops.quarantine`, with a reason that names
the column; bronze keeps the row as it was received.

A row whose parent is not there (a message without its conversation, progress without its lesson, an attempt without its
assessment) waits in quarantine and is released when the parent arrives.

A file that cannot be read to its end, or has no column `id` (closures and interventions need none), is set aside:
`ops.quarantine` holds its path, its size and the error, and none of its rows reaches bronze.
"""


def dictionary() -> str:
    """The page, in Markdown."""
    sections = [_section(contract) for contract in CONTRACTS]
    return HEAD + "".join(sections) + RULES_HEAD + "".join(_rules(name, table) for name, table in RULES.items())


def _section(contract: Contract) -> str:
    lines = [f"\n## {contract.name}\n", f"{contract.comment}\n"]
    key = f"Key: {', '.join(contract.key)}. " if contract.key else ""
    lines.append(f"{key}Published by {contract.publish.value.replace('_', ' ')}.\n")
    lines += ["| column | type | meaning |", "|---|---|---|"]
    lines += [f"| {c.name} | {_type(c)} | {c.comment} |" for c in contract.columns]
    if contract.expectations:
        lines.append(f"\nThe gate also asks: {'; '.join(map(_told, contract.expectations))}.")
    return "\n".join(lines) + "\n"


def _type(column: Column) -> str:
    """The type as Markdown takes it: `<` alone would begin a tag."""
    return column.type.replace("<", r"\<") + ("" if column.nullable else ", required")


def _rules(name: str, table: RawTable) -> str:
    lines = [f"\n### {name}\n", "| silver column | raw column | rule |", "|---|---|---|"]
    lines += [f"| {rule.name} | {rule.raw} | {rule.says} |" for rule in table.rules]
    if table.checks:
        lines.append("")
        lines += [f"- {said}: quarantined" for _, said in table.checks]
    return "\n".join(lines) + "\n"


def _told(expectation: Expectation) -> str:
    k = expectation.kwargs
    match expectation.type:
        case "ExpectTableRowCountToBeBetween":
            return f"at least {k['min_value']} row" + ("s" if k["min_value"] != 1 else "")
        case "ExpectColumnValuesToBeInSet":
            return f"{k['column']} is one of {', '.join(k['value_set'])}"
        case "ExpectColumnPairValuesAToBeGreaterThanB":
            return f"{k['column_A']} is not below {k['column_B']}"
        case "ExpectColumnValuesToNotBeNull":
            return f"{k['column']} is there"
    low, high = k["min_value"], k["max_value"]
    if high is None:
        return f"{k['column']} is {low:g} or more"
    return f"{k['column']} is between {low:g} and {high:g}"


if __name__ == "__main__":
    print(dictionary(), end="")
