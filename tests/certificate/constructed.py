"""Certificates of networks for the score (A6) as the package produces them, and their networks in mpmath.

The networks are evaluated from the file alone, by `mpmath` at `DIGITS` digits: nothing is shared with the package or
the checker. `network_holds` judges a file by the bound of the package, in Arb, with finer boxes of time.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from fractions import Fraction
from functools import cache
from typing import Any

import mpmath
from flint import arb, arb_poly
from mpmath import mpf

import certflow as cf
from certflow.certificate.envelope import certificate_text
from certflow.certificate.networks import network_certificate
from certflow.errors import CertflowError
from certflow.networks.common.bound import proved_bound
from certflow.networks.common.law import CommonLaw
from certflow.networks.constructed import ConstructedScore, constructed_score
from certflow.networks.exact_json import gadget_of
from certflow.networks.gadgets import reciprocal
from certflow.networks.gadgets.enclosure import pieces, supremum, taylor_difference
from certflow.networks.gadgets.exponential import Exponential, exponential_series
from certflow.networks.gadgets.pieces import Gadget
from certflow.networks.graph import rational
from certflow.networks.plan import Pieces
from certflow.numbers.precision import ball_precision

DIGITS = 50
#: Mixtures by name, with an interval of time and an error.
ASKED: dict[str, tuple[cf.GaussianMixture, str, str, str]] = {
    "two modes": (cf.load_mixture("two-modes"), "0.5", "1", "0.5"),
    "two modes, finer": (cf.load_mixture("two-modes"), "0.5", "1", "1e-4"),
    "two modes, longer": (cf.load_mixture("two-modes"), "0.01", "3", "1e-2"),
    "ring": (cf.load_mixture("ring-8"), "0.01", "3", "1e-6"),
    "wide": (cf.GaussianMixture(["0.4", "0.6"], [["-1", "0.5"], ["2", "0"]], "2.5"), "0.5", "1", "0.5"),
    "unit variance": (cf.GaussianMixture(["0.4", "0.3", "0.3"], [["-1"], ["2"], ["2"]], "1"), "0.5", "1", "0.3"),
    "three": (cf.GaussianMixture(["0.2", "0.5", "0.3"], [["-1.5"], ["0.1"], ["0.8"]], "0.04"), "0.1", "1", "1e-3"),
    "one": (cf.GaussianMixture(["1"], [["1", "2"]], "0.04"), "0.5", "1", "0.1"),
    "equal means": (cf.GaussianMixture(["0.5", "0.5"], [["1", "2"], ["1", "2"]], "1"), "0.5", "1", "0.1"),
}


@cache
def score(name: str) -> ConstructedScore:
    mixture, start, end, error = ASKED[name]
    return constructed_score(cf.OrnsteinUhlenbeck(mixture, start, end), error)


@cache
def _text(name: str) -> str:
    return certificate_text(network_certificate(score(name)))


def constructed(name: str) -> dict[str, Any]:
    """A fresh copy of the certificate."""
    return json.loads(_text(name))


@cache
def number(text: str | Fraction) -> Any:
    with mpmath.workdps(DIGITS):
        exact = Fraction(text)
        return mpf(exact.numerator) / exact.denominator


def values(network: dict[str, Any], inputs: Sequence[Any]) -> list[Any]:
    """The outputs of a network of plain JSON."""

    def rows(entries: list[Any], below: Sequence[Any]) -> list[Any]:
        return [
            number(row["bias"]) + mpmath.fsum(number(w) * below[int(i)] for i, w in row["weights"].items())
            for row in entries
        ]

    here: Sequence[Any] = inputs
    for layer in network["layers"]:
        positive = [max(x, mpf(0)) for x in rows(layer, here)]
        here = [x * x if neuron["square"] else x for x, neuron in zip(positive, layer, strict=True)]
    return rows(network["outputs"], here)


class Asserted:
    """What the file says of its mixture, and the network that it describes."""

    def __init__(self, content: dict[str, Any]):
        mixture, self.parts = content["problem"]["mixture"], content["assertion"]["network"]
        merged: dict[tuple[Fraction, ...], Fraction] = {}
        for row, weight in zip(mixture["means"], mixture["weights"], strict=True):
            mean = tuple(map(Fraction, row))
            merged[mean] = merged.get(mean, Fraction(0)) + Fraction(weight)
        self.means = [[number(x) for x in mean] for mean in merged]
        total = sum(merged.values())
        self.weights = [number(weight / total) for weight in merged.values()]
        self.c = number(1 - Fraction(mixture["covariances"]["values"]))
        self.t_min, self.t_max = (number(content["problem"][key]) for key in ("t_min", "t_max"))

    def factors(self, t: Any) -> tuple[Any, Any]:
        """`m` and `v`."""
        m = mpmath.exp(-t)
        return m, 1 - self.c * m * m

    def score(self, x: Sequence[Any], t: Any) -> list[Any]:
        m, v = self.factors(t)
        logs = [
            mpmath.log(w) - mpmath.fsum((a - m * b) ** 2 for a, b in zip(x, mu, strict=True)) / (2 * v)
            for w, mu in zip(self.weights, self.means, strict=True)
        ]
        powers = [mpmath.exp(log - max(logs)) for log in logs]
        mean = [mpmath.fdot(powers, column) / mpmath.fsum(powers) for column in zip(*self.means, strict=True)]
        return [(m * a - b) / v for a, b in zip(mean, x, strict=True)]

    def network(self, x: Sequence[Any], t: Any) -> list[Any]:
        """`N = a o + R(S) a sum_k E_k (mu_k - o) - (1 + 2 c r) x`, or `a mu - (1 + 2 c r) x`."""
        a, r = values(self.parts["time"]["network"], [t])
        drift = [(1 + 2 * self.c * r) * y for y in x]
        if self.parts["exponential"] is None:
            return [a * y - z for y, z in zip(self.means[0], drift, strict=True)]
        logits = [
            number(log) + a * mpmath.fdot(x, mu) - r * mpmath.fdot(mu, mu)
            for log, mu in zip(self.parts["log_weights"], self.means, strict=True)
        ]
        powers = [values(self.parts["exponential"]["network"], [log - max(logits)])[0] for log in logits]
        inverse = values(self.parts["reciprocal"]["network"], [mpmath.fsum(powers)])[0]
        centre = [number(y) for y in self.parts["centre"]]
        sums = [
            mpmath.fsum(p * (mu[i] - o) for p, mu in zip(powers, self.means, strict=True)) for i, o in enumerate(centre)
        ]
        return [a * o + inverse * a * s - z for o, s, z in zip(centre, sums, drift, strict=True)]

    def error(self, x: Sequence[Any], t: Any) -> Any:
        """`|N(x, t) - s(x, t)|`."""
        return mpmath.norm([a - b for a, b in zip(self.network(x, t), self.score(x, t), strict=True)])


#: How `network_holds` encloses: bits, bits of series, parts of a piece of `e^z`; boxes of time, and, where the bound is
#: at most so many times what is asserted, boxes again.
BITS, ACCURACY, PARTS, BOXES, NEAR = 256, 80, 8, (160, 1280), 1.05


def network_holds(problem: Any, content: dict[str, Any]) -> bool:
    """A6, by `proved_bound`, of the gadgets in the file; the exponential's error is split in several ways."""
    assertion, network = content["assertion"], content["assertion"]["network"]
    centre = tuple(rational(Fraction(x)) for x in network["centre"])
    law = CommonLaw(
        tuple(map(rational, problem.weights)),
        tuple(tuple(map(rational, mean)) for mean in problem.points),
        rational(problem.s2),
        rational(problem.t_min),
        rational(problem.t_max),
        centre,
    )
    try:
        with ball_precision(BITS):
            time, logs = gadget_of(network["time"]), tuple(rational(Fraction(x)) for x in network["log_weights"])
            if not time.knots[0] <= law.t_min < law.t_max <= time.knots[-1]:
                return False
            inner = tuple(knot for knot in time.knots if law.t_min < knot < law.t_max)
            time = Gadget(time.network, (law.t_min, *inner, law.t_max), time.side)
            if law.components == 1:
                whole = not logs and not centre and network["exponential"] is network["reciprocal"] is None
                return whole and _within(Pieces(law, time, None, None, ()), assertion)
            if len(logs) != law.components or len(centre) != law.dimension:
                return False
            inverse = reciprocal.enclosed(gadget_of(network["reciprocal"]))
            return any(
                _within(Pieces(law, time, power, inverse, logs), assertion)
                for power in _exponentials(gadget_of(network["exponential"]), content["proof"])
                if _sums_fit(power, inverse.gadget, law.components)
            )
    except CertflowError:
        return False


def _within(made: Pieces, assertion: dict[str, Any]) -> bool:
    """Whether the bound is what is asserted, with more boxes where it is a little more."""
    for count in BOXES:
        bound = proved_bound(made, -(-count // (len(made.time.knots) - 1)), ACCURACY)
        found = zip((bound.l2, *bound.everywhere), ("l2_error", "A", "B"), strict=True)
        ends = [(ball.upper(), arb(rational(Fraction(assertion[key])))) for ball, key in found]
        if all(ball <= end for ball, end in ends):
            return True
        if not all(ball <= arb(NEAR) * end for ball, end in ends):
            return False
    return False


def _sums_fit(power: Exponential, inverse: Gadget, count: int) -> bool:
    least = 1 - power.at_zero - (count - 1) * power.absolute
    most = count * (1 + power.relative + power.absolute)
    return bool(arb(inverse.knots[0]) < least and most < arb(inverse.knots[-1]))


def _exponentials(gadget: Gadget, proof: dict[str, Any]) -> list[Exponential]:
    """The error of a gadget for `e^z`, split into a relative and an absolute part in several ways."""
    first = gadget.knots[0]
    far = [_at(gadget.network, first - 2**i) for i in range(4)]
    if gadget.knots[-1] != 0 or len(set(far)) > 1:
        return []
    below = max(abs(arb(far[0])).upper(), abs(arb(first).exp() - arb(far[0])).upper())
    errors, last = [], None
    for piece in pieces(gadget):
        middle, half = arb((piece.lower + piece.upper) / 2), arb((piece.upper - piece.lower) / 2)
        last = piece.outputs[0]
        series, remainder = exponential_series(middle, half, 2 * last.length() + 16)
        difference = taylor_difference(last, series, remainder)
        for i in range(PARTS):
            place = arb(2 * i + 1 - PARTS) / PARTS
            power = (middle + half * (place - arb(1) / PARTS)).exp()
            errors.append((power, supremum(difference(arb_poly([place, arb(1) / PARTS])))))
    assert last is not None
    stated = arb(rational(Fraction(proof["absolute"]))) if isinstance(proof.get("absolute"), str) else below
    found = []
    for absolute in (stated, 1.5 * below):
        if absolute >= below:
            relative = arb(0)
            for power, error in errors:
                relative = relative.max((error - absolute) / power)
            found.append(Exponential(gadget, relative.upper(), absolute, abs(last(arb(1)) - 1)))
    return found


def _at(network: Any, z: Any) -> Any:
    """The output of a network of exact weights at a rational number, exactly."""
    here = [z]
    for layer in network.layers:
        sums = [sum((w * here[i] for i, w in n.row.weights.items()), n.row.bias) for n in layer]
        here = [max(x, 0) ** (2 if n.square else 1) for x, n in zip(sums, layer, strict=True)]
    (output,) = network.outputs
    return sum((w * here[i] for i, w in output.weights.items()), output.bias)
