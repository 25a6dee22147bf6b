"""Points of one mixture where faults hide: typical ones, ties, separatrices, far ones."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from hypothesis import strategies as st

from certflow.law.mixture import GaussianMixture
from certflow.numbers.arrays import Floats, Matrices
from certflow.process import OrnsteinUhlenbeck
from certflow.testing.strategies.numbers import check_some

#: What a place may be, the smoothest first.
PLACES = ("typical", "tie", "separatrix", "far")

#: Powers of ten in which far points lie, in units of the size of the law.
_FAR = 6


@st.composite
def places(draw: st.DrawFn, process: OrnsteinUhlenbeck, t: float, *, kinds: Sequence[str] = PLACES) -> Floats:
    """A point of `R^d`, shape (d,), at the noising time `t` of a process:

        typical       within three standard deviations of a component of `p_t`
        tie           where two components are equally likely, `gamma_i = gamma_j` (or nearly, where a line that is
                      drawn has no such point); the mean of one component where there are no two
        separatrix    what the flow carries to a tie at the data end: trajectories part there
        far           10 to 10^6 times the size of the law away

    Shrinks towards the first of `kinds`, and there towards the centre of the first component (of the first two), and
    towards the origin among far points.

    Raises
    ------
    InputError : an unknown kind, or none.
    """
    check_some("kinds", kinds, PLACES)
    kind = draw(st.sampled_from(list(kinds)))
    if kind == "separatrix":
        end = draw(_ties(process.mixture, process.t_min))
        found: Floats = end if t == process.t_min else process.flow(end, process.t_min, t)
        return found
    if kind == "far":
        return draw(_far(process.mixture))
    return draw(_typical(process.mixture, t) if kind == "typical" else _ties(process.mixture, t))


@st.composite
def _typical(draw: st.DrawFn, mixture: GaussianMixture, t: float) -> Floats:
    k = draw(st.integers(0, mixture.n_components - 1))
    z = np.array([draw(st.integers(-24, 24)) / 8 for _ in range(mixture.dimension)])
    found: Floats = math.exp(-t) * mixture.means[k] + np.linalg.cholesky(_noised(mixture, t)[k]) @ z
    return found


@st.composite
def _ties(draw: st.DrawFn, mixture: GaussianMixture, t: float) -> Floats:
    """On the line through the middle of two means, along their difference and some direction: the nearest root of a
    quadratic, `log gamma_i - log gamma_j`; where it has none, its vertex."""
    count, dimension = mixture.n_components, mixture.dimension
    if count == 1:
        only: Floats = math.exp(-t) * mixture.means[0]
        return only
    i = draw(st.integers(0, count - 2))
    j = draw(st.integers(i + 1, count - 1))
    first, second = math.exp(-t) * mixture.means[[i, j]]
    middle = (first + second) / 2 + np.array([draw(st.integers(-16, 16)) / 8 for _ in range(dimension)])
    along = second - first
    if not along.any():
        along = np.eye(dimension)[0]
    gaps = [_log_ratio(mixture, t, i, j, middle + step * along) for step in (-1.0, 0.0, 1.0)]
    curve, slope = (gaps[0] + gaps[2]) / 2 - gaps[1], (gaps[2] - gaps[0]) / 2
    found: Floats = middle + _nearest_root(curve, slope, gaps[1]) * along
    return found


@st.composite
def _far(draw: st.DrawFn, mixture: GaussianMixture) -> Floats:
    direction = np.array([draw(st.integers(-4, 4)) for _ in range(mixture.dimension)], dtype=float)
    if not direction.any():
        direction[0] = 1.0
    size = 1 + np.abs(mixture.means).max()
    found: Floats = size * 10.0 ** draw(st.integers(1, _FAR)) * direction / np.linalg.norm(direction)
    return found


def _noised(mixture: GaussianMixture, t: float) -> Matrices:
    """`C_k = m^2 Sigma_k + (1 - m^2) I`, shape (K, d, d)."""
    found: Matrices = math.exp(-2 * t) * mixture.covariance_matrices - math.expm1(-2 * t) * np.eye(mixture.dimension)
    return found


def _log_ratio(mixture: GaussianMixture, t: float, i: int, j: int, x: Floats) -> float:
    """`log (w_i N(x; m mu_i, C_i)) - log (w_j N(x; m mu_j, C_j))`, from the formula of the density."""
    noised = _noised(mixture, t)
    logs = []
    for k in (i, j):
        gap = x - math.exp(-t) * mixture.means[k]
        size = np.linalg.slogdet(noised[k])[1]
        logs.append(math.log(mixture.weights[k]) - (size + gap @ np.linalg.solve(noised[k], gap)) / 2)
    return float(logs[0] - logs[1])


def _nearest_root(curve: float, slope: float, value: float) -> float:
    """The root of `curve s^2 + slope s + value` nearest to 0, or its vertex; 0 where it is constant."""
    under = slope**2 - 4 * curve * value
    if under < 0:
        return -slope / (2 * curve)
    spread = slope + math.copysign(math.sqrt(under), slope)
    if spread == 0:
        return 0.0
    return -2 * value / spread
