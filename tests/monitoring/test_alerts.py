"""Which rules fire on what, and what explains what."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from math import inf
from pathlib import Path

import pytest

from features.feature_view import views
from lakehouse.errors import RadarError
from monitoring.alerts import Observation, Rule, alerts, load
from monitoring.retraining import decide

RULES = load()
GONE = Observation("active_students", "students", 50.0, 100.0, 10.0, 50)
DRIFTED = Observation("important_feature_psi", "messages_7", 0.9, 0.25, size=100)


def fired(*seen: Observation, **lately: float) -> list[tuple[str, str, str]]:
    return [(a.rule, a.severity, a.subject) for a in alerts(seen, RULES.alerts, lately)]


def rule(**given: object) -> Rule:
    return Rule(**{"name": "r", "measure": "m", "severity": "warning", "says": "{value}", "todo": "look"} | given)


@pytest.mark.parametrize(
    ("condition", "fires"),
    [
        ({"above": 0.5}, True), ({"above": 0.6}, False), ({"below": 0.7}, True), ({"below": 0.6}, False),
        ({"ratio_above": 1.4}, True), ({"ratio_above": 1.5}, False), ({"ratio_below": 1.6}, True),
        ({"ratio_above": 1.4, "spreads": 1.9}, True), ({"ratio_above": 1.4, "spreads": 2.1}, False),
        ({"above": 0.5, "size": 30}, True), ({"above": 0.5, "size": 31}, False),
        ({"above": 0.5, "of": ("x",)}, True), ({"above": 0.5, "of": ("y",)}, False),
        ({"above": 0.5, "excepted": ("x",)}, False),
    ],
)  # fmt: skip
def test_a_rule_fires_when_every_condition_holds(condition: dict[str, object], fires: bool) -> None:
    assert rule(**condition).fires(Observation("m", "x", 0.6, 0.4, 0.1, 30)) is fires


def test_what_is_not_usual_yet_fires_nothing_that_compares() -> None:
    assert not rule(ratio_above=0.1).fires(Observation("m", "x", 0.6))
    assert not rule(above=0.1, spreads=1).fires(Observation("m", "x", 0.6, 0.4))
    assert rule(above=0.1).fires(Observation("m", "x", 0.6))


def test_an_alert_tells_what_it_passed_and_what_to_do() -> None:
    alert = alerts([GONE], RULES.alerts)[0]
    assert (alert.value, alert.threshold) == (50, 65)
    assert alert.message.startswith("50 students were active in the last seven days, usually 100; ask whether")


def test_a_cause_explains_its_consequences() -> None:
    assert fired(DRIFTED) == [("important_feature_drifted", "warning", "messages_7")]
    assert fired(DRIFTED, GONE) == [
        ("students_gone", "critical", "students"), ("important_feature_drifted", "info", "messages_7"),
    ]  # fmt: skip
    assert fired(DRIFTED, silent_client=inf) == [("important_feature_drifted", "info", "messages_7")]


def test_few_explain_nothing_of_many() -> None:
    drifted = replace(DRIFTED, size=5_000)
    for students, severity in ((249, "warning"), (250, "info")):
        new = Observation("new_language", "dutch", students, size=students)
        assert ("important_feature_drifted", severity, "messages_7") in fired(drifted, new)


def test_few_of_the_weeks_before_explain_no_more_than_few_of_today() -> None:
    drifted = replace(DRIFTED, size=5_000)
    assert fired(drifted, new_language=249) == [("important_feature_drifted", "warning", "messages_7")]
    assert fired(drifted, new_language=250) == [("important_feature_drifted", "info", "messages_7")]


def test_a_cause_of_today_takes_nothing_from_a_larger_one_of_the_weeks_before() -> None:
    german = Observation("error_rate", "german", 0.6, 0.2, 0.05, 20)
    assert fired(replace(DRIFTED, size=3_000), german, error_rate_of_language=800) == [
        ("error_rate_of_language", "warning", "german"), ("important_feature_drifted", "info", "messages_7"),
    ]  # fmt: skip


def test_students_who_are_gone_excuse_no_client_that_sends_less() -> None:
    silent = Observation("rows_per_student", "silver.messages", 3.9, 8.0, 0.4, 500)
    for told in (alerts([silent], RULES.alerts, {"students_gone": 500}), alerts([GONE, silent], RULES.alerts)):
        assert ("silent_client", "critical") in {(alert.rule, alert.severity) for alert in told}
        assert not decide(told, date(2024, 11, 8), date(2024, 12, 2), RULES).retrain


def test_nothing_arrives_on_the_fourth_day() -> None:
    told = {days: fired(Observation("days_since_intake", "landing", days)) for days in (3.0, 4.0)}
    assert told == {3.0: [], 4.0: [("nothing_arrives", "critical", "landing")]}


def test_how_many_students_an_alert_stands_on_is_kept() -> None:
    (gone,) = alerts([GONE], RULES.alerts)
    (late,) = alerts([Observation("hours_behind", "silver.learning_events", 100.0)], RULES.alerts)
    assert (gone.size, late.size) == (50, None)


def test_what_grows_by_its_nature_does_not_alert() -> None:
    assert fired(Observation("important_feature_psi", "tenure_days", 7.0, 0.25, size=100)) == []


def test_rules_of_features_name_features_that_are_there() -> None:
    named = {of for found in RULES.alerts if found.measure.endswith("psi") for of in (*found.of, *found.excepted)}
    assert named
    assert named <= {name for view in views() for name in view.features}


def test_every_rule_explains_itself_by_rules_that_are_there() -> None:
    names = [found.name for found in RULES.alerts]
    assert len(set(names)) == len(names)
    assert {cause for found in RULES.alerts for cause in found.explained_by} <= set(names)
    assert {found.retraining for found in RULES.alerts} == {"", "asks", "forbids"}


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("abvoe: 1", "there is no field abvoe"),
        ("severity: dire", "severity is one of info, warning, critical"),
        ("todo: x", "give above, below, ratio_above or ratio_below"),
    ],
)
def test_a_mistake_in_the_file_is_named(line: str, said: str, tmp_path: Path) -> None:
    told = dict(line.split(": ") for line in ("name: r", "measure: m", "severity: info", "says: x", "todo: y", line))
    (tmp_path / "rules.yaml").write_text(f"rules: [{told}]\nretraining: {{}}\n".replace("'", ""))
    with pytest.raises(RadarError, match=f"rule r: {said}"):
        load(tmp_path / "rules.yaml")
