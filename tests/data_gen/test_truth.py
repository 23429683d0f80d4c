import numpy as np
import pandas as pd

from data_gen import hazard as weights
from tests.data_gen.conftest import Read

CAUSES = ["gap", "poor_scores", "corrections", "no_lesson", "base"]


def test_one_hazard_row_a_student_and_day(truth: Read) -> None:
    students, hazard = truth("students").set_index("user_id"), truth("hazard")
    assert not hazard.duplicated(["user_id", "date"]).any()
    spans = hazard.groupby("user_id")["date"].agg(["min", "max", "size"])
    assert (spans["min"] == students["joined_on"]).all()
    assert (spans["max"] == pd.Timestamp("2024-12-31")).all()
    assert (spans["size"] == (spans["max"] - spans["min"]).dt.days + 1).all()


def test_hazard_is_the_sum_of_its_causes(truth: Read) -> None:
    hazard = truth("hazard")
    assert hazard["hazard"].between(0, 1).all()
    assert np.allclose(hazard[CAUSES].sum(axis=1), hazard["hazard"], atol=1e-6)
    assert (hazard.drop(columns=["user_id", "date"]).max() > 0).all()


def test_the_gap_follows_from_the_log_before_midnight(truth: Read, active_days: pd.DataFrame) -> None:
    hazard = truth("hazard").sort_values(["date", "user_id"])
    before = pd.merge_asof(
        hazard,
        active_days.sort_values("day"),
        left_on="date",
        right_on="day",
        by="user_id",
        allow_exact_matches=False,
    ).merge(truth("students")[["user_id", "usual_gap_days"]])
    silence = (before["date"] - before["day"]).dt.days.fillna(0)
    excess = (silence / before["usual_gap_days"] - weights.BEARABLE_GAPS).clip(
        0, weights.WORST_GAPS - weights.BEARABLE_GAPS
    )
    assert np.allclose(weights.GAP_WEIGHT * excess, before["gap"], atol=1e-6)


def test_poor_scores_follow_from_the_attempts_before_midnight(truth: Read, raw: Read) -> None:
    attempts = raw("assessment_attempts").sort_values("completed_at")
    recent = attempts.groupby("user_id")["score"].transform(lambda score: score.ewm(alpha=0.5, adjust=False).mean())
    known = attempts.assign(recent=recent, day=attempts["completed_at"].dt.normalize())[["user_id", "day", "recent"]]
    hazard = truth("hazard").sort_values("date")
    before = pd.merge_asof(hazard, known, left_on="date", right_on="day", by="user_id", allow_exact_matches=False)
    failing = ((weights.FAIR_SCORE - before["recent"]) / (weights.FAIR_SCORE - weights.WORST_SCORE)).clip(0, 1)
    assert np.allclose(weights.SCORE_WEIGHT * failing.fillna(0), before["poor_scores"], atol=1e-6)


def test_who_has_left_does_nothing_more(truth: Read, active_days: pd.DataFrame) -> None:
    students = truth("students")
    days = active_days.merge(students[["user_id", "joined_on", "left_on"]])
    assert (days["day"] >= days["joined_on"]).all()
    assert not (days["day"] >= days["left_on"]).any()
    assert 0.3 < students["left_on"].notna().mean() < 0.9


def test_the_cause_is_the_largest_part_on_the_day_of_leaving(truth: Read) -> None:
    students = truth("students")
    assert students["cause"].isna().equals(students["left_on"].isna())
    left = students.dropna(subset="left_on")
    that_day = left.merge(truth("hazard"), left_on=["user_id", "left_on"], right_on=["user_id", "date"])
    assert len(that_day) == len(left)
    assert that_day[CAUSES].idxmax(axis=1).equals(that_day["cause"])


def test_all_four_archetypes_join_over_the_window(truth: Read) -> None:
    students = truth("students")
    assert students["archetype"].nunique() == 4
    assert 0.2 < (students["joined_on"] == students["joined_on"].min()).mean() < 0.6
    assert (students["joined_on"] <= pd.Timestamp("2024-12-31") - pd.Timedelta(days=50)).all()
