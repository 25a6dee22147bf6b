"""Paths of the flow of any covariances by Taylor series in Arb: nodes, orders and an image, without a proof.

`xi = e^t x`, `theta = e^{2t} - 1`: `dxi/dtheta = 1/2 sum_k gamma_k g_k`, `g_k = (Sigma_k + theta)^{-1} (xi - mu_k)`
(proofs/flow-tube.md, section 6). The checker of certificates proves afterwards how far the flow is from such a path.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import flint

from certflow.enclosure.expressions import ball
from certflow.enclosure.results import ball_ends
from certflow.law.mixture import GaussianMixture
from certflow.numbers.precision import ball_precision

#: Order of the polynomials for each bit, and bits beyond those of a step's error.
ORDER_PER_BIT, GUARD_BITS = 0.4, 64
#: A step leaves at least this share of `theta` and of the narrowest variance: its series has a pole beyond.
LONGEST = 0.4
#: Steps after which a path is given up.
MAX_STEPS = 3000

Vector = list[Any]


@dataclass(frozen=True)
class HeatPath:
    """Nodes of theta (binary), the order of every step, and where the path ends (x at `t_to`); None: too many steps."""

    nodes: tuple[Fraction, ...]
    order: int
    image: tuple[Fraction, ...] | None


@dataclass(frozen=True)
class _Law:
    logs: Vector
    means: list[Vector]
    covariances: list[Any]

    @classmethod
    def of(cls, mixture: GaussianMixture) -> _Law:
        values: Any = mixture.exact_covariances.fractions
        d, count = mixture.dimension, mixture.n_components
        matrices = []
        for k in range(count):
            if mixture.kind in ("common-isotropic", "isotropic"):
                value = values[()] if mixture.kind == "common-isotropic" else values[k]
                rows = [[ball(value) if i == j else flint.arb(0) for j in range(d)] for i in range(d)]
            else:
                part = values if mixture.kind == "shared" else values[k]
                rows = [[ball(part[i, j]) for j in range(d)] for i in range(d)]
            matrices.append(flint.arb_mat(rows))
        logs = [ball(weight).log() for weight in mixture.exact_weights.fractions]
        return cls(logs, [[ball(value) for value in row] for row in mixture.exact_means.fractions], matrices)


def heat_path(
    mixture: GaussianMixture, x: tuple[Fraction, ...], t_from: Fraction, t_to: Fraction, bits: int
) -> HeatPath:
    """The path from `x`, each step's error about `2^-bits` (relative where the path is large)."""
    with ball_precision(bits + GUARD_BITS):
        law, order = _Law.of(mixture), max(12, round(bits * ORDER_PER_BIT))
        theta, end = ((2 * ball(t)).expm1().mid() for t in (t_from, t_to))
        xi, nodes = [(ball(t_from).exp() * ball(entry)).mid() for entry in x], [_exact(theta)]
        while theta != end:
            if len(nodes) > MAX_STEPS:
                return HeatPath(tuple(nodes), order, None)
            series, length = _expand(law, xi, theta, order, bits)
            ahead = float(end - theta)
            to = end if length >= abs(ahead) else flint.arb(float(theta) + math.copysign(length, ahead))
            xi = [_value(row, to - theta).mid() for row in series]
            theta = to
            nodes.append(_exact(theta))
        scale = (-ball(t_to)).exp()
        return HeatPath(tuple(nodes), order, tuple(_exact((scale * entry).mid()) for entry in xi))


def _expand(law: _Law, xi: Vector, theta: Any, order: int, bits: int) -> tuple[list[Vector], float]:
    """Taylor coefficients of the path in `theta`, and a length at which the last ones are below the error."""
    d, count = len(xi), len(law.means)
    identity = flint.arb_mat([[int(i == j) for j in range(d)] for i in range(d)])
    moved = [matrix + theta * identity for matrix in law.covariances]
    inverses = [_middle(matrix.inv()) for matrix in moved]
    gaps = [flint.arb_mat([[a - b] for a, b in zip(xi, mean, strict=True)]) for mean in law.means]
    forces = [[_middle(inverse * gap)] for inverse, gap in zip(inverses, gaps, strict=True)]
    logs = [
        log - matrix.det().log() / 2 - (gap.transpose() * force[0])[0, 0] / 2
        for log, matrix, gap, force in zip(law.logs, moved, gaps, forces, strict=True)
    ]
    lead = max(logs, key=lambda log: float(log.mid()))
    weights = [[(log - lead).exp().mid()] for log in logs]
    traces = [[inverse] for inverse in inverses]
    path, slopes, gains = [[entry] for entry in xi], [Vector() for _ in xi], [Vector() for _ in range(count)]
    total = [sum((row[0] for row in weights), flint.arb(0))]
    columns = [[[force[0][j, 0]] for j in range(d)] for force in forces]
    for n in range(order):
        if n:
            for k in range(count):
                right = flint.arb_mat([[path[j][n] - columns[k][j][-1]] for j in range(d)])
                image = inverses[k] * right
                for j in range(d):
                    columns[k][j].append(image[j, 0].mid())
                traces[k].append(-_middle(inverses[k] * traces[k][-1]))
                weights[k].append((_convolved(gains[k], weights[k], n - 1) / n).mid())
            total.append(sum((row[n] for row in weights), flint.arb(0)).mid())
        for j in range(d):
            pull = sum((_convolved(weights[k], columns[k][j], n) for k in range(count)), flint.arb(0)) / 2
            slope = (pull - sum((total[i] * slopes[j][n - i] for i in range(1, n + 1)), flint.arb(0))) / total[0]
            slopes[j].append(slope.mid())
            path[j].append((slope / (n + 1)).mid())
        grown = []
        for k in range(count):
            value = -sum((traces[k][n][i, i] for i in range(d)), flint.arb(0)) / 2
            for j in range(d):
                value += _convolved(columns[k][j], columns[k][j], n) / 2 - _convolved(slopes[j], columns[k][j], n)
            grown.append(value)
        common = sum((row[0] * value for row, value in zip(weights, grown, strict=True)), flint.arb(0)) / total[0]
        for k in range(count):
            gains[k].append((grown[k] - common).mid())
    return path, _length(law, theta, path, weights, total[0], bits)


def _length(law: _Law, theta: Any, path: list[Vector], weights: list[Vector], mass: Any, bits: int) -> float:
    """Where the last two coefficients of the path and of the masses, divided by all mass, are below `2^-bits`."""
    size = 1 + max(abs(float(row[0])) for row in path)
    narrow = min(float(matrix[i, i].mid()) for matrix in law.covariances for i in range(matrix.nrows()))
    logarithms = [math.log(LONGEST * (float(theta) + narrow))]
    rows = [(row, size) for row in path] + [(row, float(mass.mid())) for row in weights]
    for row, scale in rows:
        for n in (len(row) - 1, len(row) - 2):
            entry = abs(row[n].mid())
            if entry > 0:
                logarithms.append((math.log(scale) - bits * math.log(2) - float(entry.log().mid())) / n)
    return math.exp(min(logarithms))


def _convolved(x: Vector, y: Vector, n: int) -> Any:
    """The coefficient n of a product."""
    return sum((x[i] * y[n - i] for i in range(n + 1)), flint.arb(0))


def _value(row: Vector, s: Any) -> Any:
    result = row[-1]
    for entry in reversed(row[:-1]):
        result = result * s + entry
    return result


def _middle(matrix: Any) -> Any:
    return flint.arb_mat([[matrix[i, j].mid() for j in range(matrix.ncols())] for i in range(matrix.nrows())])


def _exact(value: Any) -> Fraction:
    return sum(ball_ends(value), Fraction(0))
