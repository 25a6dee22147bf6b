"""The grid of Align Your Steps (Sabour, Fidler, Kreis 2024, arXiv 2404.14507): its bound, minimised.

The bound KLUB of stochastic DDIM on nodes `s_0 > ... > s_K` of `sigma` is

    sum_i int_{s_i}^{s_{i-1}} s^{-3} E |D(x_s, s) - D(x_{s_{i-1}}, s_{i-1})|^2 ds,    D(x, s) = E[X_0 | X_0 + s Z = x].

Only a scalar function enters. For `s < s'` and `x_{s'} = x_s + sqrt(s'^2 - s^2) Z'` the chain `x_0, x_s, x_{s'}` is
Markov, so `D(x_{s'}, s') = E[D(x_s, s) | x_{s'}]`: the denoiser at the noisier level is the projection of that at the
cleaner one. By Pythagoras `E |D_s - D_{s'}|^2 = E |D_s|^2 - E |D_{s'}|^2 = mmse(s') - mmse(s)`, where
`mmse(s) = E |X_0 - D_s|^2 = E |X_0|^2 - E |D_s|^2`. A segment from `a` to `b < a` therefore costs

    C(a, b) = mmse(a) (b^{-2} - a^{-2}) / 2 - int_b^a s^{-3} mmse(s) ds.

On one Gaussian of scale `c` the density of the minimising nodes tends to `1/(s (c^2 + s^2))`, which crowds towards
small noise: this is not the arctan grid. That one is optimal for Euler steps of the deterministic flow (theorem 3.1).
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from certflow.errors import InputError
from certflow.grids.fields import Field, field_of
from certflow.grids.kinds.coordinates import log_sigma, time_of_log_sigma
from certflow.grids.rates import check_sigma_range
from certflow.numbers.arrays import Floats, Indices, Times
from certflow.process import OrnsteinUhlenbeck

#: Times at which mmse is computed; candidates of the dynamic programme, at least; segments, at most.
_TABLE, _CANDIDATES, _MAX_SEGMENTS = 129, 513, 500
#: Newton steps at most, and the step in `log s` that is small enough.
_STEPS, _PRECISION = 60, 1e-10


def nodes(
    process: OrnsteinUhlenbeck | Field, segments: int, *, samples: int, seed: int
) -> tuple[Times, dict[str, Any]]:
    """The nodes that minimise `sum_i C(s_{i-1}, s_i)`: dynamic programming, then Newton's method."""
    if segments > _MAX_SEGMENTS:
        raise InputError("segments", segments, f"at most {_MAX_SEGMENTS} segments for kind ays")
    check_sigma_range(process, "ays")
    ends = (float(log_sigma(process.t_min)), float(log_sigma(process.t_max)))
    table = np.linspace(*ends, _TABLE)
    field = field_of(process)
    errors = mmse(field, time_of_log_sigma(table), samples=samples, seed=seed)
    if not (errors > 0).all():
        raise InputError(*field.named, "data whose mean squared error given a noised point is not lost to rounding")
    cost = Cost(table, errors)
    return time_of_log_sigma(cost.minimised(segments)), {}


def mmse(process: OrnsteinUhlenbeck | Field, times: ArrayLike, *, samples: int, seed: int) -> Floats:
    """`E |X_0 - E[X_0|X_t]|^2`, a mean over points of `p_t`; shape (T,)."""
    return field_of(process).mean_square_errors(np.asarray(times, dtype=np.float64), samples, seed)


class Cost:
    """`C(a, b)` for a tabulated mmse, in `w = log s`; `log mmse` is a cubic spline through the tabulated values."""

    def __init__(self, log_sigmas: Floats, values: Floats):
        from scipy.interpolate import CubicSpline

        self.ends = float(log_sigmas[0]), float(log_sigmas[-1])
        self.curve = CubicSpline(log_sigmas, np.log(values))
        fine = np.linspace(*self.ends, 16 * (log_sigmas.size - 1) + 1)
        self.integral = CubicSpline(fine, np.exp(self.curve(fine) - 2 * fine)).antiderivative()

    def mmse(self, w: Floats) -> Floats:
        """Interpolated mmse at `s = e^w`."""
        values: Floats = np.exp(self.curve(w))
        return values

    def segment(self, a: Floats, b: Floats) -> Floats:
        """`C(e^a, e^b)`, `a > b`."""
        integral: Floats = self.integral(a) - self.integral(b)
        cost: Floats = self.mmse(a) * (np.exp(-2 * b) - np.exp(-2 * a)) / 2 - integral
        return cost

    def total(self, w: Floats) -> float:
        """`sum_i C` of nodes `w`, shape (K + 1,), decreasing."""
        return float(self.segment(w[:-1], w[1:]).sum())

    def derivatives(self, w: Floats) -> tuple[Floats, Floats, Floats]:
        """By the inner nodes: the gradient of the total, and diagonal and upper diagonal of its Hessian.

        With `M_i` the mmse, `p_i = e^{-2 w_i}`: `g_i = M_i' (p_{i+1} - p_i)/2 - p_i (M_{i-1} - M_i)`.
        """
        values, powers = self.mmse(w), np.exp(-2 * w)
        slope, bend = self.curve(w, 1), self.curve(w, 2)
        rise, drop = powers[2:] - powers[1:-1], values[:-2] - values[1:-1]
        first = (values * slope)[1:-1]
        second = (values * (slope**2 + bend))[1:-1]
        inner = powers[1:-1]
        return (
            first * rise / 2 - inner * drop,
            second * rise / 2 + 2 * inner * (first + drop),
            -(first * powers[2:])[:-1],
        )

    def minimised(self, segments: int) -> Floats:
        """Minimising nodes `w`, latest first, shape (K + 1,)."""
        low, high = self.ends
        candidates = np.linspace(high, low, max(_CANDIDATES, 2 * segments + 1))
        costs = np.full((candidates.size, candidates.size), np.inf)
        upper = np.triu_indices(candidates.size, 1)
        costs[upper] = self.segment(candidates[upper[0]], candidates[upper[1]])
        return self.refined(candidates[cheapest_path(costs, segments)])

    def refined(self, w: Floats) -> Floats:
        """Newton's method on the tridiagonal system, damped so that every accepted step lowers the total."""
        from scipy.linalg import LinAlgError, solveh_banded

        value, damping = self.total(w), 0.0
        for _ in range(_STEPS if w.size > 2 else 0):
            gradient, diagonal, side = self.derivatives(w)
            # the fixed ends are unit rows, so that there is a system of the same form for one inner node too
            banded = np.array([[0.0, 0.0, *side, 0.0], [1.0, *(diagonal + damping * np.abs(diagonal)), 1.0]])
            try:
                step = solveh_banded(banded, np.array([0.0, *gradient, 0.0]))
            except LinAlgError:  # not convex here
                damping = max(4 * damping, 1e-3)
                continue
            moved = w - step
            if (np.diff(moved) < 0).all() and self.total(moved) <= value:
                w, value, damping = moved, self.total(moved), damping / 8 if damping > 1e-6 else 0.0
                if np.abs(step).max() < _PRECISION:
                    break
            else:
                damping = max(4 * damping, 1e-3)
        return w


def cheapest_path(costs: Floats, segments: int, coefficient: float = 1.0) -> Indices:
    """Indices `0 = i_0 < ... < i_K = N - 1` that minimise `sum_k coefficient^{k-1} costs[i_{k-1}, i_k]`.

    costs : shape (N, N), `inf` on and below the diagonal. Bellman's equation from the last node backwards, with
    exactly `K` steps: `V_k(j) = min_i costs[j, i] + coefficient V_{k-1}(i)`. O(K N^2).
    """
    size = costs.shape[0]
    value = costs[:, -1].copy()
    choices = []
    for _ in range(segments - 1):
        reach = costs + coefficient * value
        choices.append(reach.argmin(axis=1))
        value = reach[np.arange(size), choices[-1]]
    path = [0]
    for choice in reversed(choices):
        path.append(int(choice[path[-1]]))
    return np.array([*path, size - 1])
