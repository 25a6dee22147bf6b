"""The whole network: its measured error, its recomputed bound, and the bound at every point (A5, A6)."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from certflow.certificate.networks import network_certificate
from certflow.claims.check import Context, Finding
from certflow.claims.digits import mp
from certflow.claims.evidence.measured import judged as worst_of
from certflow.claims.evidence.reference import ReferenceDensity, exact_mpf
from certflow.claims.evidence.sampling import log_times, marginal_points, precise_points, witness
from certflow.claims.model import Outcome
from certflow.claims.networks.altered import Judged, errors, judged, refusing
from certflow.networks.arithmetic import ExactNetwork
from certflow.networks.constructed import norm_bound
from certflow.networks.measuring import float64_rounds
from certflow.numbers.numerals import above
from certflow.numbers.precision import ball_precision

#: Draws at each time in proportion to the sampled points of a profile; standard errors that chance may take.
_DRAWS, _DEVIATIONS = 20, 4
#: Powers of the bound at every point, as they are written.
_POWERS = ("", " |x|", " |x|^2", " |x|^3")
#: The same bound with boxes whose Taylor series are a little shorter or longer.
_SLACK = 1 + 1e-6
#: Weights times points in mpmath: seconds.
_MOST_PRODUCTS = 20_000


def depth_of(plan: Any, components: int, layers: Callable[[int], int] = int) -> int:
    """`L_T + 1 + ceil(log2 K) + L_E + L_S + 1` (A5); `layers` of a gadget whose degree is `2^level`."""
    levels = plan.time_level, Judged.softmax(plan.exponential).level, Judged.softmax(plan.reciprocal).level
    return 2 + (components - 1).bit_length() + sum(layers(level) for level in levels)


@refusing
def measured_error(context: Context, name: str) -> Finding:
    """A5: the network has the depth of the formula, and its measured error in `L^2(p_t)` is at most what is proved.

    An excess counts where the mean square, less four standard errors, is above the square of the bound and of what
    float64 rounds. Where it rounds more than is proved, nothing is measured.
    """
    process, rng = context.process, context.rng(name)
    times = log_times(process, context.profile.times)
    draws = max(50, context.profile.sampled_points // _DRAWS)
    t = np.repeat(times, draws)
    x = marginal_points(process, t, rng)
    score = process.score(x, t)
    cases: list[tuple[float, dict[str, Any]]] = []
    numbers: dict[str, Any] = {}
    for eps in errors(context):
        network = judged(context, eps)
        whole = network.network()
        squares = ((ExactNetwork(whole)(x, t) - score) ** 2).sum(axis=1).reshape(len(times), draws)
        mean, error = squares.mean(axis=1), squares.std(axis=1, ddof=1) / math.sqrt(draws)
        proved, formula = network.score.error_bound, depth_of(network.plan, network.score.pieces.law.components)
        rounds = float64_rounds(network.score)
        if rounds > proved:
            unseen = (
                f"eps = {eps}: float64 rounds by about {rounds:.2g}, more than the {above(proved, 3)} that is proved"
            )
            return Finding(Outcome.INCONCLUSIVE, unseen, "this mixture, float64", numbers)
        worst = int(mean.argmax())
        surely = float(np.max(mean - _DEVIATIONS * error)) / (proved + rounds) ** 2
        root = float(np.sqrt(mean[worst]))
        told = {"eps": eps, "t": float(times[worst]), "error": root, "proved": proved}
        cases.append((math.copysign(math.sqrt(abs(surely)), surely), told))
        cases.append((whole.depth / formula, {"eps": eps, "depth": whole.depth, "formula": formula}))
        numbers[f"eps = {eps}"] = {
            "depth": whole.depth,
            "width": whole.width,
            "neurons": whole.neurons,
            "weights": whole.parameters_count,
            "proved": above(proved, 3),
            "measured": f"{root:.3g}",
        }
    scope = f"this mixture, {len(times)} times, {draws} points of p_t at each, float64"
    text = "measured error over proved, less four standard errors; depth over the formula"
    return worst_of(text, cases, 1.0, scope, numbers, _compared(numbers))


def _compared(numbers: dict[str, Any]) -> str:
    rows = [
        f"{key}: depth {row['depth']}, proved {row['proved']}, measured {row['measured']}"
        for key, row in numbers.items()
    ]
    return "; ".join(rows)


@refusing
def recomputed_bound(context: Context, name: str) -> Finding:
    """A6: the bounds made anew from the weights are at most `eps`, and at most what is stated.

    Where the variance is common the independent checker proves them again.
    """
    numbers: dict[str, Any] = {}
    cases = []
    certificates = {}
    for eps in errors(context):
        network = judged(context, eps)
        stated = network.score
        found = network.bound()
        with ball_precision(stated.bits):
            l2, *everywhere = map(_float, (norm_bound(stated.process, found, 2), *found.everywhere))
        told = {"eps": eps, "l2_error": l2, "stated": stated.error_bound, "everywhere": everywhere}
        cases.append((l2 / stated.eps, told))
        for value, limit in zip([l2, *everywhere], [stated.error_bound, *stated.everywhere], strict=True):
            cases.append((_share(value, limit * _SLACK), told))
        if stated.process.mixture.kind == "common-isotropic" and network.pieces is stated.pieces:
            certificates[f"A6-{eps}"] = network_certificate(stated)
        terms = [f"{above(value, 3)}{power}" for value, power in zip(everywhere, _POWERS, strict=False)]
        numbers[f"eps = {eps}"] = {"l2_error": above(l2, 3), "everywhere": " + ".join(terms)} | {
            part: above(value, 2) for part, value in stated.parts.items()
        }
    scope = "the network of this mixture, every x, every t of the interval"
    rows = [f"{key}: at most {row['l2_error']} in L2(p_t), {row['everywhere']}" for key, row in numbers.items()]
    summary = "proved " + "; ".join(rows)
    finding = _finite(worst_of("bound over what is stated", cases, 1.0, scope, numbers, summary), cases)
    return replace(finding, certificates=certificates) if finding.outcome is Outcome.HOLDS else finding


def _share(value: float, limit: float) -> float:
    """`value / limit`; of what is exactly 0 (`B` where `sigma = 1`) nothing may be left."""
    if limit:
        return value / limit
    return math.inf if value else 0.0


def _finite(finding: Finding, cases: list[tuple[float, dict[str, Any]]]) -> Finding:
    """A bound of infinity proves nothing of a network: it is not what is stated of it."""
    if all(math.isfinite(value) for value, _ in cases):
        return finding
    where = next(told for value, told in cases if not math.isfinite(value))
    return Finding(Outcome.VIOLATED, "nothing is proved of these weights", finding.scope, finding.numbers, where)


@refusing
def at_every_point(context: Context, name: str) -> Finding:
    """A6: `|N - s| <= A + B |x|` at points near ties, typical ones, and ones up to a thousand times farther out."""
    process, reference = context.process, ReferenceDensity(context.mixture)
    cases = []
    common = context.mixture.kind == "common-isotropic"
    for eps in errors(context):
        network = judged(context, eps)
        whole = network.network()
        count = max(4, min(context.profile.precise_points, _MOST_PRODUCTS // whole.parameters_count))
        evaluate = ExactNetwork(whole)
        with mp.workdps(context.digits + 15):
            for x, t in precise_points(process, count, context.rng(name)):
                found = evaluate(np.array(x, dtype=object), t)
                right = _score(reference, x, t) if common else reference.gradient(x, t)
                error = mp.norm([one - other for one, other in zip(found, right, strict=True)])
                bound = mp.polyval(network.score.everywhere[::-1], mp.norm(x))
                share = float(error / bound)
                cases.append((share, {"eps": eps, **witness(x, t), "error": mp.nstr(error, 5)}))
    scope = (
        f"this mixture, {len(cases)} points (half near ties, a sixth up to 1000 times wider), {context.digits} digits"
    )
    numbers = {"points": len(cases)}
    return worst_of("|N - s| over its bound at the point", cases, 1.0, scope, numbers)


def _score(reference: ReferenceDensity, x: list[Any], t: Any) -> list[Any]:
    """`(m E_gamma(mu) - x)/v` in mpmath, from the parameters alone."""
    mixture = reference.mixture
    m = mp.exp(-t)
    v = exact_mpf(mixture.exact_covariances.fractions.item()) * m**2 + 1 - m**2
    gamma = reference.responsibilities(x, t)
    means = [[exact_mpf(entry) for entry in row] for row in mixture.exact_means.fractions]
    return [(m * mp.fdot(gamma, [mean[i] for mean in means]) - entry) / v for i, entry in enumerate(x)]


def _float(ball: Any) -> float:
    if ball == 0:
        return 0.0
    return math.nextafter(float(ball.upper()), math.inf) if ball.is_finite() else math.inf
