"""What lies beyond the cells, in one dimension.

For `X` beyond `x_e = Phi^-1(y_e)` and a student of Lipschitz constant `L`,

    |Psi(X) - Phi(X)| <= |Psi(x_e) - y_e| + L |X - x_e| + |Phi(X) - y_e|,

so that the root of its part of the mean square is at most `a sqrt(P) + L sqrt(E_T) + sqrt(E_delta)`: `P` the mass of
the tail, `E` the second moments about its end of `p_T` and of `p_delta` there, closed forms (proofs/students.md,
section 7).
"""

from __future__ import annotations

import numpy as np

from certflow.enclosure.students.line.flow import LineFlow
from certflow.enclosure.students.line.law import BITS, LineLaw, above
from certflow.enclosure.students.rounding import up
from certflow.numbers.precision import ball_precision

#: Standard deviations at which the cells may end.
CUTS = (8.5, 10.0, 12.0, 15.0, 19.0, 24.0, 30.0)


def tail_square(flow: LineFlow, y: float, x: float, upper: bool, error: float, lipschitz: float) -> float:
    """At least the mean square of `Psi - Phi` over the tail beyond `y`.

    x : no further out than `Phi^-1(y)`;  error : at least `|Psi(Phi^-1(y)) - y|`
    """
    with ball_precision(BITS):
        mass, data = (above(found) for found in flow.data.beyond(y, upper))
        noise = above(flow.noise.beyond(x, upper)[1])
    root = error * np.sqrt(mass) + lipschitz * np.sqrt(noise) + np.sqrt(data)
    return float(up(np.asarray(root * root), 12))


def ends_of(law: LineLaw, cut: float) -> tuple[float, float]:
    """An interval that reaches `cut` standard deviations beyond every component."""
    return float((law.centres - cut * law.widths).min()), float((law.centres + cut * law.widths).max())


def range_of(flow: LineFlow, lipschitz: float, wanted: float) -> tuple[float, float]:
    """The ends at the data end beyond which a student of this Lipschitz constant adds at most `wanted`, roughly."""
    low, high = ends_of(flow.data, CUTS[0])
    for cut in CUTS:
        low, high = ends_of(flow.data, cut)
        size = (high - low) * (1 + lipschitz)
        x = flow.approximate(np.array([low, high]))
        tails = (
            tail_square(flow, y, float(at), upper, size, lipschitz)
            for y, at, upper in zip((low, high), x, (False, True), strict=True)
        )
        if sum(tails) <= wanted:
            break
    return low, high
