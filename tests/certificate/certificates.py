"""An independent producer of certificates for the tests, in mpmath at 60 digits.

It shares no code and no arithmetic with the checker, and takes other routes where there are any: integrals by
quadrature, nodes by bisection of the quadrature's antiderivative, suprema over a panel by dense sampling.
"""

from __future__ import annotations

import copy
import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from functools import cache
from itertools import pairwise
from typing import Any

import mpmath
from mpmath import mpf

DIGITS = 60
#: What an asserted number is moved outwards by, relative: far below every tolerance of the tests.
MARGIN = Fraction(1, 10**25)

CLAIMS = ("L2", "L3", "F1", "F2", "G1")


@dataclass(frozen=True)
class Law:
    """A mixture and an interval of time, as exact texts."""

    name: str
    weights: tuple[str, ...]
    means: tuple[tuple[str, ...], ...]
    variance: str
    t_min: str = "0.01"
    t_max: str = "3"


LAWS = {
    law.name: law
    for law in (
        Law("two modes", ("0.5", "0.5"), (("-1", "0"), ("1", "0")), "0.04"),
        Law("wide", ("0.25", "0.75"), (("-1",), ("2",)), "2.5"),
        Law("very wide", ("0.25", "0.75"), (("-1",), ("2",)), "17", "0.001", "1"),
        Law("unit variance", ("1/3", "2/3"), (("0", "1/7"), ("1", "-1/3")), "1", "1/50"),
        Law("plane", ("0.2", "0.3", "0.5"), (("0", "0"), ("3", "0"), ("1", "1.5")), "0.09", "0.02", "2.5"),
        Law("one point", ("0.5", "0.5"), (("1/3", "1e-2"), ("1/3", "0.01")), "0.25"),
        Law("one wide point", ("1",), (("7",),), "3", "0.5", "4"),
        Law("weak pull", ("0.5", "0.5"), (("-0.05",), ("0.05",)), "0.5"),  # L = 1/v - 1, lambda < 0
        Law("strong", ("0.5", "0.5"), (("-1",), ("1",)), "1e-4", "1e-6", "3"),  # no factor: growth > 600
    )
}


def numbers(law: Law) -> tuple[mpf, mpf]:
    """`c = 1 - s2` and `D^2`, in mpmath."""
    means = [[Fraction(x) for x in row] for row in law.means]
    square = max(squared_distance(x, y) for x in means for y in means)
    return decimal(1 - Fraction(law.variance)), decimal(square)


def squared_distance(x: list[Fraction], y: list[Fraction]) -> Fraction:
    return sum(((a - b) ** 2 for a, b in zip(x, y, strict=True)), Fraction(0))


def decimal(value: Fraction | str) -> mpf:
    value = Fraction(value)
    return mpf(value.numerator) / mpf(value.denominator)


def rate(law: Law, kind: str) -> Callable[[Any], Any]:
    """`t -> lambda(t)`, `L(t)` or `1 - 1/v`, straight from proofs/L2.md and L3."""
    c, square = numbers(law)

    def value(t: Any) -> Any:
        q = mpmath.exp(-2 * t)
        v = 1 - c * q
        inner, pull = 1 / v - 1, q * square / (4 * v * v)
        return {"one-sided": pull - inner, "two-sided": max(abs(inner), abs(inner - pull)), "expansion": -inner}[kind]

    return value


@cache
def integral(law: Law, kind: str, start: Fraction, end: Fraction) -> mpf:
    """`int_start^end rate`, Gauss-Legendre on pieces that shrink towards the data end and end where L has its kink."""
    with mpmath.workdps(DIGITS):
        c, square = numbers(law)
        cuts = {decimal(start), decimal(end)}
        if kind == "two-sided" and c > 0 and 0 < 1 - square / (8 * c) < c:
            cuts.add(-mpmath.log((1 - square / (8 * c)) / c) / 2)
        step = min(Fraction(law.variance), Fraction(1)) / 4
        while start + step < end:
            cuts.add(decimal(start + step))
            step *= 2
        inside = sorted(t for t in cuts if decimal(start) <= t <= decimal(end))
        return mpmath.fsum(mpmath.quad(rate(law, kind), piece, maxdegree=7) for piece in pairwise(inside))


def exact(value: Any, digits: int = 30, direction: int = 0) -> str:
    """A decimal of so many digits, moved outwards (`direction` 1 or -1) by a relative margin; zero by the margin."""
    sign, mantissa, exponent, _ = mpf(value)._mpf_
    number = Fraction(int(-mantissa if sign else mantissa)) * Fraction(2) ** int(exponent)
    number += direction * MARGIN * max(abs(number), Fraction(1))
    scale = 10**digits
    units = -(-number * scale // 1) if direction > 0 else number * scale // 1
    return f"{'-' if units < 0 else ''}{abs(units) // scale}.{abs(units) % scale:0{digits}d}"


def certificate(law: Law, claim: str, **options: Any) -> dict[str, Any]:
    """A valid certificate. Options: `panels` (L2, L3); `segments`, `rate` (G1); `bits`."""
    with mpmath.workdps(DIGITS):
        square, pair = widest(law)
        assertion = {"diameter_squared": str(square)}
        proof: dict[str, Any] = {"rule": "popoviciu" if claim in ("L2", "L3") else "closed-form"}
        proof["bits"] = options.pop("bits", 192)
        if claim in ("F2", "G1"):
            proof["pair"] = list(pair)
        assertion |= {"L2": panels, "L3": panels, "F1": flow, "F2": integrals, "G1": grid}[claim](law, claim, **options)
    mixture = {
        "schema": "certflow/mixture/1",
        "name": law.name,
        "weights": list(law.weights),
        "means": [list(row) for row in law.means],
        "covariances": {"kind": "common-isotropic", "values": law.variance},
    }
    result = {
        "schema": "certflow/certificate/1",
        "claim": claim,
        "problem": {"mixture": mixture, "t_min": law.t_min, "t_max": law.t_max},
        "assertion": assertion,
        "proof": proof,
        "producer": {"test": "1"},
    }
    return sealed(result)


def sealed(certificate: dict[str, Any]) -> dict[str, Any]:
    """The certificate with the hash that belongs to its claim, problem and assertion."""
    return certificate | {"hash": "sha256-statement:" + digest(certificate, "schema", "claim", "problem", "assertion")}


def sealed_as_before(certificate: dict[str, Any]) -> dict[str, Any]:
    """The certificate with the hash of older files, which does not cover the assertion."""
    return certificate | {"hash": "sha256:" + digest(certificate, "schema", "claim", "problem")}


def digest(certificate: dict[str, Any], *keys: str) -> str:
    content = {key: certificate[key] for key in keys}
    text = json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return hashlib.sha256(text.encode()).hexdigest()


def changed(certificate: dict[str, Any], path: str, value: Any) -> dict[str, Any]:
    """A copy with one entry replaced (`"assertion.upper.3"`), its hash made right again."""
    result = copy.deepcopy(certificate)
    *way, last = [int(step) if step.isdigit() else step for step in path.split(".")]
    target: Any = result
    for step in way:
        target = target[step]
    target[last] = value
    return sealed(result) if way[:1] in (["problem"], ["assertion"]) else result


def widest(law: Law) -> tuple[Fraction, tuple[int, int]]:
    """`D^2` and a pair of components that attains it."""
    means = [[Fraction(x) for x in row] for row in law.means]
    pairs = [(i, j) for i in range(len(means)) for j in range(i, len(means))]
    squares = {p: squared_distance(means[p[0]], means[p[1]]) for p in pairs}
    best = max(pairs, key=squares.__getitem__)
    return squares[best], best


def panels(law: Law, claim: str, panels: int = 40) -> dict[str, Any]:
    """Bounds on geometric panels by interval extension at 60 digits: each rate from the extremes of its parts."""
    start, end = Fraction(law.t_min), Fraction(law.t_max)
    ratio = (float(end) / float(start)) ** (1 / panels)
    times = [start, *(Fraction(float(start) * ratio**i).limit_denominator(10**9) for i in range(1, panels)), end]
    c, square = numbers(law)
    upper, lower = [], []
    for early, late in pairwise(times):
        q = [mpmath.exp(-2 * decimal(t)) for t in (late, early)]
        v = sorted(1 - c * x for x in q)
        inner = [1 / v[1] - 1, 1 / v[0] - 1]
        pull = [q[0] * square / (4 * v[1] ** 2), q[1] * square / (4 * v[0] ** 2)]
        growth = [pull[0] - inner[1], pull[1] - inner[0]]
        largest = max(abs(x) for x in (*inner, *growth)) if claim == "L2" else growth[1]
        upper.append(exact(largest, direction=1))
        lower.append(exact(-inner[1], direction=-1))
    result = {"times": [str(t) for t in times], "upper": upper}
    return result if claim == "L2" else result | {"lower": lower}


def flow(law: Law, claim: str) -> dict[str, Any]:
    ends = Fraction(law.t_min), Fraction(law.t_max)
    growth = exact(integral(law, "one-sided", *ends), direction=1)
    contraction = exact(integral(law, "expansion", *ends), direction=-1)
    factor = None if Fraction(growth) > 600 else exact(mpmath.exp(decimal(growth)), direction=1)
    return {"growth": growth, "contraction": contraction, "factor": factor}


def integrals(law: Law, claim: str) -> dict[str, Any]:
    ends = Fraction(law.t_min), Fraction(law.t_max)
    values = {kind: integral(law, kind, *ends) for kind in ("one-sided", "two-sided")}
    return {kind: [exact(value, direction=d) for d in (-1, 1)] for kind, value in values.items()}


def grid(law: Law, claim: str, segments: int = 3, rate: str = "one-sided") -> dict[str, Any]:
    """Brackets `t_k -+ 10^-12`, the times by the secant method on the quadrature."""
    start, end = Fraction(law.t_min), Fraction(law.t_max)
    total = integral(law, rate, start, end)
    nodes = [[law.t_max, law.t_max]]
    for k in range(1, segments):

        def excess(t: Any, share: Fraction = Fraction(segments - k, segments)) -> Any:
            inside = min(max(Fraction(exact(t)), start), end)
            return integral(law, rate, start, inside) - total * decimal(share)

        root = mpmath.findroot(excess, (decimal(start), decimal(end)), solver="anderson", tol=1e-30, maxsteps=100)
        nodes.append([exact(root - mpf(10) ** -12), exact(root + mpf(10) ** -12)])
    return {"rate": rate, "segments": segments, "nodes": [*nodes, [law.t_min, law.t_min]]}
