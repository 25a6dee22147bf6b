"""Polynomials in time at the Chebyshev–Lobatto points of a step (proofs/students-plane.md, section 3).

A polynomial of degree `N` on a step from `a` to `b` is `P(q) = sum_i C_i T_i(s)`, `q = (a + b)/2 + s (b - a)/2`: its
coefficients `C_i` are float64 numbers and mean exactly this polynomial. The points are `s_j = -cos(pi j/N)`.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np

from certflow.numbers.arrays import Floats
from certflow.numbers.precision import ball_precision

_BITS = 200


@dataclass(frozen=True)
class Collocation:
    """Tables of degree `N`; the numbers of the first four are within a relative `2^-53` of the exact ones.

    points : `s_j`, ascending; shape `(N + 1,)`
    values : `T_i(s_j)` as `[j, i]`
    slopes : `T_i'(s_j)` as `[j, i]`
    weights : upper bounds of `int_{-1}^1 |l_j(s)| ds`, `l_j` the Lagrange polynomials of the points
    transform : values at the points to coefficients (approximate: what is proved does not rest on it)
    integral : values at the points to those of the integral from -1 (approximate)
    """

    degree: int
    points: Floats
    values: Floats
    slopes: Floats
    weights: Floats
    transform: Floats
    integral: Floats

    def at(self, points: Floats) -> Floats:
        """`T_i` at other points, `[point, i]`, approximately: they may lie outside [-1, 1]."""
        return np.asarray(np.polynomial.chebyshev.chebvander(points, self.degree), dtype=np.float64)


@cache
def collocation(degree: int) -> Collocation:
    """The tables of a degree `>= 1`."""
    from flint import arb, arb_poly

    with ball_precision(_BITS):
        points = [-(arb(j) / degree).cos_pi() for j in range(degree + 1)]
        values = [[_chebyshev(i, x, second=False) for i in range(degree + 1)] for x in points]
        slopes = [[i * _chebyshev(i - 1, x, second=True) if i else arb(0) for i in range(degree + 1)] for x in points]
        weights = []
        for j, x in enumerate(points):
            lagrange = arb_poly([1])
            for i, other in enumerate(points):
                if i != j:
                    lagrange *= arb_poly([-other / (x - other), 1 / (x - other)])
            primitive = lagrange.integral()
            # Between neighbours among the points l_j has one sign: its zeros are the other points.
            at = [primitive(y) for y in points]
            weights.append(sum((abs(b - a) for a, b in itertools.pairwise(at)), arb(0)))
        nearest, table = np.vectorize(_nearest, otypes=[float]), np.array(values, dtype=object)
        floats, nodes = nearest(table), nearest(np.array(points, dtype=object))
        inner = np.linalg.inv(floats)
        return Collocation(
            degree,
            nodes,
            floats,
            nearest(np.array(slopes, dtype=object)),
            np.array([np.nextafter(_nearest(weight), np.inf) for weight in weights]),
            inner,
            _primitives(nodes) @ inner,
        )


def _chebyshev(order: int, x: Any, second: bool) -> Any:
    """`T_n(x)` or, with `second`, `U_n(x)`, by the three-term recurrence in balls."""
    from flint import arb

    before, now = (arb(0) if second else x), arb(1)
    for _ in range(order):
        before, now = now, 2 * x * now - before
    return now


def _nearest(value: Any) -> float:
    """The float64 next to a ball that is much smaller than its spacing; a ball around 0 is 0."""
    return 0.0 if value.contains(0) else float(value.mid())


def _primitives(points: Floats) -> Floats:
    """`int_{-1}^{s_j} T_i` as `[j, i]`."""
    basis = np.polynomial.chebyshev.Chebyshev.basis
    return np.stack([basis(i).integ(lbnd=-1)(points) for i in range(len(points))], axis=1)
