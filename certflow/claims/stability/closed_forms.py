"""The closed form of the integrated rates against mpmath's quadrature (F2), and its limit (F4)."""

from __future__ import annotations

import numpy as np

from certflow.claims.agreement import Agreement
from certflow.claims.check import Context, Finding
from certflow.claims.digits import mp
from certflow.claims.evidence.common_rates import CommonConstants, break_points, quadrature
from certflow.claims.evidence.precise import GUARD_DIGITS, LOST_DIGITS
from certflow.claims.evidence.reference import exact_mpf
from certflow.law.mixture import GaussianMixture


def closed_integral(context: Context, name: str) -> Finding:
    """F2: the closed forms of `int lambda` and `int L` against mpmath's quadrature of the rates written out."""
    rng = context.rng(name)
    digits = context.digits
    agreement = Agreement(digits, digits - 2 * LOST_DIGITS)
    low, high = np.log(context.process.t_min), np.log(context.process.t_max)
    with mp.workdps(digits + GUARD_DIGITS):
        constants = CommonConstants(context.mixture)
        intervals = [
            (low, high),
            *(sorted(rng.uniform(low, high, 2)) for _ in range(max(1, context.profile.times // 4))),
        ]
        for a, b in intervals:
            s, t = mp.mpf(float(np.exp(a))), mp.mpf(float(np.exp(b)))
            where = {"s": mp.nstr(s, 30), "t": mp.nstr(t, 30)}
            for rate, integrand in (("one-sided", constants.growth_rate), ("two-sided", constants.lipschitz)):
                nodes = break_points(constants.crossing(s, t) if rate == "two-sided" else [s, t])
                expected = quadrature(integrand, nodes)
                agreement.compare([context.process.stability(s, t, rate)], [expected], {**where, "rate": rate})
    scope = f"this mixture, {len(intervals)} intervals of time, both rates, {digits} digits"
    return agreement.finding("closed form of the integrated rate", scope)


def late_amplification(context: Context, name: str) -> Finding:
    """F4: as `delta -> 0` and `T -> infinity` the factor is `sigma exp(D^2/(8 sigma^2))`; this and smaller sigma."""
    digits = context.digits
    agreement = Agreement(digits, digits - 2 * LOST_DIGITS)
    mixture = context.mixture
    with mp.workdps(digits + GUARD_DIGITS):
        for factor in (1, 4, 25):
            variance = mixture.exact_covariances.fractions[()] / factor
            process = context.remake(
                GaussianMixture(mixture.exact_weights.values, mixture.exact_means.values, variance)
            )
            start = mp.mpf(10) ** (-2 * digits) * exact_mpf(variance) ** 2
            found = process.amplification(start, mp.mpf(2 * digits))
            expected = mp.sqrt(exact_mpf(variance)) * mp.exp(
                exact_mpf(mixture.diameter_squared) / (8 * exact_mpf(variance))
            )
            agreement.compare([mp.log(found)], [mp.log(expected)], {"sigma^2": str(variance)})
    scope = f"this mixture and the same with its variance divided by 4 and 25, {digits} digits (of the exponent)"
    return agreement.finding("amplification over the whole process", scope)
