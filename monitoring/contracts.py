"""Contracts of the tables that monitoring writes."""

from __future__ import annotations

from lakehouse.contracts import Contract, Publish, between, columns, one_of

SEVERITIES = ("info", "warning", "critical")

MODEL_HEALTH = Contract(
    "gold.model_health",
    "What a model promised and what came true in a week, over all students and by slice. A week has rows once the "
    "outcomes of all its scored days are known, and none before.",
    columns("""
        as_of | DATE NOT NULL | Monday of the week of the scored days
        model_name | STRING NOT NULL | three-level name of the model
        model_version | STRING NOT NULL | its version
        slice | STRING NOT NULL | all, language, level, tenure or contact
        slice_value | STRING NOT NULL | all, or the language, level, tenure, contacted or not contacted
        metric | STRING NOT NULL | roc_auc, average_precision, brier, calibration_error, base_rate, mean_risk and others
        promised | DOUBLE | the value on the model's own test window
        promised_low | DOUBLE | the lower end of its 95 % interval
        promised_high | DOUBLE | the upper end
        realised | DOUBLE NOT NULL | the value on the week's scores
        realised_low | DOUBLE | the lower end of its 95 % interval, from a bootstrap over students
        realised_high | DOUBLE | the upper end
        students | BIGINT NOT NULL | different students that it stands on
        dropouts | BIGINT NOT NULL | those of them who dropped out
    """),
    key=("as_of", "model_name", "model_version", "slice", "slice_value", "metric"),
    expectations=(
        one_of("slice", "all", "language", "level", "tenure", "contact"),
        between("students", 1, None),
        between("dropouts", 0, None),
    ),
    publish=Publish.REPLACE_AS_OF,
    of_run=False,
)

FEATURE_DRIFT = Contract(
    "gold.feature_drift",
    "How far each feature of the scored students, and their risk, have moved from training and from the weeks before.",
    columns("""
        as_of | DATE NOT NULL | the scored day
        feature | STRING NOT NULL | feature; `risk` is the score itself, held against the scores of the test window
        students | BIGINT NOT NULL | scored students
        psi | DOUBLE | population stability index against training, over ten reference quantiles
        jensen_shannon | DOUBLE | Jensen-Shannon distance over the same bins, base 2
        missing_share | DOUBLE NOT NULL | share of nulls among the scored
        reference_missing_share | DOUBLE NOT NULL | share of nulls in the reference
        recent_psi | DOUBLE | the same index against the weeks before; null for what is the same for all students
        recent_missing_share | DOUBLE | share of nulls in the weeks before
        noise | DOUBLE | what recent_psi passes by sampling alone once in a thousand
        usual_psi | DOUBLE | the most that recent_psi was in the eight weeks before; null under four of them
        status | STRING NOT NULL | ok, watch (PSI over 0.1) or drifted (PSI over 0.25), against training
    """),
    key=("as_of", "feature"),
    expectations=(
        one_of("status", "ok", "watch", "drifted"),
        between("missing_share", 0, 1),
        between("jensen_shannon", 0, 1),
        between("psi", 0, None),
        between("recent_psi", 0, None),
    ),
    publish=Publish.REPLACE_AS_OF,
)

DATA_QUALITY = Contract(
    "gold.data_quality",
    "Volume, freshness, quarantine and last gate of every bronze, silver, feature and gold table on a day, and gates "
    "over no table that fail.",
    columns("""
        as_of | DATE NOT NULL | the day looked at
        table_name | STRING NOT NULL | the table
        row_count | BIGINT NOT NULL | rows known by then, and not dated at or after that day; of a gate over no table 0
        newest_at | TIMESTAMP | newest of them; null for a table without a date
        hours_behind | DOUBLE | hours from that to midnight of the day, without days closed for everybody
        quarantined | BIGINT NOT NULL | rows of it in quarantine
        quarantined_share | DOUBLE | quarantined over those and row_count
        gate_checks | BIGINT | expectations that its last gate asked; null for a table without a gate
        gate_failures | BIGINT | those of them that failed
    """),
    key=("as_of", "table_name"),
    expectations=(
        between("row_count", 0, None),
        between("quarantined", 0, None),
        between("quarantined_share", 0, 1),
        between("gate_failures", 0, None),
    ),
    publish=Publish.REPLACE_AS_OF,
)

WEEKLY_MEASURES = Contract(
    "gold.weekly_measures",
    "The seven days before a day beside the eight weeks before them: a control chart of volumes and rates.",
    columns("""
        as_of | DATE NOT NULL | the day looked at
        measure | STRING NOT NULL | active_students (closures left out), rows_per_student, error_rate or new_language
        subject | STRING NOT NULL | what it is of: students, a table, a language
        value | DOUBLE NOT NULL | over the seven days before as_of
        usual | DOUBLE | mean over the weeks before; null under four of them
        spread | DOUBLE | their standard deviation, and for a rate the sampling error of this week
        size | DOUBLE NOT NULL | active students that the value stands on, of their own number the usual if that is more
    """),
    key=("as_of", "measure", "subject"),
    expectations=(one_of("measure", "active_students", "rows_per_student", "error_rate", "new_language"),),
    publish=Publish.REPLACE_AS_OF,
)

ALERTS = Contract(
    "gold.alerts",
    "What monitoring found on a day, by the rules of monitoring/alerts.yaml.",
    columns("""
        as_of | DATE NOT NULL | the day
        rule | STRING NOT NULL | the rule that fired
        severity | STRING NOT NULL | info, warning or critical
        subject | STRING NOT NULL | what it is about: a table, language, feature, metric or slice
        value | DOUBLE NOT NULL | what was found
        threshold | DOUBLE NOT NULL | the value that it passed
        message | STRING NOT NULL | in words, with what to do
        size | DOUBLE | students that it stands on; null where that does not matter
    """),
    key=("as_of", "rule", "subject"),
    expectations=(one_of("severity", *SEVERITIES),),
    publish=Publish.REPLACE_AS_OF,
)

RETRAINING = Contract(
    "gold.retraining",
    "Whether to train again, decided day by day. A yes that was acted on stays a yes.",
    columns("""
        as_of | DATE NOT NULL | the day
        model_name | STRING NOT NULL | dropout or segments, which go together
        retrain | BOOLEAN NOT NULL | whether to train again
        because | STRING NOT NULL | why, or why not
        acted_on | BOOLEAN NOT NULL | whether a version was trained for this day
    """),
    key=("as_of", "model_name"),
    publish=Publish.REPLACE_AS_OF,
)

CONTRACTS = (MODEL_HEALTH, FEATURE_DRIFT, DATA_QUALITY, WEEKLY_MEASURES, ALERTS, RETRAINING)
