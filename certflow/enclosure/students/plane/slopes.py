"""`Lip(Psi)` of a student over a box of the noise end, in two dimensions or more (proofs/C3.md).

On a cell the Jacobian is a polynomial matrix with an error: at the centre it is `A +- r` (Frobenius norm), on the whole
cell within `s` of `A`. So `||A||_2 - r <= sup ||D Psi||_2 <= ||A||_2 + s`. Where maps have kinks, the Jacobian is that
almost everywhere, whose essential supremum is the Lipschitz constant all the same.
"""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from certflow.enclosure.students.maps import ExactMap
from certflow.enclosure.students.plane.cells import Boxes
from certflow.enclosure.students.push import push_derivatives
from certflow.enclosure.students.rounding import UNIT, up
from certflow.enclosure.students.taylor import Basis, constant
from certflow.errors import NoEnclosure
from certflow.numbers.arrays import Floats, Matrices

#: Degree of the models, cells of one batch, most cells in all.
DEGREE, BATCH, MOST_CELLS = 3, 1024, 200_000
#: Cells at the start along each axis, and at most in all; cells of one look at the clock.
_START, AT_ONCE = 16, 4096


@dataclass(frozen=True)
class Steepest:
    """`lower <= Lip(Psi) <= upper` over a box; its cells, and at least `||D Psi||_2` on each; cells evaluated."""

    lower: float
    upper: float
    boxes: Boxes
    slopes: Floats
    evaluations: int
    complete: bool


def steepest(maps: Sequence[ExactMap], box: Boxes, rtol: float, seconds: float) -> Steepest:
    """`sup ||D Psi||_2` over the box until `upper - lower <= rtol upper`, or for so many seconds.

    Cells whose bound is at most `(1 + rtol / 2)` times the steepest slope proved so far are settled, others divided,
    those with the largest bounds first.

    Raises
    ------
    NoEnclosure : no finite upper end within the budget.
    """
    until = time.monotonic() + seconds
    boxes, children = _grid(box), 2 ** box.low.shape[1]
    low, slopes = slopes_on(maps, boxes)
    best, evaluations = float(low.max()), len(low)
    while True:
        wide = np.flatnonzero((slopes > best * (1 + rtol / 2)) & boxes.divisible())
        if not len(wide) or evaluations + children > MOST_CELLS or time.monotonic() >= until:
            break
        split = np.zeros(len(slopes), dtype=bool)
        split[wide[np.argsort(-slopes[wide], kind="stable")[: max(AT_ONCE // children, 1)]]] = True
        new = boxes.where(split).children()
        low, high = slopes_on(maps, new)
        best, evaluations = max(best, float(low.max())), evaluations + len(low)
        boxes, slopes = Boxes.joined([boxes.where(~split), new]), np.concatenate([slopes[~split], high])
    upper = float(slopes.max())
    if not upper < math.inf:
        raise NoEnclosure("no finite bound of the student's slope within the budget")
    return Steepest(best, upper, boxes, slopes, evaluations, upper - best <= rtol * upper)


def slopes_on(maps: Sequence[ExactMap], boxes: Boxes) -> tuple[Floats, Floats]:
    """At most `||D Psi||_2` somewhere on each box, and at least what it is everywhere on it."""
    count, d = boxes.low.shape
    basis = Basis(d, DEGREE)
    lows, highs = [], []
    for first in range(0, count, BATCH):
        some = boxes.where(np.arange(first, min(first + BATCH, count)))
        identity = [constant(basis, np.tile(row, (len(some.low), 1))) for row in np.eye(d)]
        _, changes = push_derivatives(basis, basis.boxes(*some), identity, maps)
        coefficients = np.stack([change.coefficients for change in changes], -1)
        remainders = np.stack([change.remainder for change in changes], -1)
        spread = up(np.abs(coefficients[1:]).sum(0) + remainders, basis.terms)
        norm = two_norm_above(coefficients[0])
        highs.append(up(norm + np.sqrt((spread**2).sum((1, 2))), d * d + 8))
        rest = up(np.sqrt((remainders**2).sum((1, 2))), d * d + 8)
        lows.append(np.maximum(two_norm_below(coefficients[0]) - rest, 0.0))
    return np.concatenate(lows), np.concatenate(highs)


def two_norm_above(matrices: Matrices) -> Floats:
    """At least `||A||_2`, from an approximate eigendecomposition of `G = A^T A`:

    with any `V`, `||A V||_2 >= ||A||_2 smin(V)`, `||A V||_2^2 = lambda_max(V^T G V) <= max_i sum_j |(V^T G V)_ij|`, and
    `smin(V)^2 >= 1 - ||V^T V - I||_F`. Nothing rests on how well `V` was computed.
    """
    with np.errstate(all="ignore"):
        d = matrices.shape[-1]
        finite = np.asarray(np.isfinite(matrices).all((-1, -2)))
        used = np.where(finite[:, None, None], matrices, 0.0)
        v = np.swapaxes(np.linalg.svd(used)[2], 1, 2)
        turned = used @ v
        size = (np.abs(used) @ np.abs(v)) * (4 * d * UNIT)
        whole = np.abs(np.swapaxes(turned, 1, 2) @ turned)
        lost = np.swapaxes(np.abs(turned) + size, 1, 2) @ (np.abs(turned) + size) * (4 * d * UNIT)
        cross = np.swapaxes(size, 1, 2) @ (np.abs(turned) + size)
        lost += cross + np.swapaxes(cross, 1, 2)
        largest = up((whole + lost).sum(2).max(1), 8 * d)
        skew = np.sqrt(((np.swapaxes(v, 1, 2) @ v - np.eye(d)) ** 2).sum((1, 2))) + 16 * d * d * UNIT
        return np.where(finite, up(np.sqrt(largest / (1 - skew)), 16), np.inf)


def two_norm_below(matrices: Matrices) -> Floats:
    """At most `||A||_2`: `|A v| / |v|` for a vector near the best one."""
    with np.errstate(all="ignore"):
        finite = np.where(np.asarray(np.isfinite(matrices).all((-1, -2)))[:, None, None], matrices, 0.0)
        vectors = np.linalg.svd(finite)[2][:, 0]
        images = (finite @ vectors[:, :, None])[:, :, 0]
        d = matrices.shape[-1]
        size = np.abs(finite).sum((-1, -2))
        square = (images**2).sum(1)
        square = np.where(square > 2.0**-900, square, 0.0)  # squares near the least numbers have no relative error
        found = np.sqrt(square) * (1 - 16 * d * UNIT) - 8 * d * UNIT * size
        below: Floats = np.maximum(found / (np.sqrt((vectors**2).sum(1)) * (1 + 16 * d * UNIT)), 0.0)
        return below


def _grid(box: Boxes) -> Boxes:
    """The box, cut into cells of equal size."""
    d = box.low.shape[1]
    count = next(n for n in range(_START, 0, -1) if n**d <= AT_ONCE or n == 1)
    edges = [np.linspace(a, b, count + 1) for a, b in zip(box.low[0], box.high[0], strict=True)]
    for e, a, b in zip(edges, box.low[0], box.high[0], strict=True):
        e[0], e[-1] = a, b
    lows = np.stack(np.meshgrid(*(e[:-1] for e in edges), indexing="ij"), -1).reshape(-1, d)
    highs = np.stack(np.meshgrid(*(e[1:] for e in edges), indexing="ij"), -1).reshape(-1, d)
    return Boxes(lows, highs)
