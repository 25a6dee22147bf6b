"""Stability of the flow map: the integrated rates in closed form (proofs/F1.md, F2).

For a common isotropic variance (`v = 1 - c m^2`, `c = 1 - sigma^2`, `D` the diameter of the means)

    int_s^t lambda = 1/2 ln(v_s / v_t) + D^2 (m_s^2 - m_t^2) / (8 v_s v_t),

regular as `c -> 0`. The two-sided rate is `L = lambda` where `v <= D^2 / (8 c)` (always, if `c <= 0`) and
`L = 1/v - 1`, with integral `1/2 ln v`, beyond (proofs/F2.md). Other covariances are integrated numerically.
"""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from functools import cached_property, partial
from typing import Any

import numpy as np

from certflow.bounds.guard import TERMS, exact_ball, repaired, silent
from certflow.bounds.rates import growth_rate_bound, lipschitz_bound
from certflow.errors import InputError, unknown
from certflow.field.evaluate import CHUNK_NUMBERS, check_times
from certflow.law.mixture import GaussianMixture
from certflow.numbers.accuracy import TOLERANCE
from certflow.numbers.arithmetic import Arithmetic, FloatArithmetic, arithmetic_of
from certflow.numbers.arrays import Floats, Times
from certflow.numbers.exact import ExactArray, root_scale

RATES = ("one-sided", "two-sided")


def stability(mixture: GaussianMixture, s: Any, t: Any, rate: str = "one-sided") -> Any:
    """`int_s^t rate`, for `s <= t` (scalars, or arrays that broadcast); the kind of number of `s` and `t`.

    float64: for a common isotropic variance to 5e-13 of the value (`certflow.bounds.guard`), else by quadrature, to
    1e-10 of the largest value and 1e-12.
    """
    return _integrated(mixture, s, t, rate, lambda value: TOLERANCE * np.abs(value))


def amplification(mixture: GaussianMixture, s: Any, t: Any, rate: str = "one-sided") -> Any:
    """`exp(int_s^t rate)`. proofs/F1.md."""

    def factor(arithmetic: Arithmetic, exponent: Any) -> Any:
        return arithmetic.exp(exponent)  # beyond 1e308 the factor is infinite in float64: that is the answer

    return _integrated(mixture, s, t, rate, lambda value: np.full(np.shape(value), TOLERANCE), factor)


def _integrated(
    mixture: GaussianMixture,
    s: Any,
    t: Any,
    rate: str,
    accepted: Callable[[Any], Any],
    function: Callable[[Arithmetic, Any], Any] = lambda _, value: value,
) -> Any:
    """A function of the integral, whose error in float64 may be as `accepted` says of a value."""
    if rate not in RATES:
        raise unknown("rate", rate, RATES)
    arithmetic = arithmetic_of(s, t, fields=("s", "t"))
    with arithmetic.undisturbed(), silent():
        start, end = _interval(arithmetic, s, t)
        shape = tuple(start.shape)
        start, end = start.reshape((-1,)), end.reshape((-1,))
        result = arithmetic.eagerly(_integral, mixture, arithmetic, start, end, rate, accepted)
        result = arithmetic.finish(function(arithmetic, result)).reshape(shape)
    return result[()] if not shape and isinstance(result, np.ndarray) else result


def _integral(
    mixture: GaussianMixture, arithmetic: Arithmetic, s: Any, t: Any, rate: str, accepted: Callable[[Any], Any]
) -> Any:
    """`int_s^t rate`, shape (T,)."""
    if mixture.kind != "common-isotropic":
        return _quadrature(mixture, arithmetic, s, t, rate)
    terms = CommonVariance(mixture, arithmetic).terms(s, t, rate)
    result = sum(terms[1:], terms[0])
    if not arithmetic.guarded:
        return result
    error = TERMS * sum(map(abs, terms))
    return repaired(result, error, accepted(result), partial(_in_balls, mixture, s, t, rate))


def _in_balls(mixture: GaussianMixture, s: Times, t: Times, rate: str, row: int) -> Any:
    """The closed form of one interval as a ball."""
    ends = exact_ball(float(s[row])), exact_ball(float(t[row]))
    balls = arithmetic_of(*ends)
    return CommonVariance(mixture, balls).integral(balls.asarray([ends[0]]), balls.asarray([ends[1]]), rate)[0]


def _interval(arithmetic: Arithmetic, s: Any, t: Any) -> tuple[Any, Any]:
    start = check_times(arithmetic.read(s, "s"), arithmetic, "s")
    end = check_times(arithmetic.read(t, "t"), arithmetic, "t")
    start, end = arithmetic.broadcast(start, end, ("s", "t"))
    if arithmetic.name == "torch":
        late = arithmetic.known(start <= end) is False
    else:
        late = arithmetic.name != "sympy" and any(a > b for a, b in zip(start.flat, end.flat, strict=True))
    if late:
        raise InputError("s", s, f"a time that is not later than t = {t}")
    return start, end


def _is_number(value: Any) -> bool:
    return isinstance(value, int | Fraction)


class CommonVariance:
    """Closed forms for `Sigma_k = sigma^2 I`."""

    def __init__(self, mixture: GaussianMixture, arithmetic: Arithmetic):
        self.arithmetic = arithmetic
        self.exact_square = mixture.diameter_squared
        c, rest, scale = mixture.kept[_exact_terms]
        self.exact_c = c.values[()]
        self.variance = arithmetic.numbers(mixture.exact_covariances)
        self.c = arithmetic.numbers(c)
        self.shrink = None if scale == 1 else arithmetic.number(1 / scale)
        self.rest = arithmetic.numbers(rest)

    @cached_property
    def square(self) -> Any:
        """`D^2`."""
        return self.arithmetic.numbers(ExactArray(np.array(self.exact_square, dtype=object)))

    def v(self, t: Any) -> Any:
        """`v = sigma^2 m^2 + 1 - m^2`."""
        return self.variance * self.arithmetic.exp(-2 * t) - self.arithmetic.expm1(-2 * t)

    def integral(self, s: Any, t: Any, rate: str) -> Any:
        """`int_s^t` of `lambda` or `L`."""
        first, *others = self.terms(s, t, rate)
        return sum(others, first)

    def terms(self, s: Any, t: Any, rate: str) -> tuple[Any, ...]:
        """The terms of the integral: of `lambda` until the crossing, of `1/v - 1` beyond."""
        crossing = None if rate == "one-sided" else self.crossing(s, t)
        if crossing is None:
            return self._half_log_ratio(s, t), self._spread(s, t)
        return self._half_log_ratio(s, crossing), self._spread(s, crossing), -self._half_log_ratio(crossing, t)

    def crossing(self, s: Any, t: Any) -> Any | None:
        """The time in [s, t] after which `L = 1/v - 1`; None if `L = lambda` throughout.

        `v <= D^2/(8c)` is `m^2 >= (1 - D^2/(8c)) / c`.
        """
        if _is_number(self.exact_c) and _is_number(self.exact_square):
            if self.exact_c <= 0 or self.exact_square >= 8 * self.exact_c:
                return None
            if self.exact_square <= 8 * self.exact_c * (1 - self.exact_c):
                return s
            exact = (1 - self.exact_square / (8 * self.exact_c)) / self.exact_c  # below 1, perhaps by little
            excess = self.arithmetic.numbers(ExactArray(np.array(exact - 1, dtype=object)))
            time = -self.arithmetic.log1p(excess + 0 * s) / 2
        else:
            bound = (1 - self.square / (8 * self.c)) / self.c
            time = -self.arithmetic.log(bound + 0 * s) / 2
        return self.arithmetic.minimum(self.arithmetic.maximum(time, s), t)

    def _half_log_ratio(self, s: Any, t: Any) -> Any:
        """`1/2 ln(v_s / v_t)`, by `v_t - v_s = c (m_s^2 - m_t^2)`, the argument of `log1p` never negative."""
        difference = self.c * self._square_drop(s, t)
        if _is_number(self.exact_c) and self.exact_c > 0:
            return -self.arithmetic.log1p(difference / self.v(s)) / 2
        return self.arithmetic.log1p(-difference / self.v(t)) / 2

    def _square_drop(self, s: Any, t: Any) -> Any:
        """`m_s^2 - m_t^2`."""
        return -self.arithmetic.exp(-2 * s) * self.arithmetic.expm1(-2 * (t - s))

    def _spread(self, s: Any, t: Any) -> Any:
        """`D^2 (m_s^2 - m_t^2) / (8 v_s v_t)`."""
        first, second = self.v(s), self.v(t)
        if self.shrink is not None:
            first, second = self.shrink * first, self.shrink * second
        return self.rest * self._square_drop(s, t) / (8 * first * second)


def _exact_terms(mixture: GaussianMixture) -> tuple[ExactArray, ExactArray, Fraction]:
    """`c = 1 - sigma^2`, `D^2` over the square of a power of two, and that power: `D^2` may be no float64 where the
    integrals are."""
    variance, square = mixture.exact_covariances, mixture.diameter_squared
    c = 1 - (variance.values if variance.is_symbolic else variance.fractions)[()]
    scale = root_scale(square)
    rest = ExactArray(np.array(square / scale**2, dtype=object))
    return ExactArray(np.array(c, dtype=object)), rest, scale


def _quadrature(mixture: GaussianMixture, arithmetic: Arithmetic, s: Any, t: Any, rate: str) -> Any:
    """Numerical integral in `log t`, where the rates of narrow components are spread evenly.

    float64: SciPy's adaptive Gauss-Kronrod to 1e-10; torch: the same, whose derivatives are the rates at both
    ends; mpmath: tanh-sinh on intervals halved until its own error estimate is small (the rates are maxima, so
    they may have kinks).
    """
    bound = growth_rate_bound if rate == "one-sided" else lipschitz_bound
    if arithmetic.name == "mpmath":
        mp = arithmetic.mp  # type: ignore[attr-defined]
        result = np.empty(len(s), dtype=object)
        for index, (a, b) in enumerate(zip(s, t, strict=True)):
            result[index] = _halving_quadrature(
                mp, lambda y: bound(mixture, mp.exp(y)) * mp.exp(y), mp.log(a), mp.log(b)
            )
        return result
    if arithmetic.name == "torch":
        from certflow.numbers.implicit import elementwise

        def values(start: Any, end: Any) -> Any:
            numbers = [part.detach().cpu().double().numpy() for part in (start, end)]
            found = _quadrature(mixture, FloatArithmetic(), numbers[0].reshape(-1), numbers[1].reshape(-1), rate)
            return arithmetic.asarray(found.reshape(start.shape))

        return elementwise(values, lambda _, start, end: (-bound(mixture, start), bound(mixture, end)), s, t)
    if arithmetic.name != "float64":
        raise InputError(
            "mixture",
            mixture.kind,
            f"common-isotropic covariance: in {arithmetic.name} only its closed form exists",
        )

    from scipy.integrate import quad_vec

    size = mixture.n_components * (mixture.dimension**2 if mixture.kind in ("shared", "full") else 1)
    rows = max(1, 8 * CHUNK_NUMBERS // size)  # memory stays bounded, and the interpreter's share small

    def integrand(y: Floats) -> Floats:
        times = np.exp(y)
        parts = [bound(mixture, times[i : i + rows]) for i in range(0, len(times), rows)]
        return np.concatenate(parts) * times

    low, width = np.log(s), np.log1p((t - s) / s)  # the difference of logarithms would cancel
    # One adaptive rule for all intervals at once, each mapped to [0, 1].
    values, _ = quad_vec(
        lambda u: width * integrand(low + u * width), 0, 1, epsabs=1e-12, epsrel=1e-10, norm="max", limit=10_000
    )
    return values


def _halving_quadrature(mp: Any, function: Any, low: Any, high: Any) -> Any:
    tolerance = mp.mpf(10) ** (3 - mp.dps)
    total, stack = mp.mpf(0), [(low, high)]
    while stack:
        a, b = stack.pop()
        value, error = mp.quad(function, [a, b], error=True, maxdegree=5)
        if error <= tolerance * (1 + abs(value)) or b - a <= tolerance * (high - low):
            total += value
        else:
            stack += [(a, (a + b) / 2), ((a + b) / 2, b)]
    return total
