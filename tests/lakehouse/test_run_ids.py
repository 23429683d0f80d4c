from __future__ import annotations

from datetime import UTC, datetime, timedelta

from lakehouse.run_ids import began_at, new_run_id


def test_a_staged_name_tells_when_its_run_began() -> None:
    now = datetime.now(UTC)
    began = began_at(f"staged__silver__messages__{new_run_id()}__changes")
    assert began
    assert timedelta(seconds=-1) < now - began < timedelta(seconds=5)


def test_another_name_tells_of_no_run() -> None:
    assert began_at("replay_messages") is None
