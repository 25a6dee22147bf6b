"""Of different variances the largest alone survives far away: limits at infinity, and a proof beyond a cube.

With `W` the components of largest variance `v_W`, `C = m^2/v_W^2` and `Cov_W` the covariance of their means under their
own responsibilities, `-J -> -q_W I + C Cov_W` as `|x| -> infinity` (proofs/sharp-isotropic.md).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import flint
import numpy as np

from certflow.enclosure.expressions import ball
from certflow.enclosure.results import ball_ends
from certflow.enclosure.suprema.cover import Budget, Counterexample, Exhausted, grow
from certflow.enclosure.suprema.exponential import exp_upper
from certflow.enclosure.suprema.isotropic.cells import Level
from certflow.enclosure.suprema.isotropic.law import IsotropicLaw
from certflow.enclosure.suprema.laws import common_isotropic_task
from certflow.enclosure.suprema.margins import UP
from certflow.enclosure.suprema.points import MAX_HULL_DIMENSION, MAX_POINTS, Points, Vector
from certflow.enclosure.suprema.search import Candidate, propose, prove
from certflow.enclosure.suprema.tasks import Threshold
from certflow.numbers.arrays import Floats
from certflow.numbers.floats import UNIT

_LARGEST_RADIUS = 2.0**40
#: Cones at infinity are bisected at most this often.
_CONE_DEPTH = 40
_CONES = 4000
#: Cubes tried for `W` alone, each twice as wide.
_DOUBLINGS = 12


@dataclass(frozen=True)
class Limit:
    """A limit at infinity: the value along `point + s direction`, where `components` (of the law) keep their mass."""

    value: float
    side: int
    point: Vector
    direction: Vector
    components: tuple[int, ...]


@dataclass(frozen=True)
class Far:
    """Outside the cube of half width `radius` the level holds; `level` with the spread of `W` that is proved."""

    radius: float
    level: Level


class Widest:
    """The components of largest variance as a point set with its task (proofs/L5.md)."""

    def __init__(self, law: IsotropicLaw):
        self.law, self.members = law, law.wide
        first = self.members[0]
        balls = law.balls
        # The means are distinct, because equal components are merged; the weights need not sum to 1 here.
        self.points = Points.of(tuple(law.means[k] for k in self.members), tuple(law.weights[k] for k in self.members))
        self.quad = balls.quad[first]
        self.factor = (balls.m * balls.precision[first]) ** 2
        self.r = balls.m * balls.m * balls.precision[first] / 2
        self.back = balls.variance[first] / balls.m

    @property
    def is_searched(self) -> bool:
        """Whether all faces of the hull are known, so that limits at infinity are complete."""
        return self.points.dimension <= MAX_HULL_DIMENSION and len(self.members) <= MAX_POINTS

    def limits(self, side: int) -> list[Limit]:
        """The largest limits at infinity (float64 values)."""
        law, found = self.law, [self._vertex(side)]
        if side < 0 or len(self.members) == 1 or not self.is_searched:
            return found
        task = common_isotropic_task(self.points, self.r)
        if self.points.dimension < law.dimension:
            found.append(self._limit(propose(task, self.points.faces)))
        for number, face in enumerate(self.points.faces):
            inner = propose(task.face(face.members, face.axes, 0.0), (), face=number)
            found.append(self._limit(inner))
        return found

    def _vertex(self, side: int) -> Limit:
        """Towards the mean farthest from the average of `W`, which no other mean reaches in that direction."""
        average = [sum(column, Fraction(0)) / len(self.members) for column in zip(*self.points.points, strict=True)]
        rays = [tuple(a - b for a, b in zip(point, average, strict=True)) for point in self.points.points]
        index = max(range(len(rays)), key=lambda k: sum(a * a for a in rays[k]))
        ray = rays[index] if any(rays[index]) else (Fraction(1), *rays[index][1:])
        origin = (Fraction(0),) * self.law.dimension
        return Limit(-side * float(self.quad.mid()), side, origin, ray, (self.members[index],))

    def _limit(self, found: Candidate) -> Limit:
        points, d = self.points, self.law.dimension
        if found.face is None:
            chosen, axes, normal = tuple(range(len(self.members))), points.axes, self._across()
        else:
            face = points.faces[found.face]
            chosen, axes = face.members, tuple(points.axes[a] for a in face.axes)
            entries = dict(zip(points.axes, face.normal, strict=True))
            normal = tuple(entries.get(axis, Fraction(0)) for axis in range(d))
        tilt = dict(zip(axes, found.tilt, strict=True))
        point = tuple(  # y = m x/v - 2 r middle, in the coordinates of `common_isotropic_task`
            _near((ball(Fraction(float(tilt.get(axis, 0.0)))) + 2 * self.r * ball(points.middle[axis])) * self.back)
            for axis in range(d)
        )
        value = float(self.factor.mid()) * found.value - float(self.quad.mid())
        return Limit(value, 1, point, normal, tuple(self.members[k] for k in chosen))

    def _across(self) -> Vector:
        """An exact vector orthogonal to the hull of `W` (if it is not everything)."""
        columns = list(zip(*self.points.embedding, strict=True)) if self.points.dimension else []
        best: Vector = ()
        for axis in range(self.law.dimension):
            vector = [Fraction(int(axis == j)) for j in range(self.law.dimension)]
            kept: list[list[Fraction]] = []
            for column in [*map(list, columns), vector]:
                for other in kept:
                    share = _dot(column, other) / _dot(other, other)
                    column = [a - share * b for a, b in zip(column, other, strict=True)]
                kept.append(column)
            if not best or _dot(kept[-1], kept[-1]) > _dot(best, best):
                best = tuple(kept[-1])
        return best

    def proved_spread(self, threshold: Fraction, budget: Budget) -> float:
        """`C threshold`, rounded up, once `Cov_W <= threshold I` is proved for all tilts (proofs/sharp.md)."""
        tau = float(threshold) * (1 - 4 * UNIT)
        if not self.is_searched or tau <= 0:
            raise Exhausted
        try:
            prove(common_isotropic_task(self.points, self.r), self.points.faces, Threshold(tau), budget)
        except Counterexample:
            raise Exhausted from None
        return _upper(self.factor * ball(Fraction(tau)))


def far_field(law: IsotropicLaw, widest: Widest, value: float, side: int, room: float, budget: Budget) -> Far:
    """A cube outside which `side (-J) <= value I`; raises `Exhausted` if there is none within reach.

    `-J`: `W` alone leaves `alpha_W - C spread`, and the others take at most `sum max_w e^F kappa^2 rho^2`. The spread
    is Popoviciu's `D^2/4` if this leaves `room`; else just this much is proved to be left, by cones at infinity where
    `W` spans the space (it may leave less further in), or for all tilts.
    `J`: `Cov` is dropped, `W` leaves `Lam - q_W` and the others take at most `sum min_w e^F (q_k - Lam)_+`.
    """
    radius = float(2.0 ** np.ceil(np.log2(_scale(law))))
    if side < 0:
        return Far(_enough(law, value, side, radius, ball(Fraction(value)) - widest.quad), Level(value, side))
    alpha = ball(Fraction(value)) + widest.quad
    popoviciu = widest.factor * ball(widest.points.diameter_squared) / 4
    if alpha - popoviciu > room:
        return Far(_enough(law, value, side, radius, alpha - popoviciu), Level(value, side, _upper(popoviciu)))
    radius = _enough(law, value, side, radius, ball(Fraction(room)))
    if widest.points.dimension == law.coordinates:
        for doubling in range(_DOUBLINGS):
            if _outside(law, widest, value, room, radius * 2**doubling, budget):
                return Far(radius * 2**doubling, Level(value, side))
    middle, error = ball_ends((alpha - room) / widest.factor)
    return Far(radius, Level(value, side, widest.proved_spread(middle - error, budget)))


def _enough(law: IsotropicLaw, value: float, side: int, radius: float, left: Any) -> float:
    """A radius, at least the given one, beyond which the components outside `W` take at most what is `left`."""
    if not left > 0:
        raise Exhausted
    while not _taken(law, value, side, radius) <= left:
        radius *= 2
        if radius > _LARGEST_RADIUS * _scale(law):
            raise Exhausted
    return radius


def _scale(law: IsotropicLaw) -> float:
    precision = 1 + law.quad
    return float(np.sqrt(((law.tilt / precision[:, None]) ** 2).sum(1).max()) + 4 / np.sqrt(precision.min()))


def _taken(law: IsotropicLaw, value: float, side: int, radius: float) -> Any:
    """What the components outside `W` take at most beyond `|x| >= radius`, a ball (infinite if the bound fails there).

    `F = log p_k/p_w = Fmax - kappa rho^2/2`, `u_k - u_w = -kappa (x - c)`, `rho = |x - c| >= radius - |c|`, and
    `e^F kappa^2 rho^2` decreases where `rho^2 >= 2/kappa`. For the group `min_w e^F max_w |u_k - u_w|^2` counts, which
    is at most the largest of the products.
    """
    balls, total = law.balls, ball(Fraction(0))
    zero = ball(Fraction(0))
    for k in range(law.size):
        if k in law.wide:
            continue
        shares = []
        for w in law.wide:
            kappa = balls.quad[k] - balls.quad[w]
            centre = [(a - b) / kappa for a, b in zip(balls.tilt(law, k), balls.tilt(law, w), strict=True)]
            rho = ball(Fraction(radius)) - sum((c * c for c in centre), zero).sqrt()
            if not (rho > 0 and rho * rho * kappa > 2):
                return flint.arb("inf")
            gap = ball(law.variances[w] - law.variances[k])
            top = balls.scale[k] - balls.scale[w] + ball(law.difference_squared(k, w)) / (2 * gap)
            share = (top - kappa * rho * rho / 2).exp()
            shares.append(share * (kappa * rho) ** 2 if side > 0 else share)
        if side > 0:
            largest = shares[0]
            for share in shares[1:]:
                largest = largest.max(share)
            total = total + largest
        else:
            total = total + shares[0] * (balls.quad[k] - ball(Fraction(value))).max(zero)
    return total


def _outside(law: IsotropicLaw, widest: Widest, value: float, room: float, radius: float, budget: Budget) -> bool:
    """Whether `W` alone leaves `room` at every `|x|_inf >= radius` (a full-dimensional `W` that exceeds it further in).

    Cones `x = s a`, `s >= radius`, `a` in a box on a facet of the cube. Among `W` log-ratios are affine in `x`: with
    the leading `i` and `N = max (tau_w - tau_i).a` over the box, `p_w <= U_w p_i` with `log U_w = o_w - o_i + radius N`
    if `N <= 0`. The others form `S`: Popoviciu gives `max_S |tau - tau'|^2/4`, and the cone is settled if

        max_S |tau - tau'|^2/4 + sum_{w not in S} U_w (max_{s in S} |tau_w - tau_s|^2 - alpha)_+ <= alpha_W - room.
    """
    members = np.array(widest.members)
    tilt, offset = law.tilt[members], law.offset[members]
    n = law.coordinates
    distances = ((tilt[:, None] - tilt[None]) ** 2).sum(2) * UP + 1e-12 * (tilt**2).sum(1).max()
    alpha = (value + float(law.quad[members[0]])) * 1.0 - 16 * UNIT * (abs(value) + abs(float(law.quad[members[0]])))
    allowed = alpha - room * UP
    slope_error = 16 * (n + 4) * UNIT * float(np.abs(tilt).sum(1).max()) + 4 * n * law.tiny
    constant_error = 16 * UNIT * float(np.abs(offset).max()) + 4 * law.tiny

    def settle(centre: Floats, half: Floats) -> list[str | None]:
        if len(centre) > _CONES:
            raise Exhausted
        leading = (offset + radius * centre @ tilt.T).argmax(1)
        slopes = tilt - tilt[leading][:, None]
        highest = np.einsum("nkj,nj->nk", slopes, centre) + np.einsum("nkj,nj->nk", np.abs(slopes), half) + slope_error
        masses = exp_upper(offset - offset[leading][:, None] + constant_error + radius * highest * (1 - 4 * UNIT))
        inside = (highest > 0) | (masses > 1e-30) & (highest > -1e-12 * np.abs(tilt).max())
        inside[np.arange(len(centre)), leading] = True
        reasons: list[str | None] = []
        for row, chosen in enumerate(inside):
            spread = distances[np.ix_(chosen, chosen)].max() / 4
            excess = np.maximum(distances[~chosen][:, chosen].max(1, initial=0.0) - alpha, 0.0)
            fine = spread + (masses[row, ~chosen] * excess).sum() * UP <= allowed
            reasons.append("C" if fine else None)
        return reasons

    for facet in range(n):
        for sign in (-1.0, 1.0):
            centre, half = np.zeros((1, n)), np.ones((1, n))
            centre[0, facet], half[0, facet] = sign, 0.0
            try:
                grow((centre, half), settle, lambda _, half: half.argmax(1), budget, _CONE_DEPTH)
            except Exhausted:
                budget.spend(0)  # raises if it is the budget that ran out
                return False
    return True


def _dot(a: Sequence[Fraction], b: Sequence[Fraction]) -> Fraction:
    return sum((x * y for x, y in zip(a, b, strict=True)), Fraction(0))


def _upper(value: Any) -> float:
    middle, radius = ball_ends(value)
    return float(np.nextafter(float(middle + radius), np.inf))


def _near(value: Any) -> Fraction:
    """A rational near the midpoint of a ball, with 30 decimals."""
    return Fraction(round(ball_ends(value)[0] * 10**30), 10**30)


__all__ = ["Far", "Limit", "Widest", "far_field"]
