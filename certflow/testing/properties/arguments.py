"""Arguments of properties: points, times and maps that suit a process."""

from __future__ import annotations

from typing import Any

import numpy as np
from hypothesis import strategies as st

from certflow.numbers.arrays import Floats, Points, Times
from certflow.process import OrnsteinUhlenbeck
from certflow.testing.maps import LipschitzMap
from certflow.testing.strategies.maps import lipschitz_maps
from certflow.testing.strategies.places import places
from certflow.testing.strategies.times import time_grids, time_pairs, times

#: Places that cost no flow.
STILL = ("typical", "tie", "far")


def _times(process: OrnsteinUhlenbeck) -> st.SearchStrategy[float]:
    return times(min_time=process.exact_t_min, max_time=process.exact_t_max)


@st.composite
def moments(draw: st.DrawFn, process: OrnsteinUhlenbeck) -> tuple[float]:
    """One time."""
    return (draw(_times(process)),)


@st.composite
def spots(draw: st.DrawFn, process: OrnsteinUhlenbeck, kinds: tuple[str, ...] = STILL) -> tuple[Floats, float]:
    """A place and its time."""
    t = draw(_times(process))
    return draw(places(process, t, kinds=kinds)), t


def near_spots(process: OrnsteinUhlenbeck) -> Any:
    """A place that is not far, and its time."""
    return spots(process, ("typical", "tie"))


@st.composite
def two_spots(draw: st.DrawFn, process: OrnsteinUhlenbeck) -> tuple[Floats, Floats, float]:
    """Two different places at one time."""
    t = draw(_times(process))
    x, y = (draw(places(process, t, kinds=("typical", "tie"))) for _ in range(2))
    if np.abs(x - y).max() < 1e-3:
        y = x + 0.25
    return x, y, t


@st.composite
def intervals(draw: st.DrawFn, process: OrnsteinUhlenbeck) -> tuple[float, float]:
    """Two times, `s <= t`."""
    return draw(time_pairs(min_time=process.exact_t_min, max_time=process.exact_t_max))


@st.composite
def journeys(draw: st.DrawFn, process: OrnsteinUhlenbeck, count: int = 1) -> tuple[Points, float, float]:
    """Places at a time t, shape (count, d), and times `s < t`."""
    s, t = draw(intervals(process))
    if s == t:
        s, t = process.t_min, process.t_max
    return np.stack([draw(places(process, t, kinds=("typical", "tie"))) for _ in range(count)]), s, t


@st.composite
def students(
    draw: st.DrawFn, process: OrnsteinUhlenbeck, count: int = 3
) -> tuple[Points, Times, tuple[LipschitzMap, ...]]:
    """Starting points, shape (count, d), a grid of up to four segments, and for each a map that perturbs the flow."""
    times_ = draw(time_grids(max_segments=4, min_time=process.exact_t_min, max_time=process.exact_t_max))
    d = process.mixture.dimension
    maps = tuple(
        draw(lipschitz_maps(d, max_constant=2.0 ** draw(st.integers(-6, 1)), max_shift=0.25, linear=False))
        for _ in times_[1:]
    )
    start = np.stack([draw(places(process, process.t_max, kinds=("typical", "tie"))) for _ in range(count)])
    return start, times_, maps
