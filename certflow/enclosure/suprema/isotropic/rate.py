"""Sharp rates of kind "isotropic" (different variances) at one time, enclosed over all x (proofs/L5.md, L7)."""

from __future__ import annotations

import time as clock
from collections.abc import Sequence
from fractions import Fraction
from typing import Any

import numpy as np

from certflow.bounds.rates import growth_rate_bound, lipschitz_bound
from certflow.enclosure.expressions import ball
from certflow.enclosure.results import ExactDecimal, ball_ends, rounded_down, rounded_up
from certflow.enclosure.suprema.common import common_rate
from certflow.enclosure.suprema.cover import Budget, Exhausted
from certflow.enclosure.suprema.isotropic.far import Limit, Widest, far_field
from certflow.enclosure.suprema.isotropic.law import IsotropicLaw, Pairs, law_bits
from certflow.enclosure.suprema.isotropic.search import LargerValue, Peak, ascend, cover, propose
from certflow.enclosure.suprema.rate import DIGITS, SharpRate
from certflow.enclosure.suprema.witness import Witness, variance_along
from certflow.errors import CertflowError
from certflow.law.mixture import GaussianMixture
from certflow.numbers.precision import ball_precision

#: Coordinates and components up to which a covering is tried; beyond, the bound of L7 is the answer.
MAX_COORDINATES, MAX_COMPONENTS = 4, 64
MAX_CELLS = 3_000_000
#: Below this relative gap the margins of float64 leave no room.
SMALLEST_GAP = 2e-11
#: Relative gaps tried, one after the other, when the one asked for is out of reach.
_LADDER = (1.0, 0.3, 0.1, 0.03, 0.01, 3e-3, 1e-3, 3e-4, 1e-4, 1e-5, 1e-6, 1e-7, 1e-8)
#: How often a better point may be found on the way before the search counts as failed.
_RESTARTS = 30

Place = Peak | Limit


def isotropic_rate(mixture: GaussianMixture, time: Fraction, rate: str, gap: float, seconds: float) -> SharpRate:
    """`lambda*(t) = sup_x lambda_max(-J(x,t))`, or with rate "two-sided" `L*(t) = sup_x ||J(x,t)||_2`, enclosed.

    `-J = -sum_k gamma_k q_k I + Cov_gamma(u)`, `q_k = 1/v_k - 1`, `u_k = m mu_k/v_k - q_k x`, for covariances
    `Sigma_k = s2_k I`, `v_k = s2_k m^2 + 1 - m^2` (L7); the supremum is over all of `R^d`. The upper bound is a
    threshold that a covering of a cube and a lemma about its outside prove (proofs/sharp-isotropic.md), in float64
    with derived margins; the lower one is a Rayleigh quotient in balls at an exact point, or in a limit at infinity.

    Parameters
    ----------
    mixture : of kind "isotropic"; time : exact, > 0; rate : "one-sided" or "two-sided"
    gap : relative gap `(upper - lower)/|upper|` to reach; seconds : time after which a wider enclosure is accepted

    Out of budget, or with more than `MAX_COORDINATES` coordinates (the dimension of the means' hull plus one, at most
    `d`), the result has `complete` False: a wider threshold that is proved, at worst the closed form of L7 (in
    dimensions beyond, with the lower bound of a local search). `spread` is None and `blocks` empty: there is no `V*`.
    `members` are the components that keep mass at the witness, `direction` the vector of the Rayleigh quotient.
    """
    with ball_precision(law_bits(time)):
        law = IsotropicLaw.of(mixture, time)
        if len(set(law.variances)) == 1:
            common = GaussianMixture(list(law.weights), [list(mean) for mean in law.means], law.variances[0])
            return common_rate(common, time, rate, gap, seconds)
        place, upper = _enclose(law, mixture, rate, gap, seconds)
        lower, witness, direction = _lower(law, place)
        low, high = rounded_down(lower, DIGITS), rounded_up(upper, DIGITS)
        members = witness.components
        complete = high - low <= Fraction(gap) * abs(high)
        return SharpRate(low, high, witness, complete, rate, time, members=members, direction=direction)


def _enclose(
    law: IsotropicLaw, mixture: GaussianMixture, rate: str, gap: float, seconds: float
) -> tuple[Place, Fraction]:
    """The best place found and an upper bound that is proved."""
    start = clock.perf_counter()
    sides = (1,) if rate == "one-sided" else (1, -1)
    known = closed_form(mixture, law.time, rate)
    pairs, widest = Pairs.of(law), Widest(law)
    places: list[Place] = [propose(law, pairs, side) for side in sides]
    places += [limit for side in sides for limit in widest.limits(side)]
    best = max(places, key=lambda place: place.value)
    if law.coordinates > MAX_COORDINATES or law.size > MAX_COMPONENTS:
        return best, known
    floor = 1e-9 * float(np.abs(law.quad).max())
    wanted, upper = max(0.9 * gap, SMALLEST_GAP), known
    # The gap asked for in half of the time; if that fails, from a coarse gap downwards in the other half.
    for step, end in ((wanted, start + seconds / 2), *((step, start + seconds) for step in _LADDER if step > wanted)):
        margin = step * max(abs(best.value), floor)
        if best.value + margin >= upper:
            if step == wanted:
                break
            continue
        try:
            best, upper = _prove_near(law, pairs, widest, best, margin, sides, Budget(MAX_CELLS, end))
            if step == wanted:
                break
        except _Unproved as failure:
            best = failure.best
            if step != wanted:
                break
    return best, upper


class _Unproved(CertflowError):
    """The budget ran out; `best` is the best place found on the way."""

    def __init__(self, best: Place):
        super().__init__("out of budget")
        self.best = best


def _prove_near(
    law: IsotropicLaw, pairs: Pairs, widest: Widest, best: Place, gap: float, sides: Sequence[int], budget: Budget
) -> tuple[Place, Fraction]:
    for _ in range(_RESTARTS):  # a better point found on the way replaces the best one
        threshold = best.value + gap
        try:
            for side in sides:
                prove_level(law, pairs, widest, threshold, side, gap / 4, budget)
            return best, Fraction(threshold)
        except LargerValue as found:
            best = max(best, ascend(law, found.point, side), key=lambda place: place.value)
        except Exhausted:
            break
    raise _Unproved(best)


def prove_level(
    law: IsotropicLaw, pairs: Pairs, widest: Widest, value: float, side: int, room: float, budget: Budget
) -> int:
    """Prove `side (-J(x)) <= value I` for all `x`, or raise `Exhausted` or `LargerValue`; returns the number of cells.

    room : what `W` alone leaves at infinity at least, for the other components to take
    """
    if side < 0 and all(q <= ball(Fraction(value)) for q in law.balls.quad):
        return 0  # J = sum gamma q I - Cov <= max q I
    far = far_field(law, widest, value, side, room, budget)
    return cover(law, pairs, far.level, far.radius, budget).leaves


def closed_form(mixture: GaussianMixture, time: Fraction, rate: str) -> Fraction:
    """The bound of proofs/L7.md at the precision in force, rounded up."""
    formula = growth_rate_bound if rate == "one-sided" else lipschitz_bound
    middle, radius = ball_ends(formula(mixture, np.array([ball(time)], dtype=object))[0])
    return middle + radius


def _lower(law: IsotropicLaw, place: Place) -> tuple[Fraction, Witness, tuple[Fraction, ...]]:
    """A lower bound evaluated in balls, where it is reached, and the vector of the Rayleigh quotient."""
    if isinstance(place, Limit):
        point, components, normal = place.point, place.components, place.direction
    else:
        point = tuple(_decimal(entry) for entry in law.ambient(place.point))
        components, normal = tuple(range(law.size)), None
    balls = law.balls
    x = [ball(value) - balls.m * ball(c) for value, c in zip(point, law.average, strict=True)]
    square = sum((a * a for a in x), ball(Fraction(0)))
    logits, fields = [], []
    for k in components:
        tilt = balls.tilt(law, k)
        fields.append([a - balls.quad[k] * b for a, b in zip(tilt, x, strict=True)])
        deviations = [b - balls.m * ball(a) for a, b in zip(law.shifted[k], x, strict=True)]
        logits.append(
            balls.scale[k] + square / 2 - balls.precision[k] * sum((a * a for a in deviations), 0 * square) / 2
        )
    largest = max(logits, key=lambda logit: float(logit.mid()))
    powers = [(logit - largest).exp() for logit in logits]
    total = sum(powers[1:], powers[0])
    weights = [power / total for power in powers]
    direction = _direction(weights, fields, place.side)
    spread = variance_along(fields, weights, [ball(entry) for entry in direction])
    quad = sum((w * balls.quad[k] for w, k in zip(weights, components, strict=True)), 0 * square)
    middle, radius = ball_ends(place.side * (spread - quad))
    return middle - radius, Witness(point, normal, law.members(components)), direction


def _direction(weights: Sequence[Any], fields: Sequence[Sequence[Any]], side: int) -> tuple[Fraction, ...]:
    """The eigenvector of `Cov` that `side (-J)` is largest along, as exact rationals near the float64 one."""
    gamma = np.array([float(w.mid()) for w in weights])
    vectors = np.array([[float(a.mid()) for a in row] for row in fields])
    deviation = vectors - gamma @ vectors
    _, axes = np.linalg.eigh((gamma[:, None] * deviation).T @ deviation)
    return tuple(Fraction(round(float(entry) * 2**40), 2**40) for entry in axes[:, -1 if side > 0 else 0])


def _decimal(value: float) -> Fraction:
    return ExactDecimal(round(Fraction(value) * 10**20), 10**20)


__all__ = ["closed_form", "isotropic_rate", "prove_level"]
