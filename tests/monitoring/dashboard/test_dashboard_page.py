from __future__ import annotations

import errno
import json
import re
from dataclasses import replace
from datetime import date
from html.parser import HTMLParser
from itertools import pairwise
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from lakehouse.errors import RadarError
from lakehouse.evaluation import nothing
from monitoring.alerts import load
from monitoring.dashboard import model_view, overview, watch
from monitoring.dashboard.at_risk import payload
from monitoring.dashboard.frames import COLUMNS, Frames
from monitoring.dashboard.page import SECTIONS, render
from monitoring.dashboard.run import write_whole
from monitoring.dashboard.words import change, long_day, number, short_day, signed
from tests.monitoring.dashboard.sample import AS_OF, model_card, no_frames, sample_frames, small_model_card

SAMPLE = sample_frames()
EVIL = "<script>alert(1)</script>"
BREAKER = "</script><img src=x onerror=alert(2)> & \"quotes\" 'too' <!--"


class Reader(HTMLParser):
    """Collects elements, ids and the JSON of data scripts."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.texts: dict[str, str] = {}
        self._script: str | None = None
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        self._script = dict(attrs).get("id") if tag == "script" else None

    def handle_endtag(self, tag: str) -> None:
        self._script = None

    def handle_data(self, data: str) -> None:
        if self._script:
            self.texts[self._script] = self.texts.get(self._script, "") + data

    def count(self, tag: str) -> int:
        return sum(name == tag for name, _ in self.tags)


def scored(**given: Any) -> dict[str, Any]:
    row = dict.fromkeys(COLUMNS["at_risk"]) | {"student_id": "s", "risk": 0.5, "risk_band": "high"}
    return row | given


def with_students(*rows: dict[str, Any]) -> Frames:
    return replace(no_frames(), at_risk=pd.DataFrame(list(rows), columns=list(COLUMNS["at_risk"])))


@pytest.fixture(scope="module")
def page() -> str:
    return render(SAMPLE, AS_OF, model_card())


def test_the_page_says_which_day_it_is_for(page: str) -> None:
    assert re.search(r'As of <time datetime="2024-12-02">Monday 2 December 2024</time>', page)
    assert "what was known at midnight UTC" in page


def test_the_page_loads_nothing_from_elsewhere(page: str) -> None:
    reader = Reader(page)
    sources = [a.get("src") or a.get("href") for tag, a in reader.tags if tag in ("script", "link", "img", "iframe")]
    assert all(source.startswith("data:") for source in sources if source)
    assert "default-src 'none'" in page
    assert "@import" not in page.split("</style>")[0]


def test_the_page_stays_small(page: str) -> None:
    assert len(page.encode()) < 2_000_000
    big = sample_frames(8400)
    assert len(big.at_risk) > 5000
    assert len(render(big, AS_OF, model_card()).encode()) < 3_000_000


def test_sections_headings_and_ids(page: str) -> None:
    reader = Reader(page)
    ids = [a["id"] for _, a in reader.tags if a.get("id")]
    assert len(ids) == len(set(ids))
    assert {key for key, _ in SECTIONS} <= set(ids)
    assert reader.count("h1") == 1
    named = [a["aria-labelledby"] for _, a in reader.tags if "aria-labelledby" in a]
    assert set(named) <= set(ids)
    levels = [int(tag[1]) for tag, _ in reader.tags if re.fullmatch(r"h[1-6]", tag)]
    assert all(later - earlier <= 1 for earlier, later in pairwise(levels[1:]))
    assert all(a.get("scope") for tag, a in reader.tags if tag == "th")


def test_every_chart_has_a_text_alternative(page: str) -> None:
    charts = [a for _, a in Reader(page).tags if "data-chart" in a]
    assert len(charts) == 17
    assert all(a["role"] == "img" and len(a["aria-label"] or "") > 30 for a in charts)


def test_names_and_reasons_with_html_are_text() -> None:
    hostile = with_students(
        scored(student_id=EVIL, reason_1=BREAKER, segment=EVIL, language=BREAKER, suggested_action=EVIL)
    )
    topics = pd.DataFrame([(EVIL, BREAKER, 50, 9, 1.0, 1.0, 0.1, 50, 0.5)], columns=list(COLUMNS["topics"]))
    segments = pd.DataFrame([(EVIL, 5, 0)], columns=list(COLUMNS["segments"]))
    quality = SAMPLE.quality.assign(table_name=BREAKER)
    frames = replace(hostile, topics=topics, segments=segments, quality=quality)
    text = render(frames, AS_OF, model_card() | {"reason": EVIL, "model_name": BREAKER, "kind": EVIL})
    assert EVIL not in text
    assert Reader(text).count("img") == 0
    reader = Reader(text)
    plain = Reader(render(no_frames(), AS_OF, {}))
    assert reader.count("script") == plain.count("script")
    student = json.loads(reader.texts["at-risk-data"])
    assert EVIL in student["texts"]
    assert BREAKER in student["texts"]


def test_the_list_is_ordered_high_first_and_packs_its_texts() -> None:
    rows = [
        scored(student_id="b", risk=0.2, risk_band="low", reason_1="same", days_since_active=3),
        scored(student_id="c", risk=0.7, reason_1="same", days_since_active=float("nan")),
        scored(student_id="a", risk=0.9, reason_1="same", language="spanish"),
    ]
    packed = payload(with_students(*rows).at_risk)
    field = packed["fields"].index
    names = [packed["texts"][row[field("student_id")]] for row in packed["rows"]]
    assert names == ["a", "c", "b"]
    assert [row[0] for row in packed["rows"]] == [90, 70, 20]
    assert [row[1] for row in packed["rows"]] == [None, None, 3]
    assert packed["texts"].count("same") == 1
    assert packed["rows"][0][field("reason_2")] == -1
    assert "Spanish" in packed["texts"]


def test_the_headline_counts_high_risk() -> None:
    frames = with_students(scored(), scored(risk=0.3, risk_band="medium"))
    title, told = overview.headline(frames)
    assert title == "1 student is at high risk of stopping within two weeks."
    assert told == "2 students were active in the last 14 days and scored: 50% at high risk, 50% at medium."


def waiting(frames: Frames, present: int, paused: int) -> Frames:
    """The frames where so many students wait for the end of two closures; a third one is past."""
    closures = [
        ("all", date(2024, 12, 14), date(2025, 1, 6), False, True),
        ("french", date(2024, 12, 3), date(2024, 12, 4), False, True),
        ("spanish", date(2024, 10, 1), date(2024, 10, 4), True, False),
    ]
    return replace(
        frames,
        presence=pd.DataFrame([(present, paused)], columns=list(COLUMNS["presence"])),
        closures=pd.DataFrame(closures, columns=list(COLUMNS["closures"])),
        students=pd.DataFrame([(100, 30, 40, 60, 10)], columns=list(COLUMNS["students"])),
    )


def test_where_days_were_closed_the_list_says_that_it_counts_open_ones() -> None:
    closed = [
        ("all", date(2024, 11, 18), date(9999, 12, 31), True, True),
        ("french", date(2024, 12, 14), date(2024, 12, 20), False, True),
    ]
    closures = pd.DataFrame(closed, columns=list(COLUMNS["closures"]))
    told = "Days here, on the list and in its reasons are open days; closed: everything from 18 Nov 2024 on."
    assert told in render(replace(with_students(scored()), closures=closures), AS_OF, {})
    assert "open days" not in render(with_students(scored()), AS_OF, {})


def test_what_a_percentage_promises_is_said_of_a_model_that_was_tested() -> None:
    tested, untested = ({"metrics": nothing(), "test_rows": rows, "too_little_data": False} for rows in (1310, 0))
    assert "of ten such students" in render(with_students(scored()), AS_OF, tested)
    assert "of ten such students" not in render(with_students(scored()), AS_OF, untested)
    off = pd.DataFrame(
        [("risks_off", "warning", "all", 0.1, 0.02, "read as a ranking")], columns=list(COLUMNS["alerts"])
    )
    assert "of ten such students" not in render(replace(with_students(scored()), alerts=off), AS_OF, tested)


def test_a_closure_ahead_is_why_nobody_is_scored() -> None:
    frames = waiting(with_students(), present=7, paused=7)
    title, told = overview.headline(frames)
    assert title == "Nobody is scored today, since a closure lies ahead."
    assert told == (
        "7 active students are not scored, since a fortnight with a closure in it tells nothing: "
        "French from 3 Dec 2024 to 4 Dec 2024, everything from 14 Dec 2024 to 6 Jan 2025."
    )
    found = {tile.label: (tile.value, tile.told) for tile in overview.tiles(frames, AS_OF)}
    assert found["At high risk"] == ("—", "nobody scored: a closure lies ahead")
    assert found["Inactive"] == ("93", "silent over 14 days, of 100 ever active")
    page = render(frames, AS_OF, {})
    assert page.count(title) == 2
    assert "No student has been scored for this day" not in page
    assert "93 students are inactive: silent" in page


def test_a_day_that_was_not_scored_is_not_blamed_on_a_closure_of_few() -> None:
    frames = waiting(with_students(), present=400, paused=7)
    assert overview.headline(frames)[0] == "No one has been scored for this day yet."
    assert overview.tiles(frames, AS_OF)[0].told == "nobody scored yet"
    assert "No student has been scored for this day" in render(frames, AS_OF, {})


def test_a_day_on_which_nobody_was_active_lately_needs_no_scoring() -> None:
    frames = waiting(with_students(), present=0, paused=0)
    title, told = overview.headline(frames)
    assert (title, told) == (
        "Nobody was active in the last 14 days.", "Who has been silent for longer is counted and not scored.",
    )  # fmt: skip
    assert overview.tiles(frames, AS_OF)[0].told == "nobody was active in 14 days"
    assert "No student has been scored for this day" not in render(frames, AS_OF, {})


def test_those_who_wait_for_a_closure_are_told_beside_the_scored() -> None:
    title, told = overview.headline(waiting(with_students(scored()), present=2, paused=1))
    assert title == "1 student is at high risk of stopping within two weeks."
    assert "100% at high risk, 0% at medium. 1 active student is not scored, since" in told


def test_gold_of_another_day_is_told() -> None:
    assert "told as of" not in render(SAMPLE, AS_OF, {})
    frames = replace(SAMPLE, gold_day=pd.DataFrame({"as_of": [date(2024, 12, 30)]}))
    page = render(frames, AS_OF, {})
    assert "Lessons, topics, progress, conversations and session length are told as of Monday 30 December 2024" in page
    assert "-e gold -P as_of=2024-12-02" in page


def test_tiles_compare_weeks_and_weigh_sessions() -> None:
    rows = [
        (date(2024, 12, 1), "spanish", 5, 3, 30, 10.0, 0.1),
        (date(2024, 12, 1), "french", 5, 1, 10, 30.0, 0.5),
        (date(2024, 11, 24), "french", 5, 8, 10, 30.0, 0.5),
        (AS_OF, "french", 5, 80, 10, 30.0, 0.5),
    ]
    frames = replace(
        no_frames(),
        metrics=pd.DataFrame(rows, columns=list(COLUMNS["metrics"])),
        students=pd.DataFrame([(100, 30, 40, 60, 10)], columns=list(COLUMNS["students"])),
        presence=pd.DataFrame([(50, 0)], columns=list(COLUMNS["presence"])),
    )
    earlier = replace(frames, gold_day=pd.DataFrame({"as_of": [date(2024, 11, 25)]}))
    assert ("Conversations", "8") in [(tile.label, tile.value) for tile in overview.tiles(earlier, AS_OF)]
    found = {tile.label: (tile.value, tile.told) for tile in overview.tiles(frames, AS_OF)}
    assert found["Conversations"] == ("4", "in 7 days, 50% fewer than the 7 before")
    assert found["Session length"] == ("15 min", "20% of messages corrected in the mean conversation")
    assert found["Active in 7 days"] == ("30", "25% fewer than the 7 before")
    assert found["Inactive"] == ("50", "silent over 14 days, of 100 ever active")


def test_an_empty_lake_says_what_makes_each_part() -> None:
    text = render(no_frames(), AS_OF, {})
    assert text.count("Nothing to show yet") >= 19
    for command in ("-e ingest", "-e score", "-e monitor", "-e train_dropout"):
        assert f"mlflow run . --env-manager local {command}" in text
    assert "No model is in use" in text


def test_too_little_data_is_said_aloud() -> None:
    text = render(SAMPLE, AS_OF, small_model_card())
    assert "There is too little data for a learned model yet." in text
    assert "Only 12 students who dropped out" in text
    assert "There is too little data" not in render(SAMPLE, AS_OF, model_card())


def test_model_figures_stand_beside_the_recency_rule() -> None:
    rows = {row["name"]: row for row in model_view.rows(model_card())}
    assert rows["ROC AUC"]["model"] == "0.84"
    assert rows["ROC AUC"]["model_interval"] == "0.78 to 0.89"
    assert rows["ROC AUC"]["rule"] == "0.79"
    assert rows["ROC AUC"]["verdict"] == "not clearly different"
    assert rows["Average precision"]["verdict"] == "better"
    assert rows["Brier score"]["verdict"] == "better"
    assert rows["Share that stopped"]["verdict"] == ""


def test_missing_figures_are_dashes() -> None:
    rows = model_view.rows(small_model_card())
    assert {row["model"] for row in rows} == {"—"}
    assert {row["verdict"] for row in rows} == {""}
    assert dict(model_view.facts({}))["Trained on"] == "—"
    assert "not known" in model_view.sentence(small_model_card())


def test_a_small_test_is_cautioned() -> None:
    assert model_view.small_test(model_card() | {"test_students": 41}).startswith("Small test: 41 students")
    assert model_view.small_test(model_card()) == ""
    assert model_view.small_test(model_card() | {"test_students": 0}) == ""


def test_promises_are_of_the_newest_matured_day() -> None:
    day, rows = model_view.promises(SAMPLE.health)
    assert day == "11 Nov 2024"
    assert rows[0]["promised"] == "0.84"


@pytest.mark.parametrize(
    ("retrain", "acted_on", "told"),
    [
        (True, False, "Train again: yes, 28 days have passed."),
        (True, True, "Trained again for this day, because 28 days have passed."),
        (False, False, "Train again: no, 28 days have passed."),
    ],
)
def test_the_decision_to_train_tells_whether_it_was_acted_on(retrain: bool, acted_on: bool, told: str) -> None:
    row = ("spark_catalog.models.dropout", retrain, "28 days have passed", acted_on)
    decided = pd.DataFrame([row], columns=list(COLUMNS["retraining"]))
    assert watch.summary(replace(no_frames(), retraining=decided)) == f"Nothing to act on. {told}"


def test_quality_tells_too_many_set_aside() -> None:
    rows = {row["table"]: row for row in model_view.quality_rows(SAMPLE)}
    assert rows["silver.assessment_attempts"]["word"] == "look at these"
    many = ("much_quarantined", "warning", "silver.assessment_attempts", 0.07, 0.05, "7.0% waits in quarantine")
    alerts = pd.DataFrame([many], columns=list(COLUMNS["alerts"]))
    told = {row["table"]: row for row in model_view.quality_rows(replace(SAMPLE, alerts=alerts))}
    assert told["silver.assessment_attempts"]["word"] == "too many set aside"
    assert rows["silver.conversations"]["word"] == "fine"
    assert rows["silver.student_levels"]["behind"] == "—"
    assert "583 rows could not be used" in model_view.quality_sentence(SAMPLE.quality)


@pytest.mark.parametrize(
    ("named", "measure"), [(model_view.STALE, "hours_behind"), (model_view.MUCH, "quarantined_share")]
)
def test_what_the_page_calls_stale_or_too_much_is_what_rules_ask_of(named: tuple[str, ...], measure: str) -> None:
    assert set(named) == {rule.name for rule in load().alerts if rule.measure == measure}


def test_quality_tells_failed_gates_and_what_an_alert_calls_stale() -> None:
    failed = SAMPLE.quality.assign(gate_failures=[1, 0, None, 0, 0, 0])
    stale = ("stale_table", "warning", "silver.messages", 100.0, 96.0, "the newest row is 100 hours old")
    alerts = pd.DataFrame([stale], columns=list(COLUMNS["alerts"]))
    rows = {row["table"]: row for row in model_view.quality_rows(replace(SAMPLE, quality=failed, alerts=alerts))}
    assert (rows["silver.conversations"]["word"], rows["silver.conversations"]["tone"]) == ("its gate failed", "high")
    assert rows["silver.messages"]["word"] == "stale"
    assert rows["silver.lesson_progress"]["word"] == "fine"


def test_the_scores_are_told_to_be_of_what_wrote_them() -> None:
    rows = with_students(
        scored(model_kind="logistic", model_version="9"), scored(model_kind="logistic", model_version="9")
    )
    assert model_view.scored_by(rows.at_risk) == "Logistic regression, version 9"
    page = render(rows, AS_OF, model_card())
    assert "by Logistic regression, version 9. A risk of 70% means" in page
    assert "A risk of 70% means" not in render(rows, AS_OF, small_model_card())


def test_promises_are_of_one_version() -> None:
    week = date(2024, 11, 11)
    rows = [
        (week, "m", "10", "roc_auc", 0.9, 0.8), (week, "m", "9", "roc_auc", 0.7, 0.6),
        (week, "m", "9", "precision_at_10", 0.7, 0.6),
    ]  # fmt: skip
    _, told = model_view.promises(pd.DataFrame(rows, columns=list(COLUMNS["health"])))
    assert [(row["name"], row["version"], row["realised"]) for row in told] == [("ROC AUC", "10", "0.80")]


def test_words() -> None:
    assert long_day(date(2024, 12, 2)) == "Monday 2 December 2024"
    assert short_day("2024-11-05") == "5 Nov 2024"
    assert number(-1234.5, 1) == "−1,234.5"
    assert signed(2) == "+2.0"
    assert change(5, 0) == "against none in"
    assert change(10, 10) == "as many as"


def test_the_file_is_whole_or_as_it_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    target = tmp_path / "dashboard" / "index.html"
    write_whole(target, b"old")
    with monkeypatch.context() as full:
        full.setattr(Path, "write_bytes", _half_written)
        with pytest.raises(RadarError, match="cannot be written"):
            write_whole(target, b"new and longer")
    assert target.read_bytes() == b"old"
    write_whole(target, b"new")
    assert target.read_bytes() == b"new"
    assert [path.name for path in target.parent.iterdir()] == ["index.html"]


def _half_written(path: Path, content: bytes) -> int:
    with path.open("wb") as stream:
        stream.write(content[: len(content) // 2])
    raise OSError(errno.ENOSPC, "No space left on device")


def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "dashboard").write_text("a file in the way")
    with pytest.raises(RadarError, match="dashboard cannot be written"):
        write_whole(tmp_path / "dashboard" / "index.html", b"page")
