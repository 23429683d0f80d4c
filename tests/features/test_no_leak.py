"""Nothing at or after as_of reaches a feature, an eligibility, or a label but those it truly changes."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path

import pandas as pd
import pytest
from pandas.testing import assert_frame_equal
from pyspark.sql import SparkSession

from data_gen.__main__ import main as generate
from features.feature_view import views
from tests.chain import Chain, Raw, chain, read_raw

FEATURES = tuple(view.name.split(".")[-1] for view in views())
CUT = date(2024, 12, 2)


@pytest.fixture(scope="module")
def raw(tmp_path_factory: pytest.TempPathFactory) -> Raw:
    landing = tmp_path_factory.mktemp("leak") / "landing"
    generate(["--students", "25", "--days", "90", "--out", str(landing)])
    return read_raw(landing)


@pytest.fixture(scope="module")
def undisturbed(spark: SparkSession, raw: Raw) -> Chain:
    return chain(spark, raw, CUT + timedelta(days=28))


def until(frame: pd.DataFrame, day: date) -> pd.DataFrame:
    return frame[frame["as_of"] <= day].reset_index(drop=True)


def test_a_flood_of_events_after_as_of_moves_nothing_before(spark: SparkSession, raw: Raw, undisturbed: Chain) -> None:
    flooded = chain(spark, _flood(raw), CUT + timedelta(days=28))
    for name in FEATURES:
        assert_frame_equal(until(flooded[name], CUT), until(undisturbed[name], CUT))
    before, after = until(undisturbed["labels"], CUT), until(flooded["labels"], CUT)
    assert (before["eligible"] == after["eligible"]).all()
    horizon_ends_before = before["as_of"] <= CUT - timedelta(days=14)
    assert (before["dropped_out"] == after["dropped_out"])[horizon_ends_before].all()
    changed = before["dropped_out"].astype(bool) & before["eligible"] & ~horizon_ends_before
    assert changed.any()
    assert not after.loc[changed, "dropped_out"].astype(bool).any()


def test_what_the_app_overwrites_is_not_history(spark: SparkSession, raw: Raw, undisturbed: Chain) -> None:
    edited = chain(spark, _as_if_they_came_back(raw), CUT + timedelta(days=28))
    for name in (*FEATURES, "labels"):
        assert_frame_equal(edited[name], undisturbed[name])


def test_a_late_batch_changes_answers_from_its_arrival_on_and_never_before(
    spark: SparkSession, raw: Raw, undisturbed: Chain
) -> None:
    arrival = CUT + timedelta(days=3)
    late = _late_conversations(raw, CUT - timedelta(days=10), arrival)
    disturbed = chain(spark, late, CUT + timedelta(days=28))
    for name in FEATURES:
        assert_frame_equal(until(disturbed[name], arrival), until(undisturbed[name], arrival))
    later = disturbed["student_activity"]["as_of"] > arrival
    assert (
        disturbed["student_activity"][later]["conversations_28"]
        != undisturbed["student_activity"][later]["conversations_28"]
    ).any()


@pytest.mark.parametrize(
    ("table", "changes"),
    [("conversations", {"difficulty_level": "C2", "language": "german"}), ("lessons", {"difficulty_level": "C2"})],
)
def test_a_late_correction_of_a_level_or_language_changes_no_earlier_answer(
    spark: SparkSession, raw: Raw, undisturbed: Chain, table: str, changes: dict[str, str]
) -> None:
    """Not even of messages and progress that refer to what was corrected."""
    arrival = CUT + timedelta(days=3)
    rows = raw[table].assign(_arrived_at=None)
    late = raw | {table: pd.concat([rows, rows.assign(**changes, _arrived_at=arrival)], ignore_index=True)}
    corrected = chain(spark, late, CUT + timedelta(days=28))
    for name in (*FEATURES, "labels"):
        assert_frame_equal(until(corrected[name], arrival), until(undisturbed[name], arrival))
    assert not corrected["student_learning"]["level_index"].equals(undisturbed["student_learning"]["level_index"])


def _flood(raw: Raw) -> Raw:
    """Every student does something of every kind every day from the cut on."""
    days = [f"{CUT + timedelta(days=n)}T10:00:00" for n in range(28)]
    students = raw["conversations"]["user_id"].unique()
    pairs = pd.DataFrame([(s, d) for s in students for d in days], columns=["user_id", "day"])
    talk = pairs.assign(
        id=range(10**6, 10**6 + len(pairs)), language="spanish", difficulty_level="C2", topic_id="flood",
        created_at=pairs["day"], updated_at=pairs["day"],
    )  # fmt: skip
    said = talk.assign(conversation_id=talk["id"], role="user", content="x", audio_path=None, corrections=None)
    lesson = raw["lessons"]["id"].iloc[0]
    study = talk.assign(
        lesson_id=lesson, status="completed", completion_percentage=100.0, mastery_score=1.0, started_at=pairs["day"],
        completed_at=pairs["day"], last_accessed_at=pairs["day"],
    )  # fmt: skip
    taken = talk.assign(
        assessment_id=raw["assessments"]["id"].iloc[0], score=100.0, total_questions=10, correct_answers=10,
        started_at=pairs["day"], completed_at=pairs["day"], answers_json=None, recommended_level="C2",
        skill_scores_json=None,
    )  # fmt: skip
    more = {"conversations": talk, "messages": said, "lesson_progress": study, "assessment_attempts": taken}
    return {t: pd.concat([f, more[t][f.columns]], ignore_index=True) if t in more else f for t, f in raw.items()}


def _as_if_they_came_back(raw: Raw) -> Raw:
    """Every overwritten column as it would stand had each student come back on the last day."""
    last = "2024-12-31T23:00:00"
    progress = raw["lesson_progress"]
    unfinished = progress["completed_at"].isna()
    levels = raw["user_levels"].assign(cefr_level="C2", proficiency_score=99.0, assessed_at=last, updated_at=last)
    return raw | {
        "conversations": raw["conversations"].assign(updated_at=last),
        "lesson_progress": progress.assign(
            last_accessed_at=last,
            completion_percentage=progress["completion_percentage"].mask(unfinished, 99.0),
            mastery_score=progress["mastery_score"].mask(unfinished, 0.99),
        ),
        "user_levels": levels,
    }


def _late_conversations(raw: Raw, happened: date, arrival: date) -> Raw:
    talk = raw["conversations"]
    one_each = talk.drop_duplicates("user_id")
    moment = f"{happened}T12:00:00"
    late = one_each.assign(id=one_each["id"] + 10**6, created_at=moment, updated_at=moment, _arrived_at=arrival)
    return raw | {"conversations": pd.concat([talk.assign(_arrived_at=None), late], ignore_index=True)}


def test_the_landing_folder_holds_no_truth(tmp_path: Path) -> None:
    generate(["--students", "5", "--days", "28", "--out", str(tmp_path / "landing")])
    assert {p.name for p in (tmp_path / "landing").rglob("*") if "truth" in p.name or "hazard" in p.name} == set()
    assert (tmp_path / "truth" / "hazard.parquet").is_file()
