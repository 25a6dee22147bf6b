"""Chapter G: grids descend from end to end, and the balanced one has the least largest exponent."""

from __future__ import annotations

from typing import Any

import numpy as np
from hypothesis import strategies as st

from certflow.grids.registry import COORDINATES, grid_of_kind
from certflow.law.mixture import GaussianMixture
from certflow.numbers.arrays import Times
from certflow.process import OrnsteinUhlenbeck
from certflow.testing.properties.arguments import intervals
from certflow.testing.properties.property import Property, at_most, equal, has_bound, only
from certflow.testing.strategies.times import time_grids

#: Kinds whose nodes take seconds: they look at many points.
_SLOW = ("ays", "gits", "optimal-steps", "entropic", "score-optimal", "typical")


def _ends(process: OrnsteinUhlenbeck, kind: str, segments: int) -> None:
    """`t_max = t_0 > ... > t_K = t_min`, exactly at the ends."""
    found = grid_of_kind(process, segments, kind).times
    inputs = {"kind": kind, "segments": segments, "times": found}
    equal(process, inputs, len(found), segments + 1, 0)
    equal(process, inputs, [found[0], found[-1]], [process.t_max, process.t_min], 0)
    at_most(process, inputs, np.diff(found), -np.finfo(float).tiny, 0)


@st.composite
def _kinds(draw: st.DrawFn, process: OrnsteinUhlenbeck) -> tuple[str, int]:
    return draw(st.sampled_from(tuple(COORDINATES))), draw(st.integers(1, 32))


@st.composite
def _slow_kinds(draw: st.DrawFn, process: OrnsteinUhlenbeck) -> tuple[str, int]:
    return draw(st.sampled_from(_SLOW)), draw(st.integers(1, 8))


@st.composite
def _rivals(draw: st.DrawFn, process: OrnsteinUhlenbeck) -> tuple[Times, str]:
    grid = draw(time_grids(max_segments=8, min_time=process.exact_t_min, max_time=process.exact_t_max))
    return grid, draw(st.sampled_from(("two-sided", "one-sided")))


def _exponents(process: Any, times: Times, rate: str) -> Any:
    return np.asarray(process.stability(times[1:], times[:-1], rate))


def minimax(process: OrnsteinUhlenbeck, rival: Times, rate: str) -> None:
    """G1: segments of the balanced grid have equal exponents, and no grid with its ends has a smaller largest one."""
    balanced = grid_of_kind(process, len(rival) - 1, "stability-balanced", rate).times
    own, others = _exponents(process, balanced, rate), _exponents(process, rival, rate)
    inputs = {"rival": rival, "rate": rate, "balanced": balanced}
    slack = 1e-7 * (1 + float(np.abs(own).max()) * len(own))
    equal(process, inputs, own, own.sum() / len(own), slack)
    equal(process, inputs, [balanced[0], balanced[-1]], [process.t_max, process.t_min], 0)
    at_most(process, inputs, -np.diff(-balanced), 0, 0)
    at_most(process, inputs, own.max(), others.max(), slack)


def lambert(process: OrnsteinUhlenbeck, s: float, t: float) -> None:
    """G2: where `lambda > 0`, `time_at_stability(int_s^t lambda, s) = t`."""
    rates = process.growth_rate_bound(np.geomspace(s, t, 9))
    if s == t or not (rates > 1e-3).all():
        return
    value = float(process.stability(s, t))
    found = float(process.time_at_stability(value, s))
    # an exponent known to 1e-12 of its size tells the time to that over the rate
    slack = 1e-9 * t + 1e-10 * (1 + abs(value)) / float(rates.min())
    equal(process, {"s": s, "t": t}, found, t, slack)


@st.composite
def _searches(draw: st.DrawFn, process: OrnsteinUhlenbeck) -> tuple[str, int]:
    return draw(st.sampled_from(("euler", "heun", "dpmpp-2m"))), draw(st.integers(1, 4))


def solver_grid(process: OrnsteinUhlenbeck, sampler: str, segments: int) -> None:
    """G5: the grid of a solver is predicted to err no more than any named one, on the same held-out points.

    A search that sees 64 points; the errors are measured anew on 256 others, within the factor that the grid tells.
    """
    from certflow.planning.solver_grids import named_grids
    from certflow.planning.solver_grids import solver_grid as searched
    from certflow.samplers import relative_mse

    found = searched(process, segments, sampler, samples=64)
    named = named_grids(process, segments)
    errors = {kind: relative_mse(process, times, sampler, samples=256, seed=1) for kind, times in named.items()}
    own = relative_mse(process, found.times, sampler, samples=256, seed=1)
    inputs = {"sampler": sampler, "segments": segments, "times": found.times, "kind": found.kind}
    at_most(process, inputs, own, min(errors.values()) * found.options["within_factor"] ** 2, 1e-12)


def _grows(mixture: GaussianMixture) -> str | None:
    """A balanced grid needs a rate that grows somewhere: different means."""
    reason = has_bound(mixture)
    if reason is None and not mixture.diameter_squared > 0:
        return "the means are all the same: the rates need not grow"
    return reason


_WIDE = {"min_components": 2, "min_distance": 1, "min_variance": "0.01"}

PROPERTIES = (
    Property(
        "G1.minimax",
        "G1",
        "no grid has a smaller largest exponent than the balanced one",
        _rivals,
        minimax,
        _grows,
        {**_WIDE, "kinds": ["common-isotropic"], "max_variance": "1/4"},
        0.5,
    ),
    Property(
        "G2.inverse",
        "G2",
        "the time at an exponent is the inverse of the exponent",
        intervals,
        lambert,
        only("common-isotropic"),
        {**_WIDE, "kinds": ["common-isotropic"], "max_variance": "1/4"},
    ),
    Property("G3.ends", "G3", "grids uniform in a coordinate descend from end to end", _kinds, _ends),
    Property(
        "G3.measured",
        "G3",
        "grids made for a mixture descend from end to end",
        _slow_kinds,
        _ends,
        mixtures={**_WIDE, "max_dimension": 2, "max_components": 3},
        share=0.1,
    ),
    Property(
        "G5.search",
        "G5",
        "the grid of a solver errs no more than the named ones",
        _searches,
        solver_grid,
        mixtures={**_WIDE, "max_dimension": 2, "max_components": 2},
        share=0.05,
    ),
)
