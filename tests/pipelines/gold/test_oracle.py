from __future__ import annotations

from datetime import date

import pandas as pd
import pytest

from tests.oracle import compare

EXPECTED = pd.DataFrame({"day": pd.to_datetime(["2024-01-01", "2024-01-02"]), "rate": [0.1 + 0.2, None], "n": [1, 2]})
SAME = pd.DataFrame({"n": [2, 1], "rate": [float("nan"), 0.3], "day": [date(2024, 1, 2), date(2024, 1, 1)]})


def test_equal_rows_in_any_order_and_type_compare_equal() -> None:
    compare(SAME, EXPECTED, ["day"])


@pytest.mark.parametrize(
    ("actual", "told"),
    [
        (SAME.assign(rate=[0.0, 0.3]), r"2024-01-02.*rate: 0\.0, expected None"),
        (SAME.assign(n=[2, 7]), r"2024-01-01.*n: 7\.0, expected 1\.0"),
        (SAME.head(1), "1 rows missing"),
        (pd.concat([SAME, SAME.head(1)]), "1 rows repeat a key"),
        (SAME.drop(columns="n"), "columns"),
    ],
)
def test_a_difference_is_told(actual: pd.DataFrame, told: str) -> None:
    with pytest.raises(AssertionError, match=told):
        compare(actual, EXPECTED, ["day"])
