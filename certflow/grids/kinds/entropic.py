"""Entropic time (Stancevic, Handke, Ambrogioni 2025, arXiv 2504.13612; proofs/entropic.md)."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from certflow.errors import InputError
from certflow.grids.fields import Field, field_of
from certflow.grids.kinds.ays import mmse
from certflow.grids.kinds.typical import TABLE
from certflow.grids.options import one_of
from certflow.grids.rates import RateCurve, balanced, check_sigma_range, log_times, rate_times
from certflow.numbers.arrays import Floats, Times
from certflow.process import OrnsteinUhlenbeck

RATES = ("entropy", "rescaled")
#: Mean squared errors up to this, per coordinate and unit of noise, are rounding.
_ROUNDING = 1e-12


def nodes(
    process: OrnsteinUhlenbeck | Field, segments: int, *, rate: str, samples: int, seed: int
) -> tuple[Times, dict[str, Any]]:
    """Equal decrements `H[X_0|X_{t_{k-1}}] - H[X_0|X_{t_k}]` ("entropy"), or the paper's rescaled ones.

    The rate is that of `entropy_rate`; shape (K + 1,).
    """
    check_sigma_range(process, "entropic")
    times = log_times(process, TABLE)
    return balanced(RateCurve(times, entropy_rate(process, times, rate, samples=samples, seed=seed)), segments), {}


def entropy_rate(
    process: OrnsteinUhlenbeck | Field,
    times: ArrayLike,
    rate: str = "entropy",
    *,
    samples: int = 2048,
    seed: int = 0,
) -> Floats:
    """`d/dt H[X_0|X_t] = (m^2/(1 - m^2)^2) E |X_0 - E[X_0|X_t]|^2`, in nats per unit of time; shape (T,).

    This is I-MMSE (Guo, Shamai, Verdu 2005): with `sigma = sqrt(e^{2t} - 1)`, `dH/dsigma = mmse/sigma^3`. "rescaled"
    is `sigma` times it, section 5.3 of the paper, whose rate in `sigma` stays finite at the data end. The expectation
    is a mean over points of `p_t`, those of `typical_rate`; what rounding makes negative is zero. Source:
    proofs/entropic.md.

    Raises
    ------
    InputError : times that are not finite numbers > 0, shape (T,); data of so small a variance that the mean squared
        error is lost to rounding at all of these times.

    Examples
    --------
    For `N(0, v)` it is `v/(v + sigma^2)` times `1 + 1/sigma^2`; at `sigma = 1`, `v = 3`, that is 3/2:

    >>> import certflow as cf
    >>> from certflow.grids import entropy_rate
    >>> process = cf.OrnsteinUhlenbeck(cf.GaussianMixture([1], [[0]], 3), t_min="0.01", t_max=3)
    >>> entropy_rate(process, [np.log(2) / 2]).round(12)
    array([1.5])
    """
    one_of(RATES)("rate", rate)
    field, at = field_of(process), rate_times(times)
    noise, square = -np.expm1(-2 * at), np.exp(-2 * at)
    # per coordinate and unit of noise: at most 1, and a difference of numbers up to 1
    shares = mmse(field, at, samples=samples, seed=seed) / (field.dimension * noise)
    if not (shares > _ROUNDING).any():
        raise InputError(*field.named, "data whose variance float64 can tell from zero here")
    values: Floats = field.dimension * np.maximum(shares, 0.0) * square / noise
    return values * np.sqrt(np.expm1(2 * at)) if rate == "rescaled" else values
