"""A small network made by hand, and by itself what it computes."""

from __future__ import annotations

from fractions import Fraction

from certflow.networks.gadgets.exact import carry, maximum, product, square
from certflow.networks.graph import Network

#: Points `(x, y)` with times, on both sides of every kink.
POINTS = [
    (Fraction(3, 2), Fraction(-1, 4)),
    (Fraction(-2), Fraction(5)),
    (Fraction(0), Fraction(0)),
    (Fraction(1), Fraction(-9)),
]
TIMES = [Fraction(1, 2), Fraction(3), Fraction(1), Fraction(1, 8)]


def network() -> Network:
    """`max(x t, y)^2`, `max(x t, y) y^2`, `1/3` of `x, y, t`: a layer of both kinds, one of ReLU, one of ReQU."""
    made = Network(3)
    x, y, t = (made.input(i) for i in range(3))
    moved, kept, squared = product(made, x, t), carry(made, y), square(made, y)
    top, squared = maximum(made, moved, kept), carry(made, squared)
    return made.finish([square(made, top), product(made, top, squared), made.constant(Fraction(1, 3), 3)])


def expected(x: Fraction, y: Fraction, t: Fraction) -> list[Fraction]:
    """The same in exact numbers."""
    top = max(x * t, y)
    return [top**2, top * y**2, Fraction(1, 3)]
