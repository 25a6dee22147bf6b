"""Pairs of components that tie only where a third has overwhelmed them (THEORY L8, beyond; proofs/L8.md, 3).

If `alpha Sigma_i + (1 - alpha) Sigma_j < Sigma_l` for some `alpha` in (0, 1), then at every `t` the matrix
`M = alpha P_i + (1 - alpha) P_j - P_l` is positive definite and `gamma_i gamma_j <= min(1/4, e^H)`, `H` concave
quadratic with Hessian `-M`: the pair does no harm, whatever the order of `Sigma_i` and `Sigma_j`.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np

from certflow.arithmetic import Arithmetic
from certflow.geometry import inertia
from certflow.mixture import GaussianMixture

#: Values of alpha that are tried: multiples of 1/16.
_STEPS = 16


@dataclass(frozen=True)
class Domination:
    """Component `wide` dominates a pair, with the weight `alpha` on the pair's first component."""

    wide: int
    alpha: Fraction


def find_domination(mixture: GaussianMixture, i: int, j: int) -> Domination | None:
    """A component that dominates the pair (i, j), decided in rational arithmetic; None if none was found."""
    values = mixture.covariances
    exact = mixture.exact_covariances.fractions
    best = []
    for wide in range(mixture.n_components):
        if wide in (i, j):
            continue
        for step in range(1, _STEPS):
            alpha = step / _STEPS
            gap = values[wide] - alpha * values[i] - (1 - alpha) * values[j]
            best.append((float(np.linalg.eigvalsh(gap)[0]), wide, step))
    for smallest, wide, step in sorted(best, reverse=True)[:4]:
        if smallest <= 0:
            break
        share = Fraction(step, _STEPS)
        gap = exact[wide] - share * exact[i] - (1 - share) * exact[j]
        if inertia(gap) == (mixture.dimension, 0, 0):
            return Domination(wide, share)
    return None


@dataclass(frozen=True)
class Component:
    """What the bound needs of a component at times `t`: `P`, `Q`, `log det P` (T, ...), mean (d,), log weight."""

    precision: Any
    slope: Any
    logdet: Any
    mean: Any
    log_weight: Any


def dominated_spread(
    arithmetic: Arithmetic, found: Domination, i: Component, j: Component, wide: Component, m: Any
) -> Any:
    """Upper bound of `sup_x gamma_i gamma_j |b_i - b_j|^2`, shape (T,).

    With `x*` the maximiser of `H`, `a = |b_i - b_j|` there, `mu` the least eigenvalue of `M` and `h = H(x*) + ln 4`:
    `(a + ||A|| r)^2 <= 2 a^2 + 2 ||A||^2 r^2` at distance r from `x*`, and
    `sup_r r^2 min(1, e^{h - mu r^2 / 2}) = (2/mu) max(h, e^{min(h,1) - 1})`, so the bound is
    `a^2 / 2 + ||A||^2 max(h, e^{min(h, 1) - 1}) / mu`.
    """
    alpha = arithmetic.number(found.alpha)
    beta = arithmetic.number(1 - found.alpha)
    square = (m * m)[:, None, None]
    # M = m^2 (alpha Q_i + beta Q_j - Q_l), which does not cancel as t grows.
    matrix = square * (alpha * i.slope + beta * j.slope - wide.slope)
    inverse, _ = arithmetic.inverse_logdet(matrix)
    pulls = [m[:, None] * _apply(part.precision, part.mean) for part in (i, j, wide)]
    linear = alpha * pulls[0] + beta * pulls[1] - pulls[2]
    center = (inverse @ linear[:, :, None])[:, :, 0]
    constants = [
        part.log_weight + (part.logdet - m * (pull * part.mean).sum(-1)) / 2
        for part, pull in zip((i, j, wide), pulls, strict=True)
    ]
    peak = alpha * constants[0] + beta * constants[1] - constants[2] + (linear * center).sum(-1) / 2
    difference = square * (i.slope - j.slope)  # A = P_i - P_j
    gradient = pulls[0] - pulls[1] - (difference @ center[:, :, None])[:, :, 0]
    low, high = arithmetic.eigenvalue_range(difference)
    norm = arithmetic.maximum(high, -low)
    least, _ = arithmetic.eigenvalue_range(matrix)
    one = 0 * peak + 1
    height = peak + arithmetic.log(4 * one)
    reach = arithmetic.maximum(height, arithmetic.exp(arithmetic.minimum(height, one) - 1))
    return (gradient * gradient).sum(-1) / 2 + norm * norm * reach / least


def _apply(matrices: Any, vector: Any) -> Any:
    return (matrices * vector).sum(-1)
