"""A piecewise polynomial of a clipped scalar: degree `2^L` on every piece, in depth `L` (A2 in proofs/A2.md).

One layer of ReLU and ReQU at the knots gives the clipped coordinate of every piece and its square exactly; each further
layer doubles the degree by a completed square, `p = ±q^2 + r`: one ReQU for `q^2`, one ReLU to carry `r`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Literal

from flint import arb

from certflow.networks.gadgets.exact import carry
from certflow.networks.gadgets.polynomials import approximate, at, completed_squares, dyadic, extent
from certflow.networks.graph import Network, Value, total

#: From which side the argument is bounded: never above the last knot, or never below the first. The truncated powers
#: are those that vanish on the other side.
Side = Literal["above", "below", "both"]


@dataclass(frozen=True)
class Gadget:
    """A network of one input: a polynomial between neighbouring knots, constant beyond the outer ones on the sides
    where the argument may be.

    network : one input, one output for each function
    knots : where the pieces meet, ascending
    side : "above": the argument is never above the last knot; "below": never below the first; "both": anywhere
    """

    network: Network
    knots: tuple[Any, ...]
    side: Side

    def of(self, network: Network, value: Value, purpose: str = "") -> list[Value]:
        """The functions of `value`, built into `network` for a purpose."""
        with network.serving(purpose):
            return network.inline(self.network, [value])


def piecewise(knots: Sequence[Any], functions: Sequence[Sequence[Any]], *, side: Side, bits: int) -> Gadget:
    """The gadget of the given polynomials.

    knots : `J + 1` rational numbers, ascending
    functions : for each function `J` rational polynomials of degree at most `2^L` in the coordinate `c` in [-1, 1] of
        their piece, which meet at the knots up to what their errors say
    bits : weights of the deeper layers are multiples of `2^-bits`
    """
    network = Network(1)
    coordinates = coordinates_of(network, knots, side)
    vanishing = -1 if side == "above" else 1  # the end of its coordinate at which a piece adds nothing
    outputs = []
    for polynomials in functions:
        degree = max(polynomial.degree() for polynomial in polynomials)
        level = max(degree - 1, 1).bit_length()
        base = at(polynomials[0] if side == "above" else polynomials[-1], vanishing)
        differences = [polynomial - at(polynomial, vanishing) for polynomial in polynomials]
        outputs.append(_sum(network, coordinates, differences, level, bits) + base)
    return Gadget(network.finish(outputs), tuple(knots), side)


@dataclass(frozen=True)
class Coordinate:
    """`c` and `c^2` of one piece as values of layer 1."""

    first: Value
    second: Value

    def at(self, polynomial: Any) -> Value:
        """A polynomial of degree at most 2."""
        return total([self.first * polynomial[1], self.second * polynomial[2]]).plus(polynomial[0])


def coordinates_of(network: Network, knots: Sequence[Any], side: Side) -> list[Coordinate]:
    """`c = 2 clip((z - k_j) / h_j, 0, 1) - 1` of every piece and its square, from relu and requ at the knots.

    From above, `clip = y_j - y_{j+1}` with `y_j = relu((z - k_j) / h)`, and the square of the clipped coordinate is
    `y_j^2 - y_{j+1}^2 - 2 y_{j+1}` in units of its piece; from below the mirror image.
    """
    lengths = [after - before for before, after in pairwise(knots)]
    rising = side == "above"
    variable = network.input(0)
    truncated: list[tuple[Value, Value, Any] | None] = []
    for i, knot in enumerate(knots):
        # the outermost truncated power on the bounded side is zero wherever the argument can be
        if (side == "above" and i == len(lengths)) or (side == "below" and i == 0):
            truncated.append(None)
            continue
        unit = lengths[min(i, len(lengths) - 1)] if rising else lengths[max(i - 1, 0)]
        argument = (variable - knot if rising else -variable + knot) * (1 / unit)
        truncated.append((network.relu(argument), network.requ(argument), unit))
    coordinates = []
    for j, length in enumerate(lengths):
        near, far = (truncated[j], truncated[j + 1]) if rising else (truncated[j + 1], truncated[j])
        assert near is not None
        ratio = near[2] / length
        clipped, squared = near[0] * ratio, near[1] * ratio**2
        if far is not None:
            ratio = far[2] / length
            clipped = clipped - far[0] * ratio
            squared = squared - far[1] * ratio**2 - far[0] * (2 * ratio)
        sign = 1 if rising else -1
        coordinates.append(Coordinate(clipped * (2 * sign) - sign, squared * 4 - clipped * 4 + 1))
    return coordinates


def _sum(network: Network, coordinates: list[Coordinate], polynomials: list[Any], level: int, bits: int) -> Value:
    """`sum_j p_j(c_j)`, each `p_j` of degree at most `2^level`, as a value of layer `level`."""
    if level == 1:
        return total([coordinate.at(p) for coordinate, p in zip(coordinates, polynomials, strict=True)])
    squares, rests = [], []
    for coordinate, polynomial in zip(coordinates, polynomials, strict=True):
        found, rest = completed_squares(polynomial, 2 ** (level - 1), bits)
        squares += [network.requ(_value(network, coordinate, root, level - 1, bits)) * sign for sign, root in found]
        rests.append(rest)
    carried = _sum(network, coordinates, rests, level - 1, bits)
    return total([*squares, carry(network, carried, _lower(rests, bits))])


def _value(network: Network, coordinate: Coordinate, polynomial: Any, level: int, bits: int) -> Value:
    """`p(c)` of one piece, `deg p <= 2^level`, as a value of layer `level`."""
    return _sum(network, [coordinate], [polynomial], level, bits)


def _lower(polynomials: list[Any], bits: int) -> Any:
    """A number below `sum_j p_j(c_j)` at every argument: one coordinate moves while those before it stay at 1, those
    after it at -1.
    """
    after = [approximate(at(polynomial, -1)) for polynomial in polynomials]
    before = [approximate(at(polynomial, 1)) for polynomial in polynomials]
    ranges = [extent(polynomial) for polynomial in polynomials]
    low = min(sum(before[:j]) + ranges[j][0] + sum(after[j + 1 :]) for j in range(len(polynomials)))
    wide = max(high - low for low, high in ranges)
    return dyadic(arb(low - wide / 32 - abs(low) / 1024), bits)
