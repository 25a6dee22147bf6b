"""Certificates of sharp rates of a shared covariance (proofs/L5.md, L6.md): a covering in the metric of the rate."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import flint

from certflow.certificate.checker import check
from certflow.certificate.closed_forms import MAX_BITS
from certflow.certificate.envelope import certificate_text, envelope
from certflow.certificate.hints import cover_hints, face_hints
from certflow.enclosure.expressions import ball
from certflow.enclosure.results import ball_ends, rounded_down, rounded_up
from certflow.enclosure.suprema.laws import BITS as WORKING_BITS
from certflow.enclosure.suprema.rate import DIGITS, Metric, SharpRate
from certflow.errors import InputError
from certflow.numbers.exact import exact_text
from certflow.numbers.precision import ball_precision
from certflow.process import OrnsteinUhlenbeck

#: Digits of the vector of the witness, and of a threshold that Popoviciu's inequality proves.
_ALONG = 40
#: What is added to an upper bound without room: the closed form to all its digits.
_ROOM = Fraction(1, 10**18)


def shared_certificate(process: OrnsteinUhlenbeck, found: SharpRate, bits: int) -> dict[str, Any]:
    """The certificate of a sharp rate that was found, accepted by the checker, with at least so many bits.

    Raises
    ------
    InputError : a single mean, or a time at which the format's precision does not reach.
    """
    metric = found.metric
    if metric is None:
        raise InputError("mixture", "a single mean", "at least two different means")
    proof, coordinates = metric.proof, tuple(range(metric.points.dimension))
    hints = {
        "metric": [[exact_text(entry) for entry in row] for row in metric.factor],
        "threshold": exact_text(_threshold(metric)),
        "pivots": list(metric.points.axes),
        "cover": None if proof is None else cover_hints(proof),
        "faces": [] if proof is None else face_hints(proof, metric.points, coordinates),
        "lower": {"point": [exact_text(entry) for entry in found.witness.point], "vector": _vector(process, found)},
    }
    refused = ""
    while bits <= MAX_BITS:
        for room in (0, 1):
            upper = found.upper + room * _ROOM * abs(found.upper)
            assertion = {
                "t": exact_text(found.time),
                "kind": found.rate,
                "lower": exact_text(found.lower),
                "upper": exact_text(rounded_up(upper, DIGITS) if room else found.upper),
            }
            certificate = envelope(process, "L5", assertion, {"rule": "metric-inequality", "bits": bits, **hints})
            verdict = check(certificate_text(certificate))
            if verdict.accepted:
                return certificate
            refused = verdict.text
        bits *= 2
    raise InputError("t", exact_text(found.time), f"a time at which {MAX_BITS} bits hold the rate ({refused})")


def _threshold(metric: Metric) -> Fraction:
    """1, or where no covering proves it a quarter of the largest square of a distance in the metric."""
    if metric.proof is not None:
        return Fraction(1)
    images = [
        [sum((u * a for u, a in zip(row, alpha, strict=True)), Fraction(0)) for row in metric.factor]
        for alpha in metric.points.coordinates
    ]
    squares = (sum((a - b) ** 2 for a, b in zip(x, y, strict=True)) for x in images for y in images)
    return Fraction(rounded_up(Fraction(max(squares)) / 4, _ALONG))


def _vector(process: OrnsteinUhlenbeck, found: SharpRate) -> list[str]:
    """`f = P e` to 40 digits, `e` the direction of the witness."""
    with ball_precision(WORKING_BITS):
        q, sigma = (-2 * ball(found.time)).exp(), process.mixture.exact_covariances.fractions
        noise, d = -(-2 * ball(found.time)).expm1(), process.mixture.dimension
        rows = [[q * ball(sigma[i, j]) + (noise if i == j else 0) for j in range(d)] for i in range(d)]
        image = flint.arb_mat(rows).inv() * flint.arb_mat([[ball(entry)] for entry in found.direction])
        return [exact_text(Fraction(rounded_down(ball_ends(image[i, 0])[0], _ALONG))) for i in range(d)]
