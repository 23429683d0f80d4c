from __future__ import annotations

from argparse import Namespace
from datetime import date, timedelta

import pytest

import monitoring.run
from features.horizons import HORIZON
from lakehouse.cli import Run
from lakehouse.errors import RadarError
from lakehouse.lake import Lake
from lakehouse.ledger import move_alias
from lakehouse.model_files import load_artifact
from lakehouse.pins import Pin, pins
from lakehouse.registry import challenge, challenger, client, model_name, note, version
from lakehouse.run_ids import new_run_id
from training.retire import needed, recently_scored_by
from training.versions import wait_again

DAY = date(2024, 6, 3)


def registered(lake: Lake, *kinds: str) -> None:
    name = model_name(lake.settings, "dropout")
    client(lake.settings).create_registered_model(name)
    for kind in kinds:
        client(lake.settings).create_model_version(name, source=str(lake.settings.lake), tags={"kind": kind})


def test_pins_are_told_by_a_tag_wherever_the_files_are_and_a_version_by_hand_has_none(tracked_lake: Lake) -> None:
    registered(tracked_lake, "logistic", "logistic")
    note(tracked_lake, version(tracked_lake, "dropout", "1"), "pins", '{"features.student_labels": 4}')
    assert pins(tracked_lake) == [Pin("dropout", "1", "features.student_labels", 4)]
    with pytest.raises(RadarError, match=r"version 2 has no training_set.json that can be read"):
        load_artifact(tracked_lake, version(tracked_lake, "dropout", "2"), "training_set.json")


def test_a_version_by_hand_is_no_training_and_a_run_that_learnt_nothing_is_one(tracked_lake: Lake) -> None:
    registered(tracked_lake, "logistic", "logistic", "logistic", "discriminant")
    for number, horizon in (("2", "14"), ("3", "7")):
        found = version(tracked_lake, "dropout", number)
        note(tracked_lake, found, "as_of", f"2024-05-0{number}")
        note(tracked_lake, found, HORIZON, horizon)
    for day, horizon in ((DAY, 14), (DAY + timedelta(days=7), 28)):
        with Run(tracked_lake, new_run_id(), day, Namespace()).step("train_dropout") as step:
            step.rows[HORIZON] = horizon
    assert monitoring.run._trained(tracked_lake) == {date(2024, 5, 2), DAY}
    challenge(tracked_lake, "dropout", "2")
    assert monitoring.run._trained(tracked_lake) == {DAY}, "training that was killed before promotion has not ended"
    note(tracked_lake, version(tracked_lake, "dropout", "2"), "decision", "refused against version 1: better")
    assert monitoring.run._trained(tracked_lake) == {date(2024, 5, 2), DAY}
    note(tracked_lake, version(tracked_lake, "dropout", "4"), "as_of", "2024-05-02")
    challenge(tracked_lake, "dropout", "4")
    assert monitoring.run._trained(tracked_lake) == {date(2024, 5, 2), DAY}, "an experiment on the rows of version 2"
    assert monitoring.run._card(tracked_lake, version(tracked_lake, "dropout", "1")) == {}


def test_a_training_that_was_killed_before_it_made_its_version_challenger_does_so_when_run_again(
    tracked_lake: Lake,
) -> None:
    """Whatever experiment of another horizon was registered since; not where a newer version asks the same."""
    registered(tracked_lake, "logistic", "logistic", "logistic")
    note(tracked_lake, version(tracked_lake, "dropout", "3"), HORIZON, "28")
    wait_again(tracked_lake, "dropout", version(tracked_lake, "dropout", "1"))
    assert challenger(tracked_lake, "dropout") is None
    wait_again(tracked_lake, "dropout", version(tracked_lake, "dropout", "2"))
    held = challenger(tracked_lake, "dropout")
    assert held
    assert held.version == "2"


def test_the_rule_that_a_killed_training_began_with_is_no_training(tracked_lake: Lake) -> None:
    registered(tracked_lake, "recency_rule")
    note(tracked_lake, version(tracked_lake, "dropout", "1"), "as_of", str(DAY))
    with Run(tracked_lake, new_run_id(), DAY, Namespace()).step("features"):
        pass
    assert monitoring.run._trained(tracked_lake) == set()


def test_a_version_stays_for_an_alias_a_rollback_a_score_a_tag_or_as_the_rule_to_beat(tracked_lake: Lake) -> None:
    registered(tracked_lake, "recency_rule", *["logistic"] * 8)
    for number in ("2", "3"):
        move_alias(tracked_lake, "dropout", number, DAY, "better")
    challenge(tracked_lake, "dropout", "7")
    client(tracked_lake.settings).set_registered_model_alias(
        model_name(tracked_lake.settings, "dropout"), "shadow", "8"
    )
    note(tracked_lake, version(tracked_lake, "dropout", "5"), "keep", "for the report")
    tracked_lake.spark.createDataFrame(
        [(date(2024, 5, 27), "6"), (date(2024, 1, 1), "4")], "as_of date, model_version string"
    ).write.format("delta").save(str(tracked_lake.settings.table_folder("gold.at_risk_students")))
    assert needed(tracked_lake, "dropout", DAY) == {
        "8": "it is shadow",
        "7": "it is challenger",
        "6": "it scored students in the last 90 days",
        "5": "its tag keep says so",
        "3": "it is champion",
        "2": "it has been champion, and a rollback may go back to it",
        "1": "every challenger is held against the recency rule",
    }
    assert recently_scored_by(tracked_lake, "segments", DAY) == set()
    assert needed(tracked_lake, "segments", DAY) == {}, "no version of it was ever registered"
