"""Polynomials of a clipped scalar: interpolation at Chebyshev–Lobatto nodes, and completing the square (A2)."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Any

import numpy as np
from flint import arb, arb_poly, ctx, fmpq, fmpq_poly, fmpz

#: Points of [-1, 1] at which ranges of polynomials are looked at while a network is built; what is found is proved
#: afterwards, when its pieces are enclosed.
_LOOK = np.cos(np.linspace(0, np.pi, 129))


def dyadic(number: Any, bits: int) -> Any:
    """The multiple of `2^-bits` next to a number (a ball's midpoint, a rational), as an exact weight."""
    if isinstance(number, fmpq):
        shifted = number * fmpq(2) ** bits
        return fmpq((2 * shifted.p + shifted.q) // (2 * shifted.q), fmpz(2) ** bits)
    mantissa, exponent = (int(part) for part in number.mid().man_exp())
    shift = exponent + bits
    whole = mantissa << shift if shift >= 0 else ((mantissa >> (-shift - 1)) + 1) >> 1
    return fmpq(whole, fmpz(2) ** bits)


@lru_cache(maxsize=64)
def _lobatto(degree: int, precision: int) -> tuple[Any, ...]:
    return tuple(arb.cos_pi_fmpq(fmpq(degree - i, degree)) for i in range(degree + 1))


def lobatto(degree: int) -> tuple[Any, ...]:
    """`cos(pi (n - i) / n)`, `i = 0 ... n`, in balls at the precision in force: both ends are nodes."""
    return _lobatto(degree, ctx.prec)


def interpolant(function: Callable[[Any], Any], degree: int, bits: int) -> Any:
    """The polynomial through `function` at the Chebyshev–Lobatto nodes of [-1, 1], coefficients multiples of `2^-bits`.

    function : of a ball in [-1, 1]; its value is a ball
    """
    nodes = [node.mid() for node in lobatto(degree)]
    exact = arb_poly.interpolate(nodes, [function(node) for node in nodes])
    return fmpq_poly([dyadic(exact[i], bits) for i in range(degree + 1)])


def at(polynomial: Any, point: int) -> Any:
    """A rational polynomial at a whole number, exactly."""
    return polynomial(fmpq(point))


def approximate(number: Any) -> float:
    """A rational number as the nearest float64, however large its numerator and denominator are."""
    return int(number.p) / int(number.q)


def extent(polynomial: Any) -> tuple[float, float]:
    """About the range of a rational polynomial on [-1, 1]: what a network is built with, not what is proved of it."""
    coefficients = [approximate(coefficient) for coefficient in polynomial.coeffs()]
    values = np.polynomial.polynomial.polyval(_LOOK, np.array(coefficients or [0.0]))
    return float(values.min()), float(values.max())


#: A square that is larger than the polynomial it completes by more than this would spoil digits in float64.
_AMPLIFICATION = 2**14


def completed_squares(polynomial: Any, half: int, bits: int) -> tuple[list[tuple[int, Any]], Any]:
    """`p = sum_i sign_i q_i^2 + r` up to `2^-bits`, `deg p <= 2 half`, `deg q_i, deg r <= half`, `q_i > 0` on [-1, 1]
    (A2).

    The upper half of `p` says what `q` is but for its constant term, which lifts `q` above zero, so that one ReQU
    neuron squares it. One square is enough unless the leading coefficient is small by accident, and the square much
    larger than `p` is: then a multiple of `(c^half + 9/8)^2` is added, and taken away again.
    """
    upper = max((abs(polynomial[i]) for i in range(half + 1, 2 * half + 1)), default=fmpq(0))
    if upper == 0:
        return [], fmpq_poly(polynomial)
    size = max(abs(end) for end in extent(polynomial))
    if polynomial[2 * half] != 0:
        sign, raised = _square(polynomial, half, bits)
        if extent(raised)[1] ** 2 <= _AMPLIFICATION * size:
            return [(sign, raised)], _rest(polynomial - sign * raised * raised, half, bits)
    added = fmpq_poly([fmpq(9, 8)] + [0] * (half - 1) + [1]) * dyadic(arb(upper).sqrt(), bits)
    sign, raised = _square(polynomial + added * added, half, bits)
    rest = polynomial + added * added - sign * raised * raised
    return [(-1, added), (sign, raised)], _rest(rest, half, bits)


def _square(polynomial: Any, half: int, bits: int) -> tuple[int, Any]:
    """`sign q^2` with the upper half of a polynomial, `q > 0`."""
    leading = arb(polynomial[2 * half])
    sign = 1 if polynomial[2 * half] > 0 else -1
    monic = [arb(0)] * half + [arb(1)]
    for j in range(half - 1, -1, -1):
        mixed = sum((monic[a] * monic[half + j - a] for a in range(j + 1, half)), arb(0))
        monic[j] = (arb(polynomial[half + j]) / leading - mixed) / 2
    root = (sign * leading).sqrt()
    raised = fmpq_poly([dyadic(coefficient * root, bits) for coefficient in monic])
    low, high = extent(raised)
    return sign, raised + dyadic(arb(-low + (high - low) / 32), bits)


def _rest(polynomial: Any, half: int, bits: int) -> Any:
    return fmpq_poly([dyadic(polynomial[i], bits) for i in range(half + 1)])
