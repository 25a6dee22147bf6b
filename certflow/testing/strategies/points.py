"""Points of `R^d`, whatever the mixture."""

from __future__ import annotations

import numpy as np
from hypothesis import strategies as st

from certflow.errors import InputError
from certflow.numbers.arrays import Points
from certflow.numbers.inputs import whole_number
from certflow.testing.strategies.numbers import check_order


@st.composite
def points(
    draw: st.DrawFn, dimension: int, *, min_points: int | None = None, max_points: int = 5, max_coordinate: float = 10.0
) -> Points:
    """Points of `R^d` as float64: shape (d,), or (n, d) with `min_points <= n <= max_points` if that is given.

    Shrinks towards the fewest points and the origin, coordinates towards small multiples of 1/8.

    Raises
    ------
    InputError : bounds that contradict each other.
    """
    dimension = whole_number(dimension, "dimension", 1)
    if not 0 < max_coordinate < float("inf"):
        raise InputError("max_coordinate", max_coordinate, "a finite number > 0")
    shape: tuple[int, ...] = (dimension,)
    if min_points is not None:
        check_order("points", min_points, max_points, least=0)
        shape = (draw(st.integers(min_points, max_points)), dimension)
    steps = int(8 * max_coordinate)
    coordinate = st.one_of(
        st.integers(-steps, steps).map(lambda n: n / 8),
        st.floats(-max_coordinate, max_coordinate, allow_nan=False, allow_subnormal=False),
    )
    return np.array([draw(coordinate) for _ in range(int(np.prod(shape)))], dtype=float).reshape(shape)
