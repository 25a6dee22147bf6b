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
from certflow.claims.evidence.sharpness import time_text
from certflow.claims.evidence.tubes import TUBE_DIGITS, earliest, tube_size
from certflow.claims.hypotheses import within_reach
from certflow.claims.model import Outcome
from certflow.enclosure.tubes.tube import flow_tube
from certflow.errors import InputError
from certflow.law.mixture import GaussianMixture
from certflow.numbers.arrays import Floats
from certflow.numbers.exact import exact_text, nearest_float
from certflow.numbers.numerals import above, below
from certflow.process import OrnsteinUhlenbeck

#: `K d^2` up to which a tube along a calm trajectory takes seconds at most.
MAX_TUBE_SIZE = 2500
#: Relative error of the reference flow that the tube must not exceed, many times that of its default tolerance.
FLOW_TOLERANCE = Fraction(1, 10**7)


def reference_flow(context: Context, name: str) -> Finding:
    """S3: the reference flow map at points of `p_t_max` against proved tubes of the ODE `dx/dt = -x - grad log p`."""
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


def tube_applies(mixture: GaussianMixture) -> str | None:
    """Tubes are for a common isotropic variance, and of moderate size."""
    if tube_size(mixture) > MAX_TUBE_SIZE:
        return OutOfReach(f"a tube takes seconds up to K d^2 = {MAX_TUBE_SIZE}; here it is {tube_size(mixture)}")
    return within_reach("common-isotropic")(mixture)
