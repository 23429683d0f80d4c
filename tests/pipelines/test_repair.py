"""What happens to a lake after the day: restored, rebuilt, replayed, tended, and rid of one student."""

from __future__ import annotations

import argparse
import json
from collections import Counter
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import pipelines.forget.run
import pipelines.quarantine
import pipelines.repair
from lakehouse import pins, upkeep
from lakehouse.cli import Run
from lakehouse.contracts import Contract, Publish, columns
from lakehouse.errors import RadarError
from lakehouse.lake import Lake
from lakehouse.publish import Step
from lakehouse.quality import Finding
from lakehouse.run_ids import new_run_id
from lakehouse.settings import Settings
from pipelines.silver import typed
from tests.data_gen.delivered import Delivered
from tests.lakes import contents, take_in

pytestmark = pytest.mark.long


@pytest.fixture
def landed(bad_days: tuple[Delivered, Settings]) -> Settings:
    """A lake of bad days, which the tests change one after another."""
    return bad_days[1]


def ran(chosen: Settings, action: Any, **options: object) -> Lake:
    """A command's body, run as its only writer."""
    with Lake.writing(chosen, "test") as lake:
        action(Run(lake, new_run_id(), None, argparse.Namespace(**options)))
        return lake


def test_history_tells_and_restore_refuses_what_is_not_there(
    landed: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    ran(landed, pipelines.repair.history, table="silver.messages")
    told = capsys.readouterr().out
    assert "silver.messages, newest first" in told
    assert "CREATE TABLE" in told
    with pytest.raises(RadarError, match=r"silver\.messages has no version '99'"):
        ran(landed, pipelines.repair.restore, table="silver.messages", version="99")
    with pytest.raises(RadarError, match=r"has no table silver\.nothing"):
        ran(landed, pipelines.repair.restore, table="silver.nothing", version="1")
    with pytest.raises(RadarError, match=r"ops\.files says what was done .* files would be taken in twice"):
        ran(landed, pipelines.repair.restore, table="ops.files", version="0")


def test_after_a_restore_silver_is_made_whole_and_equals_its_batches(landed: Settings) -> None:
    before = contents(landed)
    lake = ran(landed, pipelines.repair.restore, table="silver.messages", version="0")
    assert lake.table("silver.messages").isEmpty()
    take_in(landed)
    assert contents(landed) == before


def test_replay_releases_what_a_mended_rule_accepts(landed: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    lake = Lake.open(landed)
    refused = "table_name = 'silver.conversations' AND reason LIKE 'difficulty_level \"native\"%'"
    (row,) = lake.table("ops.quarantine").where(refused).collect()
    monkeypatch.setitem(typed.LEGACY_LEVELS, "NATIVE", "C2")
    lake = ran(landed, pipelines.quarantine.replay, table="", reason="")
    (released,) = lake.table("ops.quarantine").where(refused).collect()
    assert released.released_at is not None
    (talk,) = lake.table("silver.conversations").where(f"conversation_id = '{row.row_key}'").collect()
    assert talk.cefr_level == "C2"
    assert talk.known_at == released.known_from
    newest = lake.one(f"SELECT max(_arrived_at) FROM {lake.name('bronze.messages')}")
    assert talk.known_at.date() > newest
    standing = contents(landed)
    ran(landed, pipelines.repair.rebuild_silver)
    assert contents(landed) == standing


def test_quarantine_is_listed_by_table_and_reason(landed: Settings, capsys: pytest.CaptureFixture[str]) -> None:
    ran(landed, pipelines.quarantine.show, table="", reason="")
    told = capsys.readouterr().out
    assert "silver.conversations         language … is no name of a language" in told
    ran(landed, pipelines.quarantine.show, table="bronze.messages", reason="no such reason")
    assert capsys.readouterr().out.startswith("0 rows and files wait")


def test_one_student_is_nowhere_after_an_erasure_that_was_killed_once(
    landed: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = list(landed.landing.glob("conversations/*/part-*.parquet"))
    talks = pd.concat([pd.read_parquet(path) for path in files])
    waiting = Lake.open(landed).table("ops.quarantine").collect()
    owners = Counter(typed_id(json.loads(row.row_json or "{}").get("user_id")) for row in waiting)
    student = max(talks["user_id"].astype(str).unique(), key=lambda owner: (owners[owner], owner))
    assert owners[student], "no row of anybody waits in quarantine"
    mine = set(talks.loc[talks["user_id"].astype(str) == student, "id"].astype(str))
    left_behind(landed, student)
    others = contents(landed)["silver.messages"]
    with monkeypatch.context() as once:
        once.setattr(pipelines.forget.run, "clean_versions", _killed)
        with pytest.raises(KeyboardInterrupt):
            ran(landed, pipelines.forget.run.run, student_id=student)
    lake = ran(landed, pipelines.forget.run.run, student_id=student)
    for path in [*landed.landing.rglob("*.parquet"), *landed.lake.rglob("*.parquet")]:
        assert not _rows_of(path, student, mine), path
    for row in lake.table("ops.quarantine").collect():
        told = json.loads(row.row_json or "{}")
        assert typed_id(told.get("user_id")) != student
        assert not mine & {typed_id(told.get("conversation_id")), row.row_key}
    said = [row.sample for row in lake.table("ops.gate_results").collect()]
    said += [row.message for row in lake.table("ops.runs").where("status = 'failed'").collect()]
    assert not [text for text in said if f"student_id={student}" in text]
    (record,) = lake.table("ops.erasures").collect()
    assert f'"{student}"' not in str(record)
    take_in(landed)
    left = contents(landed)["silver.messages"]
    assert left
    assert left < others
    with pytest.raises(RadarError, match="No row of that student was found"):
        ran(landed, pipelines.forget.run.run, student_id=student)
    rows = lake.table("bronze.messages").count()
    newest = str(lake.version("bronze.messages"))
    ran(landed, pipelines.repair.restore, table="bronze.messages", version=newest)
    take_in(landed)
    assert lake.table("bronze.messages").count() == rows


def left_behind(chosen: Settings, student: str) -> None:
    """What a gate and a training run leave of a student beside the tables: a sample, a message, rows of a test."""
    with Lake.writing(chosen, "test") as lake:
        step = Step(lake, "silver", new_run_id())
        key = f"student_id={student}"
        step._findings.append(Finding("silver.messages", "expect_values", "role", False, "{}", 1, 1, key))
        step.fail(f"the gate refused {key}")
    rows = chosen.lake / "mlruns" / "1" / "artifacts" / "test_rows.parquet"
    rows.parent.mkdir(parents=True)
    pd.DataFrame({"student_id": [student, "nobody"], "probability": [0.5, 0.5]}).to_parquet(rows)


def _killed(*_: object) -> None:
    raise KeyboardInterrupt


def _rows_of(path: Path, student: str, talks: set[str]) -> bool:
    try:
        frame = pq.ParquetFile(path).read().to_pandas()
    except (OSError, pa.ArrowException):
        return False
    for column, ids in (("user_id", {student}), ("student_id", {student}), ("conversation_id", talks)):
        if column in frame and frame[column].map(typed_id).isin(ids).any():
            return True
    return False


def typed_id(value: object) -> str | None:
    """An id as silver has it."""
    return pipelines.forget.run.same_id(value)


def test_many_small_files_become_few_and_pinned_versions_stay(lake: Lake, monkeypatch: pytest.MonkeyPatch) -> None:
    table = Contract("features.small", "", columns("n | BIGINT | a number"), publish=Publish.APPEND)
    lake.create(table)
    for n in range(12):
        lake.spark.range(n, n + 1).toDF("n").coalesce(1).write.mode("append").saveAsTable(lake.name(table.name))
    pin = pins.Pin("dropout", "2", table.name, 3)
    done = upkeep.tend(lake, table.name, [pin])
    assert (done.files_before, done.files_after, done.pinned) == (12, 1, True)
    assert lake.table(table.name).count() == 12
    assert lake.table(table.name, 3).count() == 3
