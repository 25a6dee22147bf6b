"""The pair term of different isotropic variances against mpmath's own maximisation (L7)."""

from __future__ import annotations

from typing import Any

from certflow.claims.agreement import Agreement
from certflow.claims.check import Context, Finding
from certflow.claims.digits import mp
from certflow.claims.evidence.precise import guarded, root
from certflow.claims.evidence.reference import exact_mpf
from certflow.claims.evidence.sampling import log_times
from certflow.law.mixture import GaussianMixture


def closed_peak(context: Context, name: str) -> Finding:
    """L7: for pairs of components, `lambda(t)` against mpmath's own maximisation of the pair term.

    `lambda = 1 - min 1/v + sup_F kappa (Fmax - F) / (2 cosh^2(F/2))`, everything written out.
    """
    digits = context.digits
    agreement = Agreement(digits, digits - 10)
    mixture = context.mixture
    variances = mixture.exact_covariances.fractions
    pairs = [(i, j) for i in range(mixture.n_components) for j in range(i) if variances[i] != variances[j]]
    order = context.rng(name).permutation(len(pairs))[: context.profile.times]
    for (i, j), time in zip((pairs[k] for k in order), log_times(context.process, len(order)), strict=True):
        with mp.workdps(guarded(digits, time)):
            narrow, wide = (i, j) if variances[i] < variances[j] else (j, i)
            t = mp.mpf(float(time))
            process = context.remake(_two_components(mixture, narrow, wide))
            expected = _pair_growth(process.mixture, t, digits)
            agreement.compare(
                [process.growth_rate_bound(t)], [expected], {"components": [i, j], "t": float(time).hex()}
            )
    return agreement.finding(
        "closed form of the pair term in lambda(t)",
        f"{len(order)} pairs of components of this mixture, {digits} digits",
    )


def _two_components(mixture: GaussianMixture, i: int, j: int) -> GaussianMixture:
    weights = mixture.exact_weights.fractions
    total = weights[i] + weights[j]
    keep = [i, j]
    return GaussianMixture(
        [weights[k] / total for k in keep],
        mixture.exact_means.fractions[keep].tolist(),
        mixture.exact_covariances.fractions[keep].tolist(),
    )


def _pair_growth(mixture: GaussianMixture, t: Any, digits: int) -> Any:
    """The narrow component comes first."""
    m2 = mp.exp(-2 * t)
    s = [exact_mpf(q) for q in mixture.exact_covariances.fractions]
    w = [exact_mpf(q) for q in mixture.exact_weights.fractions]
    v = [m2 * variance + 1 - m2 for variance in s]
    difference = mixture.exact_means.fractions[0] - mixture.exact_means.fractions[1]
    square = exact_mpf((difference * difference).sum())
    fmax = mp.log(w[0] / w[1]) + mp.mpf(mixture.dimension) / 2 * mp.log(v[1] / v[0]) + m2 * square / (2 * (v[1] - v[0]))

    def term(f: Any) -> Any:
        return (fmax - f) / (2 * mp.cosh(f / 2) ** 2)

    edge = -max(mp.mpf(0), -fmax)
    best = root(lambda f: mp.diff(term, f), (edge - mp.mpf("1.6"), edge), mp.mpf(10) ** (-2 * digits - 10))
    return 1 - 1 / v[1] + (1 / v[0] - 1 / v[1]) * term(best)
