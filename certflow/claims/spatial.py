"""Checks of the spatial bounds L2, L3, L4, L6, L7, L8."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from certflow.claims.check import Agreement, Context, Finding
from certflow.claims.digits import mp
from certflow.claims.model import Outcome
from certflow.claims.precise import GUARD_DIGITS
from certflow.claims.reference import exact_mpf
from certflow.claims.sampling import log_times, spread_points, witness
from certflow.errors import NoGlobalBound
from certflow.exposed import exposed_diameter
from certflow.mixture import GaussianMixture

#: Eigenvalues of J that a side of a bound speaks of: name -> (value from eigenvalues, bound from process and t).
Side = Callable[[Context, np.ndarray, np.ndarray], tuple[np.ndarray, np.ndarray]]


def two_sided(context: Context, eigenvalues: np.ndarray, t: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """`||J||_2` against `L(t)`."""
    return np.abs(eigenvalues).max(axis=1), context.process.lipschitz_bound(t)


def one_sided(context: Context, eigenvalues: np.ndarray, t: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """`lambda_max(-J)` against `lambda(t)`."""
    return -eigenvalues[:, 0], context.process.growth_rate_bound(t)


def ordered_rates(context: Context, eigenvalues: np.ndarray, t: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """`lambda(t)` against `L(t)`."""
    return context.process.growth_rate_bound(t), context.process.lipschitz_bound(t)


def contraction(context: Context, eigenvalues: np.ndarray, t: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """`lambda_max(J)` against `1/v - 1`, the other side of L3 (common variance)."""
    c = 1 - float(context.mixture.covariances)
    m2 = np.exp(-2 * t)
    return eigenvalues[:, -1], c * m2 / (1 - c * m2)


def bounded_by(side: Side, what: str, hint: str) -> Callable[[Context, str], Finding]:
    """A check that no sampled point exceeds a bound; an excess is confirmed at 50 digits before it is reported."""

    def procedure(context: Context, name: str) -> Finding:
        x, t = spread_points(context.process, context.profile.sampled_points, context.rng(name))
        scope = (
            f"this mixture, {len(x)} points (half near ties of components, a sixth up to 1000 times wider), "
            f"t in [{context.process.t_min:g}, {context.process.t_max:g}]"
        )
        try:
            values, bounds = side(context, np.linalg.eigvalsh(context.process.jacobian(x, t)), t)
        except NoGlobalBound as error:
            return Finding(Outcome.INCONCLUSIVE, str(error), scope)
        if not (np.isfinite(values).all() and np.isfinite(bounds).all()):
            return Finding(Outcome.INCONCLUSIVE, f"{what}: not a finite number", scope)
        excess = (values - bounds) / np.maximum(np.abs(bounds), 1e-300)
        worst = int(np.argmax(excess))
        tightest = float(np.max(values / bounds)) if (bounds > 0).all() else float("nan")
        numbers = {
            "points": len(x),
            "largest_share_of_bound": tightest,
            "worst_relative_excess": float(excess[worst]),
        }
        if excess[worst] > 0:
            confirmed = _excess_at_precision(context, side, x[worst], t[worst])
            numbers["worst_relative_excess"] = mp.nstr(confirmed, 5)
            if confirmed > mp.mpf(10) ** -25:
                found = {
                    **witness(x[worst], t[worst]),
                    "value": float(values[worst]),
                    "bound": float(bounds[worst]),
                }
                return Finding(
                    Outcome.VIOLATED,
                    f"{what}: exceeded by {float(confirmed):.3g} relative",
                    scope,
                    numbers,
                    found,
                )
        return Finding(
            Outcome.HOLDS,
            f"{what}: never exceeded; {hint} {100 * tightest:.4g} % of the bound",
            scope,
            numbers,
        )

    return procedure


def _excess_at_precision(context: Context, side: Side, x: np.ndarray, t: float) -> Any:
    with mp.workdps(50):
        point = np.array([mp.mpf(float(c)) for c in x], dtype=object)
        time = mp.mpf(float(t))
        matrix = context.process.jacobian(point, time)
        values = mp.eigsy(mp.matrix(matrix.tolist()), eigvals_only=True)
        ordered = np.array([sorted(values)], dtype=object)
        if side is contraction:
            c = 1 - exact_mpf(context.mixture.exact_covariances.fractions[()])
            m2 = mp.exp(-2 * time)
            value, bound = ordered[0, -1], c * m2 / (1 - c * m2)
        else:
            pair = side(context, ordered, np.array([time], dtype=object))
            value, bound = pair[0][0], pair[1][0]
        return (value - bound) / abs(bound) if bound else value


def attained(context: Context, name: str) -> Finding:
    """L4: at balanced responsibilities on an exposed edge of length `D`, `lambda_max(-J) -> lambda(t)`.

    For two components the midpoint of the noised means attains it; else far out along the edge's normal, where
    all other components have vanished to the digits in force.
    """
    mixture = context.mixture
    edge = exposed_diameter(mixture)
    if edge is None:  # excluded by applies
        return Finding(Outcome.INCONCLUSIVE, "no exposed edge of length D was found", "this mixture")
    i, j, normal = edge
    digits = context.digits
    agreement = Agreement(digits, digits - 10)
    times = log_times(context.process, context.profile.times)
    with mp.workdps(digits + GUARD_DIGITS):
        for time in times:
            t = mp.mpf(float(time))
            x = _tie_far_out(context, i, j, normal, t)
            with mp.workdps(2 * digits + GUARD_DIGITS):
                matrix = context.process.jacobian(x, t)
            values = mp.eigsy(mp.matrix((-matrix).tolist()), eigvals_only=True)
            where = {"t": float(time).hex(), "x": [mp.nstr(c, 30) for c in x]}
            agreement.compare([max(values)], [context.process.growth_rate_bound(t)], where)
    scope = f"this mixture, {len(times)} times from t_min to t_max, edge between means {i} and {j}, {digits} digits"
    return agreement.finding("lambda_max(-J) on the exposed edge equals lambda(t)", scope)


def _tie_far_out(context: Context, i: int, j: int, normal: np.ndarray, t: Any) -> np.ndarray:
    """The point `s n + a (mu_i - mu_j)` with equal responsibilities of i and j, and `s` large (common variance)."""
    means = context.mixture.exact_means.fractions
    weights = context.mixture.exact_weights.fractions
    m, m2 = mp.exp(-t), mp.exp(-2 * t)
    variance = exact_mpf(context.mixture.exact_covariances.fractions[()])
    v = variance * m2 + 1 - m2
    a, b = ([exact_mpf(q) for q in means[k]] for k in (i, j))
    axis = [p - q for p, q in zip(a, b, strict=True)]
    n = [exact_mpf(q) for q in normal]
    start = [mp.mpf(0)] * len(n)
    others = [[exact_mpf(q) for q in means[k]] for k in range(len(means)) if k not in (i, j)]
    if others:  # far enough that the others are below 10^-(3 digits): (m/v) s (n.mu_i - n.mu_k) >= 3 digits ln 10
        slack = min(mp.fdot(n, a) - mp.fdot(n, other) for other in others)
        reach = 3 * (context.digits + 20) * mp.log(10) * v / (m * slack)
        start = [reach * c for c in n]
    # l_i - l_j = (m/v) x.(mu_i - mu_j) - m^2/(2v) (|mu_i|^2 - |mu_j|^2) + log(w_i/w_j) = 0
    target = m / 2 * (mp.fdot(a, a) - mp.fdot(b, b)) - v / m * mp.log(exact_mpf(weights[i] / weights[j]))
    step = (target - mp.fdot(start, axis)) / mp.fdot(axis, axis)
    return np.array([s + step * c for s, c in zip(start, axis, strict=True)], dtype=object)


def has_exposed_diameter(mixture: GaussianMixture) -> str | None:
    """L4 applies when a pair of means at distance D spans an exposed edge of their convex hull."""
    if mixture.kind != "common-isotropic":
        return f"stated for common-isotropic covariances; this mixture has {mixture.kind} ones"
    if mixture.n_components == 1:
        return "a single component has no edge"
    if exposed_diameter(mixture) is None:
        return (
            "no pair of means at distance D was found to span an exposed edge of their convex hull; the bounds "
            "L2 and L3 are then loose, and L5 gives the sharp one"
        )
    return None


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
    with mp.workdps(digits + GUARD_DIGITS):
        for (i, j), time in zip((pairs[k] for k in order), log_times(context.process, len(order)), strict=True):
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
    best = mp.findroot(
        lambda f: mp.diff(term, f),
        (edge - mp.mpf("1.6"), edge),
        solver="anderson",
        maxsteps=1000,
        tol=mp.mpf(10) ** (-2 * digits - 10),
    )
    return 1 - 1 / v[1] + (1 / v[0] - 1 / v[1]) * term(best)
