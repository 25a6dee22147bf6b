"""How close to the flow map a `B`-Lipschitz map can be at every point: floors in the sup norm (proofs/M1.md).

    sup |g - Phi| >= 1/2 sup_{x,y} ( |Phi(x) - Phi(y)| - B |x - y| )

`Phi = Phi_{t_max -> t_min}`. Floors are numbers with an estimate of their error, not enclosures; in one dimension this
one is what the best map attains (proofs/M1.md).
"""

from __future__ import annotations

import math
from dataclasses import replace
from fractions import Fraction

import numpy as np

from certflow.composition.centre import about_centre, shifts
from certflow.composition.floors import (
    CUT,
    ROUNDING,
    ROUNDS,
    Floor,
    gaussian_slopes,
    lipschitz_constant,
    product_method,
    resolved,
    second_moment,
    too_far_apart,
)
from certflow.flow.quantile_map import Nodes, QuantileMap
from certflow.law.factors import Factors, factors
from certflow.law.mixture import GaussianMixture
from certflow.law.noised import Process, noised
from certflow.numbers.arrays import Floats, Indices, Points
from certflow.numbers.inputs import whole_number

#: Points of the pairs in more than one dimension.
PAIRS = 256
#: Pairs of means through whose midpoints lines are laid.
LINES = 8
#: A budget that is the slope far out but for rounding is no smaller.
LEAST_SLOPE = 1 - 1e-12


def sup_floor(process: Process, budget: float, pairs: int = PAIRS, seed: int = 0) -> Floor:
    """M1: half of the largest `|Phi(x) - Phi(y)| - B |x - y|` over pairs, or 0 (proofs/M1.md).

    In one dimension over all pairs, and some map attains it. Else over pairs made of those of the one-dimensional
    factors, if there are any, over `pairs` typical points, and over points of lines across the midpoints of means;
    every pair gives a lower bound. Infinite where `B` is smaller than the slope of `Phi` far out.
    """
    budget = lipschitz_constant(budget)
    scale = second_moment(process)
    law, centre = about_centre(process)
    floor = _sup_floor(law, budget, pairs, seed)
    if floor.pair is not None:
        floor = replace(floor, pair=floor.pair + shifts(process, centre)[0])
    attained = floor.attained and resolved(floor.value, floor.error, math.sqrt(floor.scale))
    return replace(floor, scale=scale, attained=attained)


def _sup_floor(process: Process, budget: float, pairs: int, seed: int) -> Floor:
    """Of a law about its centre; relative to its own second moment."""
    scale = second_moment(process)
    if process.mixture.dimension == 1:
        return _largest_fall(process, float(budget), scale)
    split = factors(process.mixture)
    whole = _fall_of_factors(process, split, float(budget), scale)
    if split.complete or math.isinf(whole.value):
        return whole
    largest, best = 0.0, None
    interval = process.exact_t_min, process.exact_t_max
    for points, moved in process.mixture.kept[_moved, type(process), *interval, pairs, seed]:
        gaps = _distances(moved) - budget * _distances(points)
        if gaps.max() > largest:
            largest, best = float(gaps.max()), points[list(np.unravel_index(gaps.argmax(), gaps.shape))]
    if best is None:
        return whole
    ends = process.flow(best, process.t_max, process.t_min, rtol=1e-10)
    value = (float(np.linalg.norm(ends[0] - ends[1])) - budget * float(np.linalg.norm(best[0] - best[1]))) / 2
    if value <= whole.value:
        return whole
    return Floor("M1", "pairs", float(budget), value, 1e-8 * math.sqrt(scale), scale, attained=False, pair=best)


def _fall_of_factors(process: Process, split: Factors, budget: float, scale: float) -> Floor:
    """M1 for the pair whose coordinate along each line is that line's best pair.

    A product of maps is off by at most the root of the sum of squares; where the pair says the same it is attained.
    """
    method = product_method(split)
    found = [sup_floor(process.of(line), budget) for line in split.lines]
    steep = bool((LEAST_SLOPE * gaussian_slopes(process, split.variances) > budget).any())
    if steep or any(math.isinf(floor.value) for floor in found):
        return Floor("M1", "slope at infinity", budget, math.inf, 0.0, scale, True)
    centre = math.exp(-process.t_max) * (process.mixture.weights @ process.mixture.means)
    kept = [(floor, n) for floor, n in zip(found, split.directions, strict=True) if floor.value > 0]
    each = np.array([floor.value for floor, _ in kept])
    error = math.fsum(floor.error for floor, _ in kept) + ROUNDING * math.sqrt(scale)
    if not kept:
        return Floor("M1", method, budget, 0.0, error, scale, split.complete)
    before = [float(np.ptp(floor.pair)) for floor, _ in kept if floor.pair is not None]
    after = [2 * value + budget * gap for value, gap in zip(each, before, strict=True)]
    value = float(np.linalg.norm(after) - budget * np.linalg.norm(before)) / 2
    pair = centre + sum(floor.pair * n for floor, n in kept)  # each of shape (2, 1) along its line
    attained = split.complete and value >= float(np.linalg.norm(each)) - error
    return Floor("M1", method, budget, value, error, scale, attained, pair=pair)


def _largest_fall(process: Process, budget: float, scale: float) -> Floor:
    """Half of `max_{i<j} (f_i - f_j)`, `f = B z - Phi`, which is `max_{i<j} (Phi_j - Phi_i - B (z_j - z_i))`.

    No `B` smaller than the slope far out has a finite distance.
    """
    flow = QuantileMap(process)
    if budget < LEAST_SLOPE * slope_far_out(flow):
        return Floor("M1", "slope at infinity", budget, math.inf, 0.0, scale, True)
    nodes, ends, found = fall_nodes(flow, budget)
    if math.isnan(found[-1]):
        raise too_far_apart()
    error = abs(found[-1] - found[-2]) + ROUNDING * math.sqrt(scale)
    return Floor("M1", "all pairs", budget, found[-1], error, scale, True, pair=nodes.z[ends, None])


def slope_far_out(flow: QuantileMap) -> float:
    """`lim Phi'(z) = sqrt(v_s / v_T)`, `|z| -> infinity`: of the widest component."""
    widest = np.argmax(flow.start.widths)
    return float(flow.end.widths[widest] / flow.start.widths[widest])


def fall_nodes(flow: QuantileMap, budget: float) -> tuple[Nodes, Indices, list[float]]:
    """Nodes along the map, close together at the two ends of the largest fall of `B z - Phi(z)`; the places of these
    ends among them, and half of the fall as it was found with ever finer nodes."""
    nodes, ends, found = flow.nodes(), np.empty(0, dtype=np.intp), []
    for _ in range(ROUNDS):
        nodes = flow.refine(nodes, ends, CUT)
        values = budget * nodes.z - nodes.x
        falls = np.maximum.accumulate(values) - values
        low = int(falls.argmax())
        found.append(float(falls[low]) / 2 if nodes.ascending else math.nan)
        ends = np.array([values[: low + 1].argmax(), low])
    return nodes, ends, found


def _moved(
    mixture: GaussianMixture, of: type[Process], t_min: Fraction, t_max: Fraction, pairs: int, seed: int
) -> list[tuple[Points, Points]]:
    """Where the pairs are looked for, typical points first, and where the flow takes them: for every budget the same.

    of : the class of the process
    """
    process = of(mixture, t_min, t_max)  # type: ignore[call-arg]
    return [
        (points, process.flow(points, process.t_max, process.t_min, rtol=1e-6))
        for points in [_noised(process, pairs, seed), *_lines(process, pairs)]
    ]


def _lines(process: Process, points: int) -> list[Points]:
    """Points across the midpoints of the nearest pairs of different means, at the noise end."""
    means = process.mixture.means
    i, j = np.triu_indices(len(means), 1)
    apart = np.linalg.norm(means[i] - means[j], axis=1)
    order = np.argsort(apart, kind="stable")
    m = math.exp(-process.t_max)
    steps = np.linspace(-2, 2, 2 * (points // 2))[:, None]  # an even number: the midpoint, a separatrix, is left out
    return [
        m * (means[i[k]] + means[j[k]]) / 2 + steps * (means[i[k]] - means[j[k]]) / apart[k]
        for k in order[apart[order] > 0][:LINES]
    ]


def _distances(points: Points) -> Floats:
    result: Floats = np.linalg.norm(points[:, None] - points[None], axis=2)
    return result


def _noised(process: Process, samples: int, seed: int) -> Points:
    """Points of `p_T`, shape (samples, d)."""
    samples, seed = whole_number(samples, "samples", 2), whole_number(seed, "seed")
    start = process.mixture.sample(samples, seed)
    return noised(start, process.t_max, np.random.default_rng([seed, 1]).standard_normal(start.shape))
