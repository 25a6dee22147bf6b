"""The rate at which typical points are driven apart, and its grid."""

from __future__ import annotations

from typing import Any

from numpy.typing import ArrayLike

from certflow.errors import InputError
from certflow.grids.fields import Field, field_of
from certflow.grids.options import one_of
from certflow.grids.rates import RateCurve, balanced, log_times, rate_times
from certflow.numbers.arrays import Floats, Times
from certflow.process import OrnsteinUhlenbeck

RATES = ("frobenius", "spectral")
#: Times at which the expectation is computed.
TABLE = 97


def nodes(
    process: OrnsteinUhlenbeck | Field, segments: int, *, rate: str, samples: int, seed: int
) -> tuple[Times, dict[str, Any]]:
    """`int_{t_k}^{t_{k-1}} rate = (1/K) int_{t_min}^{t_max} rate`, the rate that of `typical_rate`; shape (K + 1,)."""
    times = log_times(process, TABLE)
    values, told = field_of(process).jacobian_sizes(times, rate, samples, seed)
    if not values.any():
        raise InputError("rate", rate, "a rate that is positive somewhere: here the Jacobian is zero at every x and t")
    return balanced(RateCurve(times, values), segments), dict(told)


def typical_rate(
    process: OrnsteinUhlenbeck | Field,
    times: ArrayLike,
    rate: str = "frobenius",
    *,
    samples: int = 2048,
    seed: int = 0,
) -> Floats:
    """`(E_{p_t} ||J||_F^2)^{1/2}` ("frobenius") or `E_{p_t} ||J||_2` ("spectral"), for every mixture; shape (T,).

    times : shape (T,), > 0. The expectation is the mean over `samples` exact points `x_t = m x_0 + sqrt(1 - m^2) z`
    of `p_t`, the same `x_0` and `z` for all times, so that the curve is smooth in `t`. No bound: a typical size.

    Examples
    --------
    For `N(0, v)` the Jacobian is the same everywhere, `m^2 (v - 1) / (1 + m^2 (v - 1))`, here 1/2 and 1/3:

    >>> import numpy as np
    >>> import certflow as cf
    >>> from certflow.grids import typical_rate
    >>> process = cf.OrnsteinUhlenbeck(cf.GaussianMixture([1], [[0]], 5), t_min="0.01", t_max=3)
    >>> typical_rate(process, [np.log(2), np.log(8) / 2]).round(12)
    array([0.5       , 0.33333333])
    """
    one_of(RATES)("rate", rate)
    return field_of(process).jacobian_sizes(rate_times(times), rate, samples, seed)[0]
