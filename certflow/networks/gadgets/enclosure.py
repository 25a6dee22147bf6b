"""What a gadget computes, from its weights alone: a polynomial with ball coefficients on every piece.

The argument of a gadget is taken through its neurons, piece by piece, as a polynomial of the coordinate `c` in [-1,
1]; a neuron whose argument keeps one sign on the piece is a polynomial again. So the enclosure knows nothing of how the
weights were found, and what rounding did to them is in it.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from math import comb
from typing import Any

from flint import arb, arb_mat, arb_poly, fmpq

from certflow.errors import CertflowError
from certflow.networks.gadgets.pieces import Gadget
from certflow.networks.graph import Network, Row


class UndecidedSign(CertflowError):
    """A neuron whose argument could not be shown to keep its sign on a piece: the network is not what it should be."""


@dataclass(frozen=True)
class Piece:
    """`lower <= z <= upper`: the outputs at `z = (lower + upper)/2 + c (upper - lower)/2` are `outputs[i](c)`."""

    lower: Any
    upper: Any
    outputs: tuple[Any, ...]


def pieces(gadget: Gadget) -> tuple[Piece, ...]:
    """The outputs of a gadget between neighbouring knots, in balls at the precision in force.

    Raises
    ------
    UndecidedSign : a neuron changes its sign within a piece.
    """
    return tuple(
        Piece(lower, upper, _outputs(gadget.network, lower, upper))
        for lower, upper in zip(gadget.knots, gadget.knots[1:], strict=False)
    )


def _outputs(network: Network, lower: Any, upper: Any) -> tuple[Any, ...]:
    middle, half = (lower + upper) / 2, (upper - lower) / 2
    here: list[Any] = []
    for neuron in network.layers[0]:  # exact: a knot is where the sign changes, and it must not be missed by a ball
        slope, bias = neuron.row.weights.get(0, fmpq(0)), neuron.row.bias
        ends = (slope * lower + bias, slope * upper + bias)
        if max(ends) <= 0:
            here.append(arb_poly([0]))
        elif min(ends) >= 0:
            linear = arb_poly([arb(bias + slope * middle), arb(slope * half)])
            here.append(linear * linear if neuron.square else linear)
        else:
            raise UndecidedSign(f"a neuron of the first layer has its knot within the piece [{lower}, {upper}]")
    for layer in network.layers[1:]:
        following = []
        for neuron in layer:
            argument = combination(neuron.row, here)
            sign = sign_on_piece(argument)
            if sign is None:
                raise UndecidedSign(f"a neuron changes its sign within the piece [{lower}, {upper}]")
            kept = argument if sign > 0 else arb_poly([0])
            following.append(kept * kept if neuron.square else kept)
        here = following
    return tuple(combination(row, here) for row in network.outputs)


def require_constant_below(gadget: Gadget) -> None:
    """That the gadget is one number below its first knot, where no piece is: each neuron of its first layer is.

    Raises
    ------
    UndecidedSign : a neuron that is not off there and has a weight.
    """
    lower = gadget.knots[0]
    for neuron in gadget.network.layers[0]:
        slope, bias = neuron.row.weights.get(0, fmpq(0)), neuron.row.bias
        if slope < 0 or (slope > 0 and slope * lower + bias > 0):
            raise UndecidedSign(f"a neuron of the first layer is not constant below the first knot {lower}")


def combination(row: Row, polynomials: list[Any]) -> Any:
    """`bias + sum_i w_i p_i`."""
    result = arb_poly([arb(row.bias)])
    for i, weight in row.weights.items():
        result += polynomials[i] * arb(weight)
    return result


def sign_on_piece(polynomial: Any, depth: int = 12) -> int | None:
    """1 where `p >= 0` is proved on all of [-1, 1], -1 where `p <= 0` is, None where neither is.

    By its Taylor coefficients at the middle of an interval, which is halved up to `depth` times.
    """
    return _sign(polynomial, arb(0), arb(1), depth)


def _sign(polynomial: Any, middle: Any, half: Any, depth: int) -> int | None:
    low, high = range_on(polynomial, middle, half)
    if low >= 0:
        return 1
    if high <= 0:
        return -1
    if depth == 0 or polynomial.length() <= 2:
        return None
    left = _sign(polynomial, middle - half / 2, half / 2, depth - 1)
    if left is None:
        return None
    return left if _sign(polynomial, middle + half / 2, half / 2, depth - 1) == left else None


def range_on(polynomial: Any, middle: Any, half: Any) -> tuple[Any, Any]:
    """Balls below and above `p` on `[middle - half, middle + half]`: `p(middle) -+ sum_i |p_i| half^i`, Taylor
    coefficients `p_i`.
    """
    shifted = polynomial(arb_poly([middle, half])).coeffs() or [arb(0)]
    spread = sum((abs(coefficient) for coefficient in shifted[1:]), arb(0))
    return shifted[0] - spread, shifted[0] + spread


def supremum(polynomial: Any) -> Any:
    """A ball whose upper end is at least `sup |p|` on [-1, 1]: the sum of the sizes of its Chebyshev coefficients.

    For what interpolation leaves, which is nearly one difference of two Chebyshev polynomials, it is the supremum
    itself up to a few parts in a hundred.
    """
    coefficients = polynomial.coeffs()
    if not coefficients:
        return arb(0)
    columns = chebyshev_matrix(len(coefficients)) * arb_mat(len(coefficients), 1, coefficients)
    return sum((abs(columns[i, 0]) for i in range(len(coefficients))), arb(0)).upper()


@lru_cache(maxsize=128)
def chebyshev_matrix(length: int) -> Any:
    """Entry `(i, k)`: the coefficient of `T_i` in `c^k = 2^{1-k} sum_i binom(k, (k - i)/2) T_i` (half of it for `i =
    0`).
    """
    rows = [[fmpq(0)] * length for _ in range(length)]
    for k in range(length):
        for i in range(k % 2, k + 1, 2):
            rows[i][k] = fmpq(comb(k, (k - i) // 2), 2**k) * (2 if i else 1)
    return arb_mat(length, length, [entry for row in rows for entry in row])


def taylor_difference(polynomial: Any, series: Any, remainder: Any) -> Any:
    """`p - f` on [-1, 1] as a polynomial: `f` is its Taylor polynomial and something of size at most `remainder`."""
    return polynomial - arb_poly(series) + arb_poly([arb(0, remainder.abs_upper())])
