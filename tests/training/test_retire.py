from __future__ import annotations

from datetime import date

from lakehouse.lake import Lake
from lakehouse.ledger import move_alias
from lakehouse.registry import challenge, client, model_name, note, version
from training.retire import needed, recently_scored_by

DAY = date(2024, 6, 3)


def registered(lake: Lake, *kinds: str) -> None:
    name = model_name(lake.settings, "dropout")
    client(lake.settings).create_registered_model(name)
    for kind in kinds:
        client(lake.settings).create_model_version(name, source=str(lake.settings.lake), tags={"kind": kind})


def test_a_version_stays_for_an_alias_a_rollback_a_score_a_tag_or_as_the_rule_to_beat(tracked_lake: Lake) -> None:
    registered(tracked_lake, "recency_rule", *["logistic"] * 6)
    for number in ("2", "3"):
        move_alias(tracked_lake, "dropout", number, DAY, "better")
    challenge(tracked_lake, "dropout", "7")
    note(tracked_lake, version(tracked_lake, "dropout", "5"), "keep", "for the report")
    tracked_lake.spark.createDataFrame(
        [(date(2024, 5, 27), "6"), (date(2024, 1, 1), "4")], "as_of date, model_version string"
    ).write.format("delta").save(str(tracked_lake.settings.table_folder("gold.at_risk_students")))
    assert needed(tracked_lake, "dropout", DAY) == {
        "7": "it is challenger",
        "6": "it scored students in the last 90 days",
        "5": "its tag keep says so",
        "3": "it is champion",
        "2": "it has been champion, and a rollback may go back to it",
        "1": "every challenger is held against the recency rule",
    }
    assert recently_scored_by(tracked_lake, "segments", DAY) == set()
