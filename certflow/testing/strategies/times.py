"""Noising times, pairs of them, and time grids."""

from __future__ import annotations

from itertools import accumulate
from typing import Any

import numpy as np
from hypothesis import strategies as st

from certflow.errors import InputError
from certflow.numbers.arrays import Times
from certflow.numbers.exact import exact_number
from certflow.testing.strategies.numbers import check_order


def times(*, min_time: Any = "0.01", max_time: Any = 3) -> st.SearchStrategy[float]:
    """Noising times in [min_time, max_time] as floats, evenly spread in the logarithm.

    Shrinks towards `max_time`, the noise end, where the field is smoothest.

    Raises
    ------
    InputError : ends that are not `0 < min_time <= max_time`.
    """
    low, high = _ends(min_time, max_time)
    return st.integers(0, 1000).map(lambda step: _between(low, high, step / 1000))


def time_pairs(*, min_time: Any = "0.01", max_time: Any = 3) -> st.SearchStrategy[tuple[float, float]]:
    """Pairs `(s, t)`, `s <= t`, of times as in `times`; both shrink towards `max_time`."""
    each = times(min_time=min_time, max_time=max_time)
    return st.tuples(each, each).map(lambda pair: (min(pair), max(pair)))


@st.composite
def time_grids(
    draw: st.DrawFn, /, *, min_segments: int = 1, max_segments: int = 8, min_time: Any = "0.01", max_time: Any = 3
) -> Times:
    """Nodes `t_0 = max_time > ... > t_K = min_time`, shape (K + 1,), `min_segments <= K <= max_segments`.

    The lengths of segments in the logarithm of time are to each other as whole numbers from 1 to 30. Shrinks towards
    the fewest segments, of the same length.

    Raises
    ------
    InputError : bounds that contradict each other; ends that are not `0 < min_time < max_time`.
    """
    check_order("segments", min_segments, max_segments, least=1)
    low, high = _ends(min_time, max_time)
    if low == high:
        raise InputError("min_time", min_time, f"a time < max_time = {max_time}")
    lengths = [draw(st.integers(1, 30)) for _ in range(draw(st.integers(min_segments, max_segments)))]
    inner = [_between(low, high, done / sum(lengths)) for done in accumulate(lengths[:-1])]
    return np.array([high, *inner, low])


def _between(low: float, high: float, share: float) -> float:
    return float(min(high, max(low, high * (low / high) ** share)))


def _ends(min_time: Any, max_time: Any) -> tuple[float, float]:
    low, high = (float(exact_number(v, f)) for v, f in ((min_time, "min_time"), (max_time, "max_time")))
    if not 0 < low <= high:
        raise InputError("min_time", min_time, f"a time > 0, at most max_time = {max_time}")
    return low, high
