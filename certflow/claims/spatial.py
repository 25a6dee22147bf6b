"""Checks of the spatial bounds L2, L3, L4, L6, L7, L8."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from certflow.claims.check import Agreement, Context, Finding, OutOfReach, only
from certflow.claims.digits import mp
from certflow.claims.model import Outcome
from certflow.claims.precise import GUARD_DIGITS, guarded, root
from certflow.claims.reference import exact_mpf
from certflow.claims.sampling import log_times, spread_points, witness
from certflow.claims.sharpness import MAX_PRODUCTS
from certflow.enclosure.suprema.points import MAX_HULL_DIMENSION, MAX_POINTS, Points
from certflow.law.exposed import exposed_diameter
from certflow.law.mixture import GaussianMixture

#: One side of a bound: from the eigenvalues of `J` (N, d) and the times (N,), the values and their bounds, (N,) each.
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


def bounded_by(side: Side, what: str) -> Callable[[Context, str], Finding]:
    """A check that no sampled point exceeds a bound; an excess is confirmed at 50 digits before it is reported."""

    def procedure(context: Context, name: str) -> Finding:
        x, t = spread_points(context.process, context.profile.sampled_points, context.rng(name))
        scope = (
            f"this mixture, {len(x)} points (half near ties of components, a sixth up to 1000 times wider), "
            f"t in [{context.process.t_min:g}, {context.process.t_max:g}]"
        )
        values, bounds = side(context, np.linalg.eigvalsh(context.process.jacobian(x, t)), t)
        if not (np.isfinite(values).all() and np.isfinite(bounds).all()):
            return Finding(Outcome.INCONCLUSIVE, f"{what}: not a finite number", scope)
        excess = (values - bounds) / np.maximum(np.abs(bounds), 1e-300)
        worst = int(np.argmax(excess))
        nearest, told = _nearest(values, bounds, t)
        numbers = {"points": len(x), **told, "worst_relative_excess": float(excess[worst])}
        if excess[worst] > 0:
            confirmed = _excess_at_precision(context, side, x[worst], t[worst])
            numbers["worst_relative_excess"] = mp.nstr(confirmed, 5)
            if mp.isnan(confirmed):
                return Finding(Outcome.INCONCLUSIVE, f"{what}: not a number at 50 digits", scope)
            if confirmed > mp.mpf(10) ** -25:
                found = {
                    **witness(x[worst], t[worst]),
                    "value": float(values[worst]),
                    "bound": float(bounds[worst]),
                }
                return Finding(
                    Outcome.VIOLATED,
                    f"{what}: exceeded by {mp.nstr(confirmed, 3)} relative",
                    scope,
                    numbers,
                    found,
                )
        return Finding(Outcome.HOLDS, f"{what}: never exceeded; {nearest}", scope, numbers)

    return procedure


def _nearest(values: np.ndarray, bounds: np.ndarray, t: np.ndarray) -> tuple[str, dict[str, float]]:
    """How near a value comes to its bound, in words and figures: a share where a bound is positive, else a gap."""
    positive = bounds > 0
    if positive.any():
        shares = np.where(positive, values, -np.inf) / np.where(positive, bounds, 1.0)
        k = int(np.argmax(shares))
        some = "" if positive.all() else ", among points with a positive one,"
        text = f"the largest value reached{some} {100 * shares[k]:.4g} % of the bound, at t = {t[k]:.4g}"
        return text, {"largest_share_of_bound": float(shares[k])}
    gaps = bounds - values
    k = int(np.argmin(gaps))
    gap, bound = max(gaps[k], 0.0) + 0.0, bounds[k] + 0.0
    text = f"no bound is positive; the nearest value is {gap:.4g} below its bound {bound:.4g}, at t = {t[k]:.4g}"
    return text, {"least_gap_to_the_bound": float(gaps[k])}


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

    For two components every point of equal responsibilities attains it; else it is approached far out along the edge's
    normal, where all other components have vanished beyond the digits in force.
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
    """The point `s n + a (mu_i - mu_j)` with equal responsibilities of i and j (common variance).

    Along `n`, which is orthogonal to the edge, `l_i - l_k` grows with slope `(m/v) n.(mu_i - mu_k)`: `s` is so large
    that all others are below `10^-(3 digits)` of i.
    """
    means = context.mixture.exact_means.fractions
    weights = context.mixture.exact_weights.fractions
    m, m2 = mp.exp(-t), mp.exp(-2 * t)
    variance = exact_mpf(context.mixture.exact_covariances.fractions[()])
    v = variance * m2 + 1 - m2
    a, b = ([exact_mpf(q) for q in means[k]] for k in (i, j))
    axis = [p - q for p, q in zip(a, b, strict=True)]
    n = [exact_mpf(q) for q in normal]
    # l_i - l_j = (m/v) x.(mu_i - mu_j) - m^2/(2v) (|mu_i|^2 - |mu_j|^2) + log(w_i/w_j) = 0
    target = m / 2 * (mp.fdot(a, a) - mp.fdot(b, b)) - v / m * mp.log(exact_mpf(weights[i] / weights[j]))
    tie = [target / mp.fdot(axis, axis) * c for c in axis]
    reach = mp.mpf(0)
    for k in set(range(len(means))) - {i, j}:
        other = [exact_mpf(q) for q in means[k]]
        gap = [p - q for p, q in zip(a, other, strict=True)]
        ahead = m / v * mp.fdot(tie, gap) - m2 / (2 * v) * (mp.fdot(a, a) - mp.fdot(other, other))
        ahead += mp.log(exact_mpf(weights[i] / weights[k]))
        reach = max(reach, (3 * (context.digits + 20) * mp.log(10) - ahead) * v / (m * mp.fdot(n, gap)))
    return np.array([reach * c + p for c, p in zip(n, tie, strict=True)], dtype=object)


def has_exposed_diameter(mixture: GaussianMixture) -> str | None:
    """L4 applies when a pair of means at distance D spans an exposed edge of their convex hull."""
    other = only("common-isotropic")(mixture)
    if other is not None:
        return other
    if mixture.diameter_squared == 0:
        return "a single mean has no edge"
    if exposed_diameter(mixture) is not None:
        return None
    if _no_exposed_diameter(mixture):
        return (
            "no pair of means at distance D spans an exposed edge of their convex hull; the bounds L2 and L3 are then "
            "loose, and L5 gives the sharp one"
        )
    return OutOfReach(
        "no pair of means at distance D was found to span an exposed edge of their convex hull, nor that there is none"
    )


def _no_exposed_diameter(mixture: GaussianMixture) -> bool:
    """Whether it is certain that no edge of length D holds just two of the means, from all faces of the hull."""
    if mixture.n_components**2 * mixture.dimension > MAX_PRODUCTS:
        return False
    points = Points.of_mixture(mixture)
    if len(points.points) > MAX_POINTS or not 1 <= points.dimension <= MAX_HULL_DIMENSION:
        return False
    if points.dimension == 1:
        return len(points.points) > 2
    pairs = (face.members for face in points.faces if len(face.members) == 2)
    return all(points.distance_squared(*pair) != points.diameter_squared for pair in pairs)


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
