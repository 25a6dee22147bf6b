"""Ornstein–Uhlenbeck processes of drawn mixtures."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from certflow.process import OrnsteinUhlenbeck
from certflow.testing.strategies.mixtures import mixtures


@st.composite
def processes(
    draw: st.DrawFn, /, *, min_time: Any = "0.01", max_time: Any = 3, **mixture_options: Any
) -> OrnsteinUhlenbeck:
    """Ornstein–Uhlenbeck processes of `mixtures(**mixture_options)` on [min_time, max_time].

    Shrinks as `mixtures` does; the interval is fixed.
    """
    return OrnsteinUhlenbeck(draw(mixtures(**mixture_options)), min_time, max_time)
