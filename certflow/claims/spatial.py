"""Checks of the spatial bounds L2, L3, L4, L6, L7, L8."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import mpmath
import numpy as np

from certflow.claims.check import Agreement, Context, Finding
from certflow.claims.model import Outcome
from certflow.claims.precise import GUARD_DIGITS
from certflow.claims.reference import ReferenceDensity, component_log_density
from certflow.claims.sampling import log_times, spread_points, witness
from certflow.errors import NoGlobalBound
from certflow.exposed import exposed_diameter
from certflow.mixture import GaussianMixture
from certflow.order import obstruction

mp = mpmath.mp

#: Rounding that a float64 comparison may show before it is looked at again with more digits.
_SLACK = 1e-9

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
            numbers["worst_relative_excess"] = mpmath.nstr(confirmed, 5)
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
            c = 1 - _mpf(context.mixture.exact_covariances.fractions[()])
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
            where = {"t": float(time).hex(), "x": [mpmath.nstr(c, 30) for c in x]}
            agreement.compare([max(values)], [context.process.growth_rate_bound(t)], where)
    scope = f"this mixture, {len(times)} times from t_min to t_max, edge between means {i} and {j}, {digits} digits"
    return agreement.finding("lambda_max(-J) on the exposed edge equals lambda(t)", scope)


def _tie_far_out(context: Context, i: int, j: int, normal: np.ndarray, t: Any) -> np.ndarray:
    """The point `s n + a (mu_i - mu_j)` with equal responsibilities of i and j, and `s` large (common variance)."""
    means = context.mixture.exact_means.fractions
    weights = context.mixture.exact_weights.fractions
    m, m2 = mp.exp(-t), mp.exp(-2 * t)
    variance = _mpf(context.mixture.exact_covariances.fractions[()])
    v = variance * m2 + 1 - m2
    a, b = ([_mpf(q) for q in means[k]] for k in (i, j))
    axis = [p - q for p, q in zip(a, b, strict=True)]
    n = [_mpf(q) for q in normal]
    start = [mp.mpf(0)] * len(n)
    others = [[_mpf(q) for q in means[k]] for k in range(len(means)) if k not in (i, j)]
    if (
        others
    ):  # far enough that the others are below 10^-(3 digits): (m/v) s (n.mu_i - n.mu_k) >= 3 digits ln 10
        slack = min(mp.fdot(n, a) - mp.fdot(n, other) for other in others)
        reach = 3 * (context.digits + 20) * mp.log(10) * v / (m * slack)
        start = [reach * c for c in n]
    # l_i - l_j = (m/v) x.(mu_i - mu_j) - m^2/(2v) (|mu_i|^2 - |mu_j|^2) + log(w_i/w_j) = 0
    target = m / 2 * (mp.fdot(a, a) - mp.fdot(b, b)) - v / m * mp.log(_mpf(weights[i] / weights[j]))
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
        for (i, j), time in zip(
            (pairs[k] for k in order), log_times(context.process, len(order)), strict=True
        ):
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
    s = [_mpf(q) for q in mixture.exact_covariances.fractions]
    w = [_mpf(q) for q in mixture.exact_weights.fractions]
    v = [m2 * variance + 1 - m2 for variance in s]
    difference = mixture.exact_means.fractions[0] - mixture.exact_means.fractions[1]
    square = _mpf((difference * difference).sum())
    fmax = (
        mp.log(w[0] / w[1])
        + mp.mpf(mixture.dimension) / 2 * mp.log(v[1] / v[0])
        + m2 * square / (2 * (v[1] - v[0]))
    )

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


def bound_exists(mixture: GaussianMixture) -> str | None:
    """Applicability: full covariances with a global bound."""
    if mixture.kind != "full":
        return f"stated for full covariances; this mixture has {mixture.kind} ones"
    if obstruction(mixture, 0.5) is not None:
        return "no global bound exists for this mixture, which L8.growth confirms"
    return None


def no_bound_exists(mixture: GaussianMixture) -> str | None:
    """Applicability: full covariances without a global bound."""
    if mixture.kind != "full":
        return f"stated for full covariances; this mixture has {mixture.kind} ones"
    if obstruction(mixture, 0.5) is None:
        return "a global bound exists for this mixture, which L8.bound confirms"
    return None


def unbounded_growth(context: Context, name: str) -> Finding:
    """L8: along the tie set of the obstructing pair `||J||` grows like `|x|^2` (or `|x|`); measured at 50 digits."""
    process = context.process
    t = float(np.sqrt(process.t_min * process.t_max))
    found = obstruction(context.mixture, t)
    scope = f"this mixture, t = {t:.4g}, |x| from 1e3 to 1e6 along one direction"
    try:
        process.lipschitz_bound(t)
    except NoGlobalBound:
        pass
    else:
        return Finding(Outcome.VIOLATED, "a finite bound L(t) was claimed where none exists", scope)
    if found is None or not found.proved:
        return Finding(Outcome.INCONCLUSIVE, "no direction of growth was found, and none was excluded", scope)
    i, j = found.pair
    expected = 2 if found.growth == "quadratic" else 1
    sizes, norms = [10.0**k for k in (3, 4, 5, 6)], []
    with mp.workdps(60):
        for size in sizes:
            x = _on_tie(context, i, j, found, size, t)
            if x is None:
                return Finding(
                    Outcome.INCONCLUSIVE, f"no tie of components {i} and {j} at |x| = {size:g}", scope
                )
            matrix = process.jacobian(x, mp.mpf(t))
            values = mp.eigsy(mp.matrix(matrix.tolist()), eigvals_only=True)
            norms.append(float(max(abs(v) for v in values)))
    exponent = float(np.polyfit(np.log(sizes[1:]), np.log(norms[1:]), 1)[0])
    numbers = {
        "growth_exponent": exponent,
        "expected_exponent": expected,
        "norm_at_1e6": norms[-1],
        "pair": f"{i}, {j}",
    }
    if abs(exponent - expected) < 0.05:
        return Finding(
            Outcome.HOLDS,
            f"||J|| grows like |x|^{exponent:.3f} on the tie of components {i} and {j}",
            scope,
            numbers,
        )
    return Finding(
        Outcome.VIOLATED, f"||J|| grows like |x|^{exponent:.3f}, expected exponent {expected}", scope, numbers
    )


def _on_tie(context: Context, i: int, j: int, found: Any, size: float, t: float) -> np.ndarray | None:
    """A point near `size * direction` where components i and j are equally likely, by a root along a transversal."""
    mixture = context.mixture
    m2 = np.exp(-2 * t)
    precisions = np.linalg.inv(m2 * mixture.covariances + (1 - m2) * np.eye(mixture.dimension))
    gap = precisions[i] - precisions[j]
    direction = np.array(found.direction)
    if found.growth == "quadratic":
        across = gap @ direction
        reach = 1.0
    else:
        values, vectors = np.linalg.eigh(gap)
        across = vectors[:, np.argmax(np.abs(values))]
        reach = 30 * np.sqrt(size)
    across = across / np.linalg.norm(across)

    def difference(a: Any) -> Any:
        x = [mp.mpf(float(size * c)) + a * mp.mpf(float(n)) for c, n in zip(direction, across, strict=True)]
        return _log_ratio(context, i, j, x, mp.mpf(t))

    for width in (reach, 10 * reach, 100 * reach, size):
        for low, high in ((0, width), (-width, 0)):
            if mp.sign(difference(mp.mpf(low))) != mp.sign(difference(mp.mpf(high))):
                root = mp.findroot(
                    difference,
                    (mp.mpf(low), mp.mpf(high)),
                    solver="anderson",
                    maxsteps=1000,
                    tol=mp.mpf(10) ** -40,
                )
                return np.array(
                    [
                        mp.mpf(float(size * c)) + root * mp.mpf(float(n))
                        for c, n in zip(direction, across, strict=True)
                    ],
                    dtype=object,
                )
    return None


def _log_ratio(context: Context, i: int, j: int, x: list[Any], t: Any) -> Any:
    reference = ReferenceDensity(context.mixture)
    return component_log_density(reference, i, x, t) - component_log_density(reference, j, x, t)


def ball(context: Context, name: str) -> Finding:
    """L8: `||J|| <= ball_bound(R, t)` for `|x| <= R`, with the probability of the complement."""
    process, rng = context.process, context.rng(name)
    worst, where, tail = -np.inf, None, 0.0
    radius = _likely_radius(context)
    count = max(200, context.profile.sampled_points // context.profile.times)
    for t in log_times(process, context.profile.times):
        x, _ = spread_points(process, count, rng)
        norms = np.linalg.norm(x, axis=1, keepdims=True)
        x = np.where(norms > radius, x * (radius / norms), x)
        values = np.abs(np.linalg.eigvalsh(process.jacobian(x, t))).max(axis=1)
        bound = process.ball_bound(radius, t)
        tail = max(tail, process.outside_probability(radius, t))
        k = int(np.argmax(values))
        if values[k] / bound > worst:
            worst, where = float(values[k] / bound), witness(x[k], t)
    numbers = {"radius": radius, "largest_share_of_bound": worst, "probability_outside_at_most": tail}
    scope = f"this mixture, {context.profile.times} times, {count} points each with |x| <= {radius:.4g}"
    if not np.isfinite(worst):
        return Finding(Outcome.INCONCLUSIVE, "bound on a ball: not a finite number", scope)
    if worst > 1 + _SLACK:
        return Finding(
            Outcome.VIOLATED, f"bound on a ball: exceeded, {worst:.6g} times", scope, numbers, where
        )
    return Finding(
        Outcome.HOLDS,
        f"bound on the ball |x| <= {radius:.3g}: never exceeded; outside it p_t has at most {tail:.2g}",
        scope,
        numbers,
    )


def _likely_radius(context: Context) -> float:
    """A radius outside which every marginal has probability at most 1e-6."""
    process = context.process
    radius = 1.0
    while max(process.outside_probability(radius, t) for t in log_times(process, 5)) > 1e-6:
        radius *= 1.25
    return round(radius, 3)


def decision(context: Context, name: str) -> Finding:
    """L8: existence as decided by the package against the criterion, on four small mixtures with known answers."""
    one, two, means = [["1", "0"], ["0", "1"]], [["2", "0"], ["0", "2"]], [["-1", "0"], ["1", "0"]]
    flat, crossed = [["1", "0"], ["0", "2"]], [["2", "0"], ["0", "1"]]
    cases = [
        ("equal", [one, one], means, True),
        ("ordered", [one, two], means, True),
        ("semidefinite, difference of means in the range", [one, flat], [["0", "-1"], ["0", "1"]], True),
        ("semidefinite, outside the range", [one, flat], means, False),
        ("indefinite", [flat, crossed], means, False),
    ]
    wrong = []
    for label, covariances, centres, exists in cases:
        process = context.remake(GaussianMixture(["1/2", "1/2"], centres, covariances))
        try:
            found = bool(np.isfinite(process.lipschitz_bound(0.5)))
        except NoGlobalBound:
            found = False
        if found != exists:
            wrong.append(label)
    scope = "five pairs of covariances in the plane whose answer is known; exact arithmetic"
    if wrong:
        return Finding(Outcome.VIOLATED, f"wrong decision: {', '.join(wrong)}", scope, {}, {"cases": wrong})
    return Finding(
        Outcome.HOLDS,
        f"existence of a bound decided rightly in {len(cases)} of {len(cases)} known cases",
        scope,
    )


def _mpf(q: Any) -> Any:
    return mp.mpf(q.numerator) / q.denominator
