"""Sharp rates of kind "shared", one covariance matrix for all (proofs/L6.md), by the engine of L5 in another metric.

With `C = m^2 Sigma + (1 - m^2) I`, `P = C^{-1}`: `-J = I - P + m^2 P Cov_gamma(mu) P`, so

    lambda_max(-J) <= L   iff   Cov_gamma(mu) <= M(L) = ((L - 1) C^2 + C) / m^2        (L > 1 - 1/lambda_max(C)),

and with `y = m P x` the responsibilities are `gamma_k ~ w_k exp(y.mu_k - m^2 mu_k.P mu_k / 2)`, `y` in all of `R^d`.
"""

from __future__ import annotations

import time as clock
from collections.abc import Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any

import flint
import numpy as np

from certflow.enclosure.expressions import ball
from certflow.enclosure.results import ball_ends, rounded_down, rounded_up
from certflow.enclosure.suprema.cover import Budget, Counterexample, Exhausted
from certflow.enclosure.suprema.laws import BITS, metric_factor, shared_task
from certflow.enclosure.suprema.points import MAX_HULL_DIMENSION, MAX_POINTS, Points
from certflow.enclosure.suprema.rate import DIGITS, Metric, SharpRate
from certflow.enclosure.suprema.search import Candidate, Proof, improve, propose, prove
from certflow.enclosure.suprema.supremum import MAX_CELLS
from certflow.enclosure.suprema.tasks import Task, Threshold
from certflow.enclosure.suprema.witness import (
    Witness,
    decimal,
    farthest,
    limit,
    top_direction,
    variance_along,
    weights_at,
)
from certflow.law.mixture import GaussianMixture
from certflow.numbers.arrays import Floats
from certflow.numbers.precision import ball_precision

#: Natural logarithm of what is left of the mass of vanishing components at a point that stands for a limit.
FADED = 80
_ROUNDS = 30
#: Shares of the gap at which a covering is tried, and what is added to what it proves.
_SHARE, _ROOM = 0.85, 0.1
#: Significant digits of a direction that is irrational.
_ALONG = 40


@dataclass(frozen=True)
class _Law:
    """Points, `C`, `P` (as `arb_mat`), `m` and `o_k = log w_k - m^2 a_k.P a_k / 2`, `a_k = mu_k - middle`."""

    points: Points
    variance: Any
    precision: Any
    m: Any
    offsets: list[Any]

    @classmethod
    def of(cls, mixture: GaussianMixture, time: Fraction) -> _Law:
        points = Points.of_mixture(mixture)
        m = (-ball(time)).exp()
        noise = -(-2 * ball(time)).expm1()
        d = mixture.dimension
        sigma = mixture.exact_covariances.fractions
        rows = [[m * m * ball(sigma[i, j]) + (noise if i == j else 0) for j in range(d)] for i in range(d)]
        variance = flint.arb_mat(rows)
        precision = variance.inv()
        offsets = [
            ball(weight).log() - m * m * _quadratic(precision, [ball(a) for a in centred]) / 2
            for weight, centred in zip(points.weights, points.centred, strict=True)
        ]
        return cls(points, variance, precision, m, offsets)

    def task(self, level: float) -> Task:
        """The task "`Cov <= M(level)`", in which the threshold is 1."""
        return shared_task(self.points, self._metric(Fraction(level)), self.offsets)

    def metric(self, level: Fraction, proof: Proof | None) -> Metric:
        """What proves a level, in rationals."""
        return Metric(self.points, level, metric_factor(self.points, self._metric(level)), proof)

    def _metric(self, level: Fraction) -> Any:
        """`M(level)^{-1}`."""
        slope = ball(level) - 1
        return (slope * (self.variance * self.variance) + self.variance).inv() * (self.m * self.m)

    def level(self, task: Task, best: Candidate) -> float:
        """`lambda_max(I - P + m^2 P Cov P)` at a candidate (float64)."""
        members, tilt, _ = limit(self.points, best)
        precision = _floats(self.precision)
        vectors = np.array([[float(a) for a in self.points.centred[k]] for k in members])
        logits = np.array([float(self.offsets[k].mid()) for k in members]) + vectors @ np.array(tilt, dtype=float)
        weights = np.exp(logits - logits.max())
        weights /= weights.sum()
        images = (vectors - weights @ vectors) @ precision * float(self.m.mid())
        matrix = np.eye(len(precision)) - precision + (weights[:, None] * images).T @ images
        return float(np.linalg.eigvalsh(matrix)[-1])


def shared_rate(mixture: GaussianMixture, time: Fraction, rate: str, gap: float, seconds: float) -> SharpRate:
    """`lambda*(t)` or `L*(t) = max(lambda*, lambda_max(P) - 1)`, enclosed; see `sharp_rate` (proofs/L6.md).

    `J <= P - I` holds everywhere and is approached where one component has all the mass.
    """
    deadline = clock.perf_counter() + seconds
    with ball_precision(BITS):
        law = _Law.of(mixture, time)
        lowest, highest = _eigenvalues(law.precision)
        if len(law.points.points) == 1:
            metric, upper, lower = None, _end(1 - lowest, 1), _end(1 - lowest, -1)
            witness = Witness((Fraction(0),) * mixture.dimension, None, tuple(range(mixture.n_components)))
            vector = tuple(top_direction(-_floats(law.precision)))
        else:
            best, metric, upper = _enclose(law, mixture, time, gap, deadline)
            lower, witness, vector = _evaluate(law, mixture, best)
        if rate == "two-sided":
            upper = max(upper, _end(highest - 1, 1))
            vertex = _end(highest - 1, -1)
            place = _vertex(law, mixture) if vertex > lower else None
            if place is not None:
                lower, witness, vector = vertex, place, tuple(top_direction(_floats(law.precision)))
        low, high = rounded_down(lower, DIGITS), rounded_up(upper, DIGITS)
        complete = high - low <= gap * abs(high)
        return SharpRate(
            low, high, witness, complete, rate, time, members=witness.components, direction=vector, metric=metric
        )


def closed_rate(found: SharpRate, mixture: GaussianMixture) -> SharpRate:
    """The same with the bound of L6 for its upper end, which needs no covering; not complete."""
    with ball_precision(BITS):
        law, closed = _Law.of(mixture, found.time), _closed_form(mixture, found.time)
        upper = closed if found.rate == "one-sided" else max(closed, _end(_eigenvalues(law.precision)[1] - 1, 1))
        high, metric = rounded_up(upper, DIGITS), law.metric(closed, None)
    return replace(found, upper=high, complete=False, metric=metric)


def _enclose(
    law: _Law, mixture: GaussianMixture, time: Fraction, gap: float, deadline: float
) -> tuple[Candidate, Metric, Fraction]:
    """The best candidate and a proved upper bound of `lambda*`: within the gap, or as near as the budget allows.

    The bound is a little above the level that a covering proves: a certificate's rational metric needs room.
    """
    closed = _closed_form(mixture, time)
    best, level = _climb(law, law.task(float(closed)))
    if law.points.dimension > MAX_HULL_DIMENSION or len(law.points.points) > MAX_POINTS:
        return best, law.metric(closed, None), closed
    first = True
    while True:
        target = level + gap * max(abs(level), 1e-12) * _SHARE
        if target >= float(closed):
            return best, law.metric(closed, None), closed
        task = law.task(target)
        remaining = max(deadline - clock.perf_counter(), 0.0)
        budget = Budget(MAX_CELLS, clock.perf_counter() + (remaining / 2 if first else remaining / 3))
        try:
            for _ in range(_ROUNDS):
                try:
                    proof = prove(task, law.points.faces, Threshold(1.0), budget)
                    upper = Fraction(target + gap * max(abs(level), 1e-12) * _ROOM)
                    return best, law.metric(Fraction(target), proof), min(upper, closed)
                except Counterexample as found:
                    best, level = _raise(law, task, found, best, level)
                    target = level + gap * max(abs(level), 1e-12) * _SHARE
                    task = law.task(target)
        except Exhausted:
            pass
        first = False
        gap = max(10 * gap, 1e-6)


def _climb(law: _Law, task: Task) -> tuple[Candidate, float]:
    """Alternate between the best tilt in the metric of a level and the level of that tilt, which can only rise."""
    best = propose(task, law.points.faces)
    level = law.level(task, best)
    for _ in range(6):
        task = law.task(level)
        candidate = propose(task, law.points.faces)
        value = law.level(task, candidate)
        if value <= level * (1 + 1e-13):
            break
        best, level = candidate, value
    return best, level


def _raise(law: _Law, task: Task, found: Counterexample, best: Candidate, level: float) -> tuple[Candidate, float]:
    if found.face is None:
        candidate = improve(task, found.tilt)
    else:
        face = law.points.faces[found.face]
        inner = improve(task.face(face.members, face.axes, 0.0), found.tilt)
        candidate = Candidate(inner.value, found.face, inner.tilt)
    value = law.level(task, candidate)
    return (candidate, value) if value > level else (best, level)


def _evaluate(law: _Law, mixture: GaussianMixture, best: Candidate) -> tuple[Fraction, Witness, tuple[Fraction, ...]]:
    """A lower bound of `lambda*` in balls: a Rayleigh quotient of `-J` at an exact witness `x = C y / m`.

    A limit `y + s n`, `s -> infinity`, is the limit along `C n` in `x`, which is irrational; a point far along it
    stands for it, where what should vanish has at most `e^-FADED` of the mass.
    """
    points, d = law.points, mixture.dimension
    members, tilt, normal = limit(points, best)
    if normal is not None:
        reach = _reach(law, members, tilt, normal)
        tilt = [y + reach * n for y, n in zip(tilt, normal, strict=True)]
    # logits o_k + y.(a_k) with a_k = mu_k - middle: x = C y / m + m middle
    moved = law.variance * flint.arb_mat([[ball(y)] for y in tilt])
    x = [decimal(moved[i, 0] / law.m + law.m * ball(points.middle[i])) for i in range(d)]
    back = law.precision * flint.arb_mat([[ball(x[i]) - law.m * ball(points.middle[i])] for i in range(d)])
    everyone = tuple(range(len(points.points)))
    weights = weights_at(points, everyone, [back[i, 0] * law.m for i in range(d)], law.offsets)
    vectors = [_apply(law.precision, [ball(a) * law.m for a in centred]) for centred in points.centred]
    floats = np.array([[float(entry.mid()) for entry in vector] for vector in vectors])
    gamma = np.array([float(weight.mid()) for weight in weights])
    deviation = floats - gamma @ floats
    direction = top_direction((gamma[:, None] * deviation).T @ deviation - _floats(law.precision))
    e = [ball(entry) for entry in direction]
    square = sum((a * a for a in e), ball(Fraction(0)))
    value = 1 - _quadratic(law.precision, e) / square + variance_along(vectors, weights, e)
    return _end(value, -1), Witness(tuple(x), None, tuple(range(mixture.n_components))), tuple(direction)


def _reach(law: _Law, members: tuple[int, ...], tilt: list[Fraction], normal: list[Fraction]) -> Fraction:
    """A power of two `s` with but `e^-FADED` of the mass off `members` at `y + s n`; float64, as any `s` is valid."""
    slopes = np.array([float(_product(normal, centred)) for centred in law.points.centred])
    levels = [float(offset.mid()) for offset in law.offsets]
    heights = np.array(levels) + [float(_product(tilt, centred)) for centred in law.points.centred]
    others = [k for k in range(len(slopes)) if k not in members]
    lead = heights[list(members)].max()
    needed = max(((FADED + heights[k] - lead) / (slopes[members[0]] - slopes[k]) for k in others), default=1.0)
    return Fraction(2) ** max(0, int(np.ceil(np.log2(max(needed, 1.0)))))


def _vertex(law: _Law, mixture: GaussianMixture) -> Witness | None:
    """Where `J -> P - I`: towards the point farthest from the middle, which takes all the mass, along `C a` rounded.

    None in the case that rounding leaves it open whether the direction is one of these.
    """
    points = law.points
    top = farthest(points)
    away = _apply(law.variance, [ball(entry) for entry in points.centred[top]])
    along = tuple(Fraction(rounded_down(ball_ends(entry)[0], _ALONG)) for entry in away)
    slopes = _apply(law.precision, [ball(entry) for entry in along])
    heights = [sum((s * ball(a) for s, a in zip(slopes, c, strict=True)), ball(Fraction(0))) for c in points.centred]
    if not all(height < heights[top] for k, height in enumerate(heights) if k != top):
        return None
    kept = points.points[top]
    components = tuple(k for k, row in enumerate(mixture.exact_means.fractions) if tuple(row) == kept)
    return Witness((Fraction(0),) * mixture.dimension, along, components)


def _closed_form(mixture: GaussianMixture, time: Fraction) -> Fraction:
    """The bound of L6, evaluated in balls."""
    from certflow.bounds.rates import growth_rate_bound

    return _end(growth_rate_bound(mixture, np.array([ball(time)], dtype=object))[0], 1)


def _eigenvalues(matrix: Any) -> tuple[Any, Any]:
    from certflow.numbers.balls import ArbArithmetic

    d = matrix.nrows()
    entries = np.empty((1, d, d), dtype=object)
    for i in range(d):
        for j in range(d):
            entries[0, i, j] = matrix[i, j]
    low, high = ArbArithmetic().eigenvalue_range(entries)
    return low[0], high[0]


def _end(value: Any, side: int) -> Fraction:
    middle, radius = ball_ends(value)
    return middle + side * radius


def _quadratic(matrix: Any, vector: list[Any]) -> Any:
    image = _apply(matrix, vector)
    return sum((a * b for a, b in zip(image, vector, strict=True)), ball(Fraction(0)))


def _apply(matrix: Any, vector: list[Any]) -> list[Any]:
    image = matrix * flint.arb_mat([[entry] for entry in vector])
    return [image[i, 0] for i in range(len(vector))]


def _product(a: Sequence[Fraction], b: Sequence[Fraction]) -> Fraction:
    return sum((x * y for x, y in zip(a, b, strict=True)), Fraction(0))


def _floats(matrix: Any) -> Floats:
    return np.array([[float(matrix[i, j].mid()) for j in range(matrix.ncols())] for i in range(matrix.nrows())])
