"""The export entry point of the at-risk list: a CSV file for a mail tool."""

from __future__ import annotations

import argparse
import csv
from datetime import date
from pathlib import Path

import pandas as pd
from pyspark.sql import functions as F

from features.student_labels import CONTRACT as LABELS
from features.student_labels import HORIZON_DAYS
from lakehouse.cli import Run, as_of_step, command
from lakehouse.errors import RadarError, entry_point
from lakehouse.lake import Lake
from lakehouse.rows import to_pandas
from lakehouse.words import count
from scoring.contracts import AT_RISK_STUDENTS

COLUMNS = [
    "student_id", "as_of", "risk", "risk_band", "reason_1", "reason_2", "reason_3", "segment", "suggested_action",
    "language", "days_since_active", "contacted_on",
]  # fmt: skip
BANDS = {"high": ("high",), "medium": ("high", "medium"), "low": ("high", "medium", "low")}
FORMULA = ("=", "+", "-", "@", "\t", "\r")


def run(run: Run, as_of: date) -> None:
    """Write the students of a day down to a band, the highest risk first.

    Raises:
        RadarError: when the day has not been scored, or the file cannot be written.
    """
    with run.step("export") as step:
        scores = run.lake.table(AT_RISK_STUDENTS.name).where(F.col("as_of") == F.lit(as_of))
        if scores.isEmpty():
            raise RadarError(_why_empty(run.lake, as_of))
        rows = scores.where(F.col("risk_band").isin(*BANDS[run.options.band])).select(*COLUMNS)
        listed = to_pandas(rows.orderBy(F.desc("risk"), "student_id"))
        out = Path(run.options.out)
        try:
            out.parent.mkdir(parents=True, exist_ok=True)
            harmless(listed).to_csv(out, index=False, quoting=csv.QUOTE_NONNUMERIC)
        except OSError as error:
            raise RadarError(f"{out} cannot be written: {error.strerror}.") from None
        step.message = f"{count(len(listed), 'student')} of {as_of} in {out}"


def _why_empty(lake: Lake, as_of: date) -> str:
    labels = lake.table(LABELS.name).where(F.col("as_of") == F.lit(as_of))
    if labels.isEmpty() or not labels.where("eligible").isEmpty():
        return f"{as_of} has not been scored; run `{entry_point('score', lake=lake.settings.lake, as_of=as_of)}` first."
    return f"Nobody is scored for {as_of}: nobody was active in {HORIZON_DAYS} days before, or a closure lies ahead."


def harmless(rows: pd.DataFrame) -> pd.DataFrame:
    """The rows with an apostrophe before every text that a spreadsheet would take for a formula.

    As OWASP advises against CSV injection: texts that begin with =, +, -, @, a tab or a carriage return; line ends
    within a text become spaces.
    """

    def tame(value: object) -> object:
        if not isinstance(value, str):
            return value
        told = value.replace("\r\n", " ").replace("\n", " ")
        return f"'{told}" if told.startswith(FORMULA) else told

    return rows.map(tame)


def _options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--out", required=True, help="the file to write")
    parser.add_argument("--band", default="medium", choices=BANDS, help="the lowest band that is listed")


def main() -> None:
    """`python -m scoring.export`."""
    command("Write the at-risk list as CSV.", as_of_step(run), _options)


if __name__ == "__main__":
    main()
