"""Where the bounds of a common variance are attained: on an exposed edge between two means at distance `D` (L4)."""

from __future__ import annotations

from typing import Any

import numpy as np

from certflow.claims.agreement import Agreement
from certflow.claims.check import Context, Finding, OutOfReach
from certflow.claims.digits import mp
from certflow.claims.evidence.precise import GUARD_DIGITS
from certflow.claims.evidence.reference import exact_mpf
from certflow.claims.evidence.sampling import log_times
from certflow.claims.evidence.sharpness import MAX_PRODUCTS
from certflow.claims.hypotheses import only
from certflow.claims.model import Outcome
from certflow.enclosure.suprema.points import MAX_HULL_DIMENSION, MAX_POINTS, Points
from certflow.law.exposed import exposed_diameter
from certflow.law.mixture import GaussianMixture
from certflow.numbers.arrays import Floats


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


def _tie_far_out(context: Context, i: int, j: int, normal: Floats, t: Any) -> Floats:
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
