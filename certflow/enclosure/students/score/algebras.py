"""What a network is computed in: Taylor models on cells, or bounds of its size that hold for every `x`.

Both know the same few operations, so that one reading of a network serves both. A bound of growth is a polynomial with
coefficients `>= 0`, shape (q + 1, n): `|h_i(x)| <= sum_j g_ji |x|^j`.
"""

from __future__ import annotations

from typing import Any, Protocol

import numpy as np

from certflow.enclosure.students.activations import SMOOTH, activated
from certflow.enclosure.students.rounding import UNIT, up
from certflow.enclosure.students.score.balls import Balls, constants, mapped, shifted, times
from certflow.enclosure.students.taylor import Basis, Models, guarded, product, scaled, total
from certflow.errors import InputError, NoEnclosure
from certflow.numbers.arrays import Floats, Indices

#: Activations of one coordinate; "requ" is `max(z, 0)^2`.
KINDS = (*SMOOTH, "relu", "requ")
#: Bounds of growth of a higher degree are not kept: beyond the cells nothing is known of such a network.
HIGHEST = 32
#: `max |u|u| - s u| = s^2 / 4` over `|u| <= 1` for `s = 2 sqrt 2 - 2`, and more than half of it:
#: what the rounding of `s` makes is within.
_SLOPE, _HALF_GAP = 0.8284271247461901, 0.0857865


class Algebra(Protocol):
    """Operations on rows `h` of `n` functions."""

    def constants(self, numbers: Balls) -> Any: ...

    def sum(self, one: Any, other: Any) -> Any: ...

    def times(self, one: Any, factor: Balls) -> Any: ...

    def shifted(self, one: Any, shift: Balls) -> Any: ...

    def mapped(self, one: Any, matrix: Balls, shift: Balls) -> Any: ...

    def product(self, one: Any, other: Any) -> Any: ...

    def activated(self, kind: str, one: Any) -> Any: ...

    def columns(self, one: Any, places: Indices) -> Any: ...

    def joined(self, parts: list[Any]) -> Any: ...

    def renewed(self, one: Any) -> Any: ...


class CellModels:
    """Taylor models on `cells` cells; `fresh` symbols at the end of the basis are handed out one for each renewal."""

    def __init__(self, basis: Basis, cells: int, fresh: int = 0):
        self.basis, self.cells, self.fresh = basis, cells, fresh

    def constants(self, numbers: Balls) -> Models:
        return constants(self.basis.terms, self.cells, numbers)

    def sum(self, one: Models, other: Models) -> Models:
        return total(one, other)

    def times(self, one: Models, factor: Balls) -> Models:
        return times(one, factor)

    def shifted(self, one: Models, shift: Balls) -> Models:
        return shifted(one, shift)

    def mapped(self, one: Models, matrix: Balls, shift: Balls) -> Models:
        return mapped(one, matrix, shift)

    def product(self, one: Models, other: Models) -> Models:
        return product(self.basis, one, other)

    def activated(self, kind: str, one: Models) -> Models:
        return requ(self.basis, one) if kind == "requ" else activated(kind, self.basis, one)

    def columns(self, one: Models, places: Indices) -> Models:
        return Models(one.coefficients[:, :, places], one.remainder[:, places])

    def joined(self, parts: list[Models]) -> Models:
        return Models(
            np.concatenate([part.coefficients for part in parts], axis=2),
            np.concatenate([part.remainder for part in parts], axis=1),
        )

    def renewed(self, one: Models) -> Models:
        """The remainder of one function as a symbol that no other model has; as it is, once there are no more."""
        if not self.fresh or one.remainder.shape[1] != 1:
            return one
        c = one.coefficients.copy()
        c[self.basis.terms - self.fresh, :, 0] = one.remainder[:, 0]
        self.fresh -= 1
        return guarded(c, np.zeros_like(one.remainder))


@np.errstate(all="ignore")
def requ(basis: Basis, models: Models) -> Models:
    """`max(u, 0)^2` for `lo <= u <= hi`: `u^2` or 0 where the sign is known, else the nearest of

        0                 within [0, hi^2],
        u^2               within [-lo^2, 0],
        (u^2 + s R u)/2   within +-(s R)^2 / 8,  R = max(-lo, hi),  s = 2 sqrt 2 - 2,

    the last since `max(u, 0)^2 = (u^2 + u|u|)/2` and `|u|u| - s R u| <= (s R)^2 / 4` for `|u| <= R`.
    """
    c, r = models
    radius = up(np.abs(c[1:]).sum(0) + r + 2 * UNIT * np.abs(c[0]), len(c) + 2)
    low, high = up(np.maximum(radius - c[0], 0.0)), up(np.maximum(radius + c[0], 0.0))
    flat, whole = up(high * high) / 2, up(low * low) / 2
    largest = np.maximum(low, high)
    half = up(_HALF_GAP * largest * largest)
    square = product(basis, models, models)
    # the weights of u^2 and of u, the constant and what is lost, by the nearest
    choice = np.argmin(np.stack([flat, whole, half]), axis=0)
    quadratic = np.choose(choice, [0.0, 1.0, 0.5])
    linear = np.choose(choice, [0.0, 0.0, 0.5 * _SLOPE]) * largest
    shift = np.choose(choice, [flat, -whole, np.zeros_like(flat)])
    gap = np.choose(choice, [flat, whole, half])
    found = shifted(total(scaled(square, quadratic), scaled(models, linear)), Balls(shift, gap))
    empty = choice == 0
    if empty.any():  # where u^2 is not known, 0 times it would not be known either
        coefficients = np.where(empty, 0.0, found.coefficients)
        coefficients[0] = np.where(empty, flat, coefficients[0])
        found = guarded(coefficients, np.where(empty, up(flat), found.remainder))
    return found


class Growth:
    """Bounds of the size for every `x`, by powers of `|x|`; at least what the operations give, rounded up.

    Raises
    ------
    NoEnclosure : a product of a degree above `HIGHEST`.
    """

    def constants(self, numbers: Balls) -> Floats:
        return numbers.above()[None]

    def sum(self, one: Floats, other: Floats) -> Floats:
        size = max(len(one), len(other))
        return up(_long(one, size) + _long(other, size))

    def times(self, one: Floats, factor: Balls) -> Floats:
        return up(one * factor.above())

    def shifted(self, one: Floats, shift: Balls) -> Floats:
        return self.sum(one, shift.above()[None])

    def mapped(self, one: Floats, matrix: Balls, shift: Balls) -> Floats:
        return self.shifted(up(one @ matrix.above(), one.shape[1] + 1), shift)

    def product(self, one: Floats, other: Floats) -> Floats:
        result = np.zeros((len(one) + len(other) - 1, np.broadcast_shapes(one.shape[1:], other.shape[1:])[0]))
        if len(result) > HIGHEST + 1:
            raise NoEnclosure(f"a bound of growth of degree {len(result) - 1}")
        for i, row in enumerate(one):
            result[i : i + len(other)] += row * other
        return up(result, len(one) + 1)

    def activated(self, kind: str, one: Floats) -> Floats:
        """`|silu z| <= |z|`, `|relu z| <= |z|`, `|tanh z| <= 1`, `max(z, 0)^2 <= z^2`."""
        if kind == "tanh":
            return np.ones((1, one.shape[1]))
        return self.product(one, one) if kind == "requ" else one

    def columns(self, one: Floats, places: Indices) -> Floats:
        return one[:, places]

    def joined(self, parts: list[Floats]) -> Floats:
        size = max(map(len, parts))
        return np.concatenate([_long(part, size) for part in parts], axis=1)

    def renewed(self, one: Floats) -> Floats:
        return one


def _long(rows: Floats, size: int) -> Floats:
    return np.concatenate([rows, np.zeros((size - len(rows), rows.shape[1]))])


def by_kind(algebra: Algebra, kinds: list[str], values: Any) -> Any:
    """The activation of each column."""
    found = sorted(set(kinds))
    if len(found) == 1:
        return algebra.activated(found[0], values)
    places = [np.flatnonzero(np.array([kind == one for kind in kinds])) for one in found]
    parts = [algebra.activated(one, algebra.columns(values, at)) for one, at in zip(found, places, strict=True)]
    return algebra.columns(algebra.joined(parts), np.argsort(np.concatenate(places)))


def known_kind(kind: str) -> str:
    """The name of an activation.

    Raises
    ------
    InputError : another one.
    """
    if kind not in KINDS:
        raise InputError("network", f"the activation {kind!r}", f"one of {', '.join(KINDS)}")
    return kind
