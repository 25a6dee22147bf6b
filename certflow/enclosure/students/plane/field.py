"""The field `q N A z + sum_k gamma_k N mu_k` along polynomials: approximately, and what a polynomial leaves it by,
proved (proofs/students-plane.md, sections 3 and 7).

Polynomials in the cell's variables have coefficients of shape `(terms, ..., n)`, terms as in `Basis` without symbols.
"""

from __future__ import annotations

import numpy as np

from certflow.enclosure.students.plane.law import Field, StraightLaw
from certflow.enclosure.students.plane.spread import ENTRIES
from certflow.enclosure.students.rounding import EXP_ERROR, UNIT, exponential, gamma, up
from certflow.enclosure.students.taylor import Basis
from certflow.numbers.arrays import Floats

#: Degrees of the majorant of the exponential beyond that of the polynomials, before its tail is bounded.
_BEYOND = 4


def logits(law: StraightLaw, now: Field, q: Floats, path: Floats) -> Floats:
    """`q z.N mu_k - q^2 mu_k.N mu_k/2 + log w_k` along `z = path`, shape (terms, q, cells, K); `q` of shape (q, 1)."""
    result: Floats = (path @ np.swapaxes(now.means, 1, 2)) * q[..., None]
    result[0] += law.logarithms - (q * q)[..., None] * now.squares
    return result


def powers_of_e(basis: Basis, exponents: Floats) -> Floats:
    """`e^(L - L_0)` cut at the degree: `n E_n = sum_{k >= 1} k L_k E_(n-k)` over homogeneous parts."""
    result = np.zeros_like(exponents)
    result[0] = 1.0
    product = np.empty_like(exponents[0])
    for k, pairs in _by_product(basis)[1:]:
        for i, j in pairs:
            np.multiply(exponents[i], result[j], out=product)
            product *= basis.degrees[i] / basis.degrees[k]
            result[k] += product
    return result


def mean(basis: Basis, law: StraightLaw, q: Floats, path: Floats) -> Floats:
    """The field along a polynomial, cut at the degree; approximately."""
    now = law.at(q)
    exponents = logits(law, now, q, path)
    exponents[0] -= exponents[0].max(-1, keepdims=True)
    terms = powers_of_e(basis, exponents) * np.exp(exponents[0])
    whole, top = terms.sum(-1)[..., None], terms @ now.means
    found = quotient(basis, top, whole)
    return found if law.spread.none else found + path @ now.drift


def quotient(basis: Basis, top: Floats, below: Floats) -> Floats:
    """`top / below` cut at the degree: `G_n = (T_n - sum_{k >= 1} S_k G_(n-k)) / S_0`; approximately."""
    result = top.copy()
    inverse = 1 / below[0]
    for k, pairs in _by_product(basis):
        for i, j in pairs:
            result[k] -= below[i] * result[j]
        result[k] *= inverse
    return result


def defects(
    basis: Basis, law: StraightLaw, q: Floats, path: Floats, slope: Floats, doubt: Floats, own: int
) -> tuple[Floats, Floats]:
    """At least how far the slope is from the field, along the exact path at an exact `q`, for all `eta` of the cell.

    The float64 logits are within `doubt` (their shape without terms and K) of the exact ones. With `E_k` their
    exponential functions the defect is `F / sum_k E_k`, `F = sum_k E_k (slope - q N A z - N mu_k)`: no quotient of
    polynomials.

    Returns the whole bound, and what the first `own` coefficients of `F` have of it: more sweeps or shorter steps make
    that small, where the rest wants smaller cells.
    """
    p = basis.degree
    now = law.at(q)
    slope, drifted = _without_drift(now, path, slope)
    exponents = logits(law, now, q, path)
    first = exponents[0].argmax(-1)[..., None]
    exponents -= np.take_along_axis(exponents, np.broadcast_to(first, (basis.size, *first.shape)), -1)
    tails, totals = _majorants(basis, exponents)
    heights = exponential(exponents[0])
    terms = powers_of_e(basis, exponents) * heights
    # Each homogeneous part costs a few roundings for every pair of the one before it; e^r - 1 <= 2 r for r <= 1.
    loose = np.where(doubt < 1.0, basis.rounding + 3 * EXP_ERROR + 3 * doubt, np.inf)[..., None]
    errors = up(heights * (tails + totals * loose), 8)
    whole = terms.sum(-1)
    least = (heights * (1 - np.minimum(loose, 1.0)) / totals).sum(-1) * (1 - gamma(len(law.means) + 8))
    remnant = -(terms @ now.means)
    for i, j, k in basis.pairs:
        remnant[k] += slope[i] * whole[j][..., None]
    cut = np.zeros_like(remnant[0])
    steps, sums = basis.graded(slope), basis.graded(whole)[..., None]
    for i in range(1, p + 1):
        for j in range(p + 1 - i, p + 1):
            cut += steps[i] * sums[j]
    reach = steps[1:].sum(0)
    apart = np.abs(slope[0][..., None, :] - now.means[:, None]) + reach[..., None, :]
    cut += (errors[..., None] * apart).sum(-2)
    sizes = (heights * totals).sum(-1)[..., None]
    cut += (basis.rounding + gamma(2 * len(law.means) + 8)) * sizes * (np.abs(slope[0]) + reach + law.sizes)
    low = np.abs(remnant).sum(0)
    both = up((low + cut) / least[..., None] + drifted, 4 * p * p + 2 * basis.size + 32)
    polynomial = np.sqrt(((np.abs(remnant[:own]).sum(0) / least[..., None]) ** 2).sum(-1))
    return up(np.sqrt((both**2).sum(-1)), law.dimension + 4), polynomial


def _without_drift(now: Field, path: Floats, slope: Floats) -> tuple[Floats, Floats | float]:
    """`slope - q N A z`, and at least what its rounding adds up to in each coordinate."""
    if not now.drift.any():
        return slope, 0.0
    sizes = np.abs(path).sum(0) @ np.abs(now.drift)
    rest = slope - path @ now.drift
    return rest, up(2 * ENTRIES * sizes + 4 * UNIT * np.abs(rest).sum(0), 2 * len(path))


def _majorants(basis: Basis, exponents: Floats) -> tuple[Floats, Floats]:
    """At least the coefficients of `e^(g - g_0)` beyond the degree, and all of them, added up.

    `s_k` the sum of the sizes of the coefficients of degree k: `n a_n = sum_k k s_k a_(n-k)`, `a_0 = 1`, majorises.
    With `s = sum k s_k` and `M` the last degree computed, what follows adds up to at most
    `s / (M + 1 - s) (a_(M-p+1) + ... + a_M)`.
    """
    p, last = basis.degree, basis.degree + _BEYOND
    sizes = basis.graded(exponents)
    moments = [k * sizes[k] for k in range(p + 1)]
    parts = [np.ones_like(sizes[0])]
    for n in range(1, last + 1):
        parts.append(sum((moments[k] * parts[n - k] for k in range(1, min(n, p) + 1)), np.zeros_like(sizes[0])) / n)
    whole = sum(moments[1:], np.zeros_like(sizes[0]))
    with np.errstate(all="ignore"):
        rest = whole / (last + 1 - whole) * sum(parts[last - p + 1 :], np.zeros_like(sizes[0]))
    rest = np.where(whole < last, rest, np.inf)
    roundings = 2 * last * (p + 4)
    tail = up(sum(parts[p + 1 :], rest), roundings)
    return tail, up(sum(parts[: p + 1], tail), roundings)


def _by_product(basis: Basis) -> list[tuple[int, list[tuple[int, int]]]]:
    """For each monomial, lowest degree first, the pairs `(i, j)` whose product it is, `i` of degree >= 1."""
    found: list[list[tuple[int, int]]] = [[] for _ in range(basis.size)]
    for i, j, k in basis.pairs:
        if basis.degrees[i]:
            found[k].append((i, j))
    return list(enumerate(found))
