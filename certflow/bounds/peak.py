"""The largest value of `(Fmax - F) / (2 cosh^2(F/2))` over `F <= Fmax` (proofs/L7.md).

Setting the derivative to zero, the maximiser is `F = -G` with `G > max(0, -Fmax)` the only root of
`(Fmax + G) tanh(G/2) = 1`, and the value there is `1 / sinh(G)` (proofs/L7.md).
"""

from __future__ import annotations

from typing import Any

import numpy as np

from certflow.errors import InputError
from certflow.numbers.arithmetic import Arithmetic, FloatArithmetic
from certflow.numbers.arrays import Floats

#: The root at Fmax = 0.
_AT_ZERO = 1.5434046384182086
#: Newton steps that reach the last digit of float64.
_STEPS = 6


def peak(arithmetic: Arithmetic, fmax: Any) -> Any:
    """`1 / sinh(G(Fmax))`, elementwise."""
    if arithmetic.name == "float64":
        return _inverse_sinh(arithmetic, _root(arithmetic, fmax))
    if arithmetic.name == "torch":
        from certflow.numbers.implicit import elementwise

        return elementwise(lambda f: _inverse_sinh(arithmetic, _root(arithmetic, f)), _peak_slope, fmax)
    result = np.empty(fmax.shape, dtype=object)
    for index in np.ndindex(fmax.shape):
        result[index] = _object_peak(arithmetic, fmax[index])
    return result


def float_root(fmax: Any) -> Floats:
    """`G` in float64."""
    root: Floats = _root(FloatArithmetic(), np.asarray(fmax, dtype=float))
    return root


def _root(arithmetic: Arithmetic, fmax: Any) -> Any:
    """`G` of float64 numbers or tensors by Newton steps for `coth(G/2) - G - Fmax`, which is convex and decreasing.

    They rise to the root from any point below it. `coth(G/2) > 1` puts `1 - Fmax` below it, and `coth(G/2) > 2/G`
    with `Fmax + G <= max(Fmax, 0) + 1.5434...` the second start; the larger is at least 0.6 of the root.
    With `e = e^{-G}` a step adds `(1-e) (1 + e - (1-e) (G + Fmax)) / (1 + e^2)`, of numbers that do not overflow.
    """
    zero = 0 * fmax
    root = arithmetic.maximum(1 - fmax, 2 / (arithmetic.maximum(fmax, zero) + _AT_ZERO))
    for _ in range(_STEPS):
        e, complement = arithmetic.exp(-root), -arithmetic.expm1(-root)
        root = root + complement * (1 + e - complement * (root + fmax)) / (1 + e * e)
    return root


def _inverse_sinh(arithmetic: Arithmetic, root: Any) -> Any:
    """`1/sinh(G) = 2 e^{-G} / (1 - e^{-2G})`, without overflow."""
    return -2 * arithmetic.exp(-root) / arithmetic.expm1(-2 * root)


def _peak_slope(peak: Any, fmax: Any) -> tuple[Any]:
    """`dp/dFmax = 1 / (1 + cosh G) = p / (p + sqrt(1 + p^2))`, by `Fmax = coth(G/2) - G` and `p = 1 / sinh(G)`."""
    return (peak / (peak + peak.hypot(peak.new_ones(()))),)


def _object_peak(arithmetic: Arithmetic, fmax: Any) -> Any:
    if arithmetic.name == "mpmath":
        mp = arithmetic.mp  # type: ignore[attr-defined]
        root = mp.mpf(float(float_root(float(fmax))))
        for _ in range(int(mp.prec).bit_length() + 2):
            tanh = mp.tanh(root / 2)
            root -= ((fmax + root) * tanh - 1) / (tanh + (fmax + root) * (1 - tanh**2) / 2)
        return 1 / mp.sinh(root)
    if arithmetic.name == "arb":
        return _ball_peak(arithmetic, fmax)
    raise InputError("mixture", "symbolic parameters", "numbers: this bound has no symbolic form")


def _ball_peak(arithmetic: Arithmetic, fmax: Any) -> Any:
    """The left side of the equation increases in `G`, so a sign on each side encloses the root."""
    arb = arithmetic.arb  # type: ignore[attr-defined]
    middle = arb(float(float_root(float(fmax.mid()))))
    for _ in range(int(arithmetic.key[1]).bit_length()):  # Newton on midpoints, unverified
        tanh = (middle / 2).tanh()
        step = ((fmax.mid() + middle) * tanh - 1) / (tanh + (fmax.mid() + middle) * (1 - tanh * tanh) / 2)
        middle = (middle - step).mid()
    width = arb(2) ** (8 - arithmetic.key[1]) * (middle + 1) + fmax.rad()
    for _ in range(60):
        low, high = middle - width, middle + width
        if low > 0 and ((fmax + low) * (low / 2).tanh() - 1 < 0) and ((fmax + high) * (high / 2).tanh() - 1 > 0):
            return 1 / low.union(high).sinh()
        width = width * 2
        if not width < middle:
            break
    return arb.nan()
