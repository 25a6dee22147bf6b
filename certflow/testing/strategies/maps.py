"""Maps of `R^d` into itself with a known Lipschitz constant."""

from __future__ import annotations

import math

import numpy as np
from hypothesis import strategies as st

from certflow.errors import InputError
from certflow.numbers.arrays import Floats
from certflow.numbers.inputs import whole_number
from certflow.testing.maps import LipschitzMap


@st.composite
def lipschitz_maps(
    draw: st.DrawFn, dimension: int, *, max_constant: float = 1.0, max_shift: float = 1.0, linear: bool = True
) -> LipschitzMap:
    """Maps `x -> M x + c + A sin(B x + phi)` of `R^d` whose `constant` is at most `max_constant`.

    linear : whether there may be a part `M`; without it the map is bounded, by `|c| + sqrt(d) ||A||`

    The sizes of `M`, `c` and `A` are multiples of a sixteenth of the largest allowed. Shrinks towards the constant map
    0, and towards slow waves.

    Raises
    ------
    InputError : numbers that are not finite or not positive (`max_shift` may be 0).
    """
    dimension = whole_number(dimension, "dimension", 1)
    if not 0 < max_constant < math.inf:
        raise InputError("max_constant", max_constant, "a finite number > 0")
    if not 0 <= max_shift < math.inf:
        raise InputError("max_shift", max_shift, "a finite number >= 0")
    part = draw(st.integers(0, 16)) / 16 if linear else 0.0
    wave = min(draw(st.integers(0, 16)) / 16, 1 - part)
    frequency = 2.0 ** draw(st.integers(-1, 5)) * draw(_directions(dimension))
    steepness = float(np.linalg.norm(frequency, 2))
    size = 1 - 1e-12  # norms are rounded
    return LipschitzMap(
        part * max_constant * size * draw(_directions(dimension)),
        [max_shift / math.sqrt(dimension) * draw(st.integers(-16, 16)) / 16 for _ in range(dimension)],
        wave * max_constant * size / steepness * draw(_directions(dimension)),
        frequency,
        [draw(st.integers(-12, 12)) / 4 for _ in range(dimension)],
    )


@st.composite
def _directions(draw: st.DrawFn, dimension: int) -> Floats:
    """Matrices of spectral norm 1; shrinks towards the identity."""
    raw = np.array([[draw(st.integers(-2, 2)) for _ in range(dimension)] for _ in range(dimension)], dtype=float)
    if not raw.any():
        raw = np.eye(dimension)
    found: Floats = raw / np.linalg.norm(raw, 2)
    return found
