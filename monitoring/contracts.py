"""Contracts of the tables that monitoring writes."""

from __future__ import annotations

from lakehouse.contracts import Contract, Publish, between, columns, one_of

MODEL_HEALTH = Contract(
    "gold.model_health",
    "What a model promised and what came true, a metric a row; realised metrics appear once labels mature.",
    columns("""
        as_of | DATE NOT NULL | the scored day
        model_name | STRING NOT NULL | three-level name of the model
        model_version | STRING NOT NULL | its version
        metric | STRING NOT NULL | roc_auc, average_precision, brier, base_rate, students and others
        promised | DOUBLE | the value on the model's own test window
        realised | DOUBLE NOT NULL | the value on that day's scores
    """),
    key=("as_of", "model_name", "model_version", "metric"),
    publish=Publish.REPLACE_AS_OF,
)

FEATURE_DRIFT = Contract(
    "gold.feature_drift",
    "How far each scoring feature has moved from the training reference.",
    columns("""
        as_of | DATE NOT NULL | the scored day
        feature | STRING NOT NULL | feature
        psi | DOUBLE | population stability index over ten reference quantiles
        jensen_shannon | DOUBLE | Jensen-Shannon distance over the same bins, base 2
        missing_share | DOUBLE NOT NULL | share of nulls among the scored
        reference_missing_share | DOUBLE NOT NULL | share of nulls in the reference
        status | STRING NOT NULL | ok, watch (PSI over 0.1) or drifted (PSI over 0.25)
    """),
    key=("as_of", "feature"),
    expectations=(
        one_of("status", "ok", "watch", "drifted"),
        between("missing_share", 0, 1),
        between("jensen_shannon", 0, 1),
        between("psi", 0, None),
    ),
    publish=Publish.REPLACE_AS_OF,
)

DATA_QUALITY = Contract(
    "gold.data_quality",
    "Volume, freshness and quarantine of the silver tables on a day.",
    columns("""
        as_of | DATE NOT NULL | the day looked at
        table_name | STRING NOT NULL | silver table
        row_count | BIGINT NOT NULL | rows known and dated before that day
        newest_at | TIMESTAMP | newest of them
        hours_behind | DOUBLE | hours from that to midnight of the day
        quarantined | BIGINT NOT NULL | rows of it in quarantine
    """),
    key=("as_of", "table_name"),
    expectations=(between("row_count", 0, None), between("quarantined", 0, None)),
    publish=Publish.REPLACE_AS_OF,
)

CONTRACTS = (MODEL_HEALTH, FEATURE_DRIFT, DATA_QUALITY)
