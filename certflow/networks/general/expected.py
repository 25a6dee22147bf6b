"""About how large the interpolation errors of all functions of time on a piece are, in float64: for the design (A4)."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from certflow.numbers.arrays import Floats

#: Poles on either side of the real line that are looked at; the next ones count for little.
_POLES = 4
#: Excesses `c = 1 - lambda` nearer to 0 than this are taken for it: their poles are far away anyhow.
_LEAST_EXCESS = 1e-3


@dataclass(frozen=True)
class Expected:
    """Signed errors at a few times of a piece, for each variance: arrays (n, T) but `times`, (T,).

    a, q : of `a = m/v` and `q = 1/v`
    drift : `e_a - m e_q`
    there : of `m a - r - m^2 q / 2`, with which `mu'^2` enters a logit
    half_log : of `-1/2 log v`
    """

    times: Floats
    a: Floats
    q: Floats
    drift: Floats
    there: Floats
    half_log: Floats


def expected_errors(excesses: Floats, low: float, high: float, degree: int) -> Expected:
    """Errors of interpolation at the Lobatto nodes of `[low, high]`.

    With `u = t - log|c|/2` the functions have simple poles, and `log v` branch points, at `i pi k` for `c > 0`, at
    `i pi (k + 1/2)` for `c < 0`; the interpolant of `1/(u - s)` leaves exactly `W(u)/((u - s) W(s))` (proofs/A4.md),
    and `log(u - s)` is an integral of such functions along a cut, on which `1/W` decays fast.
    """
    excesses = np.where(np.abs(excesses) < _LEAST_EXCESS, np.copysign(_LEAST_EXCESS, excesses), excesses)
    half = (high - low) / 2
    times = low + (high - low) * np.linspace(0.02, 0.98, 5)
    size = half ** (degree + 1) * 2.0 ** (1 - degree)
    shift = np.log(np.abs(excesses))[:, None] / 2
    nodes = (low + high) / 2 + half * np.cos(np.pi * np.arange(degree + 1) / degree)
    order = np.arange(-_POLES, _POLES + 1)
    positive = (excesses > 0)[:, None]
    poles = shift + 1j * math.pi * np.where(positive, order, order + 0.5)  # in t, (n, P)
    apart = poles[:, :, None] - nodes
    terms = size / np.prod(apart, axis=-1)[:, :, None] / (times - poles[:, :, None])
    length = 1 / (-1 / apart).sum(axis=-1)[:, :, None]
    # 1/(2 sinh u) has the residues (-1)^k / 2, 1/(2 cosh u) has -i (-1)^k / 2; coth u / 2 and tanh u / 2 have 1/2
    signs = np.where(positive, 1.0 + 0j, -1j) * (-1.0) ** order
    of_a = (terms * signs[:, :, None]).sum(axis=1).real / 2 / np.sqrt(np.abs(excesses))[:, None]
    of_q = terms.sum(axis=1).real / 2
    half_log = (terms * length).sum(axis=1).real / 2
    m = np.exp(-times)
    column = excesses[:, None]
    there = m * of_a - of_q / (2 * column) - m**2 * of_q / 2
    return Expected(times, of_a, of_q, of_a - m * of_q, there, half_log)
