"""Proved tubes around trajectories: F3 (the factor is attained) and S3 (the reference flow map).

A tube encloses the flow map at a point, and the norm of its derivative, for the ODE itself; nothing that is under test
takes part in it.
"""

from __future__ import annotations

import math
import warnings
from fractions import Fraction
from typing import Any

import numpy as np

from certflow.certificate.flow_tube import flow_tube_certificate
from certflow.claims.balls import bracket, ends, interval_of, precision, shown, within
from certflow.claims.check import Context, Finding, OutOfReach, within_reach
from certflow.claims.model import Outcome
from certflow.claims.sampling import marginal_points
from certflow.claims.sharpness import time_text
from certflow.enclosure.expressions import ball
from certflow.enclosure.results import rounded_down, rounded_up
from certflow.enclosure.tubes.tube import FlowTube, flow_tube
from certflow.errors import AccuracyWarning, InputError, IntegrationError
from certflow.law.mixture import GaussianMixture
from certflow.numbers.exact import exact_text
from certflow.process import OrnsteinUhlenbeck

#: Tubes run over an interval in which errors grow by at most about `e^LARGEST_GROWTH`.
LARGEST_GROWTH = 60
#: `K d^2` up to which tubes take seconds at most: along calm trajectories, and along those that grow.
MAX_TUBE_SIZE, MAX_GROWING_TUBE_SIZE = 2500, 500
#: Digits of tubes, and of the derivative of the flow map in F3.
TUBE_DIGITS, DERIVATIVE_DIGITS = 8, 12
#: Share of `t_max` below which an interval of time is not looked at in float64.
SHORTEST = Fraction(1, 10**5)
#: Relative error of the reference flow that the tube must not exceed, many times that of its default tolerance.
FLOW_TOLERANCE = Fraction(1, 10**7)


def separatrix(context: Context, name: str) -> Finding:
    """F3: at the midpoint of two equal modes, on the hyperplane, `|D Phi|` encloses `exp(int lambda)`.

    The midpoint `m (mu_1 + mu_2)/2` is no rational point; a box of exact half-width around it holds it.
    """
    process, until = context.process, _earliest(context)
    end = process.exact_t_max
    means = context.mixture.exact_means.fractions
    middle = [Fraction(entry) for entry in (means[0] + means[1]) / 2]
    with precision(context):
        factor = process.amplification(ball(until), ball(end), "one-sided")
        scale = ends((-ball(end)).exp())
    digits = DERIVATIVE_DIGITS + LARGEST_GROWTH  # room for the growth of the box, e^60 twice
    x = [entry if not entry else Fraction(rounded_down(entry * scale[0], digits + 10)) for entry in middle]
    box = 0 if not any(middle) else Fraction(1, 10**digits) * max(map(abs, x))
    tube = flow_tube(OrnsteinUhlenbeck(context.mixture, until, end), x, end, until, digits=DERIVATIVE_DIGITS, box=box)
    grown = tube.derivative_norm
    numbers = {
        "derivative_norm": bracket(grown.lower, grown.upper),
        "amplification": shown(factor, 20),
        "steps": len(tube.steps),
    }
    scope = f"this mixture, the midpoint of the noised means, from t = {exact_text(end)} to {exact_text(until)}"
    if not factor.is_finite() or not (tube.complete or box):
        return Finding(Outcome.INCONCLUSIVE, "no tube of the accuracy asked for was found", scope, numbers)
    outcome = within(factor, grown.lower, grown.upper, Fraction(0))
    width = grown.width / grown.upper
    if outcome is Outcome.VIOLATED:
        witness = {"x": [exact_text(v) for v in x], "half_width": exact_text(Fraction(box)), "t_from": exact_text(end)}
        witness |= {"t_to": exact_text(until), "derivative_norm": bracket(grown.lower, grown.upper)}
        summary = (
            f"|D Phi| is {float(grown.lower):.8g} at the midpoint of the modes, "
            f"exp(int lambda) {float(factor.mid()):.8g}"
        )
        return Finding(outcome, summary, scope, numbers, witness | {"amplification": shown(factor)})
    if outcome is Outcome.INCONCLUSIVE or width > Fraction(1, 10**6):
        return Finding(Outcome.INCONCLUSIVE, f"|D Phi| is known to {float(width):.1g} only", scope, numbers)
    where = f"at the midpoint of the modes, from t = {time_text(end)} to {time_text(until)}"
    summary = f"{where}, the proved |D Phi| encloses exp(int lambda), relative width {float(width):.1g}"
    return Finding(Outcome.HOLDS, summary, scope, numbers)


def reference_flow(context: Context, name: str) -> Finding:
    """S3: the reference flow map at points of `p_t_max` against proved tubes of the ODE `dx/dt = -x - grad log p`."""
    process, until = context.process, _earliest(context)
    end = process.exact_t_max
    rng = context.rng(name)
    points = marginal_points(process, np.full(2, process.t_max), rng)
    numbers: dict[str, Any] = {"points": len(points), "steps": []}
    span = f"from t = {exact_text(end)} to {exact_text(until)}"
    scope = f"this mixture, {len(points)} points of the marginal at t_max, {span}"
    plain, worst, open_ = OrnsteinUhlenbeck(context.mixture, *interval_of(context)), 0.0, False
    for point in points:
        tube = flow_tube(plain, point, end, until, TUBE_DIGITS)
        numbers["steps"].append(len(tube.steps))
        found = process.flow(point, float(end), float(until))
        if not tube.complete or not np.isfinite(found).all():
            open_ = True
            continue
        image = [Fraction(float(entry)) for entry in found]
        inside = list(zip(image, tube.lower, tube.upper, strict=True))
        distance = max(max(low - value, value - high, Fraction(0)) for value, low, high in inside)
        worst = max(worst, float(distance))
        if distance > FLOW_TOLERANCE * (1 + max(map(abs, image))) * max(tube.derivative_norm.upper, Fraction(1)):
            witness = {"x": [float(c).hex() for c in point], "t_from": exact_text(end), "t_to": exact_text(until)}
            witness |= {"flow": [float(v).hex() for v in image]}
            witness |= {"tube": [bracket(low, high, 2 * TUBE_DIGITS) for _, low, high in inside]}
            return Finding(Outcome.VIOLATED, f"flow map {worst:.3g} off its tube", scope, numbers, witness)
    numbers |= {"largest_distance_to_the_tube": worst}
    if open_:
        return Finding(Outcome.INCONCLUSIVE, "a tube, or the flow map, did not reach the data end", scope, numbers)
    off = f"is at most {worst:.1g} outside" if worst else "lies inside"
    over = f"from t = {time_text(end)} to {time_text(until)}"
    summary = f"at {len(points)} points, {over}, the flow map {off} its proved tubes of radius 1e-{TUBE_DIGITS}"
    return Finding(Outcome.HOLDS, summary, scope, numbers, certificates=_certificate(plain, points[0], end, until))


def _certificate(process: OrnsteinUhlenbeck, point: np.ndarray, end: Fraction, until: Fraction) -> dict[str, Any]:
    """The certificate of one tube, from a decimal near the point; none where the format's precision does not reach."""
    try:
        x = [f"{entry:.6g}" for entry in point]
        return {"S3": flow_tube_certificate(process, x, end, until, TUBE_DIGITS)}
    except InputError:
        return {}


def tied_tube(context: Context) -> tuple[FlowTube, tuple[Fraction, ...], Fraction] | None:
    """A tube along a trajectory that ends next to the midpoint of two means at distance `D`, where growth is large.

    The trajectory is run towards noise in float64, which only chooses where to start the tube: its accuracy does not
    matter. None where that cannot be done: growth so fast that float64 hardly tells the times apart, or too stiff.
    """
    process = OrnsteinUhlenbeck(context.mixture, *interval_of(context))
    until, end = _earliest(context), process.exact_t_max
    if end - until < end * SHORTEST:
        return None
    means = context.mixture.means
    gaps = ((means[:, None] - means[None]) ** 2).sum(-1)
    i, j = np.unravel_index(int(np.argmax(gaps)), gaps.shape)
    weights = np.log(context.mixture.weights)
    m, variance = math.exp(-until), float(context.mixture.covariances)
    v = variance * m * m - math.expm1(-2 * float(until))
    axis = means[i] - means[j]
    # (m/v) x.(mu_i - mu_j) - m^2/(2v) (|mu_i|^2 - |mu_j|^2) + log(w_i/w_j) = 0 on the line through both
    shift = -v / m * (weights[i] - weights[j]) / max(float(gaps[i, j]), 1e-300)
    tie = m * (means[i] + means[j]) / 2 + shift * axis
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", AccuracyWarning)
        try:
            far = np.asarray(process.flow(tie, float(until), float(end), rtol=1e-12))
        except IntegrationError:
            return None
    x = tuple(Fraction(round(Fraction(float(entry)) * 10**14), 10**14) for entry in far)
    return flow_tube(process, list(x), end, until, digits=TUBE_DIGITS), x, until


def _earliest(context: Context) -> Fraction:
    """The earliest time `s` (a short decimal, or `t_min`) with `int_s^t_max lambda` of about `LARGEST_GROWTH` at most.

    float64, of the right formula: any `s` gives a valid interval.
    """
    from certflow.bounds.stability import stability as integral

    start, end = interval_of(context)
    low, high = float(start), float(end)
    if float(integral(context.mixture, low, high)) <= LARGEST_GROWTH:
        return start
    for _ in range(50):
        middle = math.sqrt(low * high)
        if float(integral(context.mixture, middle, float(end))) <= LARGEST_GROWTH:
            high = middle
        else:
            low = middle
    for digits in range(4, 16):  # later than `high`, or growth could be far larger; few digits, but most of the growth
        short = Fraction(rounded_up(Fraction(high), digits))
        if short < end and float(integral(context.mixture, float(short), float(end))) >= LARGEST_GROWTH / 2:
            return short
    return Fraction(high)


def tube_size(mixture: GaussianMixture) -> int:
    return mixture.n_components * mixture.dimension**2


def tube_applies(mixture: GaussianMixture) -> str | None:
    """Tubes are for a common isotropic variance, and of moderate size."""
    if tube_size(mixture) > MAX_TUBE_SIZE:
        return OutOfReach(f"a tube takes seconds up to K d^2 = {MAX_TUBE_SIZE}; here it is {tube_size(mixture)}")
    return within_reach("common-isotropic")(mixture)
