"""Rigorous integrals over time: quadrature of typed expressions, and the closed forms of F2 in balls.

`int_s^t rate`, `rate` the one-sided `lambda` (proofs/L3.md) or the two-sided `L` (L2), for a common isotropic variance,
and `exp` of it. The precision grows until the enclosure has the digits that were asked for (proofs/integrals.md).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np

from certflow.bounds.stability import RATES, CommonVariance
from certflow.enclosure.expressions import Constant, Exp, Expression, Log, Program, Variable
from certflow.enclosure.results import Enclosure, ball_ends
from certflow.errors import InputError, NoEnclosure, unknown
from certflow.law.mixture import GaussianMixture
from certflow.numbers.balls import ArbArithmetic
from certflow.numbers.exact import exact_number
from certflow.numbers.inputs import real_number, whole_number
from certflow.numbers.precision import ball_precision
from certflow.process import OrnsteinUhlenbeck

#: Precisions tried, and evaluations of the integrand for each, before an integral counts as inconclusive.
ATTEMPTS = 5
EVALUATIONS = 20_000
#: Integrals below `2^-900` count as zero when the absolute tolerance is chosen, lest a zero be chased for ever.
SMALLEST_BITS = 900
#: More digits than this are refused: the results are written out as decimals.
MAX_DIGITS = 350
#: Integrals beyond this are not exponentiated: the factor would have thousands of digits before its point.
MAX_EXPONENT = 9000


@dataclass(frozen=True, repr=False)
class IntegralEnclosure(Enclosure):
    """`lower <= int_s^t <= upper`, proved whether or not the budget sufficed.

    complete : whether the width is at most `10^-digits` times the value, as asked
    interval : the ends `(s, t)` that were integrated between, exact (a float: the binary number that it is);
        None where they are not rational
    """

    complete: bool = True
    interval: tuple[Fraction, Fraction] | None = None


def integrate(expression: Expression, lower: Any, upper: Any, digits: int = 25) -> IntegralEnclosure:
    """`int_lower^upper f(t) dt` by `acb.integral`, to `digits` significant digits.

    expression : `f`, an `Expression`, analytic on the interval; dimensionless, as `t` is
    lower, upper : exact numbers, or an `Expression` without a variable, such as `Log(Constant(2))`

    It integrates `h f(a + h u)` over `u` in [0, 1], `h = upper - lower`: the end points given to Arb are exact
    whatever the balls of `a` and `h` are. Arb's result is an enclosure whatever tolerance it reached, so the loop
    over precisions affects the width only. The imaginary part, which contains zero, is dropped.

    Raises
    ------
    InputError : an integrand that is no `Expression` (a callback), end points or digits out of range.
    NoEnclosure : no finite enclosure within the budget, as with a pole on the interval.

    >>> from certflow.enclosure import integrate
    >>> from certflow.enclosure.expressions import Variable
    >>> print(integrate(1 / Variable(), 1, 2, digits=15))  # ln 2
    [0.6931471805, 0.6931471806] (relative gap 1.5e-17)

    Source: F. Johansson, Numerical integration in arbitrary-precision ball arithmetic (2018).
    """
    program = Program(expression)
    first, last = _end(lower, "lower"), _end(upper, "upper")
    digits = check_digits(digits)
    interval, length = None, Program(last.expression - first.expression)
    if isinstance(first.expression, Constant) and isinstance(last.expression, Constant):
        interval = first.expression.number, last.expression.number
        length = Program(Constant(interval[1] - interval[0]))
    goal = decimal_bits(digits) + 8
    best: Any = None

    def attempt() -> Any:
        nonlocal best
        best = _quadrature(program, first(None, False), length(None, False), goal, best)
        return best

    return refined(attempt, digits, goal + 48, interval)


def _end(value: Any, field: str) -> Program:
    program = Program(value if isinstance(value, Expression) else Constant(exact_number(value, field)), field)
    if not program.is_closed:
        raise InputError(field, value, "an exact number, or an Expression in which no Variable occurs")
    return program


def _quadrature(program: Program, a: Any, h: Any, goal: int, previous: Any) -> Any:
    from flint import acb, arb

    integrand = program.bound()
    # An absolute goal above the size of the integral would end the work early; the last enclosure tells its size.
    known = previous is not None and previous.is_finite()
    size = previous.abs_upper().max(arb(2) ** -SMALLEST_BITS) if known else arb(1)
    result = acb.integral(
        lambda u, analytic: acb(h * integrand(a + h * u, analytic)),
        0,
        1,
        rel_tol=arb(2) ** -goal,
        abs_tol=size * arb(2) ** (-goal - 8),
        eval_limit=EVALUATIONS,
    )
    return acb(result).real


def stability(
    process: OrnsteinUhlenbeck, s: Any, t: Any, rate: str = "one-sided", digits: int = 30
) -> IntegralEnclosure:
    """`int_s^t rate`, `0 <= s <= t`, from the closed form: with `q = e^{-2t}`, `v = 1 - c q`, `c = 1 - sigma^2`,

        int_s^t lambda = 1/2 ln(v_s / v_t) + D^2 (q_s - q_t) / (8 v_s v_t),

    and `int L` the same up to `q = (1 - D^2/(8c)) / c`, then `1/2 ln v` (proofs/F2.md). Regular at `c = 0`.

    The formulas are those of `certflow.bounds.stability`, evaluated on Arb balls. Where the terms of `L` cross is
    decided in rationals; the crossing time is clamped to [s, t] by the minimum and maximum of balls, which enclose both
    cases where rounding leaves the order open.

    s, t : text, int, Fraction, or float (the binary number that it is).

    Raises
    ------
    InputError : another kind of covariance, times, rate or digits out of range.

    >>> import certflow as cf
    >>> p = cf.OrnsteinUhlenbeck(cf.load_mixture("two-modes"))
    >>> print(cf.enclosure.stability(p, "0.1", "1", digits=10))
    [1.133724927, 1.133724928] (relative gap 8.9e-12)
    >>> print(cf.enclosure.stability(p, "0.1", "1", rate="two-sided", digits=10))
    [1.245483091, 1.245483092] (relative gap 8.1e-12)
    """
    law = common_law(process)
    interval = _interval(s, t)
    check_rate(rate)
    digits = check_digits(digits)
    return refined(lambda: stability_ball(law, *interval, rate), digits, first_bits(law, digits), interval)


def amplification(
    process: OrnsteinUhlenbeck, s: Any, t: Any, rate: str = "one-sided", digits: int = 30
) -> IntegralEnclosure:
    """`exp(int_s^t rate)`, which bounds `|Phi_{t->s}(x) - Phi_{t->s}(y)| / |x - y|` (proofs/F1.md); as `stability`.

    Raises
    ------
    InputError : as `stability`, and an integral beyond 9000 (`stability` encloses the logarithm of such a factor).

    >>> import certflow as cf
    >>> p = cf.OrnsteinUhlenbeck(cf.load_mixture("two-modes"))
    >>> print(cf.enclosure.amplification(p, "0.1", "1", digits=10))
    [3.107209098, 3.107209099] (relative gap 3.3e-12)
    """
    exponent = stability(process, s, t, rate, digits)
    if abs(exponent.upper) > MAX_EXPONENT:
        raise InputError(
            "t", t, f"an integral of the rate of at most {MAX_EXPONENT}; stability() encloses the factor's logarithm"
        )
    law = process.mixture
    interval = _interval(s, t)
    bits = first_bits(law, digits) + 16  # the relative error of exp is the absolute one of its argument, below 2^14
    return refined(lambda: stability_ball(law, *interval, rate).exp(), digits, bits, interval)


def stability_ball(law: GaussianMixture, s: Any, t: Any, rate: str) -> Any:
    """The closed form at the precision in force; `s`, `t` exact rationals or balls."""
    arithmetic = ArbArithmetic()
    start, end = (arithmetic.asarray([time]) for time in (s, t))
    return CommonVariance(law, arithmetic).integral(start, end, rate)[0]


def rate_pieces(
    process: OrnsteinUhlenbeck, s: Any, t: Any, rate: str = "one-sided"
) -> tuple[tuple[Expression, Expression, Expression], ...]:
    """`(rate, from, to)`: the rate as analytic expressions on pieces of [s, t], split where its terms cross.

    `lambda = q (D^2/(4v) - c)/v` and, beyond the crossing time `-1/2 ln((1 - D^2/(8c))/c)`, `L = 1/v - 1 = c q/v`.
    The second route to `stability`: `integrate` of the pieces. Raises as `stability`.
    """
    law = common_law(process)
    start, end = _interval(s, t)
    check_rate(rate)
    c, square = shape_of(law)
    q = Exp(-2 * Variable())
    inverse = 1 / (1 - c * q)
    one_sided = q * inverse * (square / 4 * inverse - c)
    late = c * q * inverse
    first, last = Constant(start), Constant(end)
    if rate == "one-sided" or c <= 0 or square >= 8 * c:
        return ((one_sided, first, last),)
    if square <= 8 * c * (1 - c):
        return ((late, first, last),)
    where = (1 - square / (8 * c)) / c
    order = [_after_crossing(time, where) for time in (start, end)]
    if order[0]:
        return ((late, first, last),)
    if not order[1]:
        return ((one_sided, first, last),)
    crossing = Constant(Fraction(-1, 2)) * Log(Constant(where))
    return ((one_sided, first, crossing), (late, crossing, last))


def _after_crossing(time: Fraction, where: Fraction) -> bool:
    """Whether `e^{-2 time} < where`; it ends, because `e^{-2 time}` is irrational for a rational time > 0."""

    if time == 0:
        return where > 1
    bits = 64
    while True:
        with ball_precision(bits):
            gap = ArbArithmetic().number(-2 * time).exp() - ArbArithmetic().number(where)
        if gap < 0 or gap > 0:
            return bool(gap < 0)
        bits *= 2


def refined(
    evaluate: Callable[[], Any], digits: int, bits: int, interval: tuple[Fraction, Fraction] | None
) -> IntegralEnclosure:
    """The ball that `evaluate` gives, at `bits` and then doubled precision until its width is as asked.

    Every ball is an enclosure; the narrowest is the result, and `complete` says whether it is narrow enough.
    """

    best: tuple[Fraction, Fraction] | None = None
    complete = False
    for _ in range(ATTEMPTS):
        with ball_precision(bits):
            ball = evaluate()
        if ball.is_finite():
            middle, radius = ball_ends(ball)
            if best is None or radius < best[1]:
                best = middle, radius
            complete = 4 * 10**digits * best[1] <= abs(best[0])
        if complete:
            break
        bits *= 2
    if best is None:
        raise NoEnclosure(f"no finite enclosure of the integral with at most {bits // 2} bits of precision")
    return _rounded(*best, digits, complete, interval)


def _rounded(
    middle: Fraction, radius: Fraction, digits: int, complete: bool, interval: tuple[Fraction, Fraction] | None
) -> IntegralEnclosure:
    ends = Enclosure.of_fractions(middle - radius, middle + radius, digits + 2)
    return IntegralEnclosure(ends.lower, ends.upper, complete, interval)


def first_bits(law: GaussianMixture, digits: int) -> int:
    """A precision that usually suffices: the digits, and what the exact variance and `D^2` differ from 1 by."""
    c, square = shape_of(law)
    numbers = (1 - c, square + 1)
    spread = sum(abs(n.numerator.bit_length() - n.denominator.bit_length()) for n in numbers)
    return decimal_bits(digits) + 32 + min(spread, 4000)


def decimal_bits(digits: int) -> int:
    """Bits in which `10^-digits` is at least one unit."""
    return int(np.ceil(digits * np.log2(10)))


def common_law(process: OrnsteinUhlenbeck, purpose: str = "for its closed form") -> GaussianMixture:
    """The mixture of a process, if its covariance is common-isotropic and its parameters are numbers.

    purpose : what this is needed for, for messages
    """
    if not isinstance(process, OrnsteinUhlenbeck):
        raise InputError("process", process, "a certflow.OrnsteinUhlenbeck")
    law = process.mixture
    if law.kind != "common-isotropic":
        raise InputError("mixture", f"{law.kind} covariances", f"common-isotropic covariance, {purpose}")
    if law.is_symbolic:
        raise InputError("mixture", "symbolic parameters", "numbers, for an enclosure")
    return law


def shape_of(law: GaussianMixture) -> tuple[Fraction, Fraction]:
    """`c = 1 - sigma^2` and `D^2` of such a mixture, exact: all that its rates depend on."""
    variance: Any = law.exact_covariances.fractions[()]
    return 1 - variance, law.diameter_squared


def check_rate(rate: Any, field: str = "rate") -> None:
    """Raise `InputError` for a rate that is not one of the two."""
    if not isinstance(rate, str) or rate not in RATES:
        raise unknown(field, rate, RATES)


def check_digits(digits: Any) -> int:
    """The int, if `1 <= digits <= MAX_DIGITS`; else an `InputError`."""
    return whole_number(digits, "digits", 1, MAX_DIGITS)


def check_effort(gap: Any, seconds: Any, field: str = "gap") -> tuple[Fraction, float]:
    """The relative gap, exact, if `0 < gap < 1`, and the seconds, if positive (infinite: cells alone are counted)."""
    wanted = exact_number(gap, field)
    if not 0 < wanted < 1:
        raise InputError(field, gap, "a relative gap between 0 and 1")
    return wanted, real_number(seconds, "seconds", "a number of seconds > 0", lambda number: number > 0)


def _interval(s: Any, t: Any) -> tuple[Fraction, Fraction]:
    start, end = exact_number(s, "s"), exact_number(t, "t")
    if not start >= 0:
        raise InputError("s", s, "a time >= 0")
    if start > end:
        raise InputError("s", s, f"a time that is not later than t = {t}")
    return start, end
