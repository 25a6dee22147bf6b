"""`int V*(r) dr` from both sides, on panels of `r` (proofs/sharp.md).

On a panel the upper bound is a straight line proved to lie above `V*` by a covering with `r` as one more coordinate;
the lower bound is the variance along one direction at a tilt that moves linearly in `r`, integrated in balls.
"""

from __future__ import annotations

import heapq
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import pairwise
from typing import Any

import numpy as np

from certflow.enclosure.expressions import Constant, Exp, Expression, Log, Sum, Variable, ball
from certflow.enclosure.integrals import integrate
from certflow.enclosure.suprema.cover import Budget, Counterexample, Exhausted
from certflow.enclosure.suprema.laws import common_isotropic_task
from certflow.enclosure.suprema.points import Points
from certflow.enclosure.suprema.search import Candidate, Proof, improve, propose, prove
from certflow.enclosure.suprema.tasks import Threshold
from certflow.enclosure.suprema.witness import limit, top_direction
from certflow.errors import NoEnclosure
from certflow.numbers.arrays import Floats

_LIFTS, _PANEL_CELLS = 12, 60_000
#: Significant bits of the ends of panels: bisection adds some, and 53 are exact.
EDGE_BITS = 40
#: Panels narrower than this share of the whole interval are not split again.
_NARROWEST = 2.0**-20
#: A tilt whose variance at an end of a panel is below this share of its largest is none for this panel.
_POOR = 1e-3
#: Where `r |a_k|^2` differs over the points by less than this share of the gap, one panel is enough.
_STILL = 1e-3


@dataclass(frozen=True)
class _Place:
    """The best known place of one factor at one `r`."""

    factor: int
    best: Candidate


@dataclass(frozen=True)
class Line:
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


@dataclass(frozen=True)
class Piece:
    """Part of a panel, `low` to `high`, on which a lower bound of the integral of `V*` is known: the variance along
    `vector` of the law of a `factor`, at the tilt `tilt + slope (r - low)` (along the axes of the factor); with a
    `normal`, that of its limit, which has the points `members` only."""

    factor: int
    low: Fraction
    high: Fraction
    members: tuple[int, ...]
    normal: tuple[Fraction, ...] | None
    tilt: tuple[Fraction, ...]
    slope: tuple[Fraction, ...]
    vector: tuple[Fraction, ...]
    line: Line


@dataclass(frozen=True)
class Panel:
    """`lower <= int_low^high V* dr <= upper`: below a straight line between `levels`, by a proof for each factor, None
    where Popoviciu's inequality is one; where no line was proved, `levels` is None and `upper` is Popoviciu's bound."""

    low: float
    high: float
    lower: Fraction
    upper: Fraction
    levels: tuple[Fraction, Fraction] | None
    proofs: tuple[Proof | None, ...]
    piece: Piece | None


class Panels:
    """Adaptive panels of `r`: the one that contributes the widest gap is halved until the sum is narrow enough."""

    def __init__(self, factors: tuple[Points, ...], gap: float, deadline: float, drift: float):
        self.factors, self.gap, self.deadline, self.drift = factors, gap, deadline, drift
        self.known: dict[float, _Place] = {}
        self.pair = _exposed(factors)
        self.margin = gap

    def run(self, outer: tuple[float, float], inner: tuple[float, float]) -> tuple[Panel, ...]:
        """Panels that cover `outer`; the lower ends are of the part within `inner`."""
        self.inner = inner
        mantissa, exponent = np.frexp(np.geomspace(max(outer[0], outer[1] / 64), outer[1], 7)[1:-1])
        inside = np.ldexp(np.rint(mantissa * 2.0**EDGE_BITS) / 2.0**EDGE_BITS, exponent)
        edges = np.unique([outer[0], *inside[(outer[0] < inside) & (inside < outer[1])], outer[1]])
        if self._still(outer[1]):
            edges = edges[[0, -1]]
        # The margins of the lines are relative to V*, the gap is relative to what the drift leaves of its integral.
        values = np.array([self._place(float(edge)).best.value for edge in edges])
        spread = float(np.diff(edges) @ (values[1:] + values[:-1]) / 2)
        self.margin = self.gap * min(1.0, max(abs(spread + self.drift) / spread, 1e-6))
        heap: list[tuple[float, float, Panel]] = []
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
        return tuple(panel for *_, panel in sorted(heap, key=lambda entry: entry[1]))

    def _still(self, most: float) -> bool:
        """Whether `V*` hardly depends on `r`: an exposed pair at the largest distance (L4), or means on a sphere."""
        spread = max(float(max(points.squares) - min(points.squares)) for points in self.factors)
        return self.pair is not None or spread * most < _STILL * self.gap

    @staticmethod
    def _push(heap: list[tuple[float, float, Panel]], panel: Panel) -> None:
        heapq.heappush(heap, (-float(panel.upper - panel.lower), panel.low, panel))

    def _panel(self, low: float, high: float) -> Panel:
        middle = (low + high) / 2
        places = [self._place(r) for r in (low, middle, high)]
        width = Fraction(high) - Fraction(low)
        lower, piece = self._lower(low, high, places)
        mean, levels, proofs = self._upper(low, high, places)
        return Panel(low, high, lower, width * mean, levels, proofs, piece)

    def _upper(
        self, low: float, high: float, places: Sequence[_Place]
    ) -> tuple[Fraction, tuple[Fraction, Fraction] | None, tuple[Proof | None, ...]]:
        """The mean over the panel of a line proved to lie above `V*`, its ends and the proofs; Popoviciu's bound if
        none is."""
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
                proofs = self._prove(low, high, threshold)
            except Counterexample as found:
                ends = [end * (found.value + 0.3 * self.margin) for end in ends]
                continue
            except Exhausted:
                ends = [end * (1 + 10 * self.margin) for end in ends]
                continue
            # What was proved: tau(r) <= the line as the float64 numbers of the threshold define it, with its rounding.
            rise = Fraction(threshold.slope) * (Fraction(high) - Fraction(low))
            line = Fraction(ends[0]), Fraction(ends[0]) + rise
            mean = sum(line, Fraction(0)) / 2
            if mean < popoviciu:
                return mean, line, proofs
            break
        return popoviciu, None, (None,) * len(self.factors)

    def _prove(self, low: float, high: float, threshold: Threshold) -> tuple[Proof | None, ...]:
        proofs: dict[Any, Proof | None] = {}
        for points in self.factors:
            law = _law(points)
            if law in proofs:
                continue  # factors may be the same law along other axes
            proofs[law] = None
            lowest = min(float(threshold.at(low)), float(threshold.at(high)))
            if float(points.diameter_squared) / 4 < lowest * (1 - 1e-12):
                continue  # Popoviciu's bound of this factor is below the line
            if points.dimension > 3:
                raise Exhausted
            task = common_isotropic_task(points, None, (low, high))
            deadline = min(self.deadline, time.perf_counter() + 10.0)
            proofs[law] = prove(task, points.faces, threshold, Budget(_PANEL_CELLS, deadline))
        return tuple(proofs[_law(points)] for points in self.factors)

    def _place(self, r: float) -> _Place:
        if self.pair is not None:  # where its points have equal mass, and no others have any: no search
            number, index = self.pair
            task = common_isotropic_task(self.factors[number], ball(Fraction(r)))
            if index is not None:
                face = self.factors[number].faces[index]
                task = task.face(face.members, face.axes, 0.0)
            return _Place(number, propose(task, (), face=index))
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

    def _lower(self, low: float, high: float, places: Sequence[_Place]) -> tuple[Fraction, Piece | None]:
        """`int Var_gamma(e.a) dr` along a tilt that is affine in `r`, the better of two choices, rounded down.

        At least 0: a variance is not negative. That is all where neither choice is any good at the ends of the panel
        (it is too wide, and a quadrature would take long to say so: its halves are looked at next).
        """
        low, high = max(low, self.inner[0]), min(high, self.inner[1])
        if not low < high:
            return Fraction(0), None
        first, middle, last = places
        choices = [(middle.best.tilt, np.zeros_like(middle.best.tilt))]
        if (first.factor, first.best.face) == (last.factor, last.best.face) == (middle.factor, middle.best.face):
            slope = (last.best.tilt - first.best.tilt) / (high - low)
            choices.append((middle.best.tilt, slope))
        pieces = [self._piece(middle, tilt, slope, Fraction(low), Fraction(high)) for tilt, slope in choices]
        lines = [piece.line for piece in pieces]
        at = np.array([low, (low + high) / 2, high])
        values = np.array([line.variances(at) for line in lines])
        best = int(np.argmax(values.mean(axis=1)))
        late = self.pair is None and time.perf_counter() > self.deadline
        if late or not (values[best] > _POOR * values[best].max()).all():
            return Fraction(0), None
        with suppress(NoEnclosure):
            found = integrate(lines[best].expression(), Fraction(low), Fraction(high), 8)
            return max(found.lower / lines[best].size, Fraction(0)), pieces[best]
        return Fraction(0), None

    def _piece(self, place: _Place, tilt: Floats, slope: Floats, low: Fraction, high: Fraction) -> Piece:
        points, centre = self.factors[place.factor], (low + high) / 2
        members, start, normal = limit(points, replace(place.best, tilt=tilt))
        change = limit(points, replace(place.best, tilt=slope))[1]
        start, change = ([_short(value) for value in vector] for vector in (start, change))
        direction = self._direction(points, place, members, float(centre))
        levels = [_dot(start, points.centred[k]) - centre * points.squares[k] for k in members]
        line = Line(
            [points.weights[k] for k in members],
            [_dot(points.centred[k], direction) for k in members],
            [level - max(levels) for level in levels],
            [_dot(change, points.centred[k]) - points.squares[k] for k in members],
            centre,
            _dot(direction, direction) * points.scale,
        )
        first = tuple(y + (low - centre) * move for y, move in zip(start, change, strict=True))
        outward = None if normal is None else tuple(normal)
        return Piece(place.factor, low, high, members, outward, first, tuple(change), tuple(direction), line)

    @staticmethod
    def _direction(points: Points, place: _Place, members: tuple[int, ...], r: float) -> list[Fraction]:
        vectors = np.array([[float(a) for a in points.centred[k]] for k in members])
        tilt = np.array([float(entry) for entry in limit(points, place.best)[1]])
        logits = np.array([np.log(float(points.weights[k])) - r * float(points.squares[k]) for k in members])
        logits = logits + vectors @ tilt
        weights = np.exp(logits - logits.max())
        weights /= weights.sum()
        deviation = vectors - weights @ vectors
        return top_direction((weights[:, None] * deviation).T @ deviation)


def _exposed(factors: tuple[Points, ...]) -> tuple[int, int | None] | None:
    """A factor and the number of its face, None for the whole, that is a pair at the largest distance of all: then
    `V* = D^2/4` for every `r` (proofs/L4.md)."""
    widest = max(points.diameter_squared for points in factors)
    for number, points in enumerate(factors):
        if len(points.points) == 2 and points.diameter_squared == widest:
            return number, None
        for index, face in enumerate(points.faces):
            if len(face.members) == 2 and points.distance_squared(*face.members) == widest:
                return number, index
    return None


def _law(points: Points) -> tuple[Any, ...]:
    """What a proof depends on."""
    return points.coordinates, points.embedding, points.axes, points.weights, points.scale


def _dot(a: Sequence[Fraction], b: Sequence[Fraction]) -> Fraction:
    return sum((x * y for x, y in zip(a, b, strict=True)), Fraction(0))


def _short(value: Fraction) -> Fraction:
    """A dyadic number of 40 significant bits: any tilt gives a valid lower bound, a short one is faster."""
    mantissa, exponent = np.frexp(float(value))
    return Fraction(round(float(mantissa) * 2**40)) * Fraction(2) ** (int(exponent) - 40)
