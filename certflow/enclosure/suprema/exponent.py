"""The integral of the sharp one-sided rate over time, as an integral in `r` (proofs/L5.md).

`int_s^t lambda* = int_{r(t)}^{r(s)} V*(r) dr - 1/2 ln(v_t/v_s)`, since `dr = -(m^2/v^2) dt`. On a panel of `r` the
upper bound is a straight line proved to lie above `V*` by a covering with `r` as one more coordinate (proofs/sharp.md);
the lower bound is the variance along one direction at a tilt that moves linearly in `r`, integrated in balls.
"""

from __future__ import annotations

import heapq
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise
from typing import Any

import numpy as np

from certflow.enclosure.expressions import Constant, Exp, Expression, Log, Sum, Variable, ball
from certflow.enclosure.integrals import check_effort, common_law, integrate, stability
from certflow.enclosure.results import Ends, ExactDecimal, ball_ends, rounded_down, rounded_up
from certflow.enclosure.suprema.cover import Budget, Counterexample, Exhausted
from certflow.enclosure.suprema.laws import BITS, common_isotropic_task
from certflow.enclosure.suprema.points import Points
from certflow.enclosure.suprema.search import Candidate, improve, propose, prove
from certflow.enclosure.suprema.tasks import Threshold
from certflow.enclosure.suprema.witness import top_direction
from certflow.errors import InputError, NoEnclosure
from certflow.numbers.arrays import Floats
from certflow.numbers.exact import exact_number
from certflow.numbers.precision import ball_precision
from certflow.process import OrnsteinUhlenbeck

DIGITS = 12
_LIFTS, _PANEL_CELLS = 12, 60_000
#: Significant bits of the ends of panels: bisection adds some, and 53 are exact.
_EDGE_BITS = 40
#: Panels narrower than this share of the whole interval are not split again.
_NARROWEST = 2.0**-20
#: A tilt whose variance at an end of a panel is below this share of its largest is none for this panel.
_POOR = 1e-3


@dataclass(frozen=True, repr=False)
class SharpStability(Ends):
    """`lower <= int_s^t lambda* <= upper`, proved; exact decimals; `f"{found:.6}"` rounds them outwards.

    complete : whether the relative width asked for was reached; popoviciu : the upper bound `int_s^t lambda` of the
    closed form (F2), to compare with; panels : number of panels of `r`
    """

    lower: ExactDecimal
    upper: ExactDecimal
    complete: bool
    popoviciu: ExactDecimal
    panels: int

    @property
    def relative_gap(self) -> float:
        """`(upper - lower) / |upper|`."""
        return float((self.upper - self.lower) / abs(self.upper)) if self.upper else float(self.upper - self.lower)


def sharp_stability(
    process: OrnsteinUhlenbeck, s: Any, t: Any, *, gap: Any = "1e-3", seconds: float = 60.0
) -> SharpStability:
    """`int_s^t lambda*`, `0 < s < t`, enclosed; common isotropic variance (proofs/L5.md, F1).

    Parameters
    ----------
    s, t : exact times; gap : relative width to reach; seconds : after which a wider enclosure is accepted

    Raises
    ------
    InputError : times that are not `0 < s < t`, a gap or seconds out of range, or another kind of covariance.

    Of two modes the closed form is the supremum itself:

    >>> import certflow as cf
    >>> p = cf.OrnsteinUhlenbeck(cf.load_mixture("two-modes"))
    >>> found = cf.enclosure.sharp_stability(p, "0.1", "1", gap="0.01")
    >>> print(f"{found:.7}", found.upper, found.upper == found.popoviciu, found.complete)
    [1.133724, 1.133725] 1.13372492727 True True
    """
    mixture = common_law(process)
    start, end = exact_number(s, "s"), exact_number(t, "t")
    if not start > 0:
        raise InputError("s", s, "a time > 0")
    if not end > start:
        raise InputError("t", t, f"a time later than s = {s}")
    wanted, seconds = check_effort(gap, seconds)
    closed = stability(process, start, end, "one-sided", 20)
    variance: Any = mixture.exact_covariances.fractions[()]
    with ball_precision(BITS):
        points = Points.of_mixture(mixture)
        grown = [ball(2 * x).expm1() + ball(variance) for x in (end, start)]  # v / m^2 = 1/(2 r)
        low, high = ((1 / (2 * g)) for g in grown)
        # -1/2 ln(v_t/v_s), with v = grown m^2
        drift = (grown[1] / grown[0]).log() / 2 + ball(end - start)
        if len(points.points) == 1:
            return _result(Fraction(0), Fraction(0), drift, closed.upper, wanted, 0)
        outer = _dyadic(low, -1), _dyadic(high, 1)
        inner = _dyadic(low, 1), _dyadic(high, -1)
        turn = points.product_turn()
        turned = points if turn is None else points.turned(*turn)
        factors = [turned.project(axes) for axes in turned.blocks()]
        search = _Panels(factors, float(wanted), time.perf_counter() + seconds, float(drift.mid()))
        lower, upper, panels = search.run(outer, inner)
        return _result(lower, upper, drift, closed.upper, wanted, panels)


def _dyadic(value: Any, side: int) -> float:
    """A number of few bits surely on one side of a ball, so that its interval can be bisected without rounding."""
    middle, radius = ball_ends(value)
    end = middle + side * radius
    unit = Fraction(2) ** (int(np.frexp(float(end))[1]) - _EDGE_BITS)
    return float(side * -(-side * end // unit) * unit)


def _result(
    lower: Fraction, upper: Fraction, drift: Any, popoviciu: Fraction, wanted: Fraction, panels: int
) -> SharpStability:
    middle, radius = ball_ends(drift)
    closed = rounded_up(popoviciu, DIGITS)  # an upper bound of its own
    ends = rounded_down(lower + middle - radius, DIGITS), min(rounded_up(upper + middle + radius, DIGITS), closed)
    complete = ends[1] - ends[0] <= wanted * abs(ends[1])
    return SharpStability(*ends, complete, closed, panels)


@dataclass(frozen=True)
class _Place:
    """The best known place of one factor at one `r`."""

    factor: int
    best: Candidate


@dataclass(frozen=True)
class _Line:
    """`Var_gamma(h)` as a function of `r`, `gamma_k ~ w_k exp(level_k + rate_k (r - centre))`; it is `size` times
    `Var_gamma(e.a)` for the unit vector `e`."""

    weights: list[Fraction]
    heights: list[Fraction]
    levels: list[Fraction]
    rates: list[Fraction]
    centre: Fraction
    size: Fraction

    def expression(self) -> Expression:
        powers: list[Expression] = [
            Exp(Log(Constant(weight)) + level + rate * (Variable() - self.centre))
            for weight, level, rate in zip(self.weights, self.levels, self.rates, strict=True)
        ]
        total = Sum(tuple(powers))
        mean = Sum(tuple(Constant(h) * p for h, p in zip(self.heights, powers, strict=True))) / total
        square = Sum(tuple(Constant(h * h) * p for h, p in zip(self.heights, powers, strict=True))) / total
        return square - mean * mean

    def variances(self, r: Floats) -> Floats:
        """The same in float64, shape (N,), at `r` of shape (N,)."""
        weights, heights, levels, rates = (
            np.array(numbers, dtype=float) for numbers in (self.weights, self.heights, self.levels, self.rates)
        )
        logits = np.log(weights) + levels + rates * (r - float(self.centre))[:, None]
        gamma = np.exp(logits - logits.max(axis=1, keepdims=True))
        gamma /= gamma.sum(axis=1, keepdims=True)
        variances: Floats = (gamma * (heights - (gamma @ heights)[:, None]) ** 2).sum(axis=1)
        return variances


@dataclass
class _Panel:
    low: float
    high: float
    lower: Fraction
    upper: Fraction


class _Panels:
    """Adaptive panels of `r`: the one that contributes the widest gap is halved until the sum is narrow enough."""

    def __init__(self, factors: list[Points], gap: float, deadline: float, drift: float):
        self.factors, self.gap, self.deadline, self.drift = factors, gap, deadline, drift
        self.known: dict[float, _Place] = {}
        self.margin = gap

    def run(self, outer: tuple[float, float], inner: tuple[float, float]) -> tuple[Fraction, Fraction, int]:
        self.inner = inner
        mantissa, exponent = np.frexp(np.geomspace(max(outer[0], outer[1] / 64), outer[1], 7)[1:-1])
        inside = np.ldexp(np.rint(mantissa * 2.0**_EDGE_BITS) / 2.0**_EDGE_BITS, exponent)
        edges = np.unique([outer[0], *inside[(outer[0] < inside) & (inside < outer[1])], outer[1]])
        # The margins of the lines are relative to V*, the gap is relative to what the drift leaves of its integral.
        values = np.array([self._place(float(edge)).best.value for edge in edges])
        spread = float(np.diff(edges) @ (values[1:] + values[:-1]) / 2)
        self.margin = self.gap * min(1.0, max(abs(spread + self.drift) / spread, 1e-6))
        heap: list[tuple[float, float, _Panel]] = []
        for low, high in pairwise(edges.tolist()):
            self._push(heap, self._panel(low, high))
        while True:
            lower = sum((panel.lower for *_, panel in heap), Fraction(0))
            upper = sum((panel.upper for *_, panel in heap), Fraction(0))
            if float(upper - lower) <= 0.9 * self.gap * abs(float(upper) + self.drift):
                break
            panel = heap[0][2]
            if time.perf_counter() > self.deadline or panel.high - panel.low < _NARROWEST * outer[1]:
                break
            heapq.heappop(heap)
            middle = float(np.float64((panel.low + panel.high) / 2))
            self._push(heap, self._panel(panel.low, middle))
            self._push(heap, self._panel(middle, panel.high))
        return lower, upper, len(heap)

    @staticmethod
    def _push(heap: list[tuple[float, float, _Panel]], panel: _Panel) -> None:
        heapq.heappush(heap, (-float(panel.upper - panel.lower), panel.low, panel))

    def _panel(self, low: float, high: float) -> _Panel:
        middle = (low + high) / 2
        places = [self._place(r) for r in (low, middle, high)]
        width = Fraction(high) - Fraction(low)
        return _Panel(low, high, self._lower(low, high, places), width * self._upper(low, high, places))

    def _upper(self, low: float, high: float, places: Sequence[_Place]) -> Fraction:
        """The mean over the panel of a line proved to lie above `V*`; Popoviciu's bound if none is."""
        popoviciu = max(points.diameter_squared for points in self.factors) / 4
        values = [place.best.value for place in places]
        bend = max(values[1] - (values[0] + values[2]) / 2, 0.0)
        lift = 1 + 0.2 * self.margin + 1.1 * bend / max(values)
        ends = [values[0] * lift, values[2] * lift]
        for _ in range(_LIFTS):
            if min(ends) >= float(popoviciu) or time.perf_counter() > self.deadline:
                break
            threshold = Threshold(ends[0], (ends[1] - ends[0]) / (high - low), low)
            try:
                self._prove(low, high, threshold)
            except Counterexample as found:
                ends = [end * (found.value + 0.3 * self.margin) for end in ends]
                continue
            except Exhausted:
                ends = [end * (1 + 10 * self.margin) for end in ends]
                continue
            # What was proved: tau(r) <= the line as the float64 numbers of the threshold define it, with its rounding.
            line = [Fraction(ends[0]), Fraction(ends[0]) + Fraction(threshold.slope) * (Fraction(high) - Fraction(low))]
            return min(sum(line, Fraction(0)) / 2, popoviciu)
        return popoviciu

    def _prove(self, low: float, high: float, threshold: Threshold) -> None:
        for points in self.factors:
            lowest = min(float(threshold.at(low)), float(threshold.at(high)))
            if float(points.diameter_squared) / 4 < lowest * (1 - 1e-12):
                continue  # Popoviciu's bound of this factor is below the line
            if points.dimension > 3:
                raise Exhausted
            task = common_isotropic_task(points, None, (low, high))
            deadline = min(self.deadline, time.perf_counter() + 10.0)
            prove(task, points.faces, threshold, Budget(_PANEL_CELLS, deadline))

    def _place(self, r: float) -> _Place:
        if r not in self.known:
            found = []
            for number, points in enumerate(self.factors):
                task = common_isotropic_task(points, ball(Fraction(r)))
                candidates = [propose(task, points.faces)]
                near = [self.known[other].best for other in sorted(self.known, key=lambda o: abs(o - r))[:2]]
                same = [best for best in near if best.face is None and len(best.tilt) == task.tilts]
                candidates += [improve(task, best.tilt) for best in same]
                found.append(_Place(number, max(candidates, key=lambda candidate: candidate.value)))
            self.known[r] = max(found, key=lambda place: place.best.value)
        return self.known[r]

    def _lower(self, low: float, high: float, places: Sequence[_Place]) -> Fraction:
        """`int Var_gamma(e.a) dr` along a tilt that is affine in `r`, the better of two choices, rounded down.

        At least 0: a variance is not negative. That is all where neither choice is any good at the ends of the panel
        (it is too wide, and a quadrature would take long to say so: its halves are looked at next).
        """
        low, high = max(low, self.inner[0]), min(high, self.inner[1])
        if not low < high:
            return Fraction(0)
        first, middle, last = places
        choices = [(middle.best.tilt, np.zeros_like(middle.best.tilt))]
        if (first.factor, first.best.face) == (last.factor, last.best.face) == (middle.factor, middle.best.face):
            slope = (last.best.tilt - first.best.tilt) / (high - low)
            choices.append((middle.best.tilt, slope))
        centre = (Fraction(low) + Fraction(high)) / 2
        lines = [self._line(middle, tilt, slope, centre) for tilt, slope in choices]
        at = np.array([low, (low + high) / 2, high])
        values = np.array([line.variances(at) for line in lines])
        best = int(np.argmax(values.mean(axis=1)))
        if time.perf_counter() > self.deadline or not (values[best] > _POOR * values[best].max()).all():
            return Fraction(0)
        with suppress(NoEnclosure):
            found = integrate(lines[best].expression(), Fraction(low), Fraction(high), 8)
            return max(found.lower / lines[best].size, Fraction(0))
        return Fraction(0)

    def _line(self, place: _Place, tilt: Floats, slope: Floats, centre: Fraction) -> _Line:
        points = self.factors[place.factor]
        members, axes = self._limit(points, place.best)
        direction = self._direction(points, place, members, axes, float(centre))
        heights = [_dot(points.centred[k], direction) for k in members]
        start = [_short(value) for value in tilt]
        change = [_short(value) for value in slope]
        levels, rates = [], []
        for k in members:
            statistic = [points.coordinates[k][axis] for axis in axes]
            levels.append(_dot(start, statistic) - centre * points.squares[k])
            rates.append(_dot(change, statistic) - points.squares[k])
        shift = max(levels)
        return _Line(
            [points.weights[k] for k in members],
            heights,
            [level - shift for level in levels],
            rates,
            centre,
            sum((e * e for e in direction), Fraction(0)) * points.scale,
        )

    @staticmethod
    def _limit(points: Points, best: Candidate) -> tuple[tuple[int, ...], tuple[int, ...]]:
        if best.face is None:
            return tuple(range(len(points.points))), tuple(range(points.dimension))
        face = points.faces[best.face]
        return face.members, face.axes

    def _direction(
        self, points: Points, place: _Place, members: tuple[int, ...], axes: tuple[int, ...], r: float
    ) -> list[Fraction]:
        vectors = np.array([[float(a) for a in points.centred[k]] for k in members])
        statistic = np.array([[float(points.coordinates[k][axis]) for axis in axes] for k in members])
        offsets = np.array([np.log(float(points.weights[k])) - r * float(points.squares[k]) for k in members])
        logits = offsets + statistic @ place.best.tilt
        weights = np.exp(logits - logits.max())
        weights /= weights.sum()
        deviation = vectors - weights @ vectors
        return top_direction((weights[:, None] * deviation).T @ deviation)


def _dot(a: Sequence[Fraction], b: Sequence[Fraction]) -> Fraction:
    return sum((x * y for x, y in zip(a, b, strict=True)), Fraction(0))


def _short(value: float) -> Fraction:
    """A dyadic number of 40 significant bits: any tilt gives a valid lower bound, a short one is faster."""
    mantissa, exponent = np.frexp(float(value))
    return Fraction(round(float(mantissa) * 2**40)) * Fraction(2) ** (int(exponent) - 40)
