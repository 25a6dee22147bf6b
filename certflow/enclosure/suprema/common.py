"""Sharp rates of kind "common-isotropic" at one time, enclosed over all x (proofs/L5.md, proofs/sharp.md)."""

from __future__ import annotations

from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any

import numpy as np

from certflow.enclosure.expressions import ball
from certflow.enclosure.results import ExactDecimal, ball_ends, rounded_down, rounded_up
from certflow.enclosure.suprema.laws import BITS, common_isotropic_task
from certflow.enclosure.suprema.points import Points, turned_point
from certflow.enclosure.suprema.rate import DIGITS, Block, SharpRate
from certflow.enclosure.suprema.supremum import supremum
from certflow.enclosure.suprema.witness import (
    Witness,
    axis_vector,
    decimal,
    farthest,
    limit,
    spread_out,
    top_direction,
    turned_back,
    variance_along,
    weights_at,
)
from certflow.law.mixture import GaussianMixture
from certflow.numbers.precision import ball_precision

#: Below this relative gap of `V*` the margins of float64 leave no room.
_SMALLEST_GAP = 2e-12


@dataclass(frozen=True)
class _Times:
    """`1/v - 1`, `m^2/v^2`, `r = m^2/(2v)` and `v/m` as balls at one time."""

    drift: Any
    factor: Any
    r: Any
    scale: Any

    @classmethod
    def at(cls, mixture: GaussianMixture, time: Fraction) -> _Times:
        variance: Any = mixture.exact_covariances.fractions[()]
        grown = ball(2 * time).expm1() + ball(variance)  # v / m^2
        decay = (-2 * ball(time)).exp()
        drift = ball(1 - variance) * decay / (grown * decay)
        return cls(drift, 1 / (grown * grown * decay), 1 / (2 * grown), grown * (-ball(time)).exp())

    def of_spread(self, rate: str, spread: Any) -> Any:
        """The rate that belongs to a value of `V*`, increasing in it."""
        growth = self.factor * spread - self.drift
        return growth if rate == "one-sided" else growth.max(abs(self.drift))


def common_rate(mixture: GaussianMixture, time: Fraction, rate: str, gap: float, seconds: float) -> SharpRate:
    """`lambda* = 1 - 1/v + (m^2/v^2) V*(r)`, or with rate "two-sided" `L* = max(|1/v - 1|, (m^2/v^2) V* - (1/v - 1))`.

    `V*` is the largest over the factors of a product; `gap` is relative, after `seconds` a wider enclosure is taken.
    """
    with ball_precision(BITS):
        times = _Times.at(mixture, time)
        points = Points.of_mixture(mixture)
        if len(points.points) == 1:
            return _single(mixture, times, rate, time)
        factor, drift = float(times.factor.mid()), float(times.drift.mid())

        def gap_of(value: float) -> float:
            growth = factor * value
            return min(max(0.9 * gap * abs(growth - drift) / growth, _SMALLEST_GAP), 0.5)

        turn = points.product_turn()
        if turn is not None:
            points = points.turned(*turn)
        blocks = []
        for axes in points.blocks():
            part = points.project(axes)
            popoviciu = part.diameter_squared / 4
            task = common_isotropic_task(part, times.r)
            blocks.append(Block(axes, part, supremum(task, part, gap_of, seconds, popoviciu)))
        upper = max(block.found.upper for block in blocks)
        number = max(range(len(blocks)), key=lambda index: blocks[index].found.best.value)
        lower, witness, members, direction = _lower(mixture, blocks[number], times, turn)
        reached, vertex = _least(times.of_spread("one-sided", ball(lower))), _least(abs(times.drift))
        if rate == "two-sided" and vertex > reached:
            reached = vertex
            witness, members, direction = _vertex(mixture, blocks, number, turn)
        low, high = rounded_down(reached, DIGITS), _upper(times, rate, upper)
        return SharpRate(
            low,
            high,
            witness,
            bool(high - low <= gap * abs(high)),
            rate,
            time,
            (rounded_down(lower, DIGITS), rounded_up(upper, DIGITS)),
            tuple(blocks),
            number,
            members,
            direction,
            turn,
        )


def _least(value: Any) -> Fraction:
    middle, radius = ball_ends(value)
    return middle - radius


def _upper(times: _Times, rate: str, spread: Fraction) -> ExactDecimal:
    """The rate that belongs to an upper bound of `V*`, rounded upwards."""
    middle, radius = ball_ends(times.of_spread(rate, ball(spread)))
    return rounded_up(middle + radius, DIGITS)


def coarser(found: SharpRate, mixture: GaussianMixture, leaves: int) -> SharpRate:
    """A rate of a common variance with at most so many leaves: Popoviciu's inequality `V* <= D^2/4` takes the place of
    the largest coverings, and the result is not complete."""
    blocks, spread = list(found.blocks), found.spread
    while spread is not None and sum(block.leaves for block in blocks) > leaves:
        place = max(range(len(blocks)), key=lambda index: blocks[index].leaves)
        points = blocks[place].points
        closed = replace(blocks[place].found, upper=points.diameter_squared / 4, proof=None, complete=False)
        blocks[place] = replace(blocks[place], found=closed)
    if spread is None or sum(block.leaves for block in blocks) == found.leaves:
        return found
    upper = max(block.found.upper for block in blocks)
    with ball_precision(BITS):
        high = _upper(_Times.at(mixture, found.time), found.rate, upper)
    spread = (spread[0], rounded_up(upper, DIGITS))
    return replace(found, upper=high, complete=False, spread=spread, blocks=tuple(blocks))


def _single(mixture: GaussianMixture, times: _Times, rate: str, time: Fraction) -> SharpRate:
    """One Gaussian: `J = (1/v - 1) I` everywhere."""
    dimension = mixture.dimension
    middle, radius = ball_ends(times.of_spread(rate, ball(Fraction(0))))
    origin = Witness((Fraction(0),) * dimension, None, tuple(range(mixture.n_components)))
    low, high = rounded_down(middle - radius, DIGITS), rounded_up(middle + radius, DIGITS)
    spread = ExactDecimal(0), ExactDecimal(0)
    return SharpRate(low, high, origin, True, rate, time, spread, direction=axis_vector(dimension))


def _lower(
    mixture: GaussianMixture, block: Block, times: _Times, turn: tuple[int, int] | None
) -> tuple[Fraction, Witness, tuple[int, ...], tuple[Fraction, ...]]:
    """A lower bound of `V*`, evaluated in balls at the exact witness; the members and the direction used."""
    part, best = block.points, block.found.best
    members, tilt, normal = limit(part, best)
    offsets = [ball(w).log() - times.r * ball(s) for w, s in zip(part.weights, part.squares, strict=True)]
    # x = (y + 2 r middle) v / m, rounded to a decimal, and back to the tilt that it stands for
    shift = [2 * times.r * ball(m / part.scale) for m in part.middle]
    x = [decimal((ball(y) + s) * times.scale) for y, s in zip(tilt, shift, strict=True)]
    exact = [ball(value) / times.scale - s for value, s in zip(x, shift, strict=True)]
    weights = weights_at(part, members, exact, offsets)
    direction = _top(part, members, weights)
    vectors = [[ball(a) for a in part.centred[k]] for k in members]
    spread = variance_along(vectors, weights, [ball(e) for e in direction]) / ball(part.scale)
    middle, radius = ball_ends(spread)
    d = mixture.dimension
    witness = Witness(
        turned_back(spread_out(x, block.axes, d), turn),
        None if normal is None else turned_back(spread_out(normal, block.axes, d), turn),
        _components(mixture, block, members, turn),
    )
    return middle - radius, witness, members, tuple(direction)


def _vertex(
    mixture: GaussianMixture, blocks: list[Block], number: int, turn: tuple[int, int] | None
) -> tuple[Witness, tuple[int, ...], tuple[Fraction, ...]]:
    """Where `||J|| -> |1/v - 1|`: towards a vertex of the hull, which takes all the mass; as `_lower`.

    In each block the vertex farthest from the middle, in its own direction, in which no other point goes as far.
    """
    d = mixture.dimension
    outward, kept, tops = [Fraction(0)] * d, set(range(mixture.n_components)), []
    for block in blocks:
        part = block.points
        tops.append(farthest(part))
        for axis, entry in zip(block.axes, part.centred[tops[-1]], strict=True):
            outward[axis] = entry
        kept &= set(_components(mixture, block, (tops[-1],), turn))
    witness = Witness((Fraction(0),) * d, turned_back(tuple(outward), turn), tuple(sorted(kept)))
    return witness, (tops[number],), axis_vector(len(blocks[number].axes))


def _top(part: Points, members: tuple[int, ...], weights: list[Any]) -> list[Fraction]:
    vectors = np.array([[float(a) for a in part.centred[k]] for k in members])
    gamma = np.array([float(w.mid()) for w in weights])
    deviation = vectors - gamma @ vectors
    return top_direction((gamma[:, None] * deviation).T @ deviation)


def _components(
    mixture: GaussianMixture, block: Block, members: tuple[int, ...], turn: tuple[int, int] | None
) -> tuple[int, ...]:
    kept = {block.points.points[k] for k in members}
    found = []
    for k, row in enumerate(mixture.exact_means.fractions):
        point = list(row) if turn is None else turned_point(row, turn)
        if tuple(point[axis] for axis in block.axes) in kept:
            found.append(k)
    return tuple(found)
