"""How well a `B`-Lipschitz map can do at all: floors under every one-step student, however trained (THEORY M1-M3).

    M1    sup |g - Phi| >= 1/2 sup_{x,y} ( |Phi(x) - Phi(y)| - B |x - y| )
    M2    E|g - Phi|^2 >= 1/4 E ( |Phi(X) - Phi(RX)| - B |X - RX| )_+^2,    R an involution that preserves p_T
    d=1   B z - g(z) is the L^2(p_T) projection of B z - Phi(z) on nondecreasing functions
    M3    K >= log Lip(Phi) / log B

`Phi = Phi_{t_max -> t_min}`, `X ~ p_T`, `T = t_max`. Floors are numbers with an estimate of their error, not
enclosures. In one dimension M1 and the projection are what the best map attains (proofs/M1.md, M2.md).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from certflow.errors import InputError
from certflow.inputs import real_number, whole_number
from certflow.process import OrnsteinUhlenbeck, noised
from certflow.quantile_map import Nodes, OfPair, QuantileMap
from certflow.symmetry import symmetries

#: Points of the pairs of M1, and of the mean of M2, in more than one dimension.
PAIRS, SAMPLES = 256, 4096
#: Pairs of means through whose midpoints lines of M1 are laid.
LINES = 8
#: How often panels are cut at the kinks of an optimum, and in how many parts.
ROUNDS, CUT = 5, 6
#: Rounding of a quadrature, relative to `E|Phi|^2`.
ROUNDING = 1e-13
#: A mass that underflows (between modes many widths apart) stands for this one.
LEAST = 1e-300
#: A measured error is under a floor if it is so by more than this many estimated errors.
SURE = 4.0


@dataclass(frozen=True)
class Floor:
    """A lower bound for every `B`-Lipschitz map.

    statement, method : THEORY id, and how it was computed
    budget : `B`
    value : M1: a distance; M2: a mean square
    error : estimated error of `value`: by refinement for a quadrature, the standard error of a sample
    scale : `E|Phi(X)|^2`
    attained : some `B`-Lipschitz map reaches it
    """

    statement: str
    method: str
    budget: float
    value: float
    error: float
    scale: float
    attained: bool

    @property
    def relative(self) -> float:
        """M2: over `E|Phi|^2`, as relative mean squared errors are; M1: over its root."""
        return self.value / (math.sqrt(self.scale) if self.statement == "M1" else self.scale)

    def is_violated_by(self, error: float, uncertainty: float = 0.0) -> bool:
        """A measured error, in the units of `value`, lies below the floor by more than either is uncertain."""
        return not error >= self.value - SURE * (self.error + uncertainty)  # an error that is NaN is no evidence for it


@dataclass(frozen=True)
class Optimum:
    """The best `B`-Lipschitz map in one dimension: its error, and its values `best` at `nodes.z`."""

    floor: Floor
    nodes: Nodes
    best: np.ndarray


def second_moment(process: OrnsteinUhlenbeck) -> float:
    """`E|Phi(X)|^2 = E_{p_s}|x|^2 = sum_k w_k (m^2 (|mu_k|^2 + tr Sigma_k)) + d (1 - m^2)`, `s = t_min`."""
    mixture = process.mixture
    weights = mixture.weights / mixture.weights.sum()
    traces = np.trace(mixture.covariance_matrices, axis1=1, axis2=2)
    squares = (mixture.means**2).sum(1) + traces
    s = process.t_min
    return float(math.exp(-2 * s) * (weights @ squares) - mixture.dimension * math.expm1(-2 * s))


# -- one dimension: what the best map attains -------------------------------------------------------------------


def best_map(process: OrnsteinUhlenbeck, budget: float, nodes: Nodes | None = None) -> Optimum:
    """The `B`-Lipschitz map with the smallest `E|g - Phi|^2` in one dimension (THEORY M2, isotonic regression).

    `h = B z - g` runs over functions with slopes in [0, 2B]. The projection of `f = B z - Phi` on nondecreasing ones
    has slopes of at most `B`, because `Phi` is nondecreasing: the upper limit is no restriction, and `g*` is itself
    nondecreasing. Computed on Gauss-Legendre nodes; the panels at the ends of the pools, where `f - h` has its kinks,
    are cut again and again, and the last change is the estimate of the error. `nodes`: those to start from.

    Raises
    ------
    InputError : more than one dimension, symbolic parameters, a budget that is not > 0.
    """
    from sklearn.isotonic import isotonic_regression

    budget = _budget(budget)
    flow = QuantileMap(process)
    nodes = flow.nodes() if nodes is None else nodes
    kinks, found = np.empty(0, dtype=int), []
    for _ in range(ROUNDS):
        nodes = flow.refine(nodes, kinks, CUT)
        values = budget * nodes.z - nodes.x
        projected = isotonic_regression(values, sample_weight=np.maximum(nodes.weights, LEAST))
        found.append(nodes.mean((values - projected) ** 2))
        kinks = np.flatnonzero(np.diff(np.diff(projected) == 0)) + 1
    scale = second_moment(process)
    error = abs(found[-1] - found[-2]) + (ROUNDING + abs(1 - float(nodes.weights.sum()))) * scale
    floor = Floor("M2", "isotonic regression", float(budget), found[-1], error, scale, True)
    return Optimum(floor, nodes, budget * nodes.z - projected)


def symmetric_floor(process: OrnsteinUhlenbeck, budget: float) -> Floor:
    """`E (|Phi(X) - c_s| - B |X - c_T|)_+^2` in one dimension, `p_T` symmetric about `c_T` (THEORY M2).

    For two modes at `+-a` this is `2 int_0^{z*} p_T (Phi - B z)^2 dz`, `Phi(z*) = B z*`, and the best map attains it.
    The crossings `z*` are found by Brent's method, each piece between them is integrated on panels of its own.

    Raises
    ------
    InputError : more than one dimension, or a mixture that is not symmetric (decided exactly).
    """
    budget = _budget(budget)
    flow = QuantileMap(process)
    centres = [family.centre[0] for family in symmetries(process.mixture) if family.name == "point reflection"]
    if not centres:
        raise InputError("mixture", process.mixture.name, "a mixture that is symmetric about its mean")
    from_, to = (math.exp(-t) * centres[0] for t in (process.t_max, process.t_min))
    panels = flow.panels()
    middle = from_ + to  # the coordinate of the centre, which the map carries to the centre
    right = np.concatenate([[middle], panels[panels > middle + 1e-12]])

    def excess(z: np.ndarray, x: np.ndarray) -> np.ndarray:
        return (x - to) - budget * (z - from_)

    ends = np.array(sorted({middle, *flow.crossings(excess, right[1:]), *_first_crossing(flow, excess, right)}))
    total, coarse, outside = 0.0, 0.0, 0.0
    for low, high in zip(ends, [*ends[1:], right[-1]], strict=True):
        count = max(8, math.ceil((high - low) / (panels[1] - panels[0])))
        nodes = flow.nodes(np.linspace(low, high, count + 1))
        over = np.maximum(excess(nodes.z, nodes.x), 0)
        total += 2 * nodes.mean(over**2)
        half = flow.nodes(np.linspace(low, high, count // 2 + 1))
        coarse += 2 * half.mean(np.maximum(excess(half.z, half.x), 0) ** 2)
        if not over.any() or low > middle:
            outside = max(outside, float((nodes.slope - budget).max()))
    scale = second_moment(process)
    # attained if the excess is positive at most once, next to the centre, and Phi' <= B from there on
    attained = len(ends) <= 2 and outside <= 1e-9 * budget
    return Floor(
        "M2", "pairing, quadrature", float(budget), total, abs(total - coarse) + ROUNDING * scale, scale, attained
    )


def _first_crossing(flow: QuantileMap, excess: OfPair, right: np.ndarray) -> list[float]:
    """A crossing between the centre, where the excess is 0, and the first end of a panel."""
    inner = right[0] + (right[1] - right[0]) * np.array([1e-6, 1.0])
    return flow.crossings(excess, inner)


# -- any dimension ---------------------------------------------------------------------------------------------


def pairing_floor(process: OrnsteinUhlenbeck, budget: float, samples: int = SAMPLES, seed: int = 0) -> Floor:
    """M2 by the best family of symmetries: `sum_j E ( |Q_j (Phi(X) - c_s)| - B |Q_j (X - c_T)| )_+^2` (THEORY M2).

    `Q_j` mutually orthogonal, `I - 2 Q_j` about the centre a symmetry of the mixture (`certflow.symmetry`). In one
    dimension by quadrature, else as the mean over `samples` points of `p_T`, with its standard error.

    Raises
    ------
    InputError : a mixture without such a symmetry.
    """
    budget = _budget(budget)
    families = symmetries(process.mixture)
    if not families:
        raise InputError("mixture", process.mixture.name, "a mixture with a point reflection or a reflection")
    if process.mixture.dimension == 1:
        return symmetric_floor(process, budget)
    x = _noised(process, samples, seed)
    phi = process.flow(x, process.t_max, process.t_min, rtol=1e-8)
    scale = second_moment(process)
    found = []
    for family in families:
        from_, to = (math.exp(-t) * family.centre for t in (process.t_max, process.t_min))
        before = np.linalg.norm(np.einsum("jab,nb->nja", family.projectors, x - from_), axis=2)
        after = np.linalg.norm(np.einsum("jab,nb->nja", family.projectors, phi - to), axis=2)
        each = (np.maximum(after - budget * before, 0) ** 2).sum(1)
        spread = float(each.std(ddof=1)) / math.sqrt(samples)
        found.append(
            Floor("M2", f"pairing, {family.name}", float(budget), float(each.mean()), spread, scale, attained=False)
        )
    return max(found, key=lambda floor: floor.value)


def sup_floor(process: OrnsteinUhlenbeck, budget: float, pairs: int = PAIRS, seed: int = 0) -> Floor:
    """M1: half of the largest `|Phi(x) - Phi(y)| - B |x - y|` over pairs, or 0 (THEORY M1).

    In one dimension over all pairs, and some map attains it. Else over `pairs` typical points, and over points of lines
    across the midpoints of means; every pair gives a lower bound.
    """
    budget = _budget(budget)
    scale = second_moment(process)
    if process.mixture.dimension == 1:
        return _largest_fall(process, float(budget), scale)
    largest = 0.0
    for points in [_noised(process, pairs, seed), *_lines(process, pairs)]:
        moved = process.flow(points, process.t_max, process.t_min, rtol=1e-6)
        gaps = _distances(moved) - budget * _distances(points)
        largest = max(largest, float(gaps.max()))
    return Floor("M1", "pairs", float(budget), largest / 2, 1e-6 * math.sqrt(scale), scale, attained=False)


def _largest_fall(process: OrnsteinUhlenbeck, budget: float, scale: float) -> Floor:
    """Half of `max_{i<j} (f_i - f_j)`, `f = B z - Phi`, which is `max_{i<j} (Phi_j - Phi_i - B (z_j - z_i))`.

    Far out `Phi` has the slope `sqrt(v_s / v_T)` of the widest component: no smaller `B` has a finite distance.
    """
    flow = QuantileMap(process)
    widest = np.argmax(flow.start.widths)
    if budget < flow.end.widths[widest] / flow.start.widths[widest]:
        return Floor("M1", "slope at infinity", budget, math.inf, 0.0, scale, True)
    nodes, ends, found = flow.nodes(), np.empty(0, dtype=int), []
    for _ in range(ROUNDS):
        nodes = flow.refine(nodes, ends, CUT)
        values = budget * nodes.z - nodes.x
        falls = np.maximum.accumulate(values) - values
        low = int(falls.argmax())
        found.append(float(falls[low]) / 2)
        ends = np.array([values[: low + 1].argmax(), low])
    return Floor("M1", "all pairs", budget, found[-1], abs(found[-1] - found[-2]) + ROUNDING, scale, True)


def _lines(process: OrnsteinUhlenbeck, points: int) -> list[np.ndarray]:
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


def _distances(points: np.ndarray) -> np.ndarray:
    return np.linalg.norm(points[:, None] - points[None], axis=2)


def _noised(process: OrnsteinUhlenbeck, samples: int, seed: int) -> np.ndarray:
    """Points of `p_T`, shape (samples, d)."""
    samples, seed = whole_number(samples, "samples", 2), whole_number(seed, "seed")
    start = process.mixture.sample(samples, seed)
    return noised(start, process.t_max, np.random.default_rng([seed, 1]).standard_normal(start.shape))


def _budget(budget: Any) -> float:
    return real_number(budget, "budget", "a finite Lipschitz constant B > 0", lambda b: 0 < b < math.inf)
