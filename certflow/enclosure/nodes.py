"""The stability-balanced grid with proved nodes (proofs/G1.md)."""

from __future__ import annotations

import math
from fractions import Fraction
from typing import Any

from certflow.bounds.rates import growth_rate_bound, lipschitz_bound
from certflow.enclosure.closed_forms import MAX_BITS, bits_within
from certflow.enclosure.expressions import ball
from certflow.enclosure.integrals import (
    ATTEMPTS,
    IntegralEnclosure,
    check_digits,
    check_rate,
    common_law,
    first_bits,
    shape_of,
    stability_ball,
)
from certflow.enclosure.results import ExactDecimal, ball_ends, rounded_down, rounded_up
from certflow.errors import InputError
from certflow.law.mixture import GaussianMixture
from certflow.numbers.balls import ArbArithmetic
from certflow.numbers.inputs import whole_number
from certflow.numbers.precision import ball_precision
from certflow.process import OrnsteinUhlenbeck

MAX_SEGMENTS = 10_000
#: Steps of Newton's method and of bisection at most: the one doubles the number of digits, the other halves a bracket.
STEPS = 200


def balanced_nodes(
    process: OrnsteinUhlenbeck, segments: int, rate: str = "one-sided", digits: int = 30
) -> tuple[IntegralEnclosure, ...]:
    """Brackets of `t_0 = t_max > ... > t_K = t_min` with `int_{t_k}^{t_{k-1}} rate = (1/K) int_{t_min}^{t_max} rate`.

    Where the rate is positive, `G(t) = int_{t_min}^t rate` increases and the nodes are unique: `G(t_k) = (1 - k/K)
    G(t_max)`. Bisection and Newton's method find `t_k` approximately, which proves nothing; then the closed form of
    `G` (proofs/F2.md), evaluated on Arb balls at the two ends of a bracket of relative width `10^-digits`, must come
    out certainly below and certainly above its target. An end that fails is moved outwards, an order that rounding
    leaves open is decided with more bits.

    Returns `K + 1` enclosures, latest first; the ends of the interval are exact. `complete` is false where the
    bracket had to be widened, or where the budget ended and the bracket is the whole interval.

    Raises
    ------
    InputError : another kind of covariance; a rate that is not positive throughout; segments or digits out of range.

    >>> import certflow as cf
    >>> p = cf.OrnsteinUhlenbeck(cf.load_mixture("two-modes"), "0.01", "3")
    >>> print(*cf.enclosure.balanced_nodes(p, 2, digits=10), sep="\\n")
    [3, 3]
    [0.03336611087, 0.03336611089] (relative gap 5.4e-11)
    [0.01, 0.01]
    """
    law = common_law(process)
    segments = whole_number(segments, "segments", 1, MAX_SEGMENTS)
    check_rate(rate)
    digits = check_digits(digits)
    bits_within(MAX_BITS, *shape_of(law), process.exact_t_min, process.exact_t_max, "t_max")
    check_positive(process, rate)
    problem = _Problem(process, law, rate, digits)
    inner = [problem.node(Fraction(segments - k, segments)) for k in range(1, segments)]
    return (_exact(process.exact_t_max), *inner, _exact(process.exact_t_min))


def check_positive(process: OrnsteinUhlenbeck, rate: str) -> None:
    """Raise `InputError` unless the rate is positive on [t_min, t_max], which is decided exactly.

    `L = 0` only if `1 - 1/v = 0` and `D = 0`, that is `c = 0` and `D = 0`, at all times. And
    `lambda = q (D^2 - 4 c v)/(4 v^2)`, where `4 c v = 4 c (1 - c q)` does not decrease in `t`, whatever the sign of
    `c`: `lambda > 0` throughout if and only if `D^2 > 4 c v` at `t_max`.
    """
    c, square = shape_of(process.mixture)
    if rate == "two-sided" and not (c or square):
        raise InputError("rate", rate, "a rate that is positive: here J = 0 for all x and t")
    if rate == "one-sided" and not _exceeds(square, c, process.exact_t_max):
        raise InputError(
            "rate",
            rate,
            "a rate that is positive on [t_min, t_max], so that the nodes are unique: here lambda(t_max) <= 0 "
            '(take a smaller t_max, or rate "two-sided")',
        )


def _exceeds(square: Fraction, c: Fraction, end: Fraction) -> bool:
    """Whether `D^2 > 4 c (1 - c q)`, `q = e^{-2 end}`; never equal for `c != 0`, because `q` is irrational."""

    if c == 0:
        return square > 0
    bits = 64
    while True:
        with ball_precision(bits):
            gap = ball(square - 4 * c) + ball(4 * c * c) * (-2 * ball(end)).exp()
        if gap > 0 or gap < 0:
            return bool(gap > 0)
        bits *= 2


class _Problem:
    """`G(t) = fraction * G(t_max)`, for one fraction after another."""

    def __init__(self, process: OrnsteinUhlenbeck, law: GaussianMixture, rate: str, digits: int):
        self.law, self.rate, self.digits = law, rate, digits
        self.start, self.end = process.exact_t_min, process.exact_t_max
        self.slope = growth_rate_bound if rate == "one-sided" else lipschitz_bound
        # G(t) changes by rate(t) t 10^-digits across a bracket; in G(t_max) that is so many bits down.
        self.bits = first_bits(law, digits) + 64 + int(3 * min(self.end, Fraction(10_000)))
        self.totals: dict[int, Any] = {}

    def node(self, fraction: Fraction) -> IntegralEnclosure:
        """The bracket of the time at which `G` is this fraction of its end value."""
        guess, half = self.start, Fraction(0)
        for attempt in range(ATTEMPTS):
            if attempt < 2:  # a second approximation, should the first have lacked bits
                guess = self._approximate(fraction, self.bits << attempt)
                half = guess * Fraction(1, 4 * 10**self.digits)
            else:
                half *= 1000
            low = max(self.start, rounded_down(guess - half, self.digits + 2))
            high = min(self.end, rounded_up(guess + half, self.digits + 2))
            if self._sign(low, fraction) <= 0 <= self._sign(high, fraction):
                return IntegralEnclosure(ExactDecimal(low), ExactDecimal(high), complete=attempt < 2)
        # G(t_min) = 0 and G(t_max) lie on either side of every target: proved without any evaluation.
        return IntegralEnclosure(ExactDecimal(self.start), ExactDecimal(self.end), complete=False)

    def _excess(self, time: Any, fraction: Fraction, bits: int) -> Any:
        """`G(time) - fraction G(t_max)`, a ball."""

        with ball_precision(bits):
            if bits not in self.totals:
                self.totals[bits] = stability_ball(self.law, self.start, self.end, self.rate)
            return stability_ball(self.law, self.start, time, self.rate) - ball(fraction) * self.totals[bits]

    def _sign(self, time: Fraction, fraction: Fraction) -> float:
        """The certain sign of the excess, or NaN (every comparison with it is false) where it stays open."""
        if time in (self.start, self.end):  # 0 and G(t_max), either side of the target
            return -1.0 if time == self.start else 1.0
        bits = self.bits
        for _ in range(ATTEMPTS):
            excess = self._excess(time, fraction, bits)
            if excess < 0 or excess > 0:
                return -1.0 if excess < 0 else 1.0
            bits *= 2
        return float("nan")

    def _approximate(self, fraction: Fraction, bits: int) -> Fraction:
        """A time near the node: midpoints of balls, nothing proved.

        Newton's method, and bisection where it leaves the bracket or does not halve its last step.
        """
        low, high = self.start, self.end
        time, last = _middle(low, high), high - low
        for _ in range(STEPS):
            excess = self._excess(time, fraction, bits)
            low, high = (time, high) if excess.mid() < 0 else (low, time)
            with ball_precision(bits):
                step = (excess / self.slope(self.law, ArbArithmetic().number(time))).mid()
            moved = time - ball_ends(step)[0] if step.is_finite() else low
            if not low <= moved <= high or 2 * abs(moved - time) > last:
                moved = _middle(low, high)
            moved = rounded_down(moved, self.digits + 8)
            last = abs(moved - time)
            time = moved
            if last * 10 ** (self.digits + 3) <= time:
                break
        return time


def _middle(low: Fraction, high: Fraction) -> Fraction:
    """Between two times: their geometric mean where they are far apart."""
    found = Fraction(math.sqrt(low) * math.sqrt(high)) if high > 2 * low else (low + high) / 2
    return found if low < found < high else (low + high) / 2


def _exact(time: Fraction) -> IntegralEnclosure:
    return IntegralEnclosure(ExactDecimal(time), ExactDecimal(time))
