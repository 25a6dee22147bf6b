"""A mixture and its interval of noising time, `X_t = m X_0 + sqrt(1 - m^2) Z`, `m = e^{-t}`, `t_min <= t <= t_max`."""

from __future__ import annotations

import math
from fractions import Fraction
from typing import Any, Protocol, Self

from certflow.errors import InputError
from certflow.law.mixture import GaussianMixture
from certflow.numbers.arrays import Points
from certflow.numbers.exact import exact_number

#: Times are between its inverse and this: their nearest float64 numbers, and what is computed of them, have a sense.
_RANGE = Fraction(10**300)


class NoisedMixture:
    """A data law and the interval `0 < t_min < t_max`, exact (proofs/notation.md); `t_min` is the data end.

    Raises
    ------
    InputError : no mixture, a time that is not between 1e-300 and 1e300, or ends in the wrong order.
    """

    def __init__(self, mixture: GaussianMixture, t_min: Any = 0.01, t_max: Any = 3.0):
        if not isinstance(mixture, GaussianMixture):
            raise InputError("mixture", mixture, "a certflow.GaussianMixture")
        self.mixture = mixture
        self.exact_t_min, self.exact_t_max = exact_interval(t_min, t_max)

    @property
    def t_min(self) -> float:
        """Data end of the interval, nearest float64."""
        return float(self.exact_t_min)

    @property
    def t_max(self) -> float:
        """Noise end of the interval, nearest float64."""
        return float(self.exact_t_max)

    def of(self, mixture: GaussianMixture) -> Self:
        """The same process of another mixture, on the same interval."""
        return type(self)(mixture, self.exact_t_min, self.exact_t_max)


def exact_interval(t_min: Any, t_max: Any) -> tuple[Fraction, Fraction]:
    """The two ends as fractions, `0 < t_min < t_max`; errors as `NoisedMixture` has them."""
    low, high = exact_number(t_min, "t_min"), exact_number(t_max, "t_max")
    if not low > 0:
        raise InputError("t_min", t_min, "a time > 0")
    for field, time, given in (("t_min", low, t_min), ("t_max", high, t_max)):
        if time > 0 and not 1 / _RANGE <= time <= _RANGE:  # of a t_max that is not positive, the order is at fault
            raise InputError(field, given, "a time between 1e-300 and 1e300")
    if not high > low:
        raise InputError("t_max", t_max, f"a time > t_min = {t_min}")
    return low, high


class Process(Protocol):
    """What rooms below the facade `OrnsteinUhlenbeck` ask of it.

    They call its methods, not the functions behind them, so that where a formula is replaced (by a false twin, say) the
    replacement is what they use.
    """

    mixture: GaussianMixture
    exact_t_min: Fraction
    exact_t_max: Fraction

    @property
    def t_min(self) -> float: ...

    @property
    def t_max(self) -> float: ...

    def of(self, mixture: GaussianMixture) -> Self: ...

    def log_density(self, x: Any, t: Any) -> Any: ...

    def stability(self, s: Any, t: Any, rate: str = ...) -> Any: ...

    def flow(self, x: Any, t_from: Any, t_to: Any, rtol: float = ...) -> Any: ...


def noised(data: Points, t: float, normal: Points) -> Points:
    """`X_t = m X_0 + sqrt(1 - m^2) Z`, `m = e^{-t}`, of rows `X_0` and standard normal rows `Z` of the same shape."""
    return math.exp(-t) * data + math.sqrt(-math.expm1(-2 * t)) * normal
