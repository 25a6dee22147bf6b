"""Means of components: far apart, close together, symmetric."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from math import isqrt
from typing import Any

from hypothesis import strategies as st

from certflow.errors import InputError

#: Means are multiples of this, half of which are no binary numbers of few digits.
_STEP = Fraction(3, 10)


@dataclass(frozen=True)
class Layout:
    """How many means of how many coordinates, of at most `limit`, any two at least `apart`; `X` and `-X` alike."""

    count: int
    dimension: int
    limit: Fraction
    apart: Fraction
    symmetric: bool

    @property
    def free(self) -> int:
        """Means that are drawn: of a symmetric mixture those of one half, the others are minus them."""
        return self.count // 2 if self.symmetric else self.count

    def mirrored(self, rows: list[list[Fraction]]) -> list[list[Fraction]]:
        """All means: component `k` of a symmetric mixture is minus component `count - 1 - k`."""
        if not self.symmetric:
            return rows
        middle = [[Fraction(0)] * self.dimension] if self.count % 2 else []
        return [*rows, *middle, *([-value for value in row] for row in reversed(rows))]


@st.composite
def means_of(draw: st.DrawFn, layout: Layout, within: Fraction | None) -> list[list[Fraction]]:
    """Means in the layout; with `within`, any two at most so far apart. Shrinks towards 0, or what is nearest to it."""
    if within is not None:
        # every mean within half of it of the origin: a coordinate in [-1, 1] times half of it over sqrt(d), or less
        size = min(within / (2 * (isqrt(layout.dimension - 1) + 1)), layout.limit)
        unit, steps = size / 4, 4
    else:
        unit, steps = _STEP, int(layout.limit / _STEP)
    rows = [[unit * draw(st.integers(-steps, steps)) for _ in range(layout.dimension)] for _ in range(layout.free)]
    if layout.apart:
        axis = draw(st.integers(0, layout.dimension - 1))
        for row, place in zip(rows, draw(_places(layout)), strict=True):
            row[axis] = place
    return layout.mirrored(rows)


@st.composite
def _places(draw: st.DrawFn, layout: Layout) -> list[Fraction]:
    """Coordinates on one axis, any two (of a symmetric mixture, minus them and 0 too) at least `apart`.

    Gaps are `apart` and multiples of a share of the room that is left. Shrinks towards the closest.
    """
    count = layout.count
    room = 2 * layout.limit - layout.apart * (count - 1)
    if layout.symmetric:
        first = layout.apart / (1 if count % 2 else 2)
        share = room / 2 / (10 * max(layout.free, 1))
        places, last = [], Fraction(0)
        for k in range(layout.free):
            last += (layout.apart if k else first) + share * draw(st.integers(0, 10))
            places.append(last)
        return places[::-1]
    share = room / (10 * max(count - 1, 1))
    places = [Fraction(0)]
    for _ in range(count - 1):
        places.append(places[-1] + layout.apart + share * draw(st.integers(0, 10)))
    return [place - places[-1] / 2 for place in places]


def check_room(
    limit: Fraction, apart: Fraction, count: int, max_mean: Any, min_distance: Any, overlapping: bool
) -> None:
    """Whether so many means, so far apart, have room; one line that says what is wrong where not."""
    if limit < 0:
        raise InputError("max_mean", max_mean, "a number >= 0")
    if apart < 0:
        raise InputError("min_distance", min_distance, "a number >= 0")
    if apart and overlapping:
        raise InputError("min_distance", min_distance, "0 for overlapping components")
    if apart * (count - 1) > 2 * limit:
        required = f"at most 2 max_mean / (max_components - 1) = {float(2 * limit / (count - 1)):g}"
        raise InputError("min_distance", min_distance, required)
