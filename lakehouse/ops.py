"""Contracts of the tables that say what the system itself did."""

from __future__ import annotations

from lakehouse.contracts import Contract, Publish, between, columns, one_of

QUARANTINE = Contract(
    "ops.quarantine",
    "Rows and files that could not be used, with the reason and the row itself; nothing is dropped in silence.",
    columns("""
        table_name | STRING NOT NULL | the table that refused the row, or the raw table of an unreadable file
        row_key | STRING NOT NULL | the row's id as received, or the file's path
        row_hash | STRING NOT NULL | hash of the row's content, or of the file's
        reason | STRING NOT NULL | what is wrong, naming the column
        row_json | STRING | the row as JSON, as received
        source_file | STRING NOT NULL | the file it came in, relative to the landing folder
        arrived_at | DATE | arrival date of the file's batch, null for a backfill
        copies | INT NOT NULL | how many rows of that file are the same to the letter
        quarantined_at | TIMESTAMP NOT NULL | when its file was taken in
        released_at | TIMESTAMP | when a later load could use it after all; null while it waits
        known_from | TIMESTAMP | where a mended rule released it: the midnight from which it is known
    """),
    key=("table_name", "row_key", "row_hash", "source_file"),
    expectations=(between("copies", 1, None),),
    publish=Publish.MERGE,
)

FILES = Contract(
    "ops.files",
    "Every landing file that was taken in, found empty or set aside, so that none is taken in twice.",
    columns("""
        table_name | STRING NOT NULL | the raw table
        source_file | STRING NOT NULL | the file, relative to the landing folder
        file_hash | STRING NOT NULL | SHA-256 of its content
        size_bytes | BIGINT NOT NULL | its size
        changed_ns | BIGINT NOT NULL | when its content or name last changed, nanoseconds since 1970
        arrived_at | DATE | arrival date of its batch, null for a backfill
        row_count | BIGINT NOT NULL | its rows, 0 for a file that was set aside
        new_columns | STRING | columns that the contract does not know, separated by commas
        error | STRING | why it was set aside; null for a file that was taken in
        taken_in_at | TIMESTAMP NOT NULL | when
        bronze_hash | STRING | _file_hash of its rows in bronze, where an erasure wrote the file anew; else null
    """),
    key=("table_name", "source_file", "file_hash"),
    expectations=(between("row_count", 0, None),),
    publish=Publish.MERGE,
)

ARRIVALS = Contract(
    "ops.arrivals",
    "Files that Auto Loader saw arrive, where ingest finds files by it; `ops.files` says which were taken in.",
    columns("""
        path | STRING NOT NULL | the file
        size_bytes | BIGINT NOT NULL | its size
        changed_at | TIMESTAMP NOT NULL | when its content last changed
    """),
    publish=Publish.APPEND,
)

GATE_RESULTS = Contract(
    "ops.gate_results",
    "What every expectation of every gate said, run by run.",
    columns("""
        run_id | STRING NOT NULL | the run that staged the batch
        table_name | STRING NOT NULL | the table the batch was for
        expectation | STRING NOT NULL | Great Expectations class name
        column_name | STRING NOT NULL | the column or columns asked about
        success | BOOLEAN NOT NULL | whether it held
        rows_checked | BIGINT | rows the expectation looked at, when it failed
        failures | BIGINT | rows that failed it
        sample | STRING | keys or values of a few failing rows
        arguments | STRING | what the expectation was asked with, as JSON
        checked_at | TIMESTAMP NOT NULL | when
    """),
    publish=Publish.APPEND,
)

RUNS = Contract(
    "ops.runs",
    "One row a finished step: what it wrote. Written last, so a step without a row did not finish.",
    columns("""
        run_id | STRING NOT NULL | one id for all steps of one command
        step | STRING NOT NULL | bronze, silver, features, gold, train_dropout, …
        as_of | DATE | the as-of date of the run, when the step has one
        started_at | TIMESTAMP NOT NULL | when the step began
        ended_at | TIMESTAMP NOT NULL | when it ended
        status | STRING NOT NULL | done or failed
        message | STRING | the result in a sentence, or the error
        rows_json | STRING | rows and balances per table, as JSON
    """),
    expectations=(one_of("status", "done", "failed"),),
    publish=Publish.APPEND,
)

SUMS = ("bronze.intake", "silver.balance")
"""What `ops.gate_results` tells of and is no table: gates over the sums of a batch."""

PROMOTIONS = Contract(
    "ops.promotions",
    "Who held which alias of which model from when, why, and on which evidence.",
    columns("""
        promotion_id | STRING NOT NULL | one id a decision; its states share it
        model_name | STRING NOT NULL | three-level name of the registered model
        alias | STRING NOT NULL | champion
        version | STRING NOT NULL | the version that the alias goes to
        previous_version | STRING | the version that held it
        as_of | DATE NOT NULL | the day the decision is for
        decided_at | TIMESTAMP NOT NULL | when it was decided
        decided_by | STRING NOT NULL | rules, or the person who overrode them
        reason | STRING NOT NULL | why
        evidence_json | STRING | metrics and checks the decision stands on
        state | STRING NOT NULL | decided, then applied
    """),
    key=("promotion_id", "state"),
    expectations=(one_of("state", "decided", "applied"),),
    publish=Publish.APPEND,
)

ERASURES = Contract(
    "ops.erasures",
    "That somebody was forgotten, when, and how much that was; not who.",
    columns("""
        asked_at | TIMESTAMP NOT NULL | when it was asked for
        done_at | TIMESTAMP NOT NULL | when all of it was gone
        tables_json | STRING NOT NULL | rows deleted by table, as JSON
        files_json | STRING NOT NULL | files written anew, rows less, files not searched, as JSON
        models_json | STRING NOT NULL | registered versions whose training set can no longer be made again, as JSON
    """),
    publish=Publish.APPEND,
)

CONTRACTS = (QUARANTINE, FILES, ARRIVALS, GATE_RESULTS, RUNS, PROMOTIONS, ERASURES)
