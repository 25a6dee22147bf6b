"""Does a global bound exist, does the Jacobian grow where none does, does the bound on a ball hold (L8)."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise
from typing import Any

import numpy as np

from certflow.bounds.divergence import Path, obstruction
from certflow.bounds.existence import Group, existence
from certflow.claims.check import Context, Finding
from certflow.claims.digits import mp
from certflow.claims.evidence.reference import ReferenceDensity, component_log_density, exact_mpf
from certflow.claims.evidence.sampling import log_times, spread_points, witness
from certflow.claims.model import Outcome
from certflow.errors import NoGlobalBound
from certflow.law.mixture import GaussianMixture
from certflow.numbers.arrays import Floats
from certflow.numbers.numerals import above

#: Rounding that a float64 comparison may show.
_SLACK = 1e-9
#: Powers of ten up to which the growth is looked for, in two rounds of rising precision; distances that must agree.
_REACH, _ALIKE = (20, 60), 3


def bound_exists(mixture: GaussianMixture) -> str | None:
    """Applicability: full covariances with a global bound."""
    if mixture.kind != "full":
        return f"stated for full covariances; this mixture has {mixture.kind} ones"
    if not existence(mixture).finite:
        return "no global bound exists for this mixture, which L8.growth confirms"
    return None


def no_bound_exists(mixture: GaussianMixture) -> str | None:
    """Applicability: full covariances without a global bound."""
    if mixture.kind != "full":
        return f"stated for full covariances; this mixture has {mixture.kind} ones"
    if existence(mixture).finite:
        return "a global bound exists for this mixture, which L8.bound confirms"
    return None


def unbounded_growth(context: Context, name: str) -> Finding:
    """L8: `||J||` grows like `|x|^2` (or `|x|`) where the responsibility of one covariance passes 1/2.

    Measured with the package's Jacobian at as many digits as the distance needs, ever farther out until the exponent
    is seen. No distance refutes that a supremum is infinite: where the growth is not seen the check is inconclusive.
    A finite bound that a measured norm exceeds is refuted.
    """
    process = context.process
    t = float(np.sqrt(process.t_min * process.t_max))
    found = obstruction(context.mixture, t)
    if found is None:
        return Finding(Outcome.NOT_APPLICABLE, "a global bound exists", "this mixture")
    try:
        claimed = float(process.lipschitz_bound(t))
    except NoGlobalBound:
        claimed = None
    expected = 2 if found.growth == "quadratic" else 1
    far = _far_out(context, found.path, t, expected)
    scope = f"this mixture, t = {t:.4g}, a path across the tie of components {found.pair[0]} and {found.pair[1]}"
    if claimed is not None:
        return _claimed(claimed, far, t, scope)
    if len(far) < _ALIKE or not _settled(far, expected):
        return Finding(Outcome.INCONCLUSIVE, "the growth was not seen at the distances tried", scope)
    first, last = far[-_ALIKE], far[-1]
    exponent = float(mp.log(last.norm / first.norm) / mp.log(last.size / first.size))
    pair = f"{found.pair[0]}, {found.pair[1]}"
    numbers = {
        "growth_exponent": exponent,
        "expected_exponent": expected,
        "measured": [{"size": mp.nstr(one.size, 6), "norm": mp.nstr(one.norm, 6)} for one in far],
        "pair": pair,
    }
    return Finding(
        Outcome.HOLDS,
        f"||J|| grows like |x|^{exponent:.3f}: {mp.nstr(last.norm, 3)} at |x| = {mp.nstr(last.size, 3)}, "
        f"where components {pair} tie",
        scope,
        numbers,
    )


@dataclass(frozen=True)
class _Measured:
    """The norm of J at a point."""

    x: Floats
    size: Any
    norm: Any


def _claimed(claimed: float, far: list[_Measured], t: float, scope: str) -> Finding:
    """What a finite bound is worth that was claimed where none exists."""
    above = next((one for one in far if one.norm > claimed), None)
    if above is None:
        return Finding(Outcome.INCONCLUSIVE, f"a finite bound L(t) = {claimed:.6g} was claimed, not exceeded", scope)
    summary = (
        f"a finite bound L(t) = {claimed:.6g} was claimed where none exists: ||J|| = {mp.nstr(above.norm, 6)} "
        f"at |x| = {mp.nstr(above.size, 6)}"
    )
    where = {"x": [mp.nstr(c, 60) for c in above.x], "t": t.hex()}
    return Finding(Outcome.VIOLATED, summary, scope, {"claimed": claimed}, where)


def _settled(far: list[_Measured], expected: int) -> bool:
    """Whether the exponent between the last few distances is the one expected."""
    pairs = list(pairwise(far[-_ALIKE:]))
    return all(abs(mp.log(b.norm / a.norm) / mp.log(b.size / a.size) - expected) < 0.05 for a, b in pairs)


def _far_out(context: Context, path: Path, t: float, expected: int) -> list[_Measured]:
    """`||J||` at distances 1e2, 1e3, ... on the path, up to where its growth is settled, or to the last of `_REACH`."""
    found: list[_Measured] = []
    start = 2
    for reach in _REACH:
        # Exponents are as large as the square of the distance, and must come out right to a small part of one.
        with mp.workdps(context.digits + 2 * reach):
            members = set(path.group.indices)
            reference = ReferenceDensity(context.mixture)
            u, w, power = path.line(lambda group, y: _noised(group, y, t))
            for k in range(start, reach + 1):
                x = _passage(reference, members, u, w, mp.mpf(10) ** k, power, path.end, mp.mpf(t))
                if x is not None:
                    values = mp.eigsy(mp.matrix(context.process.jacobian(x, mp.mpf(t)).tolist()), eigvals_only=True)
                    found.append(_Measured(x, mp.sqrt(mp.fsum(c * c for c in x)), max(abs(v) for v in values)))
                    if len(found) >= _ALIKE and _settled(found, expected):
                        return found
        start = reach + 1
    return found


def _noised(group: Group, y: Floats, t: float) -> Floats:
    """`C y` at the precision in force."""
    m2 = mp.exp(-2 * mp.mpf(t))
    images = group.exact.fractions @ y
    return np.array([m2 * exact_mpf(a) + (1 - m2) * exact_mpf(b) for a, b in zip(images, y, strict=True)], dtype=object)


def _passage(
    reference: ReferenceDensity, members: set[int], u: Any, w: Any, size: Any, power: Any, end: Any, t: Any
) -> Floats | None:
    """The point of `r u + r^p s w`, `0 <= s <= end`, where the members have half of the mass; None if there is none."""
    radius = size / mp.sqrt(mp.fsum(c * c for c in u))
    step = radius ** exact_mpf(power) * exact_mpf(end)

    def point(s: Any) -> Floats:
        return np.array([radius * a + step * s * b for a, b in zip(u, w, strict=True)], dtype=object)

    def odds(s: Any) -> Any:
        logs = [component_log_density(reference, k, list(point(s)), t) for k in range(reference.mixture.n_components)]
        inside: list[Any] = []
        outside: list[Any] = []
        for k, value in enumerate(logs):
            (inside if k in members else outside).append(value)
        return _log_sum(inside) - _log_sum(outside)

    if mp.sign(odds(mp.mpf(0))) == mp.sign(odds(mp.mpf(1))):
        return None
    root = mp.findroot(odds, (0, 1), solver="anderson", maxsteps=1000, tol=mp.eps * 10**10, verify=False)
    return point(root)


def _log_sum(logs: list[Any]) -> Any:
    top = max(logs)
    return top + mp.log(mp.fsum(mp.exp(value - top) for value in logs))


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
    numbers = {"radius": radius, "largest_share_of_bound": worst, "probability_outside_at_most": above(tail)}
    scope = f"this mixture, {context.profile.times} times, {count} points each with |x| <= {radius:.4g}"
    if not np.isfinite(worst):
        return Finding(Outcome.INCONCLUSIVE, "bound on a ball: not a finite number", scope)
    if worst > 1 + _SLACK:
        return Finding(Outcome.VIOLATED, f"bound on a ball: exceeded, {worst:.6g} times", scope, numbers, where)
    summary = f"bound on the ball |x| <= {radius:.3g}: never exceeded; outside it p_t has at most {above(tail, 2)}"
    return Finding(Outcome.HOLDS, _without_bound(context) + summary, scope, numbers)


def _without_bound(context: Context) -> str:
    """A clause that says that no global bound exists, and why; empty where one does."""
    process = context.process
    found = obstruction(context.mixture, float(np.sqrt(process.t_min * process.t_max)))
    if found is None:
        return ""
    power = "|x|^2" if found.growth == "quadratic" else "|x|"
    return (
        f"unbounded, no L(t) holds for all x: ||J|| grows like {power} where components {found.pair[0]} and "
        f"{found.pair[1]} tie (measured far out by L8.growth); "
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
        ("indefinite, below a third", [flat, crossed, broad], [*means, ["0", "0"]], True),
        ("indefinite, a third below both", [flat, crossed, one], [*means, ["0", "0"]], False),
        ("between the means of the largest", [one, flat, flat], [["0", "0"], *means], True),
        ("beyond the means of the largest", [one, flat, flat], [["2", "0"], *means], False),
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
    scope = (
        f"{len(cases)} other mixtures, in the plane, whose answer is known; exact arithmetic: it tests the decision, "
        "not this mixture"
    )
    if wrong:
        return Finding(Outcome.VIOLATED, f"wrong decision: {', '.join(wrong)}", scope, {}, {"cases": wrong})
    return Finding(
        Outcome.HOLDS,
        f"existence of a bound decided rightly in {len(cases)} of {len(cases)} known cases, which are other mixtures",
        scope,
    )
