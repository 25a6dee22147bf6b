"""The reference flow map against proved tubes of its equation (S3).

A tube encloses the flow map at a point for the ODE itself; nothing that is under test takes part in it.
"""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import numpy as np

from certflow.certificate.flow_tube import flow_tube_certificate
from certflow.claims.check import Context, Finding, OutOfReach
from certflow.claims.evidence.balls import bracket, interval_of
from certflow.claims.evidence.sampling import marginal_points
from certflow.claims.evidence.tubes import TUBE_DIGITS, earliest, tube_size
from certflow.claims.hypotheses import has_bound
from certflow.claims.model import Outcome
from certflow.enclosure.tubes.tube import flow_tube
from certflow.errors import InputError
from certflow.law.mixture import GaussianMixture
from certflow.numbers.arrays import Floats
from certflow.numbers.exact import exact_text, nearest_float, time_text
from certflow.numbers.numerals import above, below
from certflow.process import OrnsteinUhlenbeck

#: `K d^2` up to which a tube along a calm trajectory takes seconds at most.
MAX_TUBE_SIZE = 2500
#: The same for other covariances, of which the checker proves the tube; `K d` if they are multiples of I.
MAX_CHECKED_SIZE = 50
#: The point of such a tube has so many binary places, and neighbours at this distance, which tell how errors grow.
POINT_BITS, NEARBY = 20, 1e-6
#: Relative error of the reference flow that the tube must not exceed, many times that of its default tolerance.
FLOW_TOLERANCE = Fraction(1, 10**7)


def reference_flow(context: Context, name: str) -> Finding:
    """S3: the reference flow map at points of `p_t_max` against proved tubes of the ODE `dx/dt = -x - grad log p`."""
    if context.mixture.kind != "common-isotropic":
        return _against_a_certificate(context, name)
    process, until = context.process, earliest(context)
    end = process.exact_t_max
    rng = context.rng(name)
    points = marginal_points(process, np.full(2, process.t_max), rng)
    numbers: dict[str, Any] = {"points": len(points), "steps": []}
    span = f"from t = {exact_text(end)} to {exact_text(until)}"
    scope = f"this mixture, {len(points)} points of the marginal at t_max, {span}"
    plain, worst, open_ = OrnsteinUhlenbeck(context.mixture, *interval_of(context)), Fraction(0), False
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
        worst = max(worst, distance)
        if distance > FLOW_TOLERANCE * (1 + max(map(abs, image))) * max(tube.derivative_norm.upper, Fraction(1)):
            witness = {"x": [float(c).hex() for c in point], "t_from": exact_text(end), "t_to": exact_text(until)}
            witness |= {"flow": [float(v).hex() for v in image]}
            witness |= {"tube": [bracket(low, high, 2 * TUBE_DIGITS) for _, low, high in inside]}
            return Finding(
                Outcome.VIOLATED, f"flow map at least {below(worst, 3)} off its tube", scope, numbers, witness
            )
    numbers |= {"largest_distance_to_the_tube": nearest_float(worst)}
    if open_:
        return Finding(Outcome.INCONCLUSIVE, "a tube, or the flow map, did not reach the data end", scope, numbers)
    off = f"is at most {above(worst, 1)} outside" if worst else "lies inside"
    over = f"from t = {time_text(end)} to {time_text(until)}"
    summary = f"at {len(points)} points, {over}, the flow map {off} its proved tubes of radius 1e-{TUBE_DIGITS}"
    return Finding(Outcome.HOLDS, summary, scope, numbers, certificates=_certificate(plain, points[0], end, until))


def _certificate(process: OrnsteinUhlenbeck, point: Floats, end: Fraction, until: Fraction) -> dict[str, Any]:
    """The certificate of one tube, from a decimal near the point; none where the format's precision does not reach."""
    try:
        x = [f"{entry:.6g}" for entry in point]
        return {"S3": flow_tube_certificate(process, x, end, until, TUBE_DIGITS)}
    except InputError:
        return {}


def _against_a_certificate(context: Context, name: str) -> Finding:
    """The same for other covariances at one point, against the box of a certificate, which the checker has proved."""
    process, end = context.process, context.process.exact_t_max
    until = earliest(context) if has_bound(context.mixture) is None else process.exact_t_min
    drawn = marginal_points(process, np.full(1, process.t_max), context.rng(name))[0]
    point = np.round(drawn * 2**POINT_BITS) / 2**POINT_BITS
    plain = OrnsteinUhlenbeck(context.mixture, *interval_of(context))
    scope = f"this mixture, a point of the marginal at t_max, from t = {exact_text(end)} to {exact_text(until)}"
    try:
        certificate = flow_tube_certificate(plain, point, end, until, TUBE_DIGITS)
    except InputError as error:
        return Finding(
            Outcome.INCONCLUSIVE, "no certificate of a tube reached the data end", scope, {"why": str(error)}
        )
    box = [[Fraction(text) for text in certificate["assertion"][key]] for key in ("lower", "upper")]
    found = process.flow(point, float(end), float(until))
    if not np.isfinite(found).all():
        return Finding(Outcome.INCONCLUSIVE, "the flow map did not reach the data end", scope)
    image = [Fraction(float(entry)) for entry in found]
    distance = max(max(low - y, y - high, Fraction(0)) for y, low, high in zip(image, *box, strict=True))
    nearby = plain.flow(point + NEARBY * np.eye(len(point)), float(end), float(until))
    growth = np.linalg.norm(nearby - plain.flow(point, float(end), float(until)), axis=1).max() / NEARBY
    numbers = {"steps": len(certificate["proof"]["steps"]), "distance_to_the_box": nearest_float(distance)}
    if distance > FLOW_TOLERANCE * (1 + max(map(abs, image))) * max(Fraction(float(growth)), Fraction(1)):
        witness = {"x": [float(c).hex() for c in point], "t_from": exact_text(end), "t_to": exact_text(until)}
        witness |= {"flow": [float(y).hex() for y in image]}
        witness |= {"box": [bracket(low, high, 2 * TUBE_DIGITS) for low, high in zip(*box, strict=True)]}
        return Finding(Outcome.VIOLATED, f"flow map at least {below(distance, 3)} off its box", scope, numbers, witness)
    off = f"is at most {above(distance, 1)} outside" if distance else "lies inside"
    over = f"from t = {time_text(end)} to {time_text(until)}"
    summary = f"at a point, {over}, the flow map {off} the box of radius 1e-{TUBE_DIGITS} that a certificate proves"
    return Finding(Outcome.HOLDS, summary, scope, numbers, certificates={"S3": certificate})


def tube_applies(mixture: GaussianMixture) -> str | None:
    """Tubes are of moderate size; of a common isotropic variance larger ones than of others."""
    size, common = tube_size(mixture), mixture.kind == "common-isotropic"
    if mixture.kind == "isotropic":
        size //= mixture.dimension
    most = MAX_TUBE_SIZE if common else MAX_CHECKED_SIZE
    if size > most:
        of = "K d" if mixture.kind == "isotropic" else "K d^2"
        return OutOfReach(f"a tube takes seconds up to {of} = {most}; here it is {size}")
    return None
