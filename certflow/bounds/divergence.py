"""Where the Jacobian grows without bound: a path across the ties, far out (proofs/L8.md).

That it grows is decided exactly (`certflow.bounds.existence`), and so are the ends of the path: between them the
responsibility of one group of components falls from 1 to 0, or rises from 0 to 1, as the distance r grows. Where it
passes 1/2 two components of different covariance tie above all others, and `|b_i - b_j|` is of the order `r` or
`r^(1/2)`. Which two they are, and in which direction, is found for one time `t` in float64.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from math import isqrt
from typing import Any

import numpy as np
from numpy.typing import NDArray

from certflow.bounds.existence import Existence, Group, difference, existence, groups
from certflow.law.mixture import GaussianMixture
from certflow.numbers.arrays import Floats, Objects
from certflow.numbers.geometry import positive_direction

#: Directions among which the start of a path is chosen, and the bits that an entry of one has.
_TRIES, _BITS = 64, 20


@dataclass(frozen=True)
class Path:
    """`x = r u + r^p s w`, `0 <= s <= end`; the responsibility of `group` passes 1/2 on it, for large r.

    Where `||J||` grows like `|x|^2`, p = 1, `u = C_a y` and `u + w = C_b y'`, with `y` along which the covariance of
    a, and `y'` along which that of b is strictly the largest. Where it grows like `|x|`, p = 1/2, `u = C_* y`, `w` is
    any generic vector. `start` holds a and y, `finish` b and y' or, without a group, w; y and y' are exact.
    """

    group: Group
    start: tuple[Group, Objects]
    finish: tuple[Group | None, Objects]
    end: Fraction

    def line(self, noised: Callable[[Group, Objects], Any]) -> tuple[Any, Any, Fraction]:
        """`u`, `w` and p, given the function `(group, y) -> C y` in the caller's arithmetic."""
        u = noised(*self.start)
        group, vector = self.finish
        return (u, vector, Fraction(1, 2)) if group is None else (u, noised(group, vector) - u, Fraction(1))


@dataclass(frozen=True)
class Obstruction:
    """Why no global bound exists: `growth` is "quadratic" or "linear" in `|x|`.

    pair : two components that tie above all others; direction : the unit vector along which they do, at the time
    asked for; reason : the exact fact about the parameters that excludes a bound, at every time
    """

    pair: tuple[int, int]
    growth: str
    direction: tuple[float, ...]
    reason: str
    path: Path


def obstruction(mixture: GaussianMixture, t: float) -> Obstruction | None:
    """None where a global bound exists; else where, at time t, the Jacobian grows."""
    if mixture.kind != "full" or existence(mixture).finite:
        return None
    place = _Place(mixture, t)
    return _crossed(place) if existence(mixture).growth == "quadratic" else _outside(place, existence(mixture))


class _Place:
    """A mixture at one time, in float64."""

    def __init__(self, mixture: GaussianMixture, t: float):
        self.mixture = mixture
        self.family = groups(mixture)
        self.m2, self.n2 = float(np.exp(-2 * t)), float(-np.expm1(-2 * t))
        self.precisions = {
            group.indices[0]: np.linalg.inv(self.m2 * group.exact.floats + self.n2 * np.eye(mixture.dimension))
            for group in self.family
        }

    def noised(self, group: Group, y: Objects) -> Floats:
        """`C y`."""
        result: Floats = self.m2 * (group.exact.floats @ y.astype(float)) + self.n2 * y.astype(float)
        return result

    def gap(self, a: Group, b: Group) -> tuple[Fraction, Floats]:
        """`P_a - P_b = m^2 scale matrix`, from `P_a (Sigma_b - Sigma_a) P_b`: it does not cancel."""
        scale, matrix = _scaled(difference(b, a).fractions)
        product = self.precisions[a.indices[0]] @ matrix @ self.precisions[b.indices[0]]
        return scale, (product + product.T) / 2

    def pair(self, first: Group, second: Group, direction: Floats) -> tuple[int, int]:
        """Of each group the member whose mean reaches farthest along the direction."""
        members = []
        for group in (first, second):
            pulls = self.mixture.means[list(group.indices)] @ (self.precisions[group.indices[0]] @ direction)
            members.append(group.indices[int(np.argmax(pulls))])
        return min(members), max(members)


def _crossed(place: _Place) -> Obstruction:
    """No covariance is the largest: from where one group is the least damped to where another is."""
    first, y = _widest_somewhere(place)
    second, other = _wider(place.family, first)
    if place.noised(first, y) @ place.noised(second, other) < 0:
        other = -other  # the path keeps away from the origin
    path = Path(first, (first, y), (second, other), Fraction(1))
    start, across, _ = path.line(place.noised)
    met = {group.indices[0]: _first_root(place.gap(first, group)[1], start, across) for group in place.family}
    where = min(place.family, key=lambda group: met[group.indices[0]])
    root = met[where.indices[0]]
    if root > 1:  # only for differences that float64 cannot see
        where, root = second, 1.0
    direction = start + root * across
    direction = direction / np.linalg.norm(direction)
    pair = place.pair(first, where, direction)
    reason = f"no covariance is the largest, Sigma_{pair[0]} - Sigma_{pair[1]} is indefinite"
    return Obstruction(pair, "quadratic", tuple(map(float, direction)), reason, path)


def _widest_somewhere(place: _Place) -> tuple[Group, Objects]:
    """A group, and an exact `y` with `y^T Sigma y` larger for it than for any other group."""
    rng = np.random.default_rng(0)
    family = place.family
    _, gaps = _scaled(np.array([difference(group, family[0]).fractions for group in family]))
    while True:
        tries = rng.integers(-(2**_BITS), 2**_BITS, size=(_TRIES, place.mixture.dimension))
        sizes = tries / np.linalg.norm(tries, axis=1, keepdims=True)
        widths = np.sort(np.einsum("ni,kij,nj->nk", sizes, gaps, sizes), axis=1)
        y = _exact(tries[np.argmax(widths[:, -1] - widths[:, -2])])
        exact = [y @ group.exact.fractions @ y for group in family]
        if exact.count(max(exact)) == 1:
            return family[exact.index(max(exact))], y / np.abs(y).max()


def _wider(family: tuple[Group, ...], than: Group) -> tuple[Group, Objects]:
    """The group that is the widest along some exact `y` along which it is wider than the given one."""
    found = []
    for group in family:
        if group is not than:
            _, gap = _scaled(difference(group, than).fractions)
            values, vectors = np.linalg.eigh(gap)
            found.append((float(values[-1]), group, vectors[:, -1]))
    for _, group, vector in sorted(found, key=lambda entry: -entry[0]):
        gap = difference(group, than).fractions
        near = _exact(np.round(vector * 2**_BITS))
        along = near if near @ gap @ near > 0 else positive_direction(gap)
        if along is not None:
            y: Objects = along / np.abs(along).max()
            widths = [y @ group.exact.fractions @ y for group in family]
            return family[widths.index(max(widths))], y
    raise ValueError("the given group is the largest")


def _outside(place: _Place, decision: Existence) -> Obstruction:
    """A mean sticks out: from where it decides to where the largest covariance does."""
    largest, outside, y = decision.largest, decision.outside, decision.direction
    assert largest is not None
    assert y is not None
    y = y / np.abs(y).max()
    heights = place.mixture.exact_means.fractions @ y
    level = max(heights[list(largest.indices)])
    across = np.random.default_rng(0).standard_normal(place.mixture.dimension)
    squares = {}
    for group in place.family:
        excess = max(heights[list(group.indices)]) - level
        if excess > 0 and not (difference(largest, group).fractions @ y).any():
            # m y.mu gains m excess; s^2 m^2 scale (w^T G w) / 2 is lost.
            scale, gap = place.gap(group, largest)
            squares[group.indices[0]] = excess / (scale * Fraction(float(across @ gap @ across)))
    last = next(group for group in place.family if squares.get(group.indices[0]) == max(squares.values()))
    path = Path(largest, (largest, y), (None, across), 2 * _root(2 * max(squares.values()) / Fraction(place.m2**0.5)))
    direction = place.noised(largest, y)
    direction = direction / np.linalg.norm(direction)
    other = largest.indices[0]
    if len(largest.indices) == 1:
        reason = f"mu_{outside} - mu_{other} lies outside the range of Sigma_{outside} - Sigma_{other}"
    else:
        reason = (
            f"on the kernel of Sigma_{outside} - Sigma_{other}, mu_{outside} lies outside the convex hull of the means "
            f"of covariance Sigma_{other}, the largest"
        )
    pair = place.pair(largest, last, direction)
    return Obstruction(pair, "linear", tuple(map(float, direction)), reason, path)


def _first_root(gap: Floats, start: Floats, across: Floats) -> float:
    """Where `s -> (u + s w)^T G (u + s w)` first turns positive in [0, 1]; infinity if it does not."""
    a, b, c = across @ gap @ across, 2 * (start @ gap @ across), start @ gap @ start
    roots = np.roots([a, b, c])
    real = [float(root.real) for root in roots if root.imag == 0 and 0 <= root.real <= 1]
    return min((root for root in real if 2 * a * root + b > 0), default=np.inf)


def _root(value: Fraction) -> Fraction:
    """The square root to ten digits, of a number of any size."""
    p, q = value.numerator, value.denominator
    return Fraction(isqrt(p * q << 80) + 1, q << 40)


def _scaled(exact: Objects) -> tuple[Fraction, Floats]:
    """The largest entry in size, and the entries in units of it, in float64."""
    scale = np.abs(exact).max()
    return scale, (exact / scale).astype(float) if scale else exact.astype(float)


def _exact(vector: NDArray[Any]) -> Objects:
    return np.array([Fraction(int(entry)) for entry in vector], dtype=object)
