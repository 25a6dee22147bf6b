"""The time by Lambert W, put back into a quadrature (G2)."""

from __future__ import annotations

from certflow.claims.agreement import Agreement
from certflow.claims.check import Context, Finding, OutOfReach
from certflow.claims.digits import mp
from certflow.claims.evidence.common_rates import CommonConstants, break_points, quadrature
from certflow.claims.evidence.precise import GUARD_DIGITS, LOST_DIGITS
from certflow.claims.evidence.reference import exact_mpf
from certflow.claims.hypotheses import only
from certflow.claims.model import Outcome
from certflow.law.mixture import GaussianMixture


def grows_at_data_end(mixture: GaussianMixture) -> str | None:
    """G2 is checked on the branch where `lambda > 0` at the data end; it needs a common variance and `D > 0`."""
    other = only("common-isotropic")(mixture)
    if other is not None:
        return other
    if mixture.diameter_squared == 0:
        return "stated for means that differ, D > 0"
    variance = mixture.exact_covariances.fractions[()]
    if not mixture.diameter_squared > 4 * (1 - variance) * variance:
        return OutOfReach("lambda is not positive at the data end, and only the branch where it is positive is checked")
    return None


def lambert_inverse(context: Context, name: str) -> Finding:
    """G2: the time by Lambert W, put back into a quadrature of lambda written out."""
    digits = context.digits
    agreement = Agreement(digits, digits - 2 * LOST_DIGITS)
    with mp.workdps(digits + GUARD_DIGITS):
        constants = CommonConstants(context.mixture)
        s = exact_mpf(context.process.exact_t_min)
        if constants.growth_rate(s) <= 0:
            reason = f"lambda(t_min) <= 0 at t_min = {context.process.t_min:g}; it is checked where lambda is positive"
            return Finding(Outcome.NOT_CHECKED, reason, "this mixture and interval")
        end = constants.still_grows(s, exact_mpf(context.process.exact_t_max))
        total = quadrature(constants.growth_rate, break_points([s, end]))
        reached, last = mp.mpf(0), s
        for k in range(1, context.profile.times):
            target = total * k / context.profile.times
            t = context.process.time_at_stability(target, s)
            reached, last = reached + quadrature(constants.growth_rate, break_points([last, t])), t
            agreement.compare([reached], [target], {"value": mp.nstr(target, 30)})
    scope = f"this mixture, {agreement.count} values of the integral, {digits} digits"
    return agreement.finding("integral of lambda up to the Lambert-W time", scope)
