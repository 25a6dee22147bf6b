"""The grid of Score-Optimal Diffusion Schedules (Williams, Campbell, Doucet, Syed 2024, arXiv 2412.07877)."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from certflow.errors import InputError
from certflow.grids.fields import Field, field_of
from certflow.grids.kinds.typical import TABLE
from certflow.grids.rates import RateCurve, balanced, log_times, rate_times
from certflow.numbers.arrays import Floats, Times
from certflow.process import OrnsteinUhlenbeck


def nodes(
    process: OrnsteinUhlenbeck | Field, segments: int, *, samples: int, seed: int
) -> tuple[Times, dict[str, Any]]:
    """Equal lengths `int_{t_k}^{t_{k-1}} sqrt(delta) = (1/K) int_{t_min}^{t_max} sqrt(delta)`; shape (K + 1,).

    Theorem 3.1 of the paper: this schedule travels the path of distributions at constant speed and minimises its
    energy. `sqrt(delta)` is `score_rate`.
    """
    field, times = field_of(process), log_times(process, TABLE)
    values = score_rate(field, times, samples=samples, seed=seed)
    if not (values * times > field.rounding).any():
        raise InputError("kind", "score-optimal", "a law whose score changes in time (here X_t is stationary)")
    return balanced(RateCurve(times, values), segments), {}


def score_rate(process: OrnsteinUhlenbeck | Field, times: ArrayLike, *, samples: int = 2048, seed: int = 0) -> Floats:
    """`sqrt(delta(t)) = sigma_t ( E_{p_t} |d/dt grad log p_t(X)|^2 )^{1/2}` at fixed `x`, `sigma_t = sqrt(1 - m^2)`.

    The corrector-optimised cost of the paper, `L_c(t, t') = v(t')^2 E_{p_t} |grad log p_t' - grad log p_t|^2 =
    delta(t) (t' - t)^2 + ...`, along the Ornstein-Uhlenbeck path itself, with the paper's velocity `v = sigma_t`, the
    scale of the noise. (Along the variance-exploding path the same definition gives another grid: the cost is not
    invariant under a scaling of `x`.) The expectation is a mean over the points of `typical_rate`; the derivative a
    difference over a share of `t`, 1e-4 for a mixture, for a model as its rounding needs (proofs/N3.md); shape (T,).

    Examples
    --------
    For `N(0, v)` it is `2 sigma_t m^2 (v - 1) c^{-3/2}`, `c = 1 + m^2 (v - 1)`; at `m^2 = 1/4`, `v = 5`, that is 0.53:

    >>> import certflow as cf
    >>> from certflow.grids import score_rate
    >>> process = cf.OrnsteinUhlenbeck(cf.GaussianMixture([1], [[0]], 5), t_min="0.01", t_max=3)
    >>> rate = score_rate(process, [np.log(2)])
    >>> bool(abs(rate[0] / (2 * np.sqrt(3 / 4) / 2**1.5) - 1) < 0.05)
    True
    """
    field = field_of(process)
    points = field.draws(samples, seed)
    values = []
    for time in field.told(list(rate_times(times))):
        change, width = field.score_change(points.at(time), time)
        speed = np.sqrt((change**2).sum(axis=1).mean()) / width
        values.append(np.sqrt(-np.expm1(-2 * time)) * speed)
    return np.array(values)
