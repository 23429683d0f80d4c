from __future__ import annotations

import pandas as pd

from scoring.export import harmless


def test_no_cell_is_taken_for_a_formula() -> None:
    spoilt = ["=cmd|' /C calc'!A0", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "plain", "a=b", "two\nlines", None]
    rows = pd.DataFrame({"student_id": spoilt, "risk": [-0.5] * len(spoilt)})
    told = harmless(rows)
    assert told["student_id"].tolist() == [
        "'=cmd|' /C calc'!A0", "'+1", "'-1", "'@SUM(A1)", "'\t=1", "'\r=1", "plain", "a=b", "two lines", None,
    ]  # fmt: skip
    assert (told["risk"] == -0.5).all()
