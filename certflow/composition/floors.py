"""How well a `B`-Lipschitz map can do at all: floors under every one-step student, however trained (proofs/M2.md, M3).

    M2    E|g - Phi|^2 >= 1/4 E ( |Phi(X) - Phi(RX)| - B |X - RX| )_+^2,    R an involution that preserves p_T
    d=1   B z - g(z) is the L^2(p_T) projection of B z - Phi(z) on nondecreasing functions
    M3    K >= log Lip(Phi) / log B

`Phi = Phi_{t_max -> t_min}`, `X ~ p_T`, `T = t_max`. Floors are numbers with an estimate of their error, not
enclosures. In one dimension the projection is what the best map attains (proofs/M2.md); the sup norm (M1) has a
module of its own, `certflow.composition.sup_norm`.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from certflow.composition.centre import about_centre, shifts
from certflow.composition.pairing import RTOL, Pairing
from certflow.errors import InputError
from certflow.flow.quantile_map import Nodes, OfPair, QuantileMap
from certflow.law.factors import Factors, factors
from certflow.law.noised import Process
from certflow.law.symmetry import Symmetry, reflections, symmetries
from certflow.numbers.arrays import Floats
from certflow.numbers.inputs import real_number, whole_number

#: Points of the mean of M2 in more than one dimension.
SAMPLES = 4096
#: Level of the lower confidence bounds of M2.
LEVEL = 0.999
#: How often panels are cut at the kinks of an optimum, and in how many parts.
ROUNDS, CUT = 5, 6
#: Rounding of a quadrature, relative to `E|Phi|^2`.
ROUNDING = 1e-13
#: Squares of distances of the law, and sums of them, stay below the largest float64 where `E|Phi|^2` is below this.
MOST = 1e300
#: A mass that underflows (between modes many widths apart) stands for this one.
LEAST = 1e-300
#: An error of this share of the variance is no rounding: the quadrature has lost mass.
LOST = 1e-3
#: An error of this share is rounding.
NEGLIGIBLE = 1e-9
#: A measured error is under a floor if it is so by more than this many estimated errors.
SURE = 4.0


@dataclass(frozen=True)
class Floor:
    """A lower bound for every `B`-Lipschitz map.

    statement, method : id of the statement, and how it was computed
    budget : `B`
    value : M1: a distance; M2: a mean square
    error : estimated numerical error of `value`, by refinement for a quadrature
    scale : `E|Phi(X)|^2`
    attained : some `B`-Lipschitz map reaches it, as far as the error lets it be told (`resolved`)
    level : None where `value` is computed; else it is a lower confidence bound, and this the probability with which
        draws give one that is no larger than the mean it bounds
    pair : M1: the points `x` and `y` at the noise end, shape (2, d), on which a finite value rests, if it is not 0
    """

    statement: str
    method: str
    budget: float
    value: float
    error: float
    scale: float
    attained: bool
    level: float | None = None
    pair: Floats | None = field(default=None, compare=False)

    @property
    def basis(self) -> str:
        """How the floor was obtained, in words."""
        exact = "what the best map attains" if self.attained else "a lower bound, computed"
        kind = exact if self.level is None else f"a lower confidence bound at {100 * self.level:g} %"
        return f"{kind} ({self.method})"

    @property
    def relative(self) -> float:
        """M2: over `E|Phi|^2`, as relative mean squared errors are; M1: over its root."""
        return self.value / (math.sqrt(self.scale) if self.statement == "M1" else self.scale)

    def is_violated_by(self, error: float, uncertainty: float = 0.0) -> bool:
        """A measured error, in the units of `value`, lies below the floor by more than either is uncertain.

        An infinite floor, and a number that is not one, are no evidence.
        """
        least = self.value - SURE * (self.error + uncertainty)
        return math.isfinite(least) and error < least


@dataclass(frozen=True)
class Optimum:
    """The best `B`-Lipschitz map in one dimension: its error, and its values `best` at `nodes.z`."""

    floor: Floor
    nodes: Nodes
    best: Floats


def second_moment(process: Process) -> float:
    """`E|Phi(X)|^2 = E_{p_s}|x|^2 = sum_k w_k (m^2 (|mu_k|^2 + tr Sigma_k)) + d (1 - m^2)`, `s = t_min`.

    Raises
    ------
    InputError : it is beyond float64: no floor is a number then.
    """
    mixture = process.mixture
    weights = mixture.weights / mixture.weights.sum()
    with np.errstate(over="ignore"):
        traces = np.trace(mixture.covariance_matrices, axis1=1, axis2=2)
        squares = (mixture.means**2).sum(1) + traces
        s = process.t_min
        moment = float(math.exp(-2 * s) * (weights @ squares) - mixture.dimension * math.expm1(-2 * s))
    if not moment < MOST:
        raise InputError("mixture", "a second moment beyond 1e300", "a law whose mean square is less, for a floor")
    return moment


# -- one dimension: what the best map attains -------------------------------------------------------------------


def best_map(process: Process, budget: float, nodes: Nodes | None = None) -> Optimum:
    """The `B`-Lipschitz map with the smallest `E|g - Phi|^2` in one dimension (proofs/M2.md, isotonic regression).

    `h = B z - g` runs over functions with slopes in [0, 2B]. The projection of `f = B z - Phi` on nondecreasing ones
    has slopes of at most `B`, because `Phi` is nondecreasing: the upper limit is no restriction, and `g*` is itself
    nondecreasing. Computed on Gauss-Legendre nodes; the panels at the ends of the pools, where `f - h` has its kinks,
    are cut again and again, and the last change is the estimate of the error. `nodes`: those to start from.

    Raises
    ------
    InputError : more than one dimension, symbolic parameters, a budget that is not > 0.
    """
    from sklearn.isotonic import isotonic_regression

    budget = lipschitz_constant(budget)
    scale = second_moment(process)
    law, centre = about_centre(process)
    flow = QuantileMap(law)
    start, end = (float(shift[0]) for shift in shifts(process, centre))
    nodes = flow.nodes() if nodes is None else nodes.shifted(-start, -end)
    kinks, found = np.empty(0, dtype=int), []
    for _ in range(ROUNDS):
        nodes = flow.refine(nodes, kinks, CUT)
        values = budget * nodes.z - nodes.x
        projected = isotonic_regression(values, sample_weight=np.maximum(nodes.weights, LEAST))
        found.append(nodes.mean((values - projected) ** 2))
        kinks = np.flatnonzero(np.diff(np.diff(projected) == 0)) + 1
    size = second_moment(law)
    error = abs(found[-1] - found[-2]) + (ROUNDING + abs(1 - float(nodes.weights.sum()))) * size
    attained = resolved(found[-1], error, size)
    floor = Floor("M2", "isotonic regression", float(budget), found[-1], error, scale, attained)
    return Optimum(floor, nodes.shifted(start, end), budget * nodes.z - projected + end)


def symmetric_floor(process: Process, budget: float) -> Floor:
    """`E (|Phi(X) - c_s| - B |X - c_T|)_+^2` in one dimension, `p_T` symmetric about `c_T` (proofs/M2.md).

    For two modes at `+-a` this is `2 int_0^{z*} p_T (Phi - B z)^2 dz`, `Phi(z*) = B z*`, and the best map attains it.
    The crossings `z*` are found by Brent's method, each piece between them is integrated on panels of its own.

    Raises
    ------
    InputError : more than one dimension, or a mixture that is not symmetric (decided exactly).
    """
    budget = lipschitz_constant(budget)
    scale = second_moment(process)
    process, _ = about_centre(process)
    flow = QuantileMap(process)
    centres = [family.centre[0] for family in symmetries(process.mixture) if family.name == "point reflection"]
    if not centres:
        raise InputError("mixture", process.mixture.name, "a mixture that is symmetric about its mean")
    from_, to = (math.exp(-t) * centres[0] for t in (process.t_max, process.t_min))
    panels = flow.panels()
    middle = from_ + to  # the coordinate of the centre, which the map carries to the centre
    right = np.concatenate([[middle], panels[panels > middle + 1e-12]])

    def excess(z: Floats, x: Floats) -> Floats:
        result: Floats = (x - to) - budget * (z - from_)
        return result

    ends = np.array(sorted({middle, *flow.crossings(excess, right[1:]), *_first_crossing(flow, excess, right)}))
    total, coarse, outside, mass = 0.0, 0.0, 0.0, 0.0
    for low, high in zip(ends, [*ends[1:], right[-1]], strict=True):
        inner = panels[(low < panels) & (panels < high)]
        cuts = np.array([low, *inner, high]) if len(inner) > 8 else np.linspace(low, high, 9)
        nodes = flow.nodes(cuts)
        over = np.maximum(excess(nodes.z, nodes.x), 0)
        total += 2 * nodes.mean(over**2)
        mass += float(nodes.weights.sum())
        half = flow.nodes(np.append(cuts[:-1:2], high))
        coarse += 2 * half.mean(np.maximum(excess(half.z, half.x), 0) ** 2)
        if not over.any() or low > middle:
            outside = max(outside, float((nodes.slope - budget).max()))
    size = second_moment(process)
    error = abs(total - coarse) + (ROUNDING + abs(1 - 2 * mass)) * size
    # attained if the excess is positive at most once, next to the centre, and Phi' <= B from there on
    attained = len(ends) <= 2 and outside <= 1e-9 * budget and resolved(total, error, size)
    return Floor("M2", "pairing, quadrature", float(budget), total, error, scale, attained)


def _first_crossing(flow: QuantileMap, excess: OfPair, right: Floats) -> list[float]:
    """A crossing between the centre, where the excess is 0, and the first end of a panel."""
    inner = right[0] + (right[1] - right[0]) * np.array([1e-6, 1.0])
    return flow.crossings(excess, inner)


# -- any dimension ---------------------------------------------------------------------------------------------


def mean_square_floor(process: Process, budget: float, samples: int = SAMPLES, seed: int = 0) -> Floor:
    """A lower bound of `E|g - Phi|^2` for every `B`-Lipschitz `g`, the best that is known here (proofs/M2.md).

    In one dimension, and where the law is a product of one-dimensional ones, what the best map attains. Else the sum
    of the one-dimensional factors and, where the rest has a symmetry, a lower confidence bound of its pairing.

    Raises
    ------
    InputError : a budget that is not > 0, a mixture without a factor and without a symmetry, or one whose modes are
        so far apart that float64 loses their widths.
    """
    budget = lipschitz_constant(budget)
    if process.mixture.dimension == 1:
        return _of_best_map(process, budget)
    scale = second_moment(process)
    process, _ = about_centre(process)
    split = factors(process.mixture)
    if not len(split.removed):
        return replace(pairing_floor(process, budget, samples, seed), scale=scale)
    alone = [_of_best_map(process.of(line), budget) for line in split.lines]
    size = second_moment(process)
    value = math.fsum([*(floor.value for floor in alone), _gaussian(process, split.variances, budget)])
    error = math.fsum(floor.error for floor in alone) + ROUNDING * size
    method = product_method(split)
    whole = Floor("M2", method, float(budget), value, error, scale, split.complete and resolved(value, error, size))
    rest = [] if split.complete else _in_the_rest(symmetries(process.mixture), split.removed)
    if not rest:
        return whole
    samples = whole_number(samples, "samples", 2)
    paired, family = Pairing(process, budget, rest[0].centre, seed).bound(rest, samples, LEVEL)
    method = f"{method}, and pairing, {family.name}, {samples} draws"
    return replace(whole, method=method, value=value + paired, error=error + _rough(paired, size), level=LEVEL)


def _of_best_map(process: Process, budget: float) -> Floor:
    floor = best_map(process, budget).floor
    if not floor.error < LOST * second_moment(about_centre(process)[0]):
        raise too_far_apart()
    return floor


def too_far_apart() -> InputError:
    """Of modes between which float64 does not find the flow."""
    return InputError("mixture", "modes too far apart for their widths", "a flow that float64 resolves, for a floor")


def pairing_floor(process: Process, budget: float, samples: int = SAMPLES, seed: int = 0) -> Floor:
    """M2 by the best family of symmetries: `sum_j E ( |Q_j (Phi(X) - c_s)| - B |Q_j (X - c_T)| )_+^2` (proofs/M2.md).

    `Q_j` mutually orthogonal, `I - 2 Q_j` about the centre a symmetry of the mixture (`certflow.law.symmetry`). In one
    dimension by quadrature, else a lower confidence bound of the level `LEVEL` from `samples` draws
    (`certflow.composition.pairing`).

    Raises
    ------
    InputError : a mixture without such a symmetry.
    """
    budget = lipschitz_constant(budget)
    families = symmetries(process.mixture)
    if not families:
        raise InputError("mixture", process.mixture.name, "a mixture with a point reflection or a reflection")
    if process.mixture.dimension == 1:
        return symmetric_floor(process, budget)
    scale = second_moment(process)
    process, _ = about_centre(process)
    families = symmetries(process.mixture)
    samples = whole_number(samples, "samples", 2)
    value, family = Pairing(process, budget, families[0].centre, seed).bound(families, samples, LEVEL)
    method, error = f"pairing, {family.name}, {samples} draws", _rough(value, second_moment(process))
    return Floor("M2", method, float(budget), value, error, scale, attained=False, level=LEVEL)


def resolved(value: float, error: float, size: float) -> bool:
    """The error is less than the value, or the value 0 and the error rounding: only then does a map reach it.

    `size` : what the value is small against, `E|Phi|^2` about the centre or its root
    """
    return error < value or (value == 0 and error <= NEGLIGIBLE * size)


def product_method(split: Factors) -> str:
    """How a floor of the factors was computed, in words."""
    count = len(split.removed)
    return f"product of {count} one-dimensional laws" if count > 1 else "one-dimensional factor"


def _gaussian(process: Process, variances: Floats, budget: float) -> float:
    """`sum_i ( sqrt(v_i(s)) - B sqrt(v_i(T)) )_+^2`: along an eigenvector `Phi` is `sqrt(v_i(s) / v_i(T)) x`."""
    late = _widths(variances, process.t_max)
    return float((np.maximum(_widths(variances, process.t_min) - budget * late, 0) ** 2).sum())


def gaussian_slopes(process: Process, variances: Floats) -> Floats:
    """`sqrt(v_i(s) / v_i(T))`, the slopes of `Phi` along the Gaussian directions."""
    return _widths(variances, process.t_min) / _widths(variances, process.t_max)


def _widths(variances: Floats, t: float) -> Floats:
    return np.sqrt(math.exp(-2 * t) * variances - math.expm1(-2 * t))


def _in_the_rest(families: list[Symmetry], removed: Floats) -> list[Symmetry]:
    """Their parts across the directions removed: a law that is a product has the symmetries of its factors."""
    across = np.eye(removed.shape[1]) - removed.T @ removed
    found = []
    for family in families:
        inside = [q for q in family.projectors if np.linalg.norm(q - across @ q @ across) < 1e-9]
        if family.name == "point reflection":
            inside = [across]
        if inside:
            name = family.name if family.name == "point reflection" else reflections(len(inside))
            found.append(replace(family, name=name, projectors=np.stack(inside)))
    return found


def _rough(value: float, scale: float) -> float:
    """What the tolerance of the ODE solver makes of a mean square."""
    return RTOL * math.sqrt(value * scale)


def lipschitz_constant(budget: Any) -> float:
    """A budget `B`; an `InputError` says what it must be."""
    return real_number(budget, "budget", "a finite Lipschitz constant B > 0", lambda b: 0 < b < math.inf)
