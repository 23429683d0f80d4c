"""One lake of bad days, for what an ingest must do with them and for what can be done with a lake afterwards."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

import pytest

from data_gen.chaos import deliver_chaos
from data_gen.generate import Plan
from lakehouse.settings import Settings, settings
from tests.data_gen.delivered import Delivered, day_of, read, written
from tests.lakes import bring, take_in


@pytest.fixture(scope="session")
def bad_days(tmp_path_factory: pytest.TempPathFactory) -> tuple[Delivered, Settings]:
    """Two weeks of bad days, taken in by three batches; tests of repair, which change the lake, come last."""
    root = tmp_path_factory.mktemp("chaos")
    delivered = read(written(deliver_chaos, Plan(42, 40, 14), root / "source"))
    chosen = settings(str(root / "lake"), str(root / "landing"))
    for files in batches(delivered):
        bring(files, root / "source" / "landing", root / "landing")
        take_in(chosen)
    return delivered, chosen


def batches(delivered: Delivered) -> Iterator[list[str]]:
    """The files in three parts: the second and third begin on days on which a conversation comes after its messages."""
    cuts = sorted({day_of(defect["file"]) for defect in delivered.defects("held_back")})
    assert len(cuts) == 2
    for since, until in zip([date.min, *cuts], [*cuts, date.max], strict=True):
        yield [path for path in delivered.manifest["files"] if since <= day_of(path) < until]
