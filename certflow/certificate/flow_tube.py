"""Certificates of flow tubes (proofs/S3.md): the nodes and orders of the Taylor steps, as hints for the checker."""

from __future__ import annotations

import math
from fractions import Fraction
from itertools import pairwise
from typing import Any

from certflow.certificate.checker import check
from certflow.certificate.envelope import certificate_text, envelope
from certflow.certificate.flow_kinds import image_assertion, kind_tube_certificate
from certflow.enclosure.tubes.tube import FlowTube, flow_tube
from certflow.errors import InputError
from certflow.numbers.exact import ExactArray, exact_number, exact_text
from certflow.numbers.inputs import whole_number
from certflow.process import OrnsteinUhlenbeck

#: The format's largest precision and order.
MAX_BITS, MAX_ORDER = 1024, 256
#: Bits of the checker's arithmetic beyond those of a step: its polynomials are bounded by sums of sizes.
GUARD_BITS = 128
#: Where far modes gain fast, the polynomials need shorter steps than the tube's: so many parts of each are tried.
PARTS = (1, 2, 4, 8)
#: Nodes are given to this many bits beyond a step's error; what lies between a node and the end is bounded apart.
NODE_BITS = 24


def flow_tube_certificate(
    process: OrnsteinUhlenbeck, x: Any, t_from: Any, t_to: Any, digits: int = 12
) -> dict[str, Any]:
    """S3: `lower <= Phi_{t_from -> t_to}(x) <= upper`, a box of radius at most `10^-digits` if that many are reached.

    Raises
    ------
    InputError : bad input, a time outside `[t_min, t_max]`, covariance matrices of more than 8 rows, or a tube that
        does not reach `t_to` with the precision of the format.
    """
    start, end = exact_number(t_from, "t_from"), exact_number(t_to, "t_to")
    for name, given, time in (("t_from", t_from, start), ("t_to", t_to, end)):
        if not process.exact_t_min <= time <= process.exact_t_max:
            raise InputError(name, given, f"a time from t_min = {process.t_min:g} to t_max = {process.t_max:g}")
    if isinstance(digits, int) and digits * math.log2(10) + GUARD_BITS > MAX_BITS:
        raise InputError("digits", digits, f"few enough for {MAX_BITS} bits, {GUARD_BITS} of them the checker's own")
    if process.mixture.kind != "common-isotropic":
        return kind_tube_certificate(process, _point(process, x), start, end, whole_number(digits, "digits", 1, 1000))
    tube = flow_tube(process, x, start, end, digits + 1)
    if not tube.complete:
        raise InputError("t_to", t_to, f"a time that a tube of {digits} digits reaches")
    point = [Fraction(entry) for entry in ExactArray.of(x, "x").fractions]
    bits = tube.bits + GUARD_BITS + 2 * _size_in_bits(process, tube, point)
    if bits > MAX_BITS or max((step.order for step in tube.steps), default=0) > MAX_ORDER:
        raise InputError("digits", digits, f"few enough for {MAX_BITS} bits and order {MAX_ORDER}, not {bits} bits")
    assertion = image_assertion(point, start, end, (tube.lower, tube.upper), digits)
    for parts in PARTS:
        proof = {"rule": "taylor-steps", "bits": bits, **_steps(tube, parts)}
        certificate = envelope(process, "S3", assertion, proof)
        if check(certificate_text(certificate)).accepted:
            return certificate
    raise InputError("x", x, f"a point whose path {PARTS[-1]} times as many steps confirm")


def _point(process: OrnsteinUhlenbeck, x: Any) -> tuple[Fraction, ...]:
    """The exact coordinates of a point."""
    if process.mixture.is_symbolic:
        raise InputError("p", process.mixture, "a mixture of numbers, not of symbols")
    point, d = ExactArray.of(x, "x"), process.mixture.dimension
    if point.shape != (d,) or point.is_symbolic:
        raise InputError("x", f"shape {point.shape}", f"{d} numbers, shape ({d},)")
    return tuple(Fraction(entry) for entry in point.fractions)


def _steps(tube: FlowTube, parts: int) -> dict[str, Any]:
    """The nodes of the tube, with each step in so many parts."""
    places = tube.bits + NODE_BITS
    nodes, steps = [tube.start, *(step.end for step in tube.steps)], []
    for (left, right), step in zip(pairwise(nodes), tube.steps, strict=True):
        ends = (left + (right - left) * Fraction(part + 1, parts) for part in range(parts))
        steps += [{"end": _node(end, places), "order": step.order} for end in ends]
    return {"start": _node(tube.start, places), "steps": steps}


def _size_in_bits(process: OrnsteinUhlenbeck, tube: FlowTube, point: list[Fraction]) -> int:
    """Bits of the largest of means, coordinates and nodes: products of two of them are as large as the polynomials."""
    nodes = [tube.start, *(step.end for step in tube.steps)]
    numbers = [*process.mixture.exact_means.fractions.flat, *point, *nodes]
    return max(math.ceil(abs(Fraction(number))).bit_length() for number in numbers)


def _node(value: Fraction, places: int) -> str:
    """The nearest multiple of `2^-places`, as an exact text; positive."""
    return exact_text(max(Fraction(round(value * 2**places), 2**places), Fraction(1, 2**places)))
