"""The checker's intervals against rationals, mpmath and Arb: containment and width, and twins that must be caught.

About 3 10^4 cases every day (see depth.py).
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from fractions import Fraction
from typing import Any

import flint
import mpmath
import pytest
from depth import cases, some

from certflow.certificate.checker.arithmetic import Arithmetic, Imprecise, Interval

BITS = (64, 96, 128, 320)
ARITHMETICS = {bits: Arithmetic(bits) for bits in (*BITS, *(bits + 64 for bits in BITS), 1024)}

#: A check takes an arithmetic, a number of cases and a seed, and raises AssertionError.
Check = Callable[[Any, int, int], None]

# -- arguments --------------------------------------------------------------------------------------------------------


def points(bits: int, count: int, seed: int) -> Iterator[int]:
    """Numbers of all sizes up to about 800, in units of 2^-bits, most of them where a reduction could go wrong."""
    draw = random.Random(f"points {bits} {seed}")
    with mpmath.workprec(2 * bits + 64):
        ln2 = int(mpmath.floor(mpmath.ldexp(mpmath.ln(2), bits)))
    for i in range(count):
        near = draw.choice((0, 0, -1, 1, -2, 2, draw.randrange(-1000, 1000)))
        yield (
            near,  # zero and tiny
            draw.randrange(-1150, 1150) * ln2 + near,  # multiples of ln 2
            (draw.randrange(-(2**14), 2**14) << (bits - 8)) + near,  # multiples of 1/256
            draw.choice((-1, 1)) * (1 << draw.randrange(bits + 9)) + near,  # powers of two
            draw.randrange(-800 << bits, 800 << bits),
            draw.randrange(-1 << bits, 1 << bits),
            draw.choice((-1, 1)) * draw.getrandbits(draw.randrange(1, bits + 9)),
        )[i % 7]


def intervals(bits: int, count: int, seed: int) -> Iterator[Interval]:
    """Intervals of all widths around `points`: none, some units, about 2^-20, wide; many straddle zero."""
    draw = random.Random(f"intervals {bits} {seed}")
    for x in points(bits, count, seed):
        width = draw.choice((0, 1, 3, draw.getrandbits(12), draw.getrandbits(bits - 20), draw.getrandbits(bits - 19)))
        if draw.random() < 0.15:
            width = draw.getrandbits(bits + 3)
        left = draw.randrange(width + 1)
        yield x - left, x + width - left


def positive(x: Interval) -> Interval:
    """An interval above zero of the same width, from one anywhere."""
    low = abs(x[0]) or 1
    return low, low + x[1] - x[0]


def members(x: Interval, draw: random.Random) -> tuple[int, int, int]:
    """Both ends and a number between."""
    return x[0], x[1], draw.randint(*x)


# -- checks -----------------------------------------------------------------------------------------------------------


def assert_between(low: int, value: Fraction, high: int, slack: int, arguments: object) -> None:
    """`low <= value <= high`, and neither end further from the value than a unit and the slack."""
    assert low <= value <= high, arguments
    assert high - low <= slack, ("too wide", high - low, slack, arguments)


def rational_operations(arithmetic: Any, count: int, seed: int) -> None:
    """add, sub, mul, div, square, rational against exact rationals."""
    bits, draw = arithmetic.bits, random.Random(seed)
    unit = Fraction(1, 2**bits)
    for x, y in zip(intervals(bits, count, seed), intervals(bits, count, seed + 1), strict=True):
        spans = {
            "add": lambda a, b: a + b,
            "sub": lambda a, b: a - b,
            "mul": lambda a, b: a * b * unit,
            "div": lambda a, b: Fraction(a, b) / unit,
        }
        for name, operation in spans.items():
            if name == "div" and y[0] <= 0 <= y[1]:
                with pytest.raises(Imprecise, match="contains 0"):
                    arithmetic.div(x, y)
                continue
            low, high = getattr(arithmetic, name)(x, y)
            inside = [operation(a, b) for a in members(x, draw) for b in members(y, draw)]
            assert low <= min(inside), (name, x, y)
            assert max(inside) <= high, (name, x, y)
            assert low > min(inside) - 1, (name, "too wide", x, y)  # all four are extreme at corners
            assert high < max(inside) + 1, (name, "too wide", x, y)
        low, high = arithmetic.square(x)
        squares = [a * a * unit for a in (*members(x, draw), *([0] if x[0] <= 0 <= x[1] else []))]
        assert low <= min(squares), ("square", x)
        assert low > min(squares) - 1, ("square", x)
        assert max(squares) <= high < max(squares) + 1, ("square", x)
        value = Fraction(x[0], draw.randrange(1, 10**6))
        low, high = arithmetic.rational(value)
        assert_between(low, value / unit, high, 0 if value.denominator == 1 else 1, value)


def square_roots(arithmetic: Any, count: int, seed: int) -> None:
    """`low^2 <= a 2^bits` and `b 2^bits <= high^2`, each nearly with equality."""
    bits = arithmetic.bits
    for i, x in enumerate(intervals(bits, count, seed)):
        a, b = positive(x)
        if i % 5 == 0:  # exact squares
            a = b = abs(x[0]) ** 2 << bits
        low, high = arithmetic.sqrt((a, b))
        assert low * low <= a << bits < (low + 1) ** 2, (a, b)
        assert b << bits <= high * high, (a, b)
        assert high == 0 or (high - 1) ** 2 < b << bits, (a, b)


def arb_floor(ball: Any) -> int:
    return int(ball.lower().floor().unique_fmpz())


def arb_ceiling(ball: Any) -> int:
    return int(ball.upper().ceil().unique_fmpz())


def exponentials(arithmetic: Any, count: int, seed: int) -> None:
    """exp at both ends against Arb: at most 3 units, 2^-(bits+11) of the value and 2^-18 of the width are lost."""
    bits = arithmetic.bits
    flint.ctx.prec = 2 * bits + 2400
    for x in intervals(bits, count, seed):
        low, high = arithmetic.exp(x)
        first, last = ((flint.arb(a) * flint.arb(2) ** -bits).exp() * flint.arb(2) ** bits for a in x)
        assert low <= arb_floor(first), x
        assert high >= arb_ceiling(last), x
        lost = 3 + (high >> (bits + 11))
        assert low >= arb_floor(first) - lost, ("too wide", x)
        assert high <= arb_ceiling(last) + lost + ((high - low) >> 18), ("too wide", x)


def logarithms(arithmetic: Any, count: int, seed: int) -> None:
    """log at both ends against mpmath and Arb, at most 2 units wider than the range."""
    bits = arithmetic.bits
    draw = random.Random(seed)
    flint.ctx.prec = 2 * bits + 100
    for i, x in enumerate(intervals(bits, count, seed)):
        a, b = positive(x)
        if i % 3 == 0:  # at and beside the entries of the table, in every binade
            entry = draw.randrange(256, 513) << draw.randrange(bits + 20) >> draw.randrange(20)
            a = b = max(1, entry + draw.choice((-1, 0, 1)))
        low, high = arithmetic.log((a, b))
        first, last = ((flint.arb(z) * flint.arb(2) ** -bits).log() * flint.arb(2) ** bits for z in (a, b))
        assert low <= arb_floor(first), (a, b)
        assert arb_ceiling(last) <= high, (a, b)
        assert low >= arb_floor(first) - 1, ("too wide", a, b)
        assert high <= arb_ceiling(last) + 1, ("too wide", a, b)


def against_mpmath(arithmetic: Any, count: int, seed: int) -> None:
    """exp, log and sqrt of numbers inside an interval, by mpmath with 60 digits and more."""
    bits, draw = arithmetic.bits, random.Random(seed)
    with mpmath.workprec(max(200, 2 * bits + 1300)):
        for x in intervals(bits, count, seed):
            for name, function, argument in (
                ("exp", mpmath.exp, x),
                ("log", mpmath.log, positive(x)),
                ("sqrt", mpmath.sqrt, positive(x)),
            ):
                low, high = getattr(arithmetic, name)(argument)
                value = mpmath.ldexp(function(mpmath.ldexp(mpmath.mpf(draw.randint(*argument)), -bits)), bits)
                doubt = mpmath.ldexp(1 + abs(value), 8 - mpmath.mp.prec)
                assert low - doubt <= value <= high + doubt, (name, argument)


def identities(arithmetic: Any, count: int, seed: int) -> None:
    """exp(a+b) meets exp(a) exp(b); log(exp(a)), exp(log(a)), sqrt(a)^2, (x/y) y contain what they started from."""
    bits = arithmetic.bits
    for x, y in zip(intervals(bits, count, seed), intervals(bits, count, seed + 1), strict=True):
        small, other = (x[0] >> 6, x[1] >> 6), (y[0] >> 6, y[1] >> 6)
        whole = arithmetic.exp(arithmetic.add(small, other))
        parts = arithmetic.mul(arithmetic.exp(small), arithmetic.exp(other))
        assert max(whole[0], parts[0]) <= min(whole[1], parts[1]), (small, other)
        image = arithmetic.exp(small)
        if image[0] > 0:
            assert contains(arithmetic.log(image), small), small
            for end in small:
                low, high = arithmetic.log(arithmetic.exp((end, end)))
                assert high - low <= 4 + (4 << bits) // image[0], ("too wide", end)
        a = positive(x)
        if a[1] < 2 ** (bits + 9):
            assert contains(arithmetic.exp(arithmetic.log(a)), a), a
        assert contains(arithmetic.square(arithmetic.sqrt(a)), a), a
        if not y[0] <= 0 <= y[1]:
            assert contains(arithmetic.mul(arithmetic.div(x, y), y), x), (x, y)


def two_precisions(arithmetic: Any, count: int, seed: int) -> None:
    """The same operation with 64 more bits: the two results meet."""
    bits, finer = arithmetic.bits, ARITHMETICS[arithmetic.bits + 64]
    for x, y in zip(intervals(bits, count, seed), intervals(bits, count, seed + 1), strict=True):
        operands: dict[str, tuple[Interval, ...]] = {name: (positive(x),) for name in ("log", "sqrt")}
        operands |= {"exp": (x,), "square": (x,), "mul": (x, y), "div": (x, positive(y))}
        for name, given in operands.items():
            low, high = getattr(arithmetic, name)(*given)
            fine = getattr(finer, name)(*((a << 64, b << 64) for a, b in given))
            assert max(low << 64, fine[0]) <= min(high << 64, fine[1]), (name, given)


def contains(outer: Interval, inner: Interval) -> bool:
    return outer[0] <= inner[0] and inner[1] <= outer[1]


#: Checks with their number of cases for one precision; the number of operations is a few times that.
CHECKS: dict[Check, int] = {
    rational_operations: 1000,
    square_roots: 1700,
    exponentials: 1300,
    logarithms: 1300,
    against_mpmath: 400,
    identities: 800,
    two_precisions: 500,
}


@pytest.mark.parametrize(
    ("check", "bits"),
    some(((check, bits) for i, check in enumerate(CHECKS) for bits in (*BITS[i % 2 :], *BITS[: i % 2])), 2),
    ids=lambda value: getattr(value, "__name__", None),
)
def test_arithmetic(check: Check, bits: int) -> None:
    check(ARITHMETICS[bits], cases(CHECKS[check]), bits)


@pytest.mark.parametrize("check", [*CHECKS][1:5], ids=lambda check: check.__name__)
def test_arithmetic_at_the_largest_precision(check: Check) -> None:
    check(ARITHMETICS[1024], cases(70), 7)


# -- special values and refusals --------------------------------------------------------------------------------------


def test_special_values() -> None:
    arithmetic = ARITHMETICS[96]
    assert arithmetic.log(arithmetic.one) == (0, 1)
    assert arithmetic.sqrt(arithmetic.one) == arithmetic.one
    assert arithmetic.square((-3 << 96, 2 << 96)) == (0, 9 << 96)
    low, high = arithmetic.exp((0, 0))
    assert low <= 1 << 96 <= high <= low + 2
    assert arithmetic.exp((-(10**300) << 96, -(10**299) << 96)) == (0, 1)
    assert arithmetic.exp((-(10**300) << 96, 0))[0] == 0


def test_exp_keeps_relative_precision_far_from_one() -> None:
    arithmetic = ARITHMETICS[96]
    for x in (100, 800, 100_000):
        low, high = arithmetic.exp((x << 96, x << 96))
        with mpmath.workdps(60):
            assert low < mpmath.ldexp(mpmath.exp(x), 96) < high
        assert (high - low) << 107 <= low
    low, high = arithmetic.exp((-800 << 96, 800 << 96))
    with mpmath.workdps(60):
        assert low == 0
        assert abs(mpmath.ldexp(high, -96) / mpmath.exp(800) - 1) < mpmath.mpf(2) ** -96


@pytest.mark.parametrize(
    ("operation", "arguments", "message"),
    [
        ("div", [(1, 2), (0, 0)], "division by an interval that contains 0"),
        ("div", [(1, 2), (-1, 1)], "division by an interval that contains 0"),
        ("div", [(1, 2), (0, 1)], "division by an interval that contains 0"),
        ("log", [(0, 1)], "logarithm of an interval that contains 0"),
        ("log", [(-2, -1)], "logarithm of an interval that contains 0 or negative"),
        ("sqrt", [(-1, 4)], "square root of an interval that contains negative"),
        ("exp", [(0, 1 << 120)], "exponential of a number that is too large"),
    ],
)
def test_what_is_not_defined_is_refused(operation: str, arguments: list[Interval], message: str) -> None:
    with pytest.raises(Imprecise, match=message):
        getattr(ARITHMETICS[96], operation)(*arguments)


# -- false twins: one operation rounds the wrong way ------------------------------------------------------------------


class NearestProduct(Arithmetic):
    def mul(self, x: Interval, y: Interval) -> Interval:
        corners = [a * b + (1 << (self.bits - 1)) for a in x for b in y]
        return min(corners) >> self.bits, max(corners) >> self.bits


class ForgetfulProduct(Arithmetic):
    """Two corners instead of four."""

    def mul(self, x: Interval, y: Interval) -> Interval:
        corners = [x[0] * y[0], x[1] * y[1]]
        return min(corners) >> self.bits, -(-max(corners) >> self.bits)


class InwardQuotient(Arithmetic):
    def div(self, x: Interval, y: Interval) -> Interval:
        low, high = super().div(x, y)
        return (low + 1, high - 1) if high - low > 1 else (low, low)


class NearestSquare(Arithmetic):
    def square(self, x: Interval) -> Interval:
        low, high = super().square(x)
        return low, max(low, high - 1)


class SquareWithoutZero(Arithmetic):
    def square(self, x: Interval) -> Interval:
        ends = sorted(self.mul((a, a), (a, a)) for a in x)
        return ends[0][0], ends[1][1]


class TruncatedRational(Arithmetic):
    def rational(self, value: Fraction) -> Interval:
        return (int(value * 2**self.bits),) * 2


class FlooredRoot(Arithmetic):
    def sqrt(self, x: Interval) -> Interval:
        return super().sqrt((x[0], x[0]))[0], super().sqrt((x[1], x[1]))[0]


class NearestExponential(Arithmetic):
    def exp(self, x: Interval) -> Interval:
        low, high = super().exp(x)
        return low, max(low, high - 1)


class ExponentialWithoutSlack(Arithmetic):
    SLACK = 2


class NarrowExponential(Arithmetic):
    """The width of the argument times the value, without the square of the width."""

    def exp(self, x: Interval) -> Interval:
        low, high = super().exp((x[0], x[0]))
        return low, high + (high * (x[1] - x[0]) >> self.bits)


class ShortLogarithm(Arithmetic):
    """ln 2 a little too small."""

    def __init__(self, bits: int):
        super().__init__(bits)
        self._ln2_low -= self._ln2_low >> (bits - 2)


class NearestLogarithm(Arithmetic):
    def log(self, x: Interval) -> Interval:
        low, high = super().log(x)
        return low, max(low, high - 1)


class FlippedDifference(Arithmetic):
    def sub(self, x: Interval, y: Interval) -> Interval:
        first, second = x[0] - y[0], x[1] - y[1]
        return min(first, second), max(first, second)


TWINS: dict[type[Arithmetic], Check] = {
    NearestProduct: rational_operations,
    ForgetfulProduct: rational_operations,
    InwardQuotient: rational_operations,
    NearestSquare: rational_operations,
    SquareWithoutZero: rational_operations,
    TruncatedRational: rational_operations,
    FlippedDifference: rational_operations,
    FlooredRoot: square_roots,
    NearestExponential: exponentials,
    ExponentialWithoutSlack: exponentials,
    NarrowExponential: exponentials,
    ShortLogarithm: logarithms,
    NearestLogarithm: logarithms,
}


@pytest.mark.parametrize("twin", TWINS, ids=lambda twin: twin.__name__)
def test_a_false_twin_is_caught(twin: type[Arithmetic]) -> None:
    with pytest.raises(AssertionError):
        TWINS[twin](twin(96), 1000, 3)


@pytest.mark.parametrize("twin", [NearestExponential, NearestLogarithm, FlooredRoot], ids=lambda twin: twin.__name__)
def test_a_false_twin_is_caught_by_mpmath_too(twin: type[Arithmetic]) -> None:
    with pytest.raises(AssertionError):
        against_mpmath(twin(96), 1000, 3)


@pytest.mark.parametrize("twin", [NearestLogarithm, FlooredRoot, InwardQuotient], ids=lambda twin: twin.__name__)
def test_a_false_twin_is_caught_by_identities_too(twin: type[Arithmetic]) -> None:
    with pytest.raises(AssertionError):
        identities(twin(96), 2500, 3)
