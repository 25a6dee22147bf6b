"""Small students in one dimension, their certificates (C2, C4), and their errors by quadrature from a file alone."""

from __future__ import annotations

import json
from fractions import Fraction
from functools import cache
from itertools import pairwise
from typing import Any

import mpmath
import numpy as np
from scipy.special import ndtr

import certflow as cf
from certflow.certificate.envelope import certificate_text
from certflow.certificate.students import comparison_certificate, student_certificate
from certflow.enclosure.students.maps import ExactMap
from certflow.flow.quantile_map import QuantileMap

#: Mixtures by name, with an interval of time.
LAWS: dict[str, tuple[cf.GaussianMixture, str, str]] = {
    "two": (cf.GaussianMixture(["1/2", "1/2"], [["-1"], ["1"]], "0.09", name="two"), "0.1", "1"),
    "three": (cf.GaussianMixture(["0.2", "0.5", "0.3"], [["-1.5"], ["0.1"], ["0.8"]], "0.2"), "0.05", "2"),
    "isotropic": (cf.GaussianMixture(["0.4", "0.6"], [["-1"], ["1"]], ["0.09", "0.25"], name="widths"), "0.1", "1"),
    "shared": (cf.GaussianMixture(["0.4", "0.6"], [["-1"], ["1"]], [["0.16"]], name="shared"), "0.1", "1"),
    "full": (cf.GaussianMixture(["0.4", "0.6"], [["-1"], ["1"]], [[["0.09"]], [["0.3"]]], name="full"), "0.1", "1"),
    "one": (cf.GaussianMixture(["1"], [["1/3"]], "2", name="one"), "0.2", "1"),
}
#: Relative error of the quadrature in float64, with kinks; what is not told apart by it counts as false.
TINY = 2e-5


@cache
def process(name: str) -> cf.OrnsteinUhlenbeck:
    mixture, start, end = LAWS[name]
    return cf.OrnsteinUhlenbeck(mixture, start, end)


@cache
def fitted(name: str, activation: str, width: int, maps: int = 1, skip: float = 1.0) -> tuple[ExactMap, ...]:
    """Maps between equally spaced times: hidden weights at random, the last layer by least squares; 24 places."""
    p, rng = process(name), np.random.default_rng([width, maps, len(activation)])
    times = np.linspace(p.t_max, p.t_min, maps + 1)
    found = []
    for late, early in pairwise(times):
        x = np.linspace(-3, 3, 400)
        first, bias = rng.normal(size=(1, width)) * 1.5, rng.normal(size=width)
        pair = [rounded(first), rounded(bias)]
        still = ExactMap([np.eye(1)], [[0.0]], activation, 0.0, [0.0], [1.0], [0.0], [1.0])
        hidden = x[:, None] @ pair[0] + pair[1]
        values = {"silu": hidden / (1 + np.exp(-hidden)), "tanh": np.tanh(hidden), "relu": np.maximum(hidden, 0)}
        target = QuantileMap(p, late, early)(x) - skip * still(x[:, None])[:, 0]
        matrix, weight = np.column_stack([values[activation], np.ones_like(x)]), np.exp(-x * x / 8)
        last = np.linalg.lstsq(matrix * weight[:, None], target * weight, rcond=1e-6)[0]
        layers, biases = [pair[0], rounded(last[:-1, None])], [pair[1], rounded(last[-1:])]
        found.append(ExactMap(layers, biases, activation, skip, [0.0], [1.0], [0.0], [1.0]))
    return tuple(found)


def rounded(values: Any) -> Any:
    return np.round(values * 2**24) / 2**24


@cache
def _text(kind: str, *arguments: Any) -> str:
    name, *rest = arguments
    if kind == "C2":
        return certificate_text(student_certificate(process(name), fitted(name, *rest[:-1]), rtol=rest[-1]))
    first, second, rtol = rest
    made = comparison_certificate(process(name), fitted(name, *first), fitted(name, *second), rtol=rtol)
    return certificate_text(made)


def student(name: str, *arguments: Any, rtol: str = "0.5") -> dict[str, Any]:
    """A fresh C2, of `fitted(name, *arguments)`."""
    return json.loads(_text("C2", name, *arguments, rtol))


def compared(name: str, better: tuple[Any, ...], worse: tuple[Any, ...], rtol: str = "0.5") -> dict[str, Any]:
    """A fresh C4."""
    return json.loads(_text("C4", name, better, worse, rtol))


# -- the oracle -------------------------------------------------------------------------------------------------------


class Law:
    """`p_t` of a problem in the file."""

    def __init__(self, problem: dict[str, Any], t: str, number: Any = lambda value: float(Fraction(value))):
        mixture = problem["mixture"]
        kind, values = mixture["covariances"]["kind"], mixture["covariances"]["values"]
        weights = [Fraction(w) for w in mixture["weights"]]
        spread = [values] * len(weights) if kind in ("common-isotropic", "shared") else values
        if kind in ("shared", "full"):
            spread = [row[0][0] for row in spread]
        if len(spread) != len(weights) or any(len(row) != 1 for row in mixture["means"]):
            raise ValueError("no mixture in one dimension")
        exp = np.exp if isinstance(number(1), float) else mpmath.exp
        m = exp(-number(t))
        self.weights = [number(w / sum(weights)) for w in weights]
        self.means = [m * number(row[0]) for row in mixture["means"]]
        self.variances = [1 - m * m * (1 - number(s)) for s in spread]

    def tail(self, x: Any, side: int) -> Any:
        """`P(side (X - x) < 0)`."""
        parts = zip(self.weights, self.means, self.variances, strict=True)
        return sum(w * ndtr(side * (x - mean) / np.sqrt(v)) for w, mean, v in parts)

    def density(self, y: Any) -> Any:
        parts = zip(self.weights, self.means, self.variances, strict=True)
        return sum(w * np.exp(-((y - mean) ** 2) / (2 * v)) / np.sqrt(2 * np.pi * v) for w, mean, v in parts)

    def second_moment(self) -> Any:
        return sum(w * (c * c + v) for w, c, v in zip(self.weights, self.means, self.variances, strict=True))


ACTIVATIONS = {
    "silu": lambda z: z / (1 + np.exp(-z)),
    "tanh": np.tanh,
    "relu": lambda z: np.maximum(z, 0.0),
}


def image(maps: list[dict[str, Any]], x: Any) -> Any:
    """The student, in float64."""
    for one in maps:
        a, r, b, c = (float(Fraction(one[key])) for key in ("input_mean", "input_scale", "output_mean", "output_scale"))
        z = ((x - a) / r)[:, None]
        for i, layer in enumerate(one["layers"]):
            weights = np.array([[int(w) / 2 ** layer["places"] for w in row.split(" ")] for row in layer["weights"]])
            z = z @ weights.T + np.array([int(w) / 2 ** layer["places"] for w in layer["biases"].split(" ")])
            if i + 1 < len(one["layers"]):
                z = ACTIVATIONS[one["activation"]](z)
        x = one["skip"] * x + b + c * z[:, 0]
    return x


def relative_error(problem: dict[str, Any], maps: list[dict[str, Any]]) -> float:
    """`E|Psi(x(Y)) - Y|^2 / E Y^2` by Gauss-Legendre panels in y."""
    late, early = Law(problem, problem["t_max"]), Law(problem, problem["t_min"])
    y, weights = nodes(early)
    with np.errstate(over="ignore"):
        error = (image(maps, backwards(late, early, y)) - y) ** 2
    return float((weights * error * early.density(y)).sum() / early.second_moment())


def backwards(late: Law, early: Law, y: Any) -> Any:
    """`F_late^-1(F_early(y))`."""
    left = early.tail(y, 1) < 0.5
    low, high = np.full(len(y), -60.0), np.full(len(y), 60.0)
    tails = np.where(left, early.tail(y, 1), early.tail(y, -1))
    for _ in range(64):
        middle = (low + high) / 2
        above = np.where(left, late.tail(middle, 1) > tails, late.tail(middle, -1) < tails)
        low, high = np.where(above, low, middle), np.where(above, middle, high)
    return (low + high) / 2


def nodes(law: Law) -> tuple[Any, Any]:
    spread = np.sqrt(law.variances)
    low, high = (np.array(law.means) - 9 * spread).min(), (np.array(law.means) + 9 * spread).max()
    ends, (points, weights) = np.linspace(low, high, 601), np.polynomial.legendre.leggauss(6)
    half = (ends[1] - ends[0]) / 2
    return ((ends[:-1, None] + half) + half * points).ravel(), np.tile(half * weights, 600)


def error_holds(content: dict[str, Any]) -> bool:
    """C2."""
    assertion = content["assertion"]
    found = relative_error(content["problem"], assertion["maps"])
    return Fraction(assertion["lower"]) <= found * (1 - TINY) and found * (1 + TINY) <= Fraction(assertion["upper"])


def comparison_holds(content: dict[str, Any]) -> bool:
    """C4."""
    assertion = content["assertion"]
    better, worse = (relative_error(content["problem"], assertion[key]) for key in ("better", "worse"))
    return Fraction(assertion["ratio"]) >= 1 and float(Fraction(assertion["ratio"])) * better <= worse * (1 - 2 * TINY)


def relative_error_mpmath(problem: dict[str, Any], maps: list[dict[str, Any]], panels: int = 40) -> Any:
    """The same by mpmath at 30 digits: tanh-sinh on panels, `x(y)` by Newton's method from float64."""
    with mpmath.workdps(30):

        def number(value: Any) -> Any:
            exact = Fraction(value)
            return mpmath.mpf(exact.numerator) / exact.denominator

        late, early = (Law(problem, problem[key], number) for key in ("t_max", "t_min"))
        rough = Law(problem, problem["t_max"]), Law(problem, problem["t_min"])

        def normal(law: Law, x: Any) -> Any:
            parts = zip(law.weights, law.means, law.variances, strict=True)
            return sum(w * mpmath.ncdf((x - c) / mpmath.sqrt(v)) for w, c, v in parts)

        def density(law: Law, x: Any) -> Any:
            parts = zip(law.weights, law.means, law.variances, strict=True)
            return sum(w * mpmath.npdf(x, c, mpmath.sqrt(v)) for w, c, v in parts)

        def integrand(y: Any) -> Any:
            share = normal(early, y)
            x = mpmath.mpf(float(backwards(*rough, np.array([float(y)]))[0]))
            for _ in range(3):
                x -= (normal(late, x) - share) / density(late, x)
            for one in maps:
                a, r, b, c = (number(one[k]) for k in ("input_mean", "input_scale", "output_mean", "output_scale"))
                z = [(x - a) / r]
                for i, layer in enumerate(one["layers"]):
                    rows = [[number(w) / 2 ** layer["places"] for w in row.split(" ")] for row in layer["weights"]]
                    bias = [number(w) / 2 ** layer["places"] for w in layer["biases"].split(" ")]
                    z = [mpmath.fdot(row, z) + w for row, w in zip(rows, bias, strict=True)]
                    if i + 1 < len(one["layers"]):
                        act = one["activation"]
                        z = [u / (1 + mpmath.exp(-u)) if act == "silu" else mpmath.tanh(u) for u in z]
                x = one["skip"] * x + b + c * z[0]
            return (x - y) ** 2 * density(early, y)

        reach = [
            c + side * 8 * mpmath.sqrt(v) for c, v in zip(early.means, early.variances, strict=True) for side in (-1, 1)
        ]
        ends = mpmath.linspace(min(reach), max(reach), panels + 1)
        return mpmath.quad(integrand, ends, maxdegree=3, method="gauss-legendre") / early.second_moment()
