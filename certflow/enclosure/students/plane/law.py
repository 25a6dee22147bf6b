"""A mixture of common or shared covariance in straight coordinates, as float64 numbers (proofs/students-plane.md,
sections 1 and 7)."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import Any, NamedTuple

import numpy as np

from certflow.enclosure.expressions import ball
from certflow.enclosure.results import ball_ends
from certflow.enclosure.students.plane.spread import Spread, spread_of
from certflow.enclosure.students.rounding import UNIT
from certflow.errors import InputError
from certflow.law.mixture import GaussianMixture
from certflow.numbers.arrays import Floats, Matrices, Points
from certflow.numbers.exact import exact_number
from certflow.numbers.precision import ball_precision
from certflow.process import OrnsteinUhlenbeck

_BITS = 200
#: Dimensions of which the cells are not too many.
MOST_DIMENSIONS = 2
#: Parameters beyond these sizes leave the derived margins of float64.
_LARGEST = 1e6


class Field(NamedTuple):
    """The field `q N A z + sum_k gamma_k N mu_k` at some `q`, each number within `ENTRIES` of what its terms add up to.

    means : `N mu_k`, shape (q, K, d);  squares : `mu_k.N mu_k / 2`, shape (q, 1, K);  drift : `q N A`, shape (q, d, d)
    """

    means: Floats
    squares: Floats
    drift: Matrices


@dataclass(frozen=True)
class StraightLaw:
    """`z = x / sqrt(v)`, `q = m / sqrt(v)`, `v = l m^2 + 1 - m^2` with `Sigma = l I + A`:

        dz/dq = N (q A z + sum_k gamma_k mu_k),    N = (I + q^2 A)^-1,

    `gamma_k` the weights of Bayes at `q`, of `w_k exp(q z.N mu_k - q^2 mu_k.N mu_k / 2)`. For a common isotropic
    variance `A = 0`, `N = I`. Every number is the exact one within a relative `2^-53` (the nearest), but for those
    called bounds.

    weights : `(K,)`, their sum is one;  means : `(K, d)`;  squares : `|mu_k|^2 / 2`;  logarithms : `log w_k`
    sizes : upper bounds of what the terms of `(N mu_k)_i` add up to, for all k and q, `(d,)`
    height : one of what the terms of `mu_k.N mu_k / 2` do;  largest : one of `|mu_k|`
    differences : `mu_k - mu_l`, `(K, K, d)`;  spreads : upper bounds of `max_l |mu_k - mu_l|`, `(K,)`
    q_data, q_noise : `q` at the data and at the noise end;  scale_data, scale_noise : `sqrt(v)` there
    second_moment : `E |X_t|^2` at the data end, lower and upper end
    spread : `A`
    start, end : the times
    """

    weights: Floats
    means: Points
    squares: Floats
    logarithms: Floats
    sizes: Floats
    height: float
    largest: float
    differences: Floats
    spreads: Floats
    q_data: float
    q_noise: float
    scale_data: float
    scale_noise: float
    second_moment: tuple[Fraction, Fraction]
    spread: Spread
    start: Fraction
    end: Fraction

    @property
    def dimension(self) -> int:
        return int(self.means.shape[1])

    @property
    def diameter(self) -> float:
        """An upper bound of the largest distance of two means."""
        return float(self.spreads.max())

    def at(self, q: Floats) -> Field:
        """The field at some `q`, shape (q, 1)."""
        if self.spread.none:
            return Field(self.means[None], self.squares[None, None], self.spread.drift(q[:, 0]))
        means = self.means @ self.spread.inverse(q[:, 0])
        return Field(means, ((means * self.means).sum(-1) / 2)[:, None], self.spread.drift(q[:, 0]))

    def speed(self, sizes: Floats) -> Floats:
        """At least the size of the field, anywhere and for all q, where `|z|` is at most this."""
        found: Floats = self.largest + self.spread.pull * sizes
        return found


def straight_law(process: OrnsteinUhlenbeck, start: Any = None, end: Any = None) -> StraightLaw:
    """The law of a process between the noise end `start` and the data end `end`, or its own ends.

    Raises
    ------
    InputError : covariances that differ, symbols, more than two dimensions, numbers too large, times in the wrong
        order.
    """
    law = _shared_law(process)
    if law.dimension > MOST_DIMENSIONS:
        raise InputError("mixture", f"{law.dimension} dimensions", f"at most {MOST_DIMENSIONS}, for cells of space")
    late = process.exact_t_max if start is None else exact_number(start, "start")
    early = process.exact_t_min if end is None else exact_number(end, "end")
    if not late > early > 0:
        raise InputError("start", start, f"a time after end = {float(early)} > 0")
    covariance: Any = law.exact_covariances.fractions
    variance, spread = spread_of(covariance[()] if law.kind == "common-isotropic" else covariance, law.dimension)
    means, weights = law.exact_means.fractions, law.exact_weights.fractions / Fraction(law.weight_total)
    if max(abs(mean) for mean in means.flat) > _LARGEST or variance + spread.trace > _LARGEST**2:
        raise InputError("mixture", law.name, f"means and sigma of at most {_LARGEST:.0e}")
    squares = [sum((x * x for x in mean), Fraction(0)) for mean in means]
    with ball_precision(_BITS):
        clocks = []
        for time in (early, late):
            decay = (-ball(time)).exp()
            common = ball(variance) * decay * decay - (-2 * ball(time)).expm1()
            clocks.append((decay, common, common.sqrt()))
        moment = clocks[0][0] ** 2 * ball(sum((w * s for w, s in zip(weights, squares, strict=True)), Fraction(0)))
        moment += law.dimension * clocks[0][1] + clocks[0][0] ** 2 * ball(spread.trace)
        middle, radius = ball_ends(moment)
        nearest = [float(x.mid()) for decay, _, root in clocks for x in (decay / root, root)]
        logarithms = np.array([float(ball(weight).log().mid()) for weight in weights])
    floats = np.array(means, dtype=float)
    differences = np.array(means[:, None] - means[None], dtype=float)
    apart = np.sqrt((differences**2).sum(2)) * (1 + 16 * UNIT)
    sizes, height = np.abs(floats).max(0) * (1 + 2 * UNIT), max(float(s / 2) for s in squares) * (1 + 2 * UNIT)
    if not spread.none:  # no entry of N is beyond 1
        sizes, height = np.full(law.dimension, sizes.sum() * (1 + 8 * UNIT)), law.dimension * height * (1 + 8 * UNIT)
    return StraightLaw(
        np.array(weights, dtype=float),
        floats,
        np.array([float(s / 2) for s in squares]),
        logarithms,
        sizes,
        height,
        float(np.sqrt(max(float(s) for s in squares)) * (1 + 8 * UNIT)),
        differences,
        apart.max(1),
        nearest[0],
        nearest[2],
        nearest[1],
        nearest[3],
        (middle - radius, middle + radius),
        spread,
        late,
        early,
    )


def _shared_law(process: OrnsteinUhlenbeck) -> GaussianMixture:
    """The mixture of a process, if all components have one covariance and its parameters are numbers."""
    if not isinstance(process, OrnsteinUhlenbeck):
        raise InputError("process", process, "a certflow.OrnsteinUhlenbeck")
    law = process.mixture
    if law.kind not in ("common-isotropic", "shared"):
        required = "common-isotropic or shared covariance, for the flow on cells of the plane"
        raise InputError("mixture", f"{law.kind} covariances", required)
    if law.is_symbolic:
        raise InputError("mixture", "symbolic parameters", "numbers, for an enclosure")
    return law
