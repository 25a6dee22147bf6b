"""Does a point lie in the convex hull of others? Exactly, by the simplex method in rational arithmetic (L8)."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from certflow.numbers.arrays import Objects


@dataclass(frozen=True)
class HullPosition:
    """Either `weights` with `sum_l beta_l p_l = q`, or a `direction` with `y.q > max_l y.p_l`; the other is None."""

    weights: tuple[Fraction, ...] | None
    direction: Objects | None


def hull_position(points: Objects, target: Objects) -> HullPosition:
    """Convex weights of rational `points` (n, r) that give `target` (r,), or a direction that separates it.

    Phase one of the simplex method for `sum beta_l (p_l, 1) = (q, 1)`, `beta >= 0`, with Bland's rule, so it ends;
    the multipliers at its optimum are the direction where there are no weights (Farkas).
    """
    for index, point in enumerate(points):
        if (point == target).all():
            return HullPosition(tuple(Fraction(int(k == index)) for k in range(len(points))), None)
    return _simplex(points, target)


def _simplex(points: Objects, target: Objects) -> HullPosition:
    count, size = len(points), len(target) + 1
    one = np.array([Fraction(1)] * count, dtype=object)
    matrix = np.concatenate([points.T, one[None]])
    right = np.concatenate([target, [Fraction(1)]])
    signs = np.array([Fraction(-1 if value < 0 else 1) for value in right], dtype=object)
    unit = np.array([[Fraction(int(i == j)) for j in range(size)] for i in range(size)], dtype=object)
    table = np.concatenate([matrix * signs[:, None], unit, (right * signs)[:, None]], axis=1)
    # Reduced costs of "the sum of the artificial variables", which start as the basis.
    costs = -table.sum(axis=0)
    costs[count : count + size] = Fraction(0)
    basis = list(range(count, count + size))
    while (entering := next((c for c in range(count) if costs[c] < 0), None)) is not None:
        column = table[:, entering]
        ratios = [(table[r, -1] / column[r], basis[r], r) for r in range(size) if column[r] > 0]
        row = min(ratios)[2]  # the sum is bounded below, so there is one
        table[row] = table[row] / column[row]
        for r in range(size):
            if r != row and table[r, entering] != 0:
                table[r] = table[r] - table[row] * table[r, entering]
        costs = costs - table[row] * costs[entering]
        basis[row] = entering
    if costs[-1] == 0:
        values = dict(zip(basis, table[:, -1], strict=True))
        return HullPosition(tuple(values.get(index, Fraction(0)) for index in range(count)), None)
    multipliers = (1 - costs[count : count + size]) * signs
    return HullPosition(None, multipliers[:-1])
