from __future__ import annotations

import json
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pandas as pd
import pytest
import vl_convert

from features.segments import BEHAVIOUR
from monitoring.dashboard.charts import FIGURES
from monitoring.dashboard.charts.activity import by_week, daily_actives, every_day, languages, weekly_assessments
from monitoring.dashboard.charts.content import lesson_effectiveness, lesson_gain, topic_heat_map
from monitoring.dashboard.charts.drawing import Drawing, Figure
from monitoring.dashboard.charts.learning import (
    cefr_funnel,
    cohort_retention,
    error_by_level,
    level_durations,
    velocity,
)
from monitoring.dashboard.charts.model import feature_drift, ranking_over_time, risk_over_time
from monitoring.dashboard.charts.people import segment_movement, segment_risk, segment_traits
from monitoring.dashboard.frames import COLUMNS, Frames
from monitoring.dashboard.page import SECTIONS
from monitoring.dashboard.segments import SEGMENTS
from monitoring.dashboard.words import listed
from tests.monitoring.dashboard.sample import AS_OF, no_frames, sample_frames

SAMPLE = sample_frames()
ids = pytest.mark.parametrize("figure", FIGURES, ids=lambda figure: figure.key)


def frames(**given: list[tuple[Any, ...]]) -> Frames:
    """Frames with the given rows, the others empty."""
    made = {name: pd.DataFrame(rows, columns=list(COLUMNS[name])) for name, rows in given.items()}
    return replace(no_frames(), **made)


def drawn(drawing: Drawing | None) -> Drawing:
    assert drawing is not None
    return drawing


@ids
def test_every_chart_is_vega_lite_that_compiles(figure: Figure) -> None:
    drawing = drawn(figure.draw(SAMPLE))
    vega = vl_convert.vegalite_to_vega(drawing.chart)
    assert vega["marks"]
    assert len(json.dumps(drawing.chart)) < 40_000


@ids
def test_every_chart_has_a_sentence_and_numbers(figure: Figure) -> None:
    drawing = drawn(figure.draw(SAMPLE))
    assert drawing.takeaway.endswith(".")
    assert "nan" not in drawing.takeaway.lower()
    assert len(drawing.numbers)
    assert not drawing.numbers.astype(str).isin(["nan", "NaT", "None"]).any().any()


def test_every_segment_has_its_meaning() -> None:
    assert SEGMENTS == BEHAVIOUR


@ids
def test_a_chart_without_data_is_none_and_says_what_makes_it(figure: Figure) -> None:
    assert figure.draw(no_frames()) is None
    assert figure.missing
    assert figure.command.startswith("mlflow run .")


@ids
def test_charts_name_no_colour_but_by_variable(figure: Figure) -> None:
    assert "#" not in json.dumps(drawn(figure.draw(SAMPLE)).chart)


@ids
def test_tiny_schools_are_drawn_too(figure: Figure) -> None:
    assert vl_convert.vegalite_to_svg(drawn(figure.draw(sample_frames(students=6, seed=3))).chart)


def test_keys_are_unique_and_sections_exist() -> None:
    assert len({figure.key for figure in FIGURES}) == len(FIGURES)
    assert {figure.section for figure in FIGURES} <= {key for key, _ in SECTIONS}


def test_days_without_activity_count_as_zero() -> None:
    daily = pd.DataFrame({"activity_date": [date(2024, 12, 1), date(2024, 11, 28)], "active_students": [4, 2]})
    assert every_day(daily)["active_students"].tolist() == [2, 0, 0, 4]


def test_daily_takeaway_compares_two_weeks() -> None:
    days = [(AS_OF - timedelta(days=back), 6 if back <= 7 else 12) for back in range(14, 0, -1)]
    told = drawn(daily_actives(frames(daily=days))).takeaway
    assert told == "6 students a day in the last seven days, 50% fewer than the seven before."


def test_daily_takeaway_of_a_young_school() -> None:
    told = drawn(daily_actives(frames(daily=[(date(2024, 12, 1), 1)]))).takeaway
    assert told == "1 day on record so far; the latest saw 1 student."


def test_language_shares_are_of_distinct_students() -> None:
    told = drawn(
        languages(frames(languages=[("spanish", 40, 30), ("french", 50, 20)], students=[(80, 1, 1, 40, 1)]))
    ).takeaway
    assert told == "Spanish leads: 30 of the 40 students active in the last 28 days practise it (75%)."


def test_of_many_names_the_first_are_listed() -> None:
    assert [listed("A"), listed("AB"), listed("ABC"), listed("ABCD")] == [
        "A",
        "A and B",
        "A, B and C",
        "A, B and 2 others",
    ]


def test_languages_that_are_practised_as_much_lead_together() -> None:
    rows = [("spanish", 40, 20), ("french", 50, 20), ("dutch", 9, 1)]
    told = drawn(languages(frames(languages=rows, students=[(80, 1, 1, 40, 1)]))).takeaway
    assert told == "French and Spanish lead: 20 of the 40 students active in the last 28 days practise each (50%)."


def test_where_nobody_was_active_no_language_leads() -> None:
    told = drawn(languages(frames(languages=[("spanish", 40, 0)], students=[(80, 0, 0, 0, 0)]))).takeaway
    assert told == "Nobody was active in the last 28 days."


def test_weeks_weigh_each_attempt_once() -> None:
    rows = pd.DataFrame(
        [(AS_OF, "spanish", 1, 100.0), (AS_OF, "french", 3, 60.0)], columns=list(COLUMNS["assessments"])
    )
    assert by_week(rows)["mean_score"].tolist() == [70.0]


def test_weekly_takeaway() -> None:
    weeks = [(AS_OF - timedelta(weeks=back), "spanish", 10, 70.0 if back <= 4 else 66.0) for back in range(8, 0, -1)]
    told = drawn(weekly_assessments(frames(assessments=weeks))).takeaway
    assert told == (
        "70.0 points on average over the four weeks up to that of 25 Nov 2024, from 40 attempts; 4.0 more than in the "
        "four weeks before."
    )


def test_funnel_takeaway_sums_languages() -> None:
    rows = [("spanish", "A1", 30, 50, 60.0, 9), ("french", "A1", 30, 30, 60.0, 9), ("french", "B2", 20, 20, 70.0, 4)]
    assert drawn(cefr_funnel(frames(funnel=rows))).takeaway == (
        "More stand at A1 than at any other level (75% of 80); 25% are at B2 or above."
    )
    tied = [("spanish", "A1", 20, 50, 60.0, 9), ("french", "B2", 20, 20, 70.0, 4)]
    assert drawn(cefr_funnel(frames(funnel=tied))).takeaway == (
        "As many stand at A1 as at B2 (50% of 40 each); 50% are at B2 or above."
    )
    gone = frames(funnel=[("spanish", "A1", 0, 3, None, 4)])
    assert drawn(cefr_funnel(gone)).takeaway == "Nobody stands at a level as of this day."
    assert cefr_funnel(frames(funnel=[("spanish", "A1", 0, 0, None, 4)])) is None


def test_velocity_takeaway_weighs_by_students() -> None:
    rows = [("spanish", 30, 0.2, 0.1, 9), ("french", 10, 0.4, 0.1, 3)]
    assert drawn(velocity(frames(velocity=rows))).takeaway == (
        "0.25 levels per 30 days on average; 30% of students have climbed at least one level. Fastest: French (0.40)."
    )


def test_of_languages_that_are_alike_none_is_the_fastest() -> None:
    rows = [("spanish", 30, 0.0, 0.0, 0), ("french", 10, 0.001, 0.1, 0)]
    assert drawn(velocity(frames(velocity=rows))).takeaway.endswith("0% of students have climbed at least one level.")


def test_velocity_of_one_student_has_no_interval() -> None:
    numbers = drawn(velocity(frames(velocity=[("spanish", 1, 0.2, None, 0)]))).numbers
    assert numbers["95% interval"].tolist() == ["— to —"]


def test_durations_compare_sure_cells_alone() -> None:
    rows = [
        ("spanish", "A1", 40, 30, 30.0, 50.0), ("spanish", "B1", 40, 30, 90.0, 90.0),
        ("french", "A1", 9, 9, 5.0, 5.0), ("french", "C1", 50, 5, None, 200.0),
    ]  # fmt: skip
    drawing = drawn(level_durations(frames(durations=rows)))
    assert drawing.takeaway == (
        "The quickest step is A1 in Spanish, half leave it within 30 days; the slowest is B1 in Spanish at 90."
    )
    assert drawing.numbers["Median days"].tolist() == ["30", "90", "5", "—"]


def test_steps_of_the_same_length_are_not_told_apart() -> None:
    rows = [("spanish", "A1", 40, 30, 28.0, 50.0), ("french", "A1", 40, 30, 28.0, 90.0)]
    told = drawn(level_durations(frames(durations=rows))).takeaway
    assert told == "Half leave each level that has a median within 28 days."


def test_a_single_sure_cell_is_compared_with_none() -> None:
    told = drawn(level_durations(frames(durations=[("spanish", "A1", 40, 30, 1.0, 50.0)]))).takeaway
    assert told == "Half leave A1 in Spanish within 1 day."


def test_durations_without_a_median_say_so() -> None:
    assert "no median" in drawn(level_durations(frames(durations=[("spanish", "A1", 4, 0, None, 9.0)]))).takeaway


def test_error_takeaway_leaves_small_levels_out() -> None:
    rows = [("A1", 100, 9, 0.3), ("B1", 100, 9, 0.2), ("C2", 5, 1, 0.9)]
    told = drawn(error_by_level(frames(errors=rows))).takeaway
    assert told.startswith("Most errors at A1: 30%")
    assert told.endswith("against 20% at B1.")


def test_retention_is_over_all_cohorts_of_that_age() -> None:
    old, young = date(2024, 11, 4), date(2024, 11, 18)
    rows = [
        (old, 0, 10, 10, 1.0),
        (old, 1, 10, 8, 0.8),
        (old, 2, 10, 1, 0.1),
        (young, 0, 30, 30, 1.0),
        (young, 1, 30, 6, 0.2),
    ]
    told = drawn(cohort_retention(frames(retention=rows))).takeaway
    assert told == "Of all who began, these were active later: 35% in week 1."


def lesson(
    key: str, attempts: int, score: float | None, gained: int = 0, gain: tuple[float, ...] = ()
) -> tuple[Any, ...]:
    gains = gain or (None, None, None)
    return (
        key,
        "spanish",
        "grammar",
        "food",
        f"Food {key}",
        "A1",
        attempts,
        attempts,
        1.0,
        0.5,
        2.0,
        score,
        gained,
        *gains,
    )


def test_lessons_without_a_score_are_counted_not_ranked() -> None:
    drawing = drawn(
        lesson_effectiveness(frames(lessons=[lesson("a", 9, 0.9), lesson("b", 8, 0.4), lesson("c", 2, None)]))
    )
    assert drawing.takeaway == "Food a (Spanish A1) works best (90 of 100); Food b (Spanish A1) least (40)."
    assert "1 lesson with fewer than 3 carries no score" in drawing.note


def test_lessons_of_one_name_are_told_apart() -> None:
    twins = [
        (*lesson("x", 9, 0.9)[:4], "Food", *lesson("x", 9, 0.9)[5:]),
        (*lesson("y", 9, 0.4)[:4], "Food", *lesson("y", 9, 0.4)[5:]),
    ]
    assert drawn(lesson_effectiveness(frames(lessons=twins))).numbers["Lesson"].tolist() == [
        "Food (Spanish A1) · x", "Food (Spanish A1) · y",
    ]  # fmt: skip


def test_gains_need_five_students() -> None:
    rows = [
        lesson("a", 9, 0.9, 6, (4.0, 1.0, 7.0)), lesson("b", 9, 0.9, 5, (1.0, -2.0, 4.0)),
        lesson("c", 9, 0.9, 4, (40.0, 30.0, 50.0)),
    ]  # fmt: skip
    worse = drawn(lesson_gain(frames(lessons=[lesson("d", 9, 0.9, 6, (-4.0, -7.0, 1.0))])))
    assert worse.takeaway.startswith("After Food d (Spanish A1), scores fall least: −4.0 points")
    drawing = drawn(lesson_gain(frames(lessons=rows)))
    assert drawing.takeaway == (
        "After Food a (Spanish A1), scores rise most: +4.0 points (+1.0 to +7.0). "
        "For 1 of 2 lessons the interval lies wholly above zero."
    )


def test_topics_are_weighed_by_conversations() -> None:
    rows = [
        ("food", "spanish", 30, 9, 1.0, 1.0, 0.1, 30, 0.5), ("food", "french", 90, 9, 1.0, 1.0, 0.1, 90, 0.9),
        ("work", "spanish", 50, 9, 1.0, 1.0, 0.1, 50, 0.4), ("work", "french", 80, 1, 1.0, 1.0, 0.1, 2, 1.0),
        ("(none)", "french", 900, 1, 1.0, 1.0, 0.1, 900, 1.0),
    ]  # fmt: skip
    assert drawn(topic_heat_map(frames(topics=rows))).takeaway == (
        "Work is talked about most (130 conversations); students return most often after Food (80% within a week), "
        "least after Work (40%)."
    )


def test_segment_risk_counts_bands() -> None:
    def student(segment: str, band: str) -> tuple[Any, ...]:
        return ("s", 0.5, band, "", "", "", segment, "", "spanish", 3, None, "logistic", "2", None, "50")

    scored = [student("Casual Users", "high"), student("Casual Users", "low"), student("Active Learners", "low")]
    drawing = drawn(segment_risk(frames(at_risk=scored)))
    assert drawing.takeaway == (
        "Casual Users are most at risk: 50% of 2 are in the high band, against 33% of all scored students."
    )
    assert drawing.note == "Fewer than ten students: Active Learners, Casual Users."
    alike = drawn(segment_risk(frames(at_risk=scored[:2])))
    assert alike.takeaway == (
        "No segment is more at risk than another: 50% of the scored students are in the high band."
    )


def test_movement_tells_who_kept_their_segment() -> None:
    since = date(2024, 11, 4)
    rows = [
        (since, "Casual Users", "Casual Users", 6), (since, "Casual Users", "Active Learners", 2),
        (since, "Casual Users", "none", 9), (since, "none", "Active Learners", 5),
    ]  # fmt: skip
    drawing = drawn(segment_movement(frames(movement=rows)))
    assert drawing.takeaway == "75% of 8 students kept their segment since 4 Nov 2024."
    assert drawing.numbers.iloc[0].to_list() == ["Casual Users", "No segment", 9]


def test_traits_are_compared_in_standard_deviations() -> None:
    rows = [
        ("Casual Users", "minutes_28", 100.0, 200.0, 100.0), ("Casual Users", "error_rate_28", 0.3, 0.2, 0.05),
        ("Casual Users", "usual_gap", 3.0, 3.0, 0.0), ("Few Corrections", "minutes_28", 201.0, 200.0, 100.0),
    ]  # fmt: skip
    assert drawn(segment_traits(frames(traits=rows))).takeaway == (
        "What sets segments apart most: error rate, 30% on average among Casual Users against 20% among all."
    )


def test_realised_is_told_beside_promised() -> None:
    day = date(2024, 11, 11)
    rows = [
        (day, "m", "4", "roc_auc", 0.85, 0.8),
        (day, "m", "4", "mean_risk", None, 0.2),
        (day, "m", "4", "base_rate", 0.2, 0.25),
    ]
    health = frames(health=rows)
    assert drawn(ranking_over_time(health)).takeaway == (
        "Realised ROC AUC for the scores of the week of 11 Nov 2024: 0.80, −0.05 against the 0.85 that the test "
        "promised."
    )
    assert drawn(risk_over_time(health)).takeaway == (
        "Of those scored in the week of 11 Nov 2024, 25% dropped out; 20% were predicted."
    )


def test_drift_names_what_drifted() -> None:
    def row(name: str, psi: float, status: str) -> tuple[Any, ...]:
        return (AS_OF, name, psi, psi, 0.0, 0.0, status)

    steady, watch, gone = (
        row("tenure_days", 0.01, "ok"),
        row("minutes_7", 0.2, "watch"),
        row("score_mean", 0.4, "drifted"),
    )
    assert drawn(feature_drift(frames(drift=[steady]))).takeaway == "1 of 1 feature looks as in training."
    assert "Minutes, 7 days first" in drawn(feature_drift(frames(drift=[steady, watch]))).takeaway
    told = drawn(feature_drift(frames(drift=[steady, watch, gone]))).takeaway
    assert told == "1 of 3 features drifted (Score mean) since training; what asks for a new one is told above."
