"""The rate at which typical points are driven apart, and its grid."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from certflow.errors import InputError
from certflow.grids.options import SAMPLES, SEED, one_of
from certflow.grids.rates import RateCurve, balanced, log_times, rate_times
from certflow.law.noised import noised
from certflow.numbers.arrays import Floats, Points, Times
from certflow.process import OrnsteinUhlenbeck

RATES = ("frobenius", "spectral")
#: Times at which the expectation is computed.
TABLE = 97


def nodes(
    process: OrnsteinUhlenbeck, segments: int, *, rate: str, samples: int, seed: int
) -> tuple[Times, dict[str, Any]]:
    """`int_{t_k}^{t_{k-1}} rate = (1/K) int_{t_min}^{t_max} rate`, the rate that of `typical_rate`; shape (K + 1,)."""
    times = log_times(process, TABLE)
    values = typical_rate(process, times, rate, samples=samples, seed=seed)
    if not values.any():
        raise InputError("rate", rate, "a rate that is positive somewhere: here the Jacobian is zero at every x and t")
    return balanced(RateCurve(times, values), segments), {}


def typical_rate(
    process: OrnsteinUhlenbeck, times: ArrayLike, rate: str = "frobenius", *, samples: int = 2048, seed: int = 0
) -> Floats:
    """`(E_{p_t} ||J||_F^2)^{1/2}` ("frobenius") or `E_{p_t} ||J||_2` ("spectral"), for every mixture; shape (T,).

    times : shape (T,), > 0. The expectation is the mean over `samples` exact points `x_t = m x_0 + sqrt(1 - m^2) z`
    of `p_t`, the same `x_0` and `z` for all times, so that the curve is smooth in `t`. No bound: a typical size.

    Examples
    --------
    For `N(0, v)` the Jacobian is the same everywhere, `m^2 (v - 1) / (1 + m^2 (v - 1))`, here 1/2 and 1/3:

    >>> import certflow as cf
    >>> from certflow.grids import typical_rate
    >>> process = cf.OrnsteinUhlenbeck(cf.GaussianMixture([1], [[0]], 5), t_min="0.01", t_max=3)
    >>> typical_rate(process, [np.log(2), np.log(8) / 2]).round(12)
    array([0.5       , 0.33333333])
    """
    one_of(RATES)("rate", rate)
    points = Draws(process, samples, seed)
    values = []
    for time in rate_times(times):
        jacobian = process.jacobian(points.at(time), time)
        if rate == "frobenius":
            values.append(np.sqrt((jacobian**2).sum(axis=(1, 2)).mean()))
        else:
            values.append(np.abs(np.linalg.eigvalsh(jacobian)[:, [0, -1]]).max(axis=1).mean())
    return np.array(values)


class Draws:
    """Points of every `p_t` made from the same `x_0` and `z`, shape (n, d) each."""

    def __init__(self, process: OrnsteinUhlenbeck, samples: int, seed: int):
        number, start = SAMPLES.check("samples", samples), SEED.check("seed", seed)
        self.data = process.mixture.sample(number, start)
        self.noise = np.random.default_rng([start, 1]).standard_normal(self.data.shape)

    def at(self, time: float) -> Points:
        """`m x_0 + sqrt(1 - m^2) z`."""
        return noised(self.data, time, self.noise)
