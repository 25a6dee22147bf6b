"""Chapter M: what no Lipschitz map goes under, for random Lipschitz maps."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from hypothesis import strategies as st

from certflow.composition.segments import segments_needed
from certflow.law.mixture import GaussianMixture
from certflow.law.symmetry import symmetries
from certflow.numbers.arrays import Points
from certflow.process import OrnsteinUhlenbeck
from certflow.testing.maps import LipschitzMap
from certflow.testing.properties.arguments import journeys
from certflow.testing.properties.property import FLOW, Property, at_most
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


def sup_floor(process: OrnsteinUhlenbeck, x: Points, learned: LipschitzMap) -> None:
    """M1 in one dimension: a pair gives no more than the floor, `mismatch_floor(B, "sup")` times `(E|Phi|^2)^(1/2)`."""
    from certflow.composition.floors import second_moment

    budget = max(learned.constant, 0.25)
    floor = process.mismatch_floor(budget, "sup") * math.sqrt(second_moment(process))
    least = (_length(_flow(process, x)) - budget * _length(x)) / 2
    at_most(process, {"x": x, "budget": budget}, least, floor, 1e-6 * (1 + abs(least)))


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


#: Quantiles of the mean of M2 in one dimension.
_QUANTILES = 400


def mean_square(process: OrnsteinUhlenbeck, learned: LipschitzMap) -> None:
    """M2 in one dimension: `E|g - Phi|^2` of a `B`-Lipschitz map is no less than the floor.

    The mean by 400 points of `p_T`, as drawn; the floor may exceed it by five of its standard errors.
    """
    budget = max(learned.constant, 0.25)
    rng = np.random.default_rng(0)
    late = process.t_max
    data = process.mixture.sample(_QUANTILES, seed=0)
    x = math.exp(-late) * data + math.sqrt(-math.expm1(-2 * late)) * rng.standard_normal(data.shape)
    ends = _flow(process, x)
    squares = ((learned(x) - ends) ** 2).sum(axis=1)
    second = float((ends**2).sum(axis=1).mean())
    spread = float(squares.std() + (ends**2).sum(axis=1).std() * squares.mean() / second) / math.sqrt(_QUANTILES)
    floor = process.mismatch_floor(budget)
    at_most(process, {"map": learned, "budget": budget}, floor * second, squares.mean(), 5 * spread + 1e-9)


@st.composite
def _alone(draw: st.DrawFn, process: OrnsteinUhlenbeck) -> tuple[LipschitzMap]:
    return (draw(_single(process))[1],)


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
    if needed is None:
        at_most(process, inputs, max(budget, 1.0 * (budget > 1) * math.inf), math.exp(exponent), 1e-9)
        return
    at_most(process, inputs, exponent, needed * math.log(budget) if needed > 1 else max(0, math.log(budget)), 1e-9)
    if needed > 1:
        at_most(process, inputs, (needed - 1) * math.log(budget), exponent, 1e-9)


def _line(mixture: GaussianMixture) -> str | None:
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
        _single,
        sup_floor,
        _line,
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
        _alone,
        mean_square,
        _line,
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
