"""A mixture of common variance in straight coordinates, as float64 numbers (proofs/students-plane.md, section 1)."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np

from certflow.enclosure.expressions import ball
from certflow.enclosure.integrals import common_law
from certflow.enclosure.results import ball_ends
from certflow.enclosure.students.rounding import UNIT
from certflow.errors import InputError
from certflow.numbers.arrays import Floats, Points
from certflow.numbers.exact import exact_number
from certflow.numbers.precision import ball_precision
from certflow.process import OrnsteinUhlenbeck

_BITS = 200
#: Dimensions of which the cells are not too many.
MOST_DIMENSIONS = 2
#: Parameters beyond these sizes leave the derived margins of float64.
_LARGEST = 1e6


@dataclass(frozen=True)
class StraightLaw:
    """`z = x / sqrt(v)`, `q = m / sqrt(v)`: `dz/dq = sum_k gamma_k mu_k`, `gamma_k` the weights of Bayes at `q`, of

        `w_k exp(q z.mu_k - q^2 |mu_k|^2 / 2)`.

    Every number is the exact one within a relative `2^-53` (the nearest), but for those called bounds.

    weights : `(K,)`, their sum is one;  means : `(K, d)`;  squares : `|mu_k|^2 / 2`;  logarithms : `log w_k`
    sizes : upper bounds of `|mu_{k i}|` over k, `(d,)`;  largest : one of `|mu_k|`
    differences : `mu_k - mu_l`, `(K, K, d)`;  spreads : upper bounds of `max_l |mu_k - mu_l|`, `(K,)`
    q_data, q_noise : `q` at the data and at the noise end;  scale_data, scale_noise : `sqrt(v)` there
    second_moment : `E |X_t|^2` at the data end, lower and upper end
    start, end : the times
    """

    weights: Floats
    means: Points
    squares: Floats
    logarithms: Floats
    sizes: Floats
    largest: float
    differences: Floats
    spreads: Floats
    q_data: float
    q_noise: float
    scale_data: float
    scale_noise: float
    second_moment: tuple[Fraction, Fraction]
    start: Fraction
    end: Fraction

    @property
    def dimension(self) -> int:
        return int(self.means.shape[1])

    @property
    def diameter(self) -> float:
        """An upper bound of the largest distance of two means."""
        return float(self.spreads.max())


def straight_law(process: OrnsteinUhlenbeck, start: Any = None, end: Any = None) -> StraightLaw:
    """The law of a process between the noise end `start` and the data end `end`, or its own ends.

    Raises
    ------
    InputError : another kind of covariance than common-isotropic, symbols, more than two dimensions, numbers too
        large, times in the wrong order.
    """
    law = common_law(process, "for the flow on cells of the plane")
    if law.dimension > MOST_DIMENSIONS:
        raise InputError("mixture", f"{law.dimension} dimensions", f"at most {MOST_DIMENSIONS}, for cells of space")
    late = process.exact_t_max if start is None else exact_number(start, "start")
    early = process.exact_t_min if end is None else exact_number(end, "end")
    if not late > early > 0:
        raise InputError("start", start, f"a time after end = {float(early)} > 0")
    variance: Any = law.exact_covariances.fractions[()]
    means, weights = law.exact_means.fractions, law.exact_weights.fractions / Fraction(law.weight_total)
    if max(abs(mean) for mean in means.flat) > _LARGEST or variance > _LARGEST**2:
        raise InputError("mixture", law.name, f"means and sigma of at most {_LARGEST:.0e}")
    squares = [sum((x * x for x in mean), Fraction(0)) for mean in means]
    with ball_precision(_BITS):
        clocks = []
        for time in (early, late):
            decay = (-ball(time)).exp()
            spread = ball(variance) * decay * decay - (-2 * ball(time)).expm1()
            clocks.append((decay, spread, spread.sqrt()))
        moment = clocks[0][0] ** 2 * ball(sum((w * s for w, s in zip(weights, squares, strict=True)), Fraction(0)))
        middle, radius = ball_ends(moment + law.dimension * clocks[0][1])
        nearest = [float(x.mid()) for decay, _, root in clocks for x in (decay / root, root)]
        logarithms = np.array([float(ball(weight).log().mid()) for weight in weights])
    floats = np.array(means, dtype=float)
    differences = np.array(means[:, None] - means[None], dtype=float)
    apart = np.sqrt((differences**2).sum(2)) * (1 + 16 * UNIT)
    return StraightLaw(
        np.array(weights, dtype=float),
        floats,
        np.array([float(s / 2) for s in squares]),
        logarithms,
        np.abs(floats).max(0) * (1 + 2 * UNIT),
        float(np.sqrt(max(float(s) for s in squares)) * (1 + 8 * UNIT)),
        differences,
        apart.max(1),
        nearest[0],
        nearest[2],
        nearest[1],
        nearest[3],
        (middle - radius, middle + radius),
        late,
        early,
    )
