"""`E |e(X)|^2` over boxes from Taylor models of `e` and of the density, on cells that are cut until it is narrow.

On a cell `e = P + rho`, `|rho| <= q` (all symbols and remainders), `p = Q + sigma`, `|sigma| <= r`. By the triangle
inequality in `L^2(p)`

    ( sqrt A - q sqrt M )_+^2  <=  int p |e|^2  <=  ( sqrt A + q sqrt M )^2,    A = int p |P|^2,  M = int p,

and `A`, `M` are integrals of polynomials but for `sigma` (proofs/score-networks.md, section 4).
"""

from __future__ import annotations

import itertools
import math
import time
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from certflow.enclosure.students.rounding import gamma, up
from certflow.enclosure.students.score.balls import summed, summed_below
from certflow.enclosure.students.taylor import Basis, Models
from certflow.numbers.arrays import Floats

#: Cells that are looked at together.
BATCH = 512
#: The share of the gap that is left alone in a round, while the other cells are cut.
_LEFT = 0.25
#: Rounds in a row that may leave the gap as it is (but for a tenth) before rounding is taken to forbid more.
_PATIENCE = 4
#: More cells than this are not made.
MOST_CELLS = 400_000


class Squares(NamedTuple):
    """Ends of `int p |e_i|^2` over cells for several functions `e_i`: shapes (functions, cells)."""

    lower: Floats
    upper: Floats


#: Boxes, `low` and `high` of shape (cells, d), to the ends of the integrals over each.
Looked = Callable[[Floats, Floats], Squares]


@np.errstate(all="ignore")
def squares(basis: Basis, density: Models, functions: list[Models], low: Floats, high: Floats) -> Squares:
    """The ends for models of `e_i`, shape (cells, n), on boxes."""
    volume = np.prod(high - low, axis=1)
    q_poly, r = density.coefficients[: basis.size, :, 0], _rest(basis, density)[:, 0]
    places, double, means = _tables(basis)
    mean_q = (means[0][:, None] * q_poly).sum(0)
    size_q = up(np.abs(q_poly).sum(0), basis.size)
    mass = volume * up(np.maximum(mean_q, 0.0) + r + gamma(64) * size_q)
    lower, upper = [], []
    for models in functions:
        poly = models.coefficients[: basis.size]
        square = np.zeros((double, *poly.shape[1:]))
        for i, j, k in places:
            square[k] += poly[i] * poly[j]
        whole = up(np.abs(poly).sum(0), basis.size)
        size = up((whole * whole).sum(1), whole.shape[1])
        a = (square.sum(2) * (means @ q_poly)).sum(0)
        lost = up(size * (r + gamma(_chain(basis, models)) * size_q), 8)
        high_a, low_a = up(np.maximum(a, 0.0) + lost), np.maximum(a - lost, 0.0) * (1 - 1e-15)
        rest = _rest(basis, models)
        # sqrt is within `u` of the root, relative
        shift = up(np.sqrt(up((rest * rest).sum(1), rest.shape[1])) * np.sqrt(up(mass / volume)), 16)
        top, bottom = up(np.sqrt(high_a), 8) + shift, np.sqrt(low_a) * (1 - 1e-15) - shift
        up_end = volume * up(top * top, 16)
        low_end = volume * (np.maximum(bottom, 0.0) * np.maximum(bottom, 0.0) * (1 - 1e-14))
        upper.append(np.where(np.isnan(up_end), np.inf, up_end))
        lower.append(np.where(np.isfinite(up_end), low_end, 0.0))
    return Squares(np.array(lower), np.array(upper))


def _rest(basis: Basis, models: Models) -> Floats:
    """At least what is not polynomial."""
    c, r = models
    return up(np.abs(c[basis.size :]).sum(0) + r, basis.symbols + 1)


def _chain(basis: Basis, models: Models) -> int:
    """Roundings in a chain of the sum of products."""
    return int(4 * basis.size + _tables(basis)[1] + models.coefficients.shape[2] + 40)


_KEPT: dict[tuple[int, int], tuple[list[tuple[int, int, int]], int, Floats]] = {}


def _tables(basis: Basis) -> tuple[list[tuple[int, int, int]], int, Floats]:
    """Products `(i, j, k)` of monomials in full, how many products there are, and means of `eta^(m_k + m_j)`."""
    key = basis.dimension, basis.degree
    if key not in _KEPT:
        place: dict[tuple[int, ...], int] = {basis.monomials[0]: 0}
        pairs = []
        for (i, one), (j, other) in itertools.product(enumerate(basis.monomials), repeat=2):
            both = tuple(a + b for a, b in zip(one, other, strict=True))
            pairs.append((i, j, place.setdefault(both, len(place))))
        means = np.zeros((len(place), basis.size))
        for both, k in place.items():
            for j, other in enumerate(basis.monomials):
                exponents = [a + b for a, b in zip(both, other, strict=True)]
                if not any(e % 2 for e in exponents):
                    means[k, j] = 1 / math.prod(e + 1 for e in exponents)
        _KEPT[key] = pairs, len(place), means
    return _KEPT[key]


class Covered(NamedTuple):
    """Ends of the integrals over all cells, shape (functions,); cells at the end, cells that were looked at."""

    lower: Floats
    upper: Floats
    cells: int
    looked_at: int
    low: Floats
    high: Floats
    parts: Squares


def covered(
    looked: Looked,
    low: Floats,
    high: Floats,
    enough: Callable[[Floats, Floats], bool],
    seconds: float,
) -> Covered:
    """Cuts cells where the ends are apart, until the sums are narrow enough, or time is up, or cutting does not help.

    low, high : the first cells, shape (cells, d)
    enough : of the sums of lower and upper ends
    """
    end = time.monotonic() + seconds
    parts = _in_batches(looked, low, high)
    looked_at, idle, last = len(low), 0, np.full(len(parts.lower), np.inf)
    while True:
        sums = _sums(parts)
        gaps = _gaps(parts, sums)
        idle = 0 if ((sums[1] - sums[0] < 0.9 * last) | ~np.isfinite(sums[1])).any() else idle + 1
        last = np.fmin(last, sums[1] - sums[0])
        cut = _chosen(gaps, high - low)
        done = enough(*sums) or time.monotonic() > end or idle >= _PATIENCE
        if done or not cut.any() or len(low) + cut.sum() > MOST_CELLS:
            return Covered(*sums, len(low), looked_at, low, high, parts)
        new_low, new_high = _halves(low[cut], high[cut])
        new = _in_batches(looked, new_low, new_high)
        looked_at += len(new_low)
        low, high = np.concatenate([low[~cut], new_low]), np.concatenate([high[~cut], new_high])
        parts = Squares(*(np.concatenate([a[:, ~cut], b], axis=1) for a, b in zip(parts, new, strict=True)))


def _in_batches(looked: Looked, low: Floats, high: Floats) -> Squares:
    found = [looked(low[i : i + BATCH], high[i : i + BATCH]) for i in range(0, len(low), BATCH)]
    return Squares(*(np.concatenate(ends, axis=1) for ends in zip(*found, strict=True)))


def _sums(parts: Squares) -> tuple[Floats, Floats]:
    return (
        np.array([summed_below(row) for row in parts.lower]),
        np.array([summed(row) for row in parts.upper]),
    )


def _gaps(parts: Squares, sums: tuple[Any, Any]) -> Floats:
    """What each cell adds to the relative gaps of all integrals; a choice of what to cut."""
    with np.errstate(all="ignore"):
        total = np.where(np.isfinite(sums[1]) & (sums[1] > 0), sums[1], 1.0)
        return np.asarray(((parts.upper - parts.lower) / total[:, None]).sum(0))


def _chosen(gaps: Floats, sizes: Floats) -> Any:
    """The cells with the largest gaps, all but `_LEFT` of them together; none that is too small to be cut."""
    large = sizes.max(1) > 1e-10
    endless = ~np.isfinite(gaps) & large
    if endless.any():
        return endless
    order = np.argsort(-gaps)
    sums = np.cumsum(gaps[order])
    chosen = np.zeros(len(gaps), dtype=bool)
    chosen[order[: int(np.searchsorted(sums, (1 - _LEFT) * sums[-1])) + 1]] = True
    return chosen & large & (gaps > 0)


def _halves(low: Floats, high: Floats) -> tuple[Floats, Floats]:
    """Each box cut in two across its longest edge."""
    axis = np.argmax(high - low, axis=1)
    rows = np.arange(len(low))
    middle = (low[rows, axis] + high[rows, axis]) / 2
    left_high, right_low = high.copy(), low.copy()
    left_high[rows, axis] = right_low[rows, axis] = middle
    return np.concatenate([low, right_low]), np.concatenate([left_high, high])


def first_boxes(low: Floats, high: Floats, width: Floats) -> tuple[Floats, Floats]:
    """A box in equal boxes of at most about that width; their faces are the same float64 numbers."""
    ends = [np.linspace(a, b, max(2, math.ceil((b - a) / w) + 1)) for a, b, w in zip(low, high, width, strict=True)]
    lows = np.array(list(itertools.product(*(e[:-1] for e in ends))))
    highs = np.array(list(itertools.product(*(e[1:] for e in ends))))
    return lows, highs
