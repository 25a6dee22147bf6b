"""The largest value of `(Fmax - F) / (2 cosh^2(F/2))` over `F <= Fmax` (THEORY L7).

Setting the derivative to zero, the maximiser is `F = -G` with `G > max(0, -Fmax)` the only root of
`(Fmax + G) tanh(G/2) = 1`, and the value there is `1 / sinh(G)` (proofs/L7.md).
"""

from __future__ import annotations

from typing import Any

import numpy as np

from certflow.errors import InputError
from certflow.numbers.arithmetic import Arithmetic
from certflow.numbers.arrays import Floats

#: At Fmax = 0 the root is 1.54340463...; elsewhere it lies within this of max(0, -Fmax).
_REACH = 1.5434046384182086


def peak(arithmetic: Arithmetic, fmax: Any) -> Any:
    """`1 / sinh(G(Fmax))`, elementwise."""
    if arithmetic.name == "float64":
        return _inverse_sinh(float_root(fmax))
    if arithmetic.name == "torch":
        return arithmetic.asarray(_inverse_sinh(float_root(fmax.detach().cpu().numpy().astype(float))))
    result = np.empty(fmax.shape, dtype=object)
    for index in np.ndindex(fmax.shape):
        result[index] = _object_peak(arithmetic, fmax[index])
    return result


def float_root(fmax: Any) -> Floats:
    """`G` in float64: bisection, then twice the Newton steps that reach the last digit from there."""
    fmax = np.asarray(fmax, dtype=float)
    low = np.maximum(0.0, -fmax)
    high = low + _REACH * (1 + 1e-15)
    for _ in range(10):
        middle = (low + high) / 2
        below = (fmax + middle) * np.tanh(middle / 2) < 1
        low, high = np.where(below, middle, low), np.where(below, high, middle)
    root: Floats = high
    for _ in range(6):
        tanh = np.tanh(root / 2)
        slope = tanh + (fmax + root) * (1 - tanh**2) / 2
        root = root - ((fmax + root) * tanh - 1) / slope
    return root


def _inverse_sinh(root: Floats) -> Floats:
    """`1/sinh(G) = 2 e^{-G} / (1 - e^{-2G})`, without overflow."""
    return -2 * np.exp(-root) / np.expm1(-2 * root)


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
