"""Degrees and pieces of a network of common isotropic variance for an error asked for (A6, A7).

The design is made in float64 by the formulas of the bound; what it is worth is proved afterwards, from the weights.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from flint import arb, fmpq

from certflow.networks.common.law import CommonLaw
from certflow.networks.common.times import TimeErrors, expected_errors
from certflow.networks.gadgets.exponential import plan_exponential
from certflow.networks.gadgets.polynomials import dyadic
from certflow.networks.gadgets.reciprocal import ReciprocalPlan, plan_reciprocal
from certflow.networks.plan import MOST_PIECES, Plan, even_knots, first_level
from certflow.numbers.arrays import Floats

#: Shares of the error: time, exponential, its clipping far below, reciprocal. That of time is the one whose bound is
#: sharp.
SHARES = (0.62, 0.20, 0.03, 0.06)
#: Up to this degree the exponential has its whole share of the error, beyond it ever less.
_FREE = 8
#: Times at which the design looks.
_TIMES = 121
_KNOT_BITS = 40


class _Sizes:
    """What the design needs of a law, in float64."""

    def __init__(self, law: CommonLaw):
        self.law = law
        self.excess = float(arb(law.excess))
        self.low, self.high = float(arb(law.t_min)), float(arb(law.t_max))
        self.half_diameter, self.radius = float(law.diameter) / 2, float(law.radius)
        self.spread = float(law.spread)
        self.second_moment = float(arb(law.second_moment))
        self.square_oscillation = float(arb(law.square_oscillation))
        self.logits = math.sqrt(float(law.varentropy)) + float(law.weight_oscillation) / 2
        weights = np.array([float(arb(weight)) for weight in law.weights])
        pairs = list(law.squared_distances)
        self.squared = np.array([float(arb(law.squared_distances[pair])) for pair in pairs])
        self.weights = np.array([math.sqrt(weights[i] * weights[j]) / 2 for i, j in pairs])
        grid = self.low + (self.high - self.low) * (np.arange(_TIMES) / (_TIMES - 1)) ** 3
        self.a = self.factor(grid)
        self.deviation, self.overlap = self.overlaps(grid)

    def variance(self, times: Floats) -> Floats:
        return np.asarray(-np.expm1(-2 * times) + (1 - self.excess) * np.exp(-2 * times))

    def factor(self, times: Floats) -> Floats:
        """`a = m/v`."""
        return np.asarray(np.exp(-times) / self.variance(times))

    def overlaps(self, times: Floats) -> tuple[Floats, Floats]:
        """Above `sqrt(E lambda_max Cov_gamma(mu))` and `E (1 - sum gamma^2)`."""
        apart = np.exp(-times)[:, None] * np.sqrt(self.squared / self.variance(times)[:, None])
        near = self.weights * np.exp(-(apart**2) / 8) * np.minimum(1, math.sqrt(2 * math.pi) / apart)
        variance = (near * self.squared).sum(axis=1)
        return np.minimum(np.sqrt(variance), self.half_diameter), np.minimum(2 * near.sum(axis=1), 1.0)


@np.errstate(all="ignore")  # at times that are late enough, and on pieces that are much too long, little is finite
def design(law: CommonLaw, target: float) -> Plan:
    """The plan of the fewest layers, gadget by gadget, for an error of about `target` in `L^2(p_t)`.

    Raises
    ------
    InputError : no degree up to 64 on at most 16 pieces is enough.
    """
    sizes = _Sizes(law)
    for_time, for_exponential, for_clipping, _ = (share * target for share in SHARES)
    time_level, time_knots = first_level(lambda level: _time_knots(sizes, for_time, level), target)
    if law.components == 1:
        return Plan(time_level, time_knots, None, None)
    # an error that hardly counts, since no components overlap, is no reason for a coarser gadget than the target itself
    relative = for_exponential / max(float((sizes.a * sizes.deviation).max()), target)
    absolute = for_clipping / max(float(sizes.a.max() * sizes.spread), target)
    # of a high degree a smaller error costs few pieces, and this bound is not the sharp one
    exponential = first_level(
        lambda level: plan_exponential(relative * min(1, _FREE / 2**level), absolute, level, MOST_PIECES), target
    )
    reciprocal = first_level(lambda level: _reciprocal(sizes, target, relative, absolute, level), target)
    return Plan(time_level, time_knots, exponential, reciprocal)


def _reciprocal(sizes: _Sizes, target: float, relative: float, absolute: float, level: int) -> ReciprocalPlan | None:
    """Its error counts where components overlap only: near `S = 1` the interpolant is exact, and its slope is known."""
    count = sizes.law.components
    below = max(2, math.floor(-math.log2(4 * count * absolute)))
    start, top = 1 - fmpq(1, 2**below), count * (1 + 2 * relative + 2 * absolute)
    share, weight = SHARES[-1] * target, max(float(sizes.a.max()) * sizes.radius, target)
    plan = None
    for _ in range(3):
        plan = plan_reciprocal(share / weight, start, top, level, MOST_PIECES)
        if plan is None:
            return None
        ratio = top ** (1 / (len(plan.knots) - 1))
        slope = max(1.0, 4 * 2**level / (ratio - 1))
        weight = float((sizes.a * sizes.radius * np.sqrt(np.minimum(1, 2 * slope * sizes.overlap))).max())
        weight = max(weight, target)
    return plan


def _time_knots(sizes: _Sizes, share: float, level: int) -> tuple[int, tuple[Any, ...]] | None:
    """The fewest pieces from the data end to the noise end, spread so that none is much better than the others."""
    found = even_knots(lambda error, most: _greedy(sizes, error, level, most), share)
    if found is None:
        return None
    inner = [dyadic(arb(knot), _KNOT_BITS) for knot in found[1:-1]]
    return level, (sizes.law.t_min, *inner, sizes.law.t_max)


def _greedy(sizes: _Sizes, share: float, level: int, most: int) -> list[float] | None:
    """Knots from the data end, each piece as long as `share` lets it be; None beyond `most` pieces."""
    knots = [sizes.low]
    while knots[-1] < sizes.high:
        if len(knots) > most:
            return None
        start = knots[-1]
        low, high = start, sizes.high
        if _needs(sizes, start, high, level) <= share:
            low = high
        else:
            for _ in range(14):
                middle = (low + high) / 2
                if _needs(sizes, start, middle, level) > share:
                    high = middle
                else:
                    low = middle
        knots.append(low)
    return knots


def _needs(sizes: _Sizes, low: float, high: float, level: int) -> float:
    """About the error in `L^2(p_t)` that interpolation of `a` and `r` on one piece makes, at the worst of its times."""
    errors: TimeErrors = expected_errors(sizes.excess, low, high, 2**level)
    variance, a = sizes.variance(errors.times), sizes.factor(errors.times)
    relative = errors.a / a
    if not relative.max() < 0.1:  # far from small, or not a number: no use of what follows
        return math.inf
    linear = np.sqrt(errors.combined**2 * sizes.second_moment + errors.q**2 * sizes.law.dimension * variance)
    if sizes.law.components == 1:
        return float(linear.max())
    deviation, _ = sizes.overlaps(errors.times)
    logits = (relative * sizes.logits + errors.logits * sizes.square_oscillation / 2) / (1 - relative)
    return float((linear + a * deviation * logits).max())
