"""The time at which the cumulative stability reaches a value, by Lambert W (proofs/G2.md)."""

from __future__ import annotations

from math import prod
from typing import Any

from certflow.bounds.rates import growth_rate_bound
from certflow.bounds.stability import CommonVariance
from certflow.errors import InputError
from certflow.field.evaluate import check_times
from certflow.law.mixture import GaussianMixture
from certflow.numbers.arithmetic import Arithmetic, arithmetic_of
from certflow.numbers.exact import check_plain, nearest_float
from certflow.numbers.precision import mpmath_context

#: Bits of 40 decimal digits, with which float64 times are computed.
FLOAT_BITS = 136


def time_at_stability(mixture: GaussianMixture, value: Any, s: Any) -> Any:
    """The time `t >= s` with `int_s^t lambda = value`, for common isotropic variance. proofs/G2.md.

    value, s : scalars, or torch tensors that broadcast

    With `y = 1/v` and `A = D^2/(8c)`, `F = 1/2 ln y - A y` satisfies `F(t) = F(s) + value`, so that
    `y = -W_j(-2 A e^{2F}) / (2 A)`, branch `j = -1` for `y > 1/(2A) > 0` (where `lambda > 0`), else 0, and
    `t = -1/2 ln((1 - 1/y)/c)`. For `c = 0`: `m_t^2 = m_s^2 - 8 value / D^2`.

    float64 is computed with 40 digits inside, since `e^{2F}` underflows already at `sigma = 0.02`. Put numbers into a
    symbolic result by `formula.evalf(30, subs={...})`: `subs` alone makes SymPy ask which numbers are algebraic, and
    one time in a hundred (it asks in random order) it raises InconsistentAssumptions.

    Raises
    ------
    InputError : another kind of covariance, `value < 0`, `lambda(s) <= 0`, or a value that `int_s^t lambda` does
        not reach before `lambda` changes sign or `t` is infinite.
    """
    if mixture.kind != "common-isotropic":
        raise InputError("mixture", f"{mixture.kind} covariances", "common-isotropic covariance")
    arithmetic = arithmetic_of(value, s, fields=("value", "s"))
    if arithmetic.name == "float64":
        return _float_time(mixture, _one(value, "value"), _one(s, "s"))
    if arithmetic.name == "torch":
        return arithmetic.finish(arithmetic.eagerly(_tensor_time, mixture, arithmetic, value, s))
    with arithmetic.undisturbed():
        with arithmetic.extended(_magnitude(mixture, arithmetic, s)):
            target, start = (arithmetic.read([_one(a, name)], name) for a, name in ((value, "value"), (s, "s")))
            times = _lambert_time(mixture, arithmetic, target, start)
        return arithmetic.finish(times)[0]


def _one(value: Any, field: str) -> Any:
    """One number; what an array holds one of is taken out."""
    check_plain(value, field)
    if isinstance(value, list | tuple) or prod(getattr(value, "shape", ())) != 1:
        raise InputError(field, value, "one number: the time is computed for one value and one start")
    return value.item() if hasattr(value, "item") else value


def _float_time(mixture: GaussianMixture, value: Any, s: Any) -> float:
    """The formula with 40 digits inside, rounded."""
    from certflow.numbers.objects import MpmathArithmetic

    inner = MpmathArithmetic(mpmath_context(FLOAT_BITS))
    return float(_lambert_time(mixture, inner, inner.read([value], "value"), inner.read([s], "s"))[0])


def _tensor_time(mixture: GaussianMixture, arithmetic: Arithmetic, value: Any, s: Any) -> Any:
    """Tensors, elementwise; by the equation itself `dt/dvalue = 1 / lambda(t)` and `dt/ds = lambda(s) / lambda(t)`."""
    from certflow.numbers.implicit import elementwise

    def values(targets: Any, starts: Any) -> Any:
        pairs = zip(targets.flatten().tolist(), starts.flatten().tolist(), strict=True)
        return arithmetic.asarray([_float_time(mixture, *pair) for pair in pairs]).reshape(targets.shape)

    def slopes(time: Any, _: Any, start: Any) -> tuple[Any, Any]:
        growth = growth_rate_bound(mixture, time)
        return 1 / growth, growth_rate_bound(mixture, start) / growth

    return elementwise(values, slopes, arithmetic.read(value, "value"), arithmetic.read(s, "s"))


def _magnitude(mixture: GaussianMixture, arithmetic: Arithmetic, s: Any) -> float:
    """Size of what cancels in the formula, for arithmetics of adjustable precision."""
    if arithmetic.name == "sympy":
        return 1.0
    ratio = mixture.diameter_squared / (8 * mixture.exact_covariances.fractions[()])
    exponent = 1 + min(nearest_float(ratio), 1e150)
    return float(min(exponent**2 / min(1.0, abs(float(arithmetic.asarray([s])[0])) or 1.0), 1e300))


def _lambert_time(mixture: GaussianMixture, arithmetic: Arithmetic, value: Any, s: Any) -> Any:
    """The formula at arrays of shape (1,)."""
    check_times(s, arithmetic, "s")
    closed = CommonVariance(mixture, arithmetic)
    numeric = arithmetic.name != "sympy"
    if numeric and not value[0] >= 0:
        raise InputError("value", float(value[0]), "a value >= 0 of the integral of lambda")
    c, square = closed.c, closed.square
    if numeric and closed.exact_c == 0:
        remaining = arithmetic.exp(-2 * s) - 8 * value / square if closed.exact_square else 0 * s
        if not remaining[0] > 0:
            raise _unreachable(value)
        return -arithmetic.log(remaining) / 2
    start = 1 / closed.v(s)
    level = arithmetic.log(start) / 2 - square / (8 * c) * start + value
    if numeric and closed.exact_square == 0:
        if closed.exact_c > 0:
            raise _not_growing()
        y = arithmetic.exp(2 * level)
        if not y[0] < 1:
            raise _unreachable(value)
    else:
        twice = square / (4 * c)  # 2 A
        if numeric:
            _check_reachable(closed, start, level, twice, value)
        branch = -1 if not numeric or closed.exact_c > 0 else 0
        y = -arithmetic.lambertw(-twice * arithmetic.exp(2 * level), branch) / twice
    return -arithmetic.log((1 - 1 / y) / c) / 2


def _check_reachable(closed: CommonVariance, start: Any, level: Any, twice: Any, value: Any) -> None:
    """`lambda(s) > 0`, and the level lies below that at the end of the stretch on which `lambda > 0`."""
    last = 1 + 0 * start  # y as t -> infinity
    if closed.exact_c > 0:
        if not (start * twice)[0] > 1:
            raise _not_growing()
        if not twice > 1:
            last = last / twice
    ceiling = closed.arithmetic.log(last) / 2 - twice / 2 * last
    if not level[0] < ceiling[0]:
        raise _unreachable(value)


def _not_growing() -> InputError:
    return InputError("s", "a time at which lambda(s) <= 0", "a time at which lambda(s) > 0")


def _unreachable(value: Any) -> InputError:
    return InputError("value", float(value[0]), "a value that the integral of lambda reaches while lambda > 0")
