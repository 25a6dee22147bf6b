"""Many piecewise polynomials of one clipped scalar: Chebyshev polynomials of every piece, shared by all (A4).

Where one argument has many functions, a tree of completed squares for each would be wide. Here the neurons of a piece
make `T_1 ... T_n` of its clipped coordinate, `n = 2^L`, in depth `L`; every function is an affine map of these, which
costs no neuron.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import comb
from typing import Any

from flint import arb_poly, fmpq, fmpq_poly

from certflow.networks.gadgets.exact import carry
from certflow.networks.gadgets.pieces import Coordinate, Gadget, Side, coordinates_of
from certflow.networks.gadgets.polynomials import at, dyadic, lobatto
from certflow.networks.graph import Network, Value, total

#: `T_k + LIFT` and `T_m + T_k + 2 LIFT` are positive on all of [-1, 1], by enough to show it at once.
LIFT = fmpq(9, 8)


def on_shared_basis(knots: Sequence[Any], functions: Sequence[Sequence[Any]], *, side: Side) -> Gadget:
    """The gadget of the given polynomials: as `piecewise`, with about `n` neurons a piece and layer for all functions.

    `T_{2m} = 2 T_m^2 - 1` and `T_{m+k} = (T_m + T_k + a)^2 - T_m^2 - T_k^2 - 2 a (T_m + T_k) - a^2 - T_{m-k}` take the
    degree from `m` to `2 m` by `2 m` neurons, without rounding: weights are those of the recurrence.

    knots : `J + 1` rational numbers, ascending
    functions : for each function `J` rational polynomials of degree at most `n` in the coordinate `c` in [-1, 1] of
        their piece, which meet at the knots up to what their errors say
    """
    network = Network(1)
    degree = max(polynomial.degree() for polynomials in functions for polynomial in polynomials)
    level = max(degree - 1, 1).bit_length()
    bases = [_basis(network, coordinate, level) for coordinate in coordinates_of(network, knots, side)]
    vanishing, outer = (-1, 0) if side == "above" else (1, -1)
    outputs = []
    for polynomials in functions:
        terms = [network.constant(at(polynomials[outer], vanishing), level)]
        for basis, polynomial in zip(bases, polynomials, strict=True):
            shifted = chebyshev_coefficients(polynomial - at(polynomial, vanishing))
            terms += [basis[k] * coefficient for k, coefficient in enumerate(shifted) if coefficient != 0]
        outputs.append(total(terms))
    return Gadget(network.finish(outputs), tuple(knots), side)


def _basis(network: Network, coordinate: Coordinate, level: int) -> list[Value]:
    """`T_0 ... T_n` of one clipped coordinate, `n = 2^level`, as values of layer `level`."""
    here = [network.constant(1, 1), coordinate.first, coordinate.second * 2 - 1]
    shift = 2 * LIFT
    for layer in range(2, level + 1):
        half = len(here) - 1
        found = [network.constant(1, layer)] + [carry(network, value, -LIFT) for value in here[1:]]
        # (T_half + LIFT)^2 and (T_half + T_k + shift)^2, by one neuron each since what they square is positive
        square = network.requ(here[half] + LIFT) - found[half] * (2 * LIFT) - LIFT**2
        sums = [network.requ(here[half] + value + shift) for value in here[1:half]]
        for k, squared in enumerate(sums, start=1):
            own = (found[2 * k] + 1) * fmpq(1, 2)
            twice = squared - square - own - (found[half] + found[k]) * (2 * shift) - shift**2
            found.append(twice - found[half - k])
        here = [*found, square * 2 - 1]
    return here


def chebyshev_coefficients(polynomial: Any) -> list[Any]:
    """Of a rational polynomial its coefficients over `T_0, T_1, ...`: `c^k = 2^{1-k} sum' binom(k, j) T_{k-2j}`."""
    result = [fmpq(0)] * (polynomial.degree() + 1)
    for k in range(polynomial.degree() + 1):
        for j in range(k // 2 + 1):
            share = fmpq(comb(k, j), 2**k) * (1 if k == 2 * j else 2)
            result[k - 2 * j] += polynomial[k] * share
    return result


def interpolants(functions: Callable[[Any], list[Any]], degree: int, bits: int) -> list[Any]:
    """As `interpolant`, for many functions whose values come together."""
    nodes = [node.mid() for node in lobatto(degree)]
    columns = zip(*(functions(node) for node in nodes), strict=True)
    exact = [arb_poly.interpolate(nodes, list(column)) for column in columns]
    return [fmpq_poly([dyadic(polynomial[i], bits) for i in range(degree + 1)]) for polynomial in exact]
