"""`a = m/v` and `r = m^2/(2v)` by one gadget of time, and where its pieces should lie (A4)."""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from flint import arb

from certflow.networks.common.law import CommonLaw
from certflow.networks.gadgets.pieces import Gadget, piecewise
from certflow.networks.gadgets.polynomials import interpolant
from certflow.numbers.arrays import Floats

#: Poles of a function of time on either side of the real line that the design looks at; the next ones count for little.
_POLES = 6
#: Places of a piece at which its errors are looked at.
_PLACES = np.linspace(0, 1, 5)


@dataclass(frozen=True)
class TimeErrors:
    """About how large the interpolation errors on a piece are, at a few of its times (for the design; A4).

    times : (n,)
    a, q : (n,) sizes of the errors of `a = m/v` and `q = 1/v`
    combined : (n,) of `e_a - m e_q`
    logits : (n,) of `e_a m/2 - e_r`
    """

    times: Floats
    a: Floats
    q: Floats
    combined: Floats
    logits: Floats


def expected_errors(excess: float, low: float, high: float, degree: int) -> TimeErrors:
    """Errors of the interpolants of `a` and `q` of one piece `[low, high]`, `c = excess`.

    With `u = t - log|c|/2` all poles are simple and lie at `i pi k` for `0 < c < 1`, at `i pi (k + 1/2)` for `c < 0`:
    the interpolant leaves exactly `W(u) sum_k res_k / ((u - u_k) W(u_k))`, `W` the nodal polynomial (proofs/A4.md). For
    `c = 0` only `a = e^{-t}` and `r = e^{-2t}/2` are interpolated, with `W f^{(n+1)}/(n+1)!`.
    """
    half = (high - low) / 2
    times = low + (high - low) * _PLACES
    decay = np.exp(-times)
    size = np.float64(half) ** (degree + 1) * 2.0 ** (1 - degree)
    if excess == 0:
        factorial = math.exp(-math.lgamma(degree + 2))
        of_a, of_r = size * factorial * decay, size * factorial * 2.0**degree * decay**2
        return TimeErrors(times, of_a, np.zeros_like(times), of_a, of_a * decay / 2 + of_r)
    shift = math.log(abs(excess)) / 2
    nodes = (low + high) / 2 - shift + half * np.cos(np.pi * np.arange(degree + 1) / degree)
    order = np.arange(-_POLES, _POLES + 1)
    poles = 1j * np.pi * (order if excess > 0 else order + 0.5)
    terms = size / ((times[:, None] - shift - poles) * np.prod(poles[:, None] - nodes, axis=1))
    # 1/(2 sinh u) has the residues (-1)^k / 2, 1/(2 cosh u) has -i (-1)^k / 2; coth u / 2 and tanh u / 2 have 1/2
    signs = (-1.0) ** order / 2 * (1 if excess > 0 else -1j)
    residues_a, residues_q = terms @ signs, terms.sum(axis=1) / 2
    of_a, of_q = residues_a.real / math.sqrt(abs(excess)), residues_q.real
    return TimeErrors(
        times, np.abs(of_a), np.abs(of_q), np.abs(of_a - decay * of_q), np.abs(of_a * decay / 2 - of_q / (2 * excess))
    )


def time_functions(law: CommonLaw) -> Any:
    """Of the series of `m = e^{-t}` those of `a = m/v` and `r = m^2/(2v)`, `v = 1 - c m^2`."""
    excess = arb(law.excess)

    def functions(decay: Any) -> list[Any]:
        square = decay * decay
        inverse = 1 / (1 - excess * square)
        return [decay * inverse, square * inverse / 2]

    return functions


def time_gadget(law: CommonLaw, knots: tuple[Any, ...], level: int, bits: int) -> Gadget:
    """The gadget of `a` and `r` on shared knots, degree `2^level` on every piece."""
    functions = time_functions(law)
    polynomials: tuple[list[Any], list[Any]] = ([], [])
    for low, high in pairwise(knots):
        middle, half = arb((low + high) / 2), arb((high - low) / 2)
        for i in range(2):

            def function(c: Any, i: int = i, middle: Any = middle, half: Any = half) -> Any:
                return functions((-(middle + half * c)).exp())[i]

            polynomials[i].append(interpolant(function, 2**level, bits))
    return piecewise(knots, polynomials, side="both", bits=bits)
