"""Taylor coefficients in the step of a block's error for two modes: exact polynomials (proofs/A9.md, section 4).

Two modes make of `d zeta/d kappa = E_gamma(mu)` one equation on a line, `dy/dK = tanh(K y + beta)`. With `w = K y`,
`u = w + beta`, `T = tanh u`, `P = K^2` and `eta = H/K`,

    step_H(y) - flow_H(y) = H sum_n eta^{n-1} e_n(w, T, P),

each `e_n` a polynomial with rational coefficients, and `e_n = 0` up to the order of the method.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from flint import fmpq_mpoly_ctx, fmpq_poly

from certflow.networks.residual.methods import METHODS

_RING = fmpq_mpoly_ctx.get(["w", "T", "P"], "degrevlex")
_W, _T, _P = _RING.gens()
_S = 1 - _T * _T  # the derivative of T by u
_ZERO = 0 * _T


@lru_cache(maxsize=8)
def flow_terms(count: int) -> tuple[Any, ...]:
    """`f_1, ..., f_count`: `y^{(n)} / n! = K^{1-n} f_n(w, T, P)` along the flow.

    `f_1 = T`, and `(n + 1) f_{n+1} = (1 - n) f_n + 2 P f_P + (w + P T) (f_w + (1 - T^2) f_T)`.
    """
    found = [_T]
    for n in range(1, count):
        f = found[-1]
        along = (_W + _P * _T) * (f.derivative("w") + _S * f.derivative("T"))
        found.append((f * (1 - n) + 2 * _P * f.derivative("P") + along) / (n + 1))
    return tuple(found)


@lru_cache(maxsize=32)
def tangent_terms(count: int, side: int = 0) -> tuple[Any, ...]:
    """`t_0, ..., t_count`, polynomials in `T`: `tanh(u + x) = sum_j t_j(T) x^j`, `(j + 1) t_{j+1} = (1 - T^2) t_j'`.

    side : 1 or -1 for polynomials in `G = 1/(1 + e^{2 side u})` instead, `T = side (1 - 2 G)`: but for the first
        they are multiples of `G`, so that nothing cancels where `G` is small
    """
    found = [fmpq_poly([0, 1])]
    for j in range(count):
        found.append(fmpq_poly([1, 0, -1]) * found[-1].derivative() / (j + 1))
    if side:
        return tuple(polynomial(fmpq_poly([side, -2 * side])) for polynomial in found)
    return tuple(found)


@lru_cache(maxsize=8)
def step_terms(name: str, count: int) -> tuple[Any, ...]:
    """`s_1, ..., s_count`: the step of the method moves `y` by `H sum_n eta^{n-1} s_n(w, T, P)`.

    Stage `i` looks at `u + d`, `d = c eta w + (1 + c eta) c eta P k`, `k` the slope of the stage before.
    """
    method = METHODS[name]
    tangents = [sum((_T**i * c for i, c in enumerate(t.coeffs())), _ZERO) for t in tangent_terms(count)]
    slope = [_T] + [_ZERO] * (count - 1)
    moved = [slope[j] * method.weights[0] for j in range(count)]
    for node, weight in zip(method.nodes[1:], method.weights[1:], strict=True):
        d = [_ZERO] * count
        for j in range(1, count):
            d[j] = (_W if j == 1 else _ZERO) * node + _P * slope[j - 1] * node
            if j > 1:
                d[j] += _P * slope[j - 2] * (node * node)
        slope = [tangents[count - 1]] + [_ZERO] * (count - 1)
        for j in range(count - 2, -1, -1):
            slope = _product(slope, d)
            slope[0] += tangents[j]
        moved = [a + b * weight for a, b in zip(moved, slope, strict=True)]
    return tuple(moved)


@lru_cache(maxsize=8)
def error_terms(name: str, count: int) -> tuple[Any, ...]:
    """`e_1, ..., e_count`, `e_n = s_n - f_n`: the Taylor coefficients of step less flow."""
    return tuple(a - b for a, b in zip(step_terms(name, count), flow_terms(count), strict=True))


def in_logistic(polynomial: Any, side: int) -> Any:
    """The same polynomial of `G` in place of `T = side (1 - 2 G)`, `G` where `T` stood."""
    return polynomial.compose(_W, side - 2 * side * _T, _P)


def _product(first: list[Any], second: list[Any]) -> list[Any]:
    """The product of two power series in `eta`, as long as they are."""
    return [sum((first[i] * second[n - i] for i in range(n + 1)), _ZERO) for n in range(len(first))]
