"""Rhythm and progress a second time, in plain Python straight from the raw rows of generated students."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable
from datetime import date
from itertools import pairwise
from math import log, log2, sqrt
from pathlib import Path
from statistics import mean, median, pstdev

import pandas as pd
import pytest
from pyspark.sql import SparkSession

from data_gen.__main__ import main as generate
from tests.chain import Raw, chain, read_raw

AS_OF = date(2024, 12, 4)
Days = dict[str, dict[int, float]]
Told = dict[str, dict[str, float | None]]


def test_every_student_of_a_day(spark: SparkSession, tmp_path: Path) -> None:
    generate(["--students", "40", "--days", "120", "--seed", "7", "--out", str(tmp_path / "landing")])
    raw = read_raw(tmp_path / "landing")
    made = chain(spark, raw, AS_OF)
    everybody = {str(who): student_days(raw, who) for who in raw["conversations"]["user_id"].unique()}
    expected = answers({who: days for who, days in everybody.items() if days["active"]})
    ours: Told = {who: {} for who in expected}
    for frame in (made["student_rhythm"], made["student_progress"]):
        assert set(frame.loc[frame["as_of"] == AS_OF, "student_id"]) == set(expected)
        for row in frame[frame["as_of"] == AS_OF].to_dict("records"):
            ours[row["student_id"]] |= row
    for who, told in expected.items():
        for name, value in told.items():
            found = ours[who][name]
            assert (None if pd.isna(found) else found) == pytest.approx(value, abs=1e-6), (who, name)


def answers(students: dict[str, Days]) -> Told:
    """The features of everybody with an active day, but for those beside a level."""
    found = {who: own(days) for who, days in students.items() if days["active"]}
    recent = {who for who, told in found.items() if min(students[who]["active"]) <= 28}
    beside_the_platform(students, found, recent)
    beside_peers(students, found, recent)
    return {who: {k: v for k, v in told.items() if not k.startswith("_")} for who, told in found.items()}


def own(days: Days) -> dict[str, float | None]:
    agos = sorted(days["active"])
    silence, gaps = agos[0], sorted(far - near for near, far in pairwise(agos))
    usual_weekday = [a for a in agos if a < silence + 84]
    missed = sum(1 for a in usual_weekday for silent in range(1, silence) if (a - silent) % 7 == 0)
    weeks = min(12, -(-(agos[-1] - silence + 1) // 7))
    now, first = within(agos, 1, 14), agos[-1]
    before = [within(agos, 14 * n + 1, 14 * n + 14) for n in range(1, min(6, -(-(first - 14) // 14)) + 1)]
    runs = "".join("x" if within(agos, 7 * w + 1, 7 * w + 7) else " " for w in range(26))
    lasting = len(runs) - len(runs.lstrip("x"))
    talk = [total(days["messages"], *s) / total(days["talks"], *s) if total(days["talks"], *s) else None
            for s in ((1, 14), (15, 98))]  # fmt: skip
    lessons = sorted(days["lessons"])
    done, recently = total(days["completed"], 1, 180), total(days["completed"], 1, 28)
    sent, wrong = total(days["messages"], 1, 14), total(days["errors"], 1, 14)
    rate = total(days["errors"], 15, 180) / max(1, total(days["messages"], 15, 180))
    scored = min(days["score"], default=None)
    pace = 28 * (done - recently) / max(28, min(152, days["tenure"][0] - 28))
    between = (lessons[-1] - lessons[0]) / (len(lessons) - 1) if len(lessons) > 1 else 7
    return {
        "silence_percentile": (sum(gap < silence for gap in gaps) + 0.5) / (len(gaps) + 1),
        "silence_over_long_gap": silence / (((gaps[int(0.9 * (len(gaps) - 1))] if gaps else 14) + 14) / 2),
        "missed_days": missed / weeks,
        "returns_from_silence": sum(gap >= silence for gap in gaps),
        "silent_fortnights": sum(max(0, gap - 14) for gap in gaps) / (first - silence) if gaps else None,
        "decayed_7": sum(0.5 ** (a / 7) for a in agos),
        "trend_break": (now - mean(before)) / (1 + pstdev(before)) if before else None,
        "streak_lost": max(map(len, runs.split())) - lasting,
        "session_change": log((1 + talk[0]) / (1 + talk[1])) if None not in talk else None,  # type: ignore[operator]
        "lesson_pace_change": log((1 + recently) / (1 + pace)),
        "lesson_overdue": lessons[0] / ((between + 7) / 2) if lessons else None,
        "error_break": (wrong - sent * rate) / sqrt(sent * rate * (1 - rate) + 1)
        if sent and total(days["messages"], 15, 180) else None,
        "failed_then_silent": int(scored is not None and days["score"][scored] < 50 and silence >= scored),
        "_now": now, "_before": mean(before) if before else None, "_done": done,
        "_faded": sum(0.5 ** (a / 28) for a in agos),
    }  # fmt: skip


def beside_the_platform(students: dict[str, Days], found: Told, recent: set[str]) -> None:
    now = mean(found[who]["_now"] or 0 for who in recent)
    before = mean(value for who in recent if (value := found[who]["_before"]) is not None)
    then = [who for who in found if within(students[who]["active"], 15, 28)]
    wave = mean(total(students[who]["attempts"], 1, 14) > 0 for who in recent)
    for who, told in found.items():
        change = None
        if told["_before"] is not None:
            change = log((1 + told["_now"]) / (1 + now)) - log((1 + told["_before"]) / (1 + before))  # type: ignore[operator]
        told["platform_break"], told["platform_attempts"] = change, wave
        told["platform_lost"] = mean(min(students[w]["active"]) > 14 for w in then)
        told["activity_rank"] = rank(who, "_faded", found, recent) if who in recent else None


def beside_peers(students: dict[str, Days], found: Told, recent: set[str]) -> None:
    classes = defaultdict(set)
    for who in recent:
        classes[int(log2(students[who]["tenure"][0] / 7 + 1))].add(who)
    for peers in classes.values():
        handed = {who: int(total(students[who]["attempts"], 1, 14) > 0) for who in peers}
        for who in peers:
            found[who]["lessons_rank"] = rank(who, "_done", found, peers)
            found[who]["attempt_missed"] = mean(handed.values()) - handed[who]
            usual = median(total(students[peer]["attempts"], 1, 180) for peer in peers)
            found[who]["attempts_behind"] = usual - total(students[who]["attempts"], 1, 180)


def rank(who: str, name: str, found: Told, among: set[str]) -> float:
    """Share of the others who have less."""
    return sum(found[o][name] < found[who][name] for o in among) / max(1, len(among) - 1)  # type: ignore[operator]


def student_days(raw: Raw, who: int) -> Days:
    """Of one student, by days back from AS_OF, at most 180 of them: what was done on each."""
    mine = {name: frame[frame["user_id"] == who] for name, frame in raw.items() if "user_id" in frame}
    talks = mine["conversations"]
    said = raw["messages"][raw["messages"]["conversation_id"].isin(talks["id"]) & (raw["messages"]["role"] == "user")]
    study = mine["lesson_progress"][mine["lesson_progress"]["status"] != "not_started"]
    done = study[study["status"] == "completed"]
    taken = mine["assessment_attempts"].dropna(subset="completed_at").sort_values("completed_at")
    mended = [bool(text and json.loads(text)) for text in said["corrections"]]
    days: Days = {
        "talks": counted(ago(talks["created_at"])), "messages": counted(ago(said["created_at"])),
        "errors": counted(a for a, wrong in zip(ago(said["created_at"]), mended, strict=True) if wrong),
        "completed": counted(ago(done["completed_at"])), "attempts": counted(ago(taken["completed_at"])),
        "lessons": counted([*ago(study["started_at"]), *ago(done["completed_at"])]),
        "score": dict(zip(ago(taken["completed_at"]), taken["score"], strict=True)),
    }  # fmt: skip
    active = {a for kind in ("talks", "lessons", "attempts") for a in days[kind]}
    days["tenure"] = {0: max(active, default=0)}
    kept = {kind: {a: n for a, n in of.items() if a <= 180} for kind, of in days.items()}
    return kept | {"active": dict.fromkeys((a for a in active if a <= 180), 1.0)}


def ago(times: pd.Series) -> list[int]:
    """Days back; what lies ahead is kept out by being far behind."""
    days = pd.to_datetime(times, utc=True, format="ISO8601").dt.date
    return [(AS_OF - day).days if day < AS_OF else 10**6 for day in days]


def counted(days: Iterable[int]) -> dict[int, float]:
    found: dict[int, float] = defaultdict(float)
    for day in days:
        if day < 10**6:
            found[day] += 1
    return found


def within(agos: Iterable[int], nearest: int, farthest: int) -> int:
    return sum(nearest <= a <= farthest for a in agos)


def total(of: dict[int, float], nearest: int, farthest: int) -> float:
    return sum(n for a, n in of.items() if nearest <= a <= farthest)
