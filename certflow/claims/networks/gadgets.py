"""Exact gadgets at random numbers, and the errors of the approximating ones against their closed forms (A1 to A4)."""

from __future__ import annotations

import math
from collections.abc import Sequence
from fractions import Fraction
from itertools import pairwise
from typing import Any

from flint import arb, fmpq

from certflow.claims.check import Context, Finding, OutOfReach
from certflow.claims.digits import mp
from certflow.claims.evidence.measured import judged as worst_of
from certflow.claims.model import Outcome
from certflow.claims.networks.altered import Judged, errors, judged, needs_common_softmax, refusing
from certflow.enclosure.results import ball_ends
from certflow.law.mixture import GaussianMixture
from certflow.networks.formulas import formulas_of
from certflow.networks.gadgets.exponential import Exponential, ExponentialPlan
from certflow.networks.gadgets.reciprocal import ReciprocalPlan
from certflow.networks.graph import Network
from certflow.numbers.numerals import above
from certflow.numbers.precision import ball_precision

#: Random numbers of an exact gadget are of sizes up to this.
_LARGEST = 10**12
#: Rounding of the weights may make an error larger than its closed form by so much.
_ROUNDING = Fraction(1, 10**9)
#: Poles of a function of time on either side (terms fall like `k^{-n-2}`), and the accuracy that this leaves.
_POLES, _POLE_ACCURACY = 20, 1e-6


def outputs_of(network: Network, values: Sequence[Any]) -> list[Any]:
    """The outputs at rational numbers, exactly."""
    here = [fmpq(value) for value in values]
    for layer in network.layers:
        arguments = [(_combined(neuron.row, here), neuron.square) for neuron in layer]
        here = [(a * a if square else a) if a > 0 else fmpq(0) for a, square in arguments]
    return [_combined(row, here) for row in network.outputs]


def _combined(row: Any, values: Sequence[Any]) -> Any:
    total = row.bias
    for i, weight in row.weights.items():
        total += weight * values[i]
    return total


def exact_at_random(context: Context, name: str) -> Finding:
    """A1: the gadgets at random rational numbers, small and large, in exact arithmetic: no difference at all."""
    formulas, rng = formulas_of(type(context.process)), context.rng(name)
    count = 20 * context.profile.precise_points
    network = Network(2)
    x, y = network.input(0), network.input(1)
    network.finish(
        [
            formulas.square(network, x),
            formulas.product(network, x, y),
            formulas.product(network, x, y, (fmpq(7), fmpq(1, 3))),
            formulas.maximum(network, x, y),
            formulas.carry(network, x),
        ]
    )
    scope = f"{count} pairs of rational numbers, sizes from {1 / _LARGEST:g} to {_LARGEST:g}, both signs"
    for _ in range(count):
        sizes = 10.0 ** rng.uniform(-math.log10(_LARGEST), math.log10(_LARGEST), size=2)
        a, b = (_rational(sign * size) for sign, size in zip(rng.choice([-1, 1], size=2), sizes, strict=True))
        found, right = outputs_of(network, [a, b]), [a * a, a * b, a * b, max(a, b), a]
        if found != right:
            witness = {"x": str(a), "y": str(b), "network": [*map(str, found)], "right": [*map(str, right)]}
            return Finding(Outcome.VIOLATED, "a gadget is not exact", scope, {}, witness)
    summary = f"squares, products, maxima and carries are exact at all {count} pairs"
    return Finding(Outcome.HOLDS, summary, scope, {"pairs": count})


def _rational(number: float) -> Any:
    return fmpq(*(int(part) for part in float(number).as_integer_ratio()))


@refusing
def exponential_of_weights(context: Context, name: str) -> Finding:
    """A2: the error of the exponential, from its weights, is at most what the remainder of interpolation says."""
    cases, numbers = [], {}
    for eps in errors(context):
        network = judged(context, eps)
        plan, found = network.softmax(network.score.plan.exponential), network.softmax(network.pieces.exponential)
        with ball_precision(network.score.bits):
            allowed = _multiple_of_plan(plan) * (1 + arb(fmpq(_ROUNDING.numerator, _ROUNDING.denominator)))
            share = _upper(found.relative / arb(plan.relative) / allowed)
        cases.append((share, {"eps": eps, "error_over_closed_form": share}))
        numbers[f"eps = {eps}"] = _told(found, plan)
    text = "the error of the exponential over its closed form"
    return worst_of(text, cases, 1.0, _scope(context, "all z <= 0"), numbers)


def _multiple_of_plan(plan: ExponentialPlan) -> Any:
    """How often the errors planned hold `(4 (h/4)^{n+1} e^top/(n+1)! + e^{-Z})/(1 - e^{-Z})`, the closed form of A2."""
    degree, bottom = 2**plan.level, arb(plan.knots[0]).exp()
    multiple = bottom / arb(plan.absolute)
    for low, high in pairwise(plan.knots):
        remainder = 4 * (arb(high - low) / 4) ** (degree + 1) * arb(high).exp() / arb(degree + 1).fac()
        allowed = arb(plan.relative) * arb(low).exp() + arb(plan.absolute)
        multiple = multiple.max((remainder + bottom) / (1 - bottom) / allowed)
    return multiple


def _told(found: Exponential, plan: ExponentialPlan) -> dict[str, Any]:
    return {
        "degree": 2**plan.level,
        "pieces": len(plan.knots) - 1,
        "relative": above(_upper(found.relative), 3),
        "absolute": above(_upper(found.absolute), 3),
    }


@refusing
def reciprocal_of_weights(context: Context, name: str) -> Finding:
    """A3: the relative error of the reciprocal, from its weights, is at most the closed form on every piece."""
    cases, numbers = [], {}
    for eps in errors(context):
        network = judged(context, eps)
        plan, found = network.softmax(network.score.plan.reciprocal), network.softmax(network.pieces.reciprocal)
        with ball_precision(network.score.bits):
            allowed = _closed_form(plan) * (1 + arb(fmpq(_ROUNDING.numerator, _ROUNDING.denominator)))
            share = _upper(found.relative / allowed)
        cases.append((share, {"eps": eps, "error_over_closed_form": share}))
        numbers[f"eps = {eps}"] = {
            "degree": 2**plan.level,
            "pieces": len(plan.knots) - 1,
            "relative": above(_upper(found.relative), 3),
        }
    text = "the relative error of the reciprocal over its closed form"
    return worst_of(text, cases, 1.0, _scope(context, "all S between the outer knots"), numbers)


def _closed_form(plan: ReciprocalPlan) -> Any:
    """`1/( sqrt(x^2 - 1) sinh(n acosh x) )`, `x = (r + 1)/(r - 1)`, the largest of the pieces."""
    degree, worst = 2**plan.level, arb(0)
    for low, high in pairwise(plan.knots):
        root = arb(high / low).sqrt()
        exponent = degree * ((root + 1) / (root - 1)).log()
        worst = worst.max((root**2 - 1) / (2 * root) / exponent.sinh())
    return worst


def has_poles(mixture: GaussianMixture) -> str | None:
    """Applicability: the functions of time have poles, unless `sigma = 1`."""
    reason = needs_common_softmax(mixture)
    if reason is None and mixture.exact_covariances.fractions.item() == 1:
        return OutOfReach("sigma = 1: the functions of time are entire, there is no pole to sum over")
    return reason


@refusing
def remainder_of_time(context: Context, name: str) -> Finding:
    """A4: at sampled times the gadget of `a`, `r` is off by `-W alpha_a`, `-W alpha_q/(2 c)`, summed over poles."""
    rng = context.rng(name)
    cases, numbers = [], {}
    for eps in errors(context):
        network = judged(context, eps)
        worst = 0.0
        for low, high in pairwise(network.score.plan.time_knots):
            share = fmpq(int(rng.integers(1, 1001)), 1001)  # never the middle, which is a node: nothing is left there
            time = low + (high - low) * share
            differences, size = _time_differences(network, low, high, time)
            off = max(differences) / size
            worst = max(worst, off)
            cases.append((off, {"eps": eps, "t": str(time), "relative_difference": off}))
        numbers[f"eps = {eps}"] = {
            "degree": 2**network.score.plan.time_level,
            "pieces": len(network.score.plan.time_knots) - 1,
            "largest_relative_difference": f"{worst:.2g}",
        }
    text = "what interpolation leaves, against the sum over poles, relative"
    return worst_of(text, cases, _POLE_ACCURACY, _scope(context, "one time in each piece"), numbers)


def _time_differences(network: Judged, low: Any, high: Any, time: Any) -> tuple[list[float], float]:
    """How far the errors of `a` and `q` at a time are from what the poles say, and the size of the larger."""
    law, degree = network.score.pieces.law, 2**network.score.plan.time_level
    a, r = outputs_of(network.pieces.time.network, [time])
    with mp.workdps(int(network.score.bits * 0.3)):
        c, t = _mpf(law.excess), _mpf(time)
        m = mp.exp(-t)
        v = 1 - c * m * m
        left = [_mpf(a) - m / v, 2 * c * (_mpf(r) - m * m / (2 * v))]
        shift, root = mp.log(abs(c)) / 2, mp.sqrt(abs(c))
        middle, half = _mpf((low + high) / 2) - shift, _mpf((high - low) / 2)
        nodes = [middle + half * mp.cospi(mp.mpf(i) / degree) for i in range(degree + 1)]
        here = mp.fprod(t - shift - node for node in nodes)
        sums = [mp.mpc(0), mp.mpc(0)]
        for k in range(-_POLES, _POLES + 1):
            pole = mp.mpc(0, mp.pi * (k if c > 0 else k + mp.mpf(1) / 2))
            term = here / ((t - shift - pole) * mp.fprod(pole - node for node in nodes))
            sums[0] += term * (-1) ** k / (2 * root) * (1 if c > 0 else mp.mpc(0, -1))
            sums[1] += term / 2
        size = max(abs(value.real) for value in sums)
        return [float(abs(found + value.real)) for found, value in zip(left, sums, strict=True)], float(size)


def _mpf(number: Any) -> Any:
    return mp.mpf(int(number.p)) / int(number.q)


def _upper(ball: Any) -> float:
    """The upper end, infinity where there is none."""
    if not ball.is_finite():
        return math.inf
    middle, radius = ball_ends(ball)
    return math.nextafter(float(middle + radius), math.inf)


def _scope(context: Context, where: str) -> str:
    return f"the network of this mixture for eps = {', '.join(errors(context))}, {where}"
