import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from data_gen import generate
from data_gen.__main__ import main
from tests.data_gen.conftest import TABLES

SMALL = ["--students", "3", "--days", "28"]


def refused(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> str:
    """What is said on stderr when the arguments are refused with code 2."""
    with pytest.raises(SystemExit) as end:
        main(arguments)
    assert end.value.code == 2
    said = capsys.readouterr().err
    assert said.count("\n") == 1
    return said


def test_report_counts_every_table(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--students", "3", "--days", "28", "--out", str(tmp_path / "landing")]) == 0
    said = capsys.readouterr().out
    assert "3 students over 28 days to 2024-12-31, seed 42" in said
    assert all(f"  {table} " in said for table in (*TABLES, "students", "hazard"))


def test_what_is_generated_stands_alone(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    plain = [*SMALL, "--out", str(tmp_path / "landing")]
    assert main([*plain, "--arrivals", "daily"]) == 0
    before = sorted((tmp_path / "landing").rglob("*"))
    said = refused(plain, capsys)
    assert "holds" in said
    assert "other files of these tables, such as part-0.parquet: what is generated stands alone" in said
    assert sorted((tmp_path / "landing").rglob("*")) == before
    assert main([*plain, "--arrivals", "daily"]) == 0


def test_a_log_that_was_not_generated_is_not_replaced(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    own = tmp_path / "landing" / "conversations.parquet"
    own.parent.mkdir()
    own.write_bytes(b"a school's own")
    said = refused([*SMALL, "--out", str(tmp_path / "landing")], capsys)
    assert f"{own} is no file that {tmp_path / 'truth'} knows to be generated: choose another --out" in said
    assert own.read_bytes() == b"a school's own"
    assert list(tmp_path.rglob("*.parquet")) == [own]
    own.unlink()
    generated = [*SMALL, "--out", str(tmp_path / "landing")]
    assert main(generated) == main(generated) == 0
    own.write_bytes(b"a school's own")
    assert f"{own} is no file" in refused(generated, capsys)
    assert own.read_bytes() == b"a school's own"


def test_an_own_file_in_the_folder_of_the_truth_is_not_replaced(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    own = tmp_path / "truth" / "students.parquet"
    own.parent.mkdir()
    own.write_bytes(b"a school's own")
    said = refused([*SMALL, "--out", str(tmp_path / "landing")], capsys)
    assert f"{own} is no file" in said
    assert "choose another --truth" in said
    assert list(tmp_path.rglob("*.parquet")) == [own]


def test_the_truth_about_files_that_are_there_is_not_replaced(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    first, second = ([*SMALL, "--out", str(tmp_path / name)] for name in ("a", "b"))
    assert main(first) == 0
    before = {path: path.read_bytes() for path in (tmp_path / "truth").iterdir()}
    said = refused([*second, "--seed", "7"], capsys)
    assert f"holds the truth about {tmp_path / 'a' / 'assessment_attempts.parquet'}, which is there still" in said
    assert {path: path.read_bytes() for path in (tmp_path / "truth").iterdir()} == before
    assert main([*second, "--seed", "7", "--truth", str(tmp_path / "other")]) == main(first) == 0
    shutil.rmtree(tmp_path / "a")
    shutil.rmtree(tmp_path / "b")
    assert main([*second, "--seed", "7"]) == 0


def test_the_truth_beside_a_landing_folder_in_its_own_is_not_replaced(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    first, second = ([*SMALL, "--out", str(tmp_path / name), "--truth", str(tmp_path)] for name in ("a", "b"))
    assert main(first) == 0
    assert "holds the truth about" in refused([*second, "--seed", "7"], capsys)
    assert len(list((tmp_path / "a").iterdir())) == len(TABLES)


def test_landing_and_truth_may_be_moved_together(tmp_path: Path) -> None:
    assert main([*SMALL, "--out", str(tmp_path / "here" / "landing")]) == 0
    (tmp_path / "here").rename(tmp_path / "there")
    assert main([*SMALL, "--out", str(tmp_path / "there" / "landing")]) == 0


@pytest.mark.parametrize("left", ["", "[]", "{"])
def test_a_half_written_book_of_what_was_generated_is_no_stack_trace(
    left: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    generated = [*SMALL, "--out", str(tmp_path / "landing")]
    assert main(generated) == 0
    (tmp_path / "truth" / "generated.json").write_text(left)
    assert "knows to be generated: choose another --out, or empty that one first" in refused(generated, capsys)


def test_no_truth_outlives_what_it_is_true_of(tmp_path: Path) -> None:
    daily = [*SMALL, "--arrivals", "daily", "--out", str(tmp_path / "landing")]
    assert main([*daily, "--chaos"]) == 0
    own = tmp_path / "truth" / "notes.txt"
    own.write_text("mine")
    shutil.rmtree(tmp_path / "landing")
    assert main(daily) == 0
    kept = {"students.parquet", "hazard.parquet", "generated.json", "notes.txt"}
    assert {path.name for path in (tmp_path / "truth").iterdir()} == kept
    shutil.rmtree(tmp_path / "landing")
    assert main([*daily, "--chaos"]) == 0
    (tmp_path / "truth" / "manifest.json").write_text("mine now")
    shutil.rmtree(tmp_path / "landing")
    assert main(daily) == 0
    assert (tmp_path / "truth" / "manifest.json").read_text() == "mine now"


def test_runs_as_a_module(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "data_gen", "--students", "0", "--out", str(tmp_path / "landing")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == "data_gen: argument --students: expected a whole number of at least 1, not 0\n"


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (["--students", "0"], "--students: expected a whole number of at least 1, not 0"),
        (["--students", "many"], "--students: expected a whole number of at least 1, not many"),
        (["--days", "27"], "--days: expected a whole number from 28 to 3650, not 27"),
        (["--days", "1000000"], "--days: expected a whole number from 28 to 3650"),
        (["--seed", "-1"], "--seed: expected a whole number of at least 0, not -1"),
    ],
)
def test_bad_numbers_are_refused(
    arguments: list[str], reason: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert reason in refused([*arguments, "--out", str(tmp_path / "landing")], capsys)
    assert not (tmp_path / "landing").exists()


@pytest.mark.parametrize("inside", ["landing", "landing/truth", "landing/../landing/deep/truth"])
def test_truth_inside_landing_is_refused(inside: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    said = refused(["--out", str(tmp_path / "landing"), "--truth", str(tmp_path / inside)], capsys)
    assert "the truth must not lie in the landing folder" in said
    assert not (tmp_path / "landing").exists()


def test_truth_goes_where_it_is_told(tmp_path: Path) -> None:
    arguments = ["--students", "2", "--days", "28", "--out", str(tmp_path / "a" / "landing")]
    assert main([*arguments, "--truth", str(tmp_path / "hidden")]) == 0
    assert {file.name for file in (tmp_path / "hidden").iterdir()} == {
        "students.parquet",
        "hazard.parquet",
        "generated.json",
    }
    assert {file.name for file in (tmp_path / "a").rglob("*.parquet")} == {f"{table}.parquet" for table in TABLES}


def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "file").write_text("in the way")
    said = refused(["--students", "2", "--out", str(tmp_path / "file" / "landing")], capsys)
    assert f"cannot write to {tmp_path / 'file' / 'landing'}" in said


def test_a_failure_half_way_leaves_no_table(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def full(*_: object) -> None:
        raise OSError("No space left on device")

    monkeypatch.setattr(generate, "hazard_truth", full)
    said = refused(["--students", "2", "--days", "28", "--out", str(tmp_path / "landing")], capsys)
    assert "No space left on device" in said
    assert [file for file in tmp_path.rglob("*") if file.is_file()] == []
