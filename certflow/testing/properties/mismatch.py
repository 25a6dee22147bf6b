"""Chapter M: what no Lipschitz map goes under, for random Lipschitz maps."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from hypothesis import strategies as st

from certflow.composition.floors import second_moment
from certflow.composition.segments import segments_needed
from certflow.law.mixture import GaussianMixture
from certflow.law.symmetry import symmetries
from certflow.numbers.arrays import Floats, Points
from certflow.process import OrnsteinUhlenbeck
from certflow.testing.maps import LipschitzMap
from certflow.testing.properties.arguments import journeys
from certflow.testing.properties.property import FLOW, Property, at_most, equal
from certflow.testing.strategies.maps import lipschitz_maps


@st.composite
def _single(draw: st.DrawFn, process: OrnsteinUhlenbeck) -> tuple[Points, LipschitzMap]:
    x, _, _ = draw(journeys(process, 2))
    return x, draw(lipschitz_maps(process.mixture.dimension, max_constant=2.0 ** draw(st.integers(-2, 4))))


@st.composite
def _several(draw: st.DrawFn, process: OrnsteinUhlenbeck) -> tuple[Points, float, tuple[LipschitzMap, ...]]:
    x, _, _ = draw(journeys(process, 2))
    budget = 2.0 ** draw(st.integers(-1, 3))
    each = lipschitz_maps(process.mixture.dimension, max_constant=budget)
    return x, budget, tuple(draw(st.lists(each, min_size=1, max_size=4)))


def _flow(process: Any, x: Points) -> Points:
    ends: Points = process.flow(x, process.t_max, process.t_min)
    return ends


def _length(pair: Points) -> float:
    return float(np.linalg.norm(pair[0] - pair[1]))


def sup_norm(process: OrnsteinUhlenbeck, x: Points, learned: LipschitzMap) -> None:
    """M1: of two points one has `|g - Phi| >= (|Phi(x) - Phi(y)| - B |x - y|) / 2`, for every `B`-Lipschitz `g`."""
    ends = _flow(process, x)
    least = (_length(ends) - learned.constant * _length(x)) / 2
    error = float(np.linalg.norm(learned(x) - ends, axis=1).max())
    size = 1 + np.abs(ends).max() + np.abs(learned(x)).max()
    at_most(process, {"x": x, "map": learned}, least, error, FLOW * size)


#: Points of a line on which the best maps are computed anew, and how far it reaches in standard deviations.
_NODES, _REACH = 401, 7.0
#: Every so many of them are unknowns of a least-squares problem.
_COARSE = 4


def _line(process: Any) -> tuple[Floats, Floats]:
    """Nodes in the order of the line, and `Phi` there."""
    late, mixture = process.t_max, process.mixture
    widest = math.sqrt(float(mixture.covariance_matrices.max()) * math.exp(-2 * late) - math.expm1(-2 * late))
    means = math.exp(-late) * mixture.means
    nodes = np.linspace(float(means.min()) - _REACH * widest, float(means.max()) + _REACH * widest, _NODES)
    return nodes, _flow(process, nodes[:, None])[:, 0]


def sup_floor(process: OrnsteinUhlenbeck, budget: float) -> None:
    """M1 in one dimension: the floor is what the best map attains.

    On 401 nodes the map midway between `max_y (Phi(y) - B |x - y|)` and `min_y (Phi(y) + B |x - y|)` is the best: its
    error is the largest of a pair, at most the floor, and less by what lies between nodes and beyond their ends.
    """
    nodes, ends = _line(process)
    cone = budget * np.abs(nodes[:, None] - nodes)
    best = ((ends - cone).max(axis=1) + (ends + cone).min(axis=1)) / 2
    error = float(np.abs(best - ends).max())
    floor = process.mismatch_floor(budget, "sup") * math.sqrt(second_moment(process))
    inputs = {"budget": budget}
    at_most(process, inputs, error, floor, 1e-6 * (1 + error))
    if math.isfinite(floor):
        at_most(process, inputs, 0.95 * floor, error, 0.02)


def by_pairing(process: OrnsteinUhlenbeck, x: Points, learned: LipschitzMap) -> None:
    """M2: `(|g - Phi|^2(x) + |g - Phi|^2(Rx)) / 2 >= (|Phi(x) - Phi(Rx)| - B |x - Rx|)_+^2 / 4` for each symmetry `R`.

    The inequality under the mean of M2. `Phi(Rx) = R Phi(x)` is held too.
    """
    late, early = process.t_max, process.t_min
    for family in symmetries(process.mixture):
        for projector in family.projectors:
            turn = np.eye(x.shape[1]) - 2 * projector
            pair = np.stack([x[0], math.exp(-late) * family.centre + turn @ (x[0] - math.exp(-late) * family.centre)])
            ends = _flow(process, pair)
            image = math.exp(-early) * family.centre + turn @ (ends[0] - math.exp(-early) * family.centre)
            inputs = {"x": x[0], "map": learned, "symmetry": family.name}
            size = FLOW * (1 + float(np.abs(ends).max() + np.abs(learned(pair)).max()))
            growth = 1 + float(np.abs(ends).max()) / (1e-3 + float(np.abs(pair).max()))
            at_most(process, inputs, np.linalg.norm(ends[1] - image), 0.0, size * growth)
            least = max(0.0, _length(ends) - learned.constant * _length(pair)) / 2
            errors = np.linalg.norm(learned(pair) - ends, axis=1)
            at_most(process, inputs, least, math.sqrt(float((errors**2).mean())), size)


def mean_square(process: OrnsteinUhlenbeck, budget: float) -> None:
    """M2 in one dimension: the floor is the least `E|g - Phi|^2` of a `B`-Lipschitz map.

    On 101 nodes, weighted by `p_T`: least squares over increments in `[-B h, B h]` (SciPy). Nodes leave a few per cent.
    """
    from scipy.optimize import lsq_linear

    nodes, ends = (values[::_COARSE] for values in _line(process))
    step = float(nodes[1] - nodes[0])
    roots = np.exp(process.log_density(nodes[:, None], process.t_max) / 2) * math.sqrt(step)
    sums = np.tril(np.ones((len(nodes),) * 2))
    limits = np.full(len(nodes), budget * step)
    limits[0] = np.inf
    found = lsq_linear(roots[:, None] * sums, roots * ends, bounds=(-limits, limits), tol=1e-12)
    right, scale = 2 * float(found.cost), second_moment(process)
    value = process.mismatch_floor(budget) * scale
    if math.isfinite(value):
        equal(process, {"budget": budget}, value, right, 0.1 * right + 1e-4 * scale)


@st.composite
def _budgets(draw: st.DrawFn, process: OrnsteinUhlenbeck) -> tuple[float]:
    return (2.0 ** draw(st.integers(0, 4)),)


def composed(process: OrnsteinUhlenbeck, x: Points, budget: float, maps: tuple[LipschitzMap, ...]) -> None:
    """M3: `K` maps of constant `B` compose to one of `B^K`: `g` cannot meet `Phi` at both of two points that it parts.

    And `segments_needed` is the least `K` with `B^K >= exp(e)`.
    """
    ends, moved = _flow(process, x), x
    for learned in maps:
        moved = learned(moved)
    inputs = {"x": x, "budget": budget, "maps": maps}
    slack = FLOW * (1 + np.abs(ends).max() + np.abs(moved).max())
    at_most(process, inputs, _length(moved), budget ** len(maps) * _length(x), slack)
    error = float(np.linalg.norm(moved - ends, axis=1).max())
    at_most(process, inputs, (_length(ends) - budget ** len(maps) * _length(x)) / 2, error, slack)
    if not _length(x) or not _length(ends):
        return
    exponent = math.log(_length(ends) / _length(x))
    needed = segments_needed(exponent, budget)
    if needed is None:  # no number of maps is enough
        at_most(process, inputs, [math.log(budget), math.log(budget)], [0, exponent], 1e-9)
        return
    at_most(process, inputs, exponent, max(needed * math.log(budget), math.log(budget)), 1e-9)
    if needed > 1:
        at_most(process, inputs, (needed - 1) * math.log(budget), exponent, 1e-9)


def _on_a_line(mixture: GaussianMixture) -> str | None:
    return None if mixture.dimension == 1 else "the floor is known to be attained in one dimension"


def _symmetric(mixture: GaussianMixture) -> str | None:
    return None if symmetries(mixture) else "the mixture has no symmetry"


_EASY = {"min_variance": "0.04", "max_mean": 2, "max_dimension": 2, "max_components": 3}
_LINE = {**_EASY, "max_dimension": 1}

PROPERTIES = (
    Property(
        "M1.pair",
        "M1",
        "no Lipschitz map is near the flow at both points of a pair that it parts",
        _single,
        sup_norm,
        mixtures=_EASY,
        share=0.25,
    ),
    Property(
        "M1.floor",
        "M1",
        "no pair parts more than the floor in the sup norm says",
        _budgets,
        sup_floor,
        _on_a_line,
        _LINE,
        0.1,
    ),
    Property(
        "M2.pair",
        "M2",
        "no Lipschitz map is near the flow at a point and its mirror image",
        _single,
        by_pairing,
        _symmetric,
        {**_EASY, "symmetric": True},
        0.25,
    ),
    Property(
        "M2.floor",
        "M2",
        "no Lipschitz map is nearer in mean square than the floor",
        _budgets,
        mean_square,
        _on_a_line,
        _LINE,
        0.1,
    ),
    Property(
        "M3.composed",
        "M3",
        "composed maps stretch by no more than the product of their constants",
        _several,
        composed,
        mixtures=_EASY,
        share=0.25,
    ),
)
