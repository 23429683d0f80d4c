"""The week beside the weeks before it, by hand."""

from __future__ import annotations

from collections.abc import Collection
from datetime import date, datetime, timedelta
from typing import Any

import numpy as np
import pandas as pd
import pytest
from pyspark.sql import SparkSession

from monitoring.weekly import by_language, first_seen, learnt, weekly_measures, weeks_of

AS_OF = date(2024, 12, 2)
SHAPE = (
    "event_type string, student_id string, language string, event_at timestamp, known_at timestamp, "
    "superseded_at timestamp, messages int, messages_with_errors int"
)
LONG_AGO = date(2024, 1, 1)


def event(kind: str, student: str, back: float, *said: int, language: str | None = "french", **given: Any) -> Any:
    """An event so many days before AS_OF, known at once."""
    at = datetime(2024, 12, 2) - timedelta(days=back)
    known, superseded = given.get("known_at", at), given.get("superseded_at")
    return kind, student, language, at, known, superseded, *(said or (None, None))


def weeks(spark: SparkSession, *events: Any, **closed: list[date]) -> pd.DataFrame:
    return by_language(spark.createDataFrame(list(events), SHAPE), AS_OF, closed).toPandas()


def of(frame: pd.DataFrame, week: int, language: str) -> dict[str, Any]:
    row = frame[(frame["week"] == week) & (frame["language"] == language)].iloc[0]
    return {name: int(row[name]) for name in frame.columns if name not in ("week", "language")}


def test_sums_of_a_week_by_language(spark: SparkSession) -> None:
    found = weeks(
        spark,
        event("conversation", "a", 1), event("message", "a", 1, 6, 2),
        event("conversation", "b", 7, language="dutch"), event("message", "b", 7, 4, 1, language="dutch"),
        event("lesson_started", "b", 3), event("attempt", "a", 2), event("level", "c", 2, language=None),
        event("conversation", "a", 8), event("conversation", "a", -0.5),
        event("conversation", "d", 2, known_at=datetime(2024, 12, 3)),
        event("conversation", "e", 2, superseded_at=datetime(2024, 12, 1)),
    )  # fmt: skip
    assert of(found, 0, "all") == {
        "students": 2, "open_students": 2, "messages": 10, "conversations": 2, "lessons": 1, "attempts": 1, "w": 3,
        "nn": 36 + 16, "ww": 4 + 1, "nw": 12 + 4,
    }  # fmt: skip
    assert of(found, 0, "dutch")["students"] == 1
    assert of(found, 1, "all")["conversations"] == 1


def test_students_of_a_language_that_was_closed_are_counted_apart(spark: SparkSession) -> None:
    done = [
        event("conversation", "a", 1), event("conversation", "b", 2, language="dutch"),
        event("conversation", "a", 2, language="dutch"), event("conversation", "b", 9),
        event("attempt", "c", 3, language=None),
    ]  # fmt: skip
    found = weeks(spark, *done, dutch=[date(2024, 9, 30)])
    assert (of(found, 0, "all")["students"], of(found, 0, "all")["open_students"]) == (3, 2)
    assert of(found, 0, "dutch")["open_students"] == 0
    assert of(found, 1, "all")["open_students"] == 1
    assert of(weeks(spark, *done, dutch=[date(2024, 9, 29)]), 0, "all")["open_students"] == 3


def test_days_lie_in_weeks_counted_back() -> None:
    assert weeks_of([date(2024, 12, 1), date(2024, 11, 25), date(2024, 11, 24)], AS_OF) == {0, 1}


def test_a_language_is_first_seen_when_it_was_known_and_stands(spark: SparkSession) -> None:
    late = event("conversation", "a", 30, language="dutch", known_at=datetime(2024, 12, 5))
    wrong = event("conversation", "b", 25, language="frnch", superseded_at=datetime(2024, 11, 25))
    frame = spark.createDataFrame([late, wrong, event("conversation", "b", 9), event("conversation", "b", 20)], SHAPE)
    assert first_seen(frame, AS_OF) == {"french": date(2024, 11, 12)}


def test_a_language_is_learnt_that_has_events_in_the_nine_weeks(spark: SparkSession) -> None:
    """Not one that was left long ago, nor one that a correction took away, nor one that is told of later."""
    rows = [
        event("conversation", "a", 63), event("conversation", "a", 64, language="greek"),
        event("conversation", "a", 9, language="frnch", superseded_at=datetime(2024, 11, 25)),
        event("conversation", "a", 9, language="dutch", known_at=datetime(2024, 12, 5)),
        event("level", "a", 9, language=None),
    ]  # fmt: skip
    assert learnt(spark.createDataFrame(rows, SHAPE), AS_OF) == {"french"}


def sums(students: list[int], messages: list[int], errors: list[int], language: str = "all") -> pd.DataFrame:
    """Weeks, newest first, in which every student says as much as the others."""
    each = pd.DataFrame({"week": range(len(students)), "language": language, "students": students})
    each = each.assign(messages=messages, w=errors, conversations=students, lessons=0, attempts=0)
    n, w = each["messages"] / each["students"], each["w"] / each["students"]
    return each.assign(
        open_students=students, nn=each["students"] * n * n, ww=each["students"] * w * w, nw=each["students"] * n * w
    )


def measured(
    frame: pd.DataFrame, first: dict[str, date] | None = None, closed_weeks: Collection[int] = ()
) -> pd.DataFrame:
    return weekly_measures(frame, AS_OF, first or {}, LONG_AGO, closed_weeks).set_index(["measure", "subject"])


def test_what_is_usual_is_the_mean_of_the_weeks_before() -> None:
    found = measured(sums([50, 100, 110, 90, 100], [300, 800, 880, 720, 800], [0] * 5))
    row = found.loc[("active_students", "students")]
    assert (row["value"], row["usual"], row["size"]) == (50, 100, 100)
    assert row["spread"] == pytest.approx(np.sqrt(np.var([100, 110, 90, 100], ddof=1) + 50))
    row = found.loc[("rows_per_student", "silver.messages")]
    assert (row["value"], row["usual"], row["spread"]) == (6, 8, pytest.approx(np.sqrt(6 / 50)))


def test_the_week_that_the_log_begins_in_is_not_compared() -> None:
    frame = sums([50, 100, 110, 90, 100, 25], [800] * 6, [0] * 6)
    begun = {"french": AS_OF - timedelta(days=36), "dutch": AS_OF - timedelta(days=3)}
    row = measured(frame, begun).loc[("active_students", "students")]
    assert (row["value"], row["usual"]) == (50, 100)
    row = measured(frame, {"french": AS_OF - timedelta(days=42)}).loc[("active_students", "students")]
    assert row["usual"] == 85
    young = measured(frame, {"french": AS_OF - timedelta(days=3)}).loc[("active_students", "students")]
    assert (young["value"], young["usual"]) == (50, None)


def test_weeks_with_a_closure_are_not_compared() -> None:
    frame = sums([90, 100, 5, 110, 90, 100], [800] * 6, [0] * 6)
    assert measured(frame).loc[("active_students", "students"), "usual"] == 81
    found = measured(frame, closed_weeks={2}).loc[("active_students", "students")]
    assert (found["value"], found["usual"]) == (90, 100)
    per = measured(frame, closed_weeks={2}).loc[("rows_per_student", "silver.messages")]
    assert per["usual"] == pytest.approx(np.mean([800 / n for n in (100, 110, 90, 100)]))
    assert measured(frame, closed_weeks={0}).empty
    fresh = pd.concat([frame, sums([9], [1], [0], "dutch")])
    told = measured(fresh, {"dutch": date(2024, 11, 20), "french": LONG_AGO}, closed_weeks={0})
    assert list(told.index) == [("new_language", "dutch")]


def test_under_four_weeks_nothing_is_usual() -> None:
    row = measured(sums([50, 100, 110, 90], [1] * 4, [0] * 4)).loc[("active_students", "students")]
    assert row["value"] == 50
    assert pd.isna(row["usual"])


def test_an_error_rate_varies_as_students_differ() -> None:
    alike = pd.concat([sums([10] * 5, [100] * 5, [20, 10, 10, 10, 10], "french"), sums([10] * 5, [1] * 5, [0] * 5)])
    assert measured(alike).loc[("error_rate", "french"), "spread"] == pytest.approx(0, abs=1e-6)
    # Half of the ten students say ten messages with four mistakes each, the others ten with none.
    apart = alike.assign(ww=np.where((alike["week"] == 0) & (alike["language"] == "french"), 5 * 16, alike["ww"]))
    row = measured(apart).loc[("error_rate", "french")]
    assert (row["value"], row["usual"]) == (0.2, 0.1)
    assert row["spread"] == pytest.approx(np.sqrt(10 * 2**2) / 100)


def test_a_language_is_new_that_came_after_training() -> None:
    frame = pd.concat([sums([9], [1], [0], "dutch"), sums([9], [1], [0], "french"), sums([9], [1], [0])])
    found = measured(frame, {"dutch": date(2024, 11, 20), "french": date(2023, 12, 31)})
    assert found.xs("new_language")["value"].to_dict() == {"dutch": 9.0}


def test_no_language_is_new_in_the_first_week_of_a_log() -> None:
    frame = pd.concat([sums([9], [1], [0], name) for name in ("dutch", "french", "spanish")] + [sums([9], [1], [0])])
    first = {"dutch": date(2024, 11, 20), "french": date(2024, 11, 26), "spanish": date(2024, 11, 27)}
    assert measured(frame, first).xs("new_language")["value"].to_dict() == {"spanish": 9.0}


def test_nobody_left_is_a_measure_too() -> None:
    quiet = sums([100, 100, 110, 90, 100], [800] * 5, [0] * 5).query("week > 0")
    found = measured(quiet)
    assert found.loc[("active_students", "students"), "value"] == 0
    assert (
        found.loc[("active_students", "students"), "size"] == found.loc[("active_students", "students"), "usual"] > 90
    )
    assert "rows_per_student" not in found.index.get_level_values(0)
