"""Array types and the few conversions that every table needs."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

Floats = npt.NDArray[np.floating]
Ints = npt.NDArray[np.integer]
Bools = npt.NDArray[np.bool_]

NEVER = -1


def sigmoid(x: Floats) -> Floats:
    """The logistic function, from log-odds to probability."""
    return 0.5 * (1.0 + np.tanh(0.5 * x))


def timestamps(seconds: Ints) -> pa.Array:
    """ISO-8601 text in UTC without offset from seconds since 1970; NEVER becomes null."""
    moments = pa.array(seconds, pa.int64(), mask=seconds == NEVER).cast(pa.timestamp("s"))
    return pc.binary_replace_slice(moments.cast(pa.string()), start=10, stop=11, replacement="T")


def pick(pool: Sequence[str], index: Ints) -> pa.Array:
    """Texts of a pool by position; NEVER becomes null."""
    return pa.array(pool, pa.string()).take(pa.array(index, pa.int64(), mask=index == NEVER))
