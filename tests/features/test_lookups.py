"""Which features are there to be looked up."""

from __future__ import annotations

from dataclasses import replace

import pytest

from features.feature_view import FeatureView, views
from features.lookups import features_held, learnable
from lakehouse.contracts import Column, Contract, columns
from lakehouse.lake import Lake


def test_a_feature_that_its_definition_has_dropped_is_held_no_more(lake: Lake) -> None:
    view = views()[0]
    lake.create(replace(view.contract, columns=(*view.contract.columns, Column("dropped", "INT", "of before"))))
    assert features_held(lake) == {view.name: view.features}


def test_a_model_takes_whole_and_real_numbers_alone(lake: Lake, monkeypatch: pytest.MonkeyPatch) -> None:
    shape = columns("""
        student_id | STRING NOT NULL | who
        as_of | DATE NOT NULL | when
        n | INT | a number
        x | DOUBLE | another
        yes | BOOLEAN | a truth
        long | BIGINT | a number that scoring would read as another kind
        word | STRING | a text
    """)
    contract = Contract("features.odd", "", shape, key=("student_id", "as_of"), timeseries="as_of")
    lake.create(contract)
    monkeypatch.setattr("features.lookups.views", lambda: [FeatureView(contract, lambda known: known.days)])
    assert features_held(lake) == {"features.odd": ["n", "x", "yes", "long", "word"]}
    assert learnable(lake) == ["n", "x"]
