from __future__ import annotations

import os
import shutil
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from lakehouse import ledger, registry
from lakehouse.errors import RadarError
from lakehouse.lake import Lake
from lakehouse.ledger import champion, champion_on, decisions, holders, move_alias, rollback, settle
from lakehouse.ops import PROMOTIONS
from lakehouse.registry import CHAMPION, holder, model_name, tracked_run, use_mlflow, version, versions
from lakehouse.rows import append_rows

DAY = date(2024, 6, 3)


@pytest.fixture
def models(lake: Lake, empty_store: Path) -> Lake:
    """A lake with three versions of a model and no champion."""
    shutil.copy(empty_store, lake.settings.lake / "mlflow.db")
    use_mlflow(lake.settings)
    from mlflow import MlflowClient

    client, name = MlflowClient(), model_name(lake.settings, "dropout")
    client.create_registered_model(name)
    for kind in ("recency_rule", "logistic", "gradient_boosting"):
        client.create_model_version(name, source=str(lake.settings.lake), tags={"kind": kind})
    return lake


def by_hand(lake: Lake, number: str) -> None:
    from mlflow import MlflowClient

    MlflowClient().set_registered_model_alias(model_name(lake.settings, "dropout"), CHAMPION, number)


def decide(lake: Lake, number: str, previous: str | None) -> None:
    """What a run leaves that was killed before it moved the alias."""
    name = model_name(lake.settings, "dropout")
    row = ("p1", name, CHAMPION, number, previous, DAY, datetime.now(UTC), "rules", "better", "{}", "decided")
    append_rows(lake, PROMOTIONS, [row])


def test_before_the_first_model_there_is_no_champion(models: Lake) -> None:
    assert champion(models, "dropout") is None
    assert champion(models, "segments") is None
    assert [found.version for found in versions(models, "dropout")] == ["3", "2", "1"]


def test_a_change_is_written_decided_then_applied(models: Lake) -> None:
    move_alias(models, "dropout", "1", DAY, "first model")
    move_alias(models, "dropout", "2", DAY, "better", {"auc": 0.8})
    found = champion(models, "dropout")
    assert found is not None
    assert (found.version, found.kind) == ("2", "logistic")
    rows = models.table(PROMOTIONS.name).orderBy("decided_at", "state").collect()
    assert [(r.version, r.previous_version, r.state) for r in rows] == [
        ("1", None, "applied"), ("1", None, "decided"), ("2", "1", "applied"), ("2", "1", "decided"),
    ]  # fmt: skip
    assert rows[2].decided_at == rows[3].decided_at
    assert rows[2].as_of == DAY
    assert rows[2].evidence_json == '{"auc": 0.8}'


def test_a_run_killed_before_the_alias_moved_is_finished(models: Lake, capsys: pytest.CaptureFixture[str]) -> None:
    move_alias(models, "dropout", "1", DAY, "first model")
    decide(models, "2", "1")
    found = champion(models, "dropout")
    assert found is not None
    assert found.version == "2"
    assert "version 2" in capsys.readouterr().out
    assert settle(models, "dropout") == ""
    assert [d.applied for d in decisions(models, "dropout")] == [True, True]


def test_a_run_killed_after_the_alias_moved_is_finished(models: Lake) -> None:
    decide(models, "1", None)
    by_hand(models, "1")
    assert "version 1" in settle(models, "dropout")
    assert decisions(models, "dropout")[-1].applied


def test_a_run_killed_between_the_row_and_the_alias_keeps_the_moment_of_the_decision(models: Lake) -> None:
    decide(models, "1", None)
    settle(models, "dropout")
    moments = {row.decided_at for row in models.table(PROMOTIONS.name).collect()}
    assert len(moments) == 1


@pytest.mark.parametrize("decided", [False, True])
def test_an_alias_that_was_moved_by_hand_is_refused(models: Lake, decided: bool) -> None:
    move_alias(models, "dropout", "1", DAY, "first model")
    if decided:
        decide(models, "2", "1")
    by_hand(models, "3")
    with pytest.raises(RadarError) as error:
        champion(models, "dropout")
    said = str(error.value)
    assert model_name(models.settings, "dropout") in said
    assert "champion points at version 3" in said
    assert f"gave it to version {'2' if decided else '1'}" in said
    assert f"-e rollback -P lake={models.settings.lake} -P model=dropout" in said


def test_a_champion_that_was_deleted_gives_its_place_back_to_the_one_before(models: Lake) -> None:
    from mlflow import MlflowClient

    for number in ("1", "3"):
        move_alias(models, "dropout", number, DAY, "better")
    MlflowClient().delete_model_version(model_name(models.settings, "dropout"), "3")
    with pytest.raises(RadarError, match=r"points at no version, but .* -P model=dropout -P version=1 "):
        champion(models, "dropout")
    move_alias(models, "dropout", "1", DAY, "version 3 was deleted", by="ada")
    found = champion(models, "dropout")
    assert found is not None
    assert found.version == "1"


def test_where_every_champion_was_deleted_a_first_one_may_be_made_anew(models: Lake) -> None:
    from mlflow import MlflowClient

    for number in ("1", "2"):
        move_alias(models, "dropout", number, DAY, "better")
        MlflowClient().delete_model_version(model_name(models.settings, "dropout"), number)
    assert champion(models, "dropout") is None
    move_alias(models, "dropout", "3", DAY, "first model")
    found = champion(models, "dropout")
    assert found is not None
    assert found.version == "3"


def test_an_alias_without_a_ledger_row_is_refused(models: Lake) -> None:
    by_hand(models, "1")
    with pytest.raises(RadarError, match="never gave it"):
        champion(models, "dropout")


def test_a_person_settles_it_with_a_written_reason(models: Lake) -> None:
    move_alias(models, "dropout", "1", DAY, "first model")
    by_hand(models, "3")
    move_alias(models, "dropout", "1", DAY, "nobody meant version 3", by="ada")
    found = champion(models, "dropout")
    assert found is not None
    assert found.version == "1"


def test_rollback_goes_back_holder_by_holder(models: Lake) -> None:
    for number in ("1", "2", "3"):
        move_alias(models, "dropout", number, DAY, "better")
    assert rollback(models, "dropout", DAY, "complaints").version == "2"
    assert rollback(models, "dropout", DAY, "complaints").version == "1"
    assert holders(models, "dropout") == ["1"]
    with pytest.raises(RadarError, match="nothing to go back to"):
        rollback(models, "dropout", DAY, "complaints")


def test_rollback_passes_by_a_holder_that_was_deleted(models: Lake) -> None:
    from mlflow import MlflowClient

    for number in ("1", "2", "3"):
        move_alias(models, "dropout", number, DAY, "better")
    MlflowClient().delete_model_version(model_name(models.settings, "dropout"), "2")
    assert rollback(models, "dropout", DAY, "complaints").version == "1"


@pytest.mark.parametrize("moved", [False, True])
def test_a_killed_rollback_that_is_run_again_goes_back_once(
    models: Lake, monkeypatch: pytest.MonkeyPatch, moved: bool
) -> None:
    for number in ("1", "2", "3"):
        move_alias(models, "dropout", number, DAY, "better")
    move = ledger.point_alias

    def killed(*to: Any) -> None:
        if moved:
            move(*to)
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(ledger, "point_alias", killed)
        with pytest.raises(KeyboardInterrupt):
            rollback(models, "dropout", DAY, "complaints")
    assert rollback(models, "dropout", DAY, "complaints").version == "2"
    assert (holders(models, "dropout"), holder(models, "dropout", CHAMPION)) == (["1", "2"], "2")
    assert rollback(models, "dropout", DAY, "complaints").version == "1"


def test_who_has_no_account_has_a_number(models: Lake, monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown() -> str:
        raise KeyError("getpwuid(): uid not found: 1234")

    monkeypatch.setattr("getpass.getuser", unknown)
    assert ledger.person(models) == f"user {os.getuid()}"


def test_a_return_past_several_versions_leaves_none_of_them_to_go_back_to(models: Lake) -> None:
    for number in ("1", "2", "3", "1"):
        move_alias(models, "dropout", number, DAY, "the others were bad" if number == "1" else "better")
    assert holders(models, "dropout") == ["1"]
    with pytest.raises(RadarError, match="nothing to go back to"):
        rollback(models, "dropout", DAY, "complaints")


def test_a_version_that_was_decided_for_and_never_put_in_charge_has_been_no_champion(models: Lake) -> None:
    move_alias(models, "dropout", "1", DAY, "first model")
    decide(models, "2", "1")
    move_alias(models, "dropout", "3", DAY + timedelta(days=1), "settled by a person", by="ada")
    assert holders(models, "dropout") == ["1", "3"]
    before = champion_on(models, "dropout", DAY)
    assert before is not None
    assert before.version == "1"
    assert rollback(models, "dropout", DAY + timedelta(days=1), "complaints").version == "1"


def test_the_champion_of_a_day_is_of_the_last_decision_for_that_day_or_before(models: Lake) -> None:
    for number, days in (("1", 0), ("2", 7), ("3", 14), ("2", 10)):
        move_alias(models, "dropout", number, DAY + timedelta(days=days), "better")
    found = [champion_on(models, "dropout", DAY + timedelta(days=days)) for days in (-1, 0, 6, 7, 9, 10, 13, 14, 99)]
    assert [one and one.version for one in found] == [None, "1", "1", "2", "2", "2", "2", "2", "2"]


def test_an_unknown_version_is_refused_before_anything_is_written(models: Lake) -> None:
    with pytest.raises(RadarError, match="no version 9"):
        move_alias(models, "dropout", "9", DAY, "better")
    assert decisions(models, "dropout") == []
    assert holder(models, "dropout", CHAMPION) is None
    assert version(models, "dropout", "2").kind == "logistic"


def test_a_run_of_mlflow_run_in_another_store_is_left_alone(models: Lake, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_RUN_ID", "0" * 32)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "sqlite:////elsewhere/mlflow.db")
    monkeypatch.setenv(registry.PARENT_RUN, "")
    with tracked_run(models.settings, "dropout", "train", {}) as run_id:
        assert run_id != "0" * 32
    assert "MLFLOW_RUN_ID" not in os.environ


def test_an_experiment_that_was_deleted_is_there_again_with_its_runs(models: Lake) -> None:
    from mlflow import MlflowClient

    with tracked_run(models.settings, "dropout", "train", {}) as before:
        pass
    client = MlflowClient()
    client.delete_experiment(client.get_run(before).info.experiment_id)
    with tracked_run(models.settings, "dropout", "train", {}) as after:
        pass
    assert client.get_run(after).info.experiment_id == client.get_run(before).info.experiment_id


def test_a_run_of_mlflow_run_in_this_store_becomes_the_parent(models: Lake, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(registry.PARENT_RUN, "")
    with tracked_run(models.settings, "dropout", "mlflow run", {}) as parent:
        pass
    monkeypatch.setenv("MLFLOW_RUN_ID", parent)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", models.settings.tracking_uri)
    from mlflow import MlflowClient

    with tracked_run(models.settings, "dropout", "train", {}) as child:
        pass
    assert MlflowClient().get_run(child).data.tags["mlflow.parentRunId"] == parent
    assert MlflowClient().get_run(child).info.artifact_uri.startswith(models.settings.lake.as_uri())
