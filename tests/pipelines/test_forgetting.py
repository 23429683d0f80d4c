"""What an erasure looks for in files, and what it blanks in the run that `mlflow run` made of it."""

from __future__ import annotations

import shutil
from pathlib import Path

import mlflow
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from lakehouse.registry import use_mlflow
from lakehouse.settings import settings
from pipelines.forget.landing import owners, read, same_id, take_place, without
from pipelines.forget.launch import BLANK, blank
from pipelines.forget.tables import RAW_OWNERS
from pipelines.silver.raw import RULES


def test_an_id_of_plain_bytes_is_text_as_it_is_to_bronze(tmp_path: Path) -> None:
    assert [same_id(value) for value in (b" anna ", "anna", 12.0, None)] == ["anna", "anna", "12", None]
    table = pa.table({"id": [b"c1", b"c2"], "user_id": [b"anna", b"ben"]})
    assert owners(table, "user_id") == {("c1", "anna"), ("c2", "ben")}
    cut = without(tmp_path / "conversations.parquet", table, {"user_id": {"anna"}, "nowhere": {"c2"}})
    assert cut
    assert pq.read_table(cut[0])["id"].to_pylist() == [b"c2"]
    assert without(tmp_path / "conversations.parquet", table, {"user_id": {"carl"}}) is None


def test_a_checksum_of_the_old_file_goes_with_it(tmp_path: Path) -> None:
    """Where Spark wrote the file, Hadoop left one, and would refuse what does not match."""
    place, fresh, checksum = (tmp_path / name for name in ("part.parquet", ".part.parquet.forget", ".part.parquet.crc"))
    for path in (place, fresh, checksum):
        path.write_text(path.name)
    take_place(fresh, place)
    assert [path.name for path in tmp_path.iterdir()] == ["part.parquet"]
    assert place.read_text() == fresh.name


def test_a_text_that_is_no_utf8_is_searched_too() -> None:
    broken = pa.array([b"caf\xe9", b"anna"]).view(pa.string())
    table = pa.table({"id": broken, "user_id": pa.array(["anna", "ben"])})
    assert owners(table, "user_id") == {("caf\ufffd", "anna"), ("anna", "ben")}


def test_a_file_with_a_column_twice_cannot_be_searched(tmp_path: Path) -> None:
    pq.write_table(pa.Table.from_arrays([pa.array([1]), pa.array([2])], names=["id", "id"]), tmp_path / "twice.parquet")
    assert read(tmp_path / "twice.parquet") is None


def test_the_run_of_the_command_keeps_no_id(tmp_path: Path, empty_store: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As `mlflow run . -e forget -P student_id=anna` makes it, in a store of its own."""
    held = tmp_path / "launched.db"
    shutil.copy2(empty_store, held)
    store = f"sqlite:///{held}"
    use_mlflow(settings(str(tmp_path / "lake")))
    client = mlflow.MlflowClient(store)
    run_id = client.create_run("0").info.run_id
    client.log_param(run_id, "student_id", "anna")
    client.log_param(run_id, "lake", "lake")
    (tmp_path / "lake").mkdir()
    shutil.copy2(empty_store, tmp_path / "lake" / "mlflow.db")
    of_lake = mlflow.MlflowClient(f"sqlite:///{tmp_path / 'lake' / 'mlflow.db'}")
    earlier, other = (of_lake.create_run("0").info.run_id for _ in range(2))
    of_lake.log_param(earlier, "user_id", " anna")
    of_lake.log_param(other, "user_id", "ben")
    monkeypatch.setenv("MLFLOW_RUN_ID", run_id)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", store)
    assert blank(settings(str(tmp_path / "lake")), "anna") == []
    assert [of_lake.get_run(run).data.params["user_id"] for run in (earlier, other)] == [BLANK, "ben"]
    assert client.get_run(run_id).data.params == {"student_id": BLANK, "lake": "lake"}
    assert b"anna" not in held.read_bytes()


@pytest.mark.parametrize("store", ["https://mlflow.example.org", "sqlite:///there/is/no.db", "sqlite:///{empty}"])
def test_a_run_that_cannot_be_blanked_is_told(
    store: str, tmp_path: Path, empty_store: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = store.format(empty=shutil.copy2(empty_store, tmp_path / "other.db"))
    monkeypatch.setenv("MLFLOW_RUN_ID", "r1")
    monkeypatch.setenv("MLFLOW_TRACKING_URI", store)
    (said,) = blank(settings(str(tmp_path / "lake")), "anna")
    assert said.startswith(f"MLflow's run r1 in {store} has the id as its parameter student_id")


def test_every_raw_table_that_names_a_student_or_a_conversation_is_searched() -> None:
    owning = {"student_id", "conversation_id"}
    named = {table: {rule.raw for rule in of.rules if rule.name in owning} for table, of in RULES.items()}
    assert {table: set(told_by) for table, told_by in RAW_OWNERS.items()} == {k: v for k, v in named.items() if v}
