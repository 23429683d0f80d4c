"""Which features are there to be looked up."""

from __future__ import annotations

from dataclasses import replace

from features.feature_view import views
from features.lookups import features_held
from lakehouse.contracts import Column
from lakehouse.lake import Lake


def test_a_feature_that_its_definition_has_dropped_is_held_no_more(lake: Lake) -> None:
    view = views()[0]
    lake.create(replace(view.contract, columns=(*view.contract.columns, Column("dropped", "INT", "of before"))))
    assert features_held(lake) == {view.name: view.features}
