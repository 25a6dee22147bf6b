"""Chapter E: errors of composed maps, for the flow of each segment with a random Lipschitz map added."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from hypothesis import strategies as st

from certflow.flow.reference import flow_with_derivative
from certflow.numbers.arrays import Floats, Points, Times
from certflow.process import OrnsteinUhlenbeck
from certflow.testing.maps import LipschitzMap
from certflow.testing.properties.arguments import students
from certflow.testing.properties.property import FLOW, Property, at_most, has_bound
from certflow.testing.strategies.maps import lipschitz_maps
from certflow.testing.strategies.places import places
from certflow.testing.strategies.times import times as drawn_times

Maps = tuple[LipschitzMap, ...]


@dataclass(frozen=True)
class _Rollout:
    """Paths `z_k = Psi_k(z_{k-1})`, `Psi_k = Phi_k + g_k`, and `y_k = Phi_k(y_{k-1})`, each (K + 1, n, d).

    local : `|Psi_k - Phi_k|` at `z_{k-1}`;  exact : the same at `y_{k-1}`; (K, n)
    """

    learned: Floats
    true: Floats
    local: Floats
    exact: Floats

    @property
    def errors(self) -> Floats:
        """`e_k`, shape (K + 1, n)."""
        found: Floats = np.linalg.norm(self.learned - self.true, axis=-1)
        return found

    @property
    def slack(self) -> float:
        """What the reference flow leaves at each segment."""
        return FLOW * (1 + float(np.abs(self.learned).max()) + float(np.abs(self.true).max()))


def _rollout(process: Any, x: Points, times: Times, maps: Maps) -> _Rollout:
    learned, true, local, exact = [x], [x], [], []
    for (t, s), wave in zip(pairwise(times.tolist()), maps, strict=True):
        z, y = learned[-1], true[-1]
        both = process.flow(np.concatenate([z, y]), t, s)
        learned.append(both[: len(z)] + wave(z))
        true.append(both[len(z) :])
        local.append(np.linalg.norm(wave(z), axis=-1))
        exact.append(np.linalg.norm(wave(y), axis=-1))
    return _Rollout(np.stack(learned), np.stack(true), np.stack(local), np.stack(exact))


def _inputs(x: Points, times: Times, maps: Maps) -> dict[str, Any]:
    return {"x": x, "times": times, "maps": maps}


def along_the_path(process: OrnsteinUhlenbeck, x: Points, times: Times, maps: Maps) -> None:
    """E1: `e_k <= exp(Lambda_k) e_{k-1} + |Psi_k(z_{k-1}) - Phi_k(z_{k-1})|` for every point and segment."""
    found = _rollout(process, x, times, maps)
    for k, (t, s) in enumerate(pairwise(times.tolist()), 1):
        before = found.errors[k - 1]
        grown = np.where(before > 0, float(process.amplification(s, t)) * np.where(before > 0, before, 1), 0)
        at_most(process, _inputs(x, times, maps), found.errors[k], grown + found.local[k - 1], found.slack)


def on_the_law(process: OrnsteinUhlenbeck, x: Points, times: Times, maps: Maps) -> None:
    """E2: `||e_K|| <= sum_k (prod_{j>k} Lip(Psi_j)) ||Psi_k - Phi_k||`, local errors on the exact path.

    Norms in `L^2` of the points themselves: it holds for every law that `Phi` carries along. `Lip(Psi_k)` is at most
    `exp(Lambda_k) + Lip(g_k)`.
    """
    found = _rollout(process, x, times, maps)
    grown = [float(process.amplification(s, t)) for t, s in pairwise(times.tolist())]
    lipschitz = [factor + wave.constant for factor, wave in zip(grown, maps, strict=True)]
    local = np.sqrt((found.exact**2).mean(axis=1)).tolist()
    bound = process.law_error_bound(lipschitz, local)
    slack = found.slack * sum(math.prod(lipschitz[k:]) for k in range(1, len(lipschitz) + 1))
    at_most(process, _inputs(x, times, maps), np.sqrt((found.errors[-1] ** 2).mean()), bound, slack)


def discrete_gronwall(process: OrnsteinUhlenbeck, x: Points, times: Times, maps: Maps) -> None:
    """E3: `e_K <= sum_k eps_k exp(int_delta^{t_k} lambda)`, `eps_k` the largest local error on the learned paths."""
    found = _rollout(process, x, times, maps)
    bound = process.error_bound(times, found.local.max(axis=1).tolist())
    slack = process.error_bound(times, [found.slack] * len(maps))
    at_most(process, _inputs(x, times, maps), found.errors[-1], bound * (1 + 1e-9), slack)


def telescoped(process: OrnsteinUhlenbeck, x: Points, times: Times, maps: Maps) -> None:
    """E5: `||e_K|| <= sum_k || Phi_{t_k -> delta}(z_k) - Phi_{t_{k-1} -> delta}(z_{k-1}) ||`, errors of any size."""
    found = _rollout(process, x, times, maps)
    end = float(times[-1])
    carried = [process.flow(z, t, end) if t > end else z for z, t in zip(found.learned, times.tolist(), strict=True)]
    sizes = [float(np.sqrt(((b - a) ** 2).sum(-1).mean())) for a, b in pairwise(carried)]
    whole = float(np.sqrt((found.errors[-1] ** 2).mean()))
    _, slopes = flow_with_derivative(process, x, float(times[0]), end)
    growth = 1 + float(np.linalg.norm(slopes, 2, axis=(1, 2)).max())
    slack = FLOW * growth * len(carried) * (1 + max(float(np.abs(z).max()) for z in carried))
    at_most(process, _inputs(x, times, maps), whole, sum(sizes), slack)


#: Size of the local errors of which the first order is looked at, and how far the end may be from it, relative to it.
_SMALL, _LINEAR = 1e-6, 1e-2
#: Steeper flows are left out: their second derivatives are of the order of this squared.
_STEEPEST = 50.0


def first_order(process: OrnsteinUhlenbeck, x: Points, times: Times, maps: Maps) -> None:
    """E5: for small errors the end is off by `sum_k D Phi_{t_k -> delta}(y_k) xi_k`, to first order.

    Errors of size 1e-6; of flows that stretch by more than 50 nothing is asked.
    """
    small = tuple(wave.scaled(_SMALL) for wave in maps)
    found = _rollout(process, x, times, small)
    end, sums, steepest = float(times[-1]), np.zeros_like(x), 1.0
    size = 0.0
    for k, t in enumerate(times[1:].tolist(), 1):
        xi = small[k - 1](found.true[k - 1])
        if t > end:
            _, slopes = flow_with_derivative(process, found.true[k], t, end)
            steepest = max(steepest, float(np.linalg.norm(slopes, 2, axis=(1, 2)).max()))
            xi = np.einsum("nij,nj->ni", slopes, xi)
        sums += xi
        size += float(np.linalg.norm(xi, axis=-1).max())
    if steepest > _STEEPEST:
        return
    gap = float(np.linalg.norm(found.learned[-1] - found.true[-1] - sums, axis=-1).max())
    waves = 1 + max(wave.constant for wave in maps)
    at_most(process, _inputs(x, times, maps), gap, _LINEAR * waves * size, 1e-9 * (1 + float(np.abs(x).max())))


#: Times of a block at which the derivatives along its trajectory are looked at, and the step of their differences.
_NODES, _STEP = 17, 1e-4

Field = Callable[[Any, Any], Any]


def block(process: OrnsteinUhlenbeck, x: Floats, t: float, h: float, wave: LipschitzMap) -> None:
    """E4: a block of Euler or of the midpoint rule, its velocity off by a bounded wave, errs by no more than its bound.

    `M_2`, `M_3` are the largest found at 17 times of the trajectory, and 5 % for what lies between; `eta` bounds the
    wave everywhere, `L` is that of L2.
    """
    moments = np.linspace(t, t - h, _NODES)
    path = [x]
    for before, after in pairwise(moments.tolist()):
        path.append(process.flow(path[-1], before, after))
    second = _along(process, lambda y, r: -process.velocity(y, r))
    third = _along(process, second)
    m2, m3 = (float(np.linalg.norm(f(np.stack(path), moments), axis=-1).max()) * 1.05 for f in (second, third))
    eta = float(np.linalg.norm(wave.shift)) + math.sqrt(len(x)) * float(np.linalg.norm(wave.amplitude, 2))
    steep = float(process.lipschitz_bound(t - h / 2))
    for method in ("euler", "midpoint"):
        moved = process.residual_block(x, t, h, method, lambda y, r: process.velocity(y, r) + wave(y))
        bound = process.block_error_bound(h, eta, steep, m2, m3, method)
        inputs = {"x": x, "t": t, "h": h, "wave": wave, "method": method}
        at_most(process, inputs, np.linalg.norm(moved - path[-1]), bound, FLOW * (1 + float(np.abs(x).max())))


def _along(process: Any, quantity: Field) -> Field:
    """`d/dh` of a quantity along trajectories in the direction of sampling, by central differences."""

    def derived(x: Floats, t: Floats) -> Floats:
        step = _STEP * t
        tangent = step[:, None] * process.velocity(x, t)
        slope: Floats = (quantity(x - tangent, t - step) - quantity(x + tangent, t + step)) / (2 * step[:, None])
        return slope

    return derived


@st.composite
def _blocks(draw: st.DrawFn, process: OrnsteinUhlenbeck) -> tuple[Floats, float, float, LipschitzMap]:
    t = draw(drawn_times(min_time=process.exact_t_min, max_time=process.exact_t_max))
    d = process.mixture.dimension
    wave = draw(lipschitz_maps(d, max_constant=0.25, max_shift=0.125, linear=False))
    return draw(places(process, t, kinds=("typical", "tie"))), t, t * draw(st.integers(1, 12)) / 16, wave


_EASY = {"min_variance": "0.04", "max_mean": 2, "max_dimension": 2, "max_components": 3}

PROPERTIES = (
    Property(
        "E1.path",
        "E1",
        "errors grow along the learned path as E1 says",
        students,
        along_the_path,
        has_bound,
        _EASY,
        0.25,
    ),
    Property("E2.law", "E2", "errors on the law add up as E2 says", students, on_the_law, has_bound, _EASY, 0.25),
    Property(
        "E3.sum",
        "E3",
        "no error at the end exceeds the amplified sum",
        students,
        discrete_gronwall,
        has_bound,
        _EASY,
        0.25,
    ),
    Property("E4.block", "E4", "no block errs by more than its bound", _blocks, block, has_bound, _EASY, 0.1),
    Property(
        "E5.telescope",
        "E5",
        "carried errors bound the end whatever their size",
        students,
        telescoped,
        mixtures=_EASY,
        share=0.25,
    ),
    Property(
        "E5.linear",
        "E5",
        "small errors are carried by the derivative of the flow",
        students,
        first_order,
        mixtures=_EASY,
        share=0.15,
    ),
)
