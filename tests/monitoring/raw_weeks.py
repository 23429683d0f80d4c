"""Weekly sums in pandas, straight from generated raw files: another way to what `monitoring.weekly` has Spark do."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pandas as pd

from monitoring import observations
from monitoring.alerts import alerts, load
from monitoring.weekly import weekly_measures

SUMS = ["conversations", "lessons", "attempts", "n", "w"]
RULES = load().alerts


def acts(landing: Path) -> pd.DataFrame:
    """What students did: user_id, language, day and what of `SUMS` it adds; messages are of the conversation's day."""
    talks, lessons, attempts = (
        pd.read_parquet(landing / f"{table}.parquet")
        for table in ("conversations", "lesson_progress", "assessment_attempts")
    )
    said = pd.read_parquet(landing / "messages.parquet").query("role == 'user'").groupby("conversation_id")
    counts = said.agg(n=("id", "size"), w=("corrections", "count"))
    parts = [
        talks.join(counts, on="id").assign(at=talks["created_at"], conversations=1),
        lessons.assign(at=lessons["started_at"], lessons=1),
        lessons.assign(at=lessons["completed_at"]),
        attempts.assign(at=attempts["completed_at"], attempts=1),
    ]
    every = pd.concat([part.reindex(columns=["user_id", "language", "at", *SUMS]) for part in parts])
    known = every.dropna(subset="at").fillna(dict.fromkeys(SUMS, 0))
    return known.assign(day=pd.to_datetime(known["at"].str[:10]))


def weeks(done: pd.DataFrame, as_of: date) -> pd.DataFrame:
    """The columns of `monitoring.weekly.by_language`."""
    back = ((pd.Timestamp(as_of) - done["day"]).dt.days - 1) // 7
    lately = done.assign(week=back)[back.between(0, 8)]
    both = pd.concat([lately, lately.assign(language="all")])
    each = both.groupby(["week", "language", "user_id"])[SUMS].sum().reset_index()
    each = each.assign(nn=each["n"] ** 2, ww=each["w"] ** 2, nw=each["n"] * each["w"], messages=each["n"])
    each = each.assign(students=1, open_students=1)
    wanted = ["students", "open_students", "messages", "conversations", "lessons", "attempts", "w", "nn", "ww", "nw"]
    return each.groupby(["week", "language"])[wanted].sum().reset_index()


def found(done: pd.DataFrame, as_of: date, trained_to: date) -> list[tuple[str, str]]:
    """Rule and subject of every alert past info that the week raises."""
    first = {str(name): days.min().date() for name, days in done.groupby("language")["day"]}
    known = {name: day for name, day in first.items() if day < as_of}
    measures = weekly_measures(weeks(done, as_of), as_of, known, trained_to, closed_weeks=())
    fired = alerts([*observations.of_weeks(measures)], RULES)
    return [(alert.rule, alert.subject) for alert in fired if alert.severity != "info"]
