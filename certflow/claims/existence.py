"""Checks of L8: does a global bound exist, does the Jacobian grow where none does, does the bound on a ball hold."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import numpy as np

from certflow.claims.check import Context, Finding
from certflow.claims.digits import mp
from certflow.claims.model import Outcome
from certflow.claims.reference import ReferenceDensity, component_log_density
from certflow.claims.sampling import log_times, spread_points, witness
from certflow.errors import NoGlobalBound
from certflow.mixture import GaussianMixture
from certflow.order import obstruction

#: Rounding that a float64 comparison may show.
_SLACK = 1e-9


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
                return Finding(Outcome.INCONCLUSIVE, f"no tie of components {i} and {j} at |x| = {size:g}", scope)
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
                    [mp.mpf(float(size * c)) + root * mp.mpf(float(n)) for c, n in zip(direction, across, strict=True)],
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
        return Finding(Outcome.VIOLATED, f"bound on a ball: exceeded, {worst:.6g} times", scope, numbers, where)
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
    """L8: existence as decided by the package against the criterion, on small mixtures with known answers."""
    one, two, means = [["1", "0"], ["0", "1"]], [["2", "0"], ["0", "2"]], [["-1", "0"], ["1", "0"]]
    flat, crossed, broad = [["1", "0"], ["0", "2"]], [["2", "0"], ["0", "1"]], [["10", "0"], ["0", "10"]]
    cases = [
        ("equal", [one, one], means, True),
        ("ordered", [one, two], means, True),
        ("semidefinite, difference of means in the range", [one, flat], [["0", "-1"], ["0", "1"]], True),
        ("semidefinite, outside the range", [one, flat], means, False),
        ("indefinite", [flat, crossed], means, False),
        ("indefinite, dominated by a third", [flat, crossed, broad], [*means, ["0", "0"]], True),
    ]
    wrong = []
    for label, covariances, centres, exists in cases:
        process = context.remake(GaussianMixture([Fraction(1, len(centres))] * len(centres), centres, covariances))
        try:
            found = bool(np.isfinite(process.lipschitz_bound(0.5)))
        except NoGlobalBound:
            found = False
        if found != exists:
            wrong.append(label)
    scope = f"{len(cases)} mixtures in the plane whose answer is known; exact arithmetic"
    if wrong:
        return Finding(Outcome.VIOLATED, f"wrong decision: {', '.join(wrong)}", scope, {}, {"cases": wrong})
    return Finding(
        Outcome.HOLDS,
        f"existence of a bound decided rightly in {len(cases)} of {len(cases)} known cases",
        scope,
    )
