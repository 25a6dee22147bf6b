"""Bounds of the Jacobian for whole intervals of time and all points (proofs/L2.md, L3), as exact decimals."""

from __future__ import annotations

import math
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise
from typing import Any

from certflow.enclosure.expressions import ball
from certflow.enclosure.integrals import common_law, shape_of
from certflow.enclosure.results import ExactDecimal, ball_ends, rounded_down, rounded_up
from certflow.errors import InputError
from certflow.numbers.exact import exact_number, time_text
from certflow.numbers.inputs import whole_number
from certflow.numbers.numerals import below
from certflow.numbers.precision import ball_precision, mpmath_context
from certflow.process import OrnsteinUhlenbeck

#: Significant digits of the bounds.
DIGITS = 12
#: Relative slack for whoever repeats the evaluation, in bits (see `rate_bounds`).
SLACK_BITS = 60
MAX_PANELS = 100_000
#: The largest working precision: what late times need beyond, three bits for each unit of time, is not computed.
MAX_BITS = 2**12


@dataclass(frozen=True)
class RateBounds:
    """`||J(x, t)||_2 <= two_sided_upper[i]`, `contraction_lower[i] <= -J(x, t) <= one_sided_upper[i]` (as matrices)
    for all `x` and all `t` in `[times[i], times[i+1]]`, `i = 0 ... n-1`.

    diameter_squared : the exact `D^2` that they were made from; bits : see `rate_bounds`
    """

    times: tuple[Fraction, ...]
    two_sided_upper: tuple[ExactDecimal, ...]
    one_sided_upper: tuple[ExactDecimal, ...]
    contraction_lower: tuple[ExactDecimal, ...]
    diameter_squared: Fraction
    bits: int


def rate_bounds(process: OrnsteinUhlenbeck, s: Any, t: Any, panels: int = 64) -> RateBounds:
    """Bounds of `||J||_2`, `lambda_max(-J)`, `lambda_min(-J)` on `panels` panels of [s, t], `0 < s < t`; for all `x`.

    With `q = e^{-2t}`, `v = 1 - c q`, Popoviciu's inequality gives (proofs/L2.md, L3, common isotropic variance)

        1 - 1/v <= -J <= lambda = 1 - 1/v + q D^2/(4 v^2) (as matrices),   ||J|| <= max(|1 - 1/v|, |lambda|).

    On a panel `q` lies between its values at the ends, and so does `v`, being linear in `q`. The formulas are evaluated
    on these two intervals as they stand (natural interval extension), `lambda` also as `q (D^2 - 4 c v)/(4 v^2)`; both
    bound it, so the better one counts. This errs on the safe side: taking the occurrences of `q` and `v` as independent
    can only widen the range. The panels are evenly spaced in `log t`; interior times are decimals. The bounds are
    rounded outwards to 12 digits, after a slack of `2^-60` of the terms (less at late times, where rates are small), so
    that whoever repeats the evaluation with `bits` bits, rounding outwards, arrives inside them.

    Raises
    ------
    InputError : another kind of covariance, times or number of panels out of range, more than `MAX_BITS` bits needed.

    >>> import certflow as cf
    >>> p = cf.OrnsteinUhlenbeck(cf.load_mixture("two-modes"))
    >>> bounds = cf.enclosure.rate_bounds(p, "0.1", "1", panels=2)
    >>> print(*bounds.times)
    0.1 0.3162277660168 1
    >>> print(*bounds.two_sided_upper)
    14.2021981446 1.17211811679
    """

    law = common_law(process)
    start, end = exact_number(s, "s"), exact_number(t, "t")
    if not start > 0:
        raise InputError("s", s, "a time > 0: the panels are evenly spaced in log t")
    if not start < end:
        raise InputError("s", s, f"a time before t = {t}")
    panels = whole_number(panels, "panels", 1, MAX_PANELS)
    c, square = shape_of(law)
    bits = bits_within(MAX_BITS, c, square, start, end, "t")
    slack = Fraction(1, 2 ** (SLACK_BITS + math.ceil(3 * end)))
    times = panel_times(start, end, panels)
    two_sided, one_sided, contraction = [], [], []
    with ball_precision(bits):
        ends = [_End(c, time) for time in times]
        for early, late in pairwise(ends):
            rates, (low, high) = [early.rate, late.rate], _growth(c, ball(square), early, late)
            # Repeated as written, 1 - 1/v is a difference of numbers of size 1/v.
            narrow = early.v.min(late.v)
            size = 1 + _upper(1 / narrow) if c else Fraction(0)
            margin = slack * (size + _upper(ball(square) * early.q / (narrow * narrow)))
            slowest, fastest = min(map(_lower, rates)) - margin, max(map(_upper, rates)) + margin
            contraction.append(rounded_down(slowest, DIGITS))
            one_sided.append(rounded_up(_upper(high) + margin, DIGITS))
            two_sided.append(rounded_up(max(-slowest, fastest, margin - _lower(low), _upper(high) + margin), DIGITS))
    return RateBounds(times, tuple(two_sided), tuple(one_sided), tuple(contraction), square, bits)


class _End:
    """`q`, `v` and `1 - 1/v = -c q/v` at the end of a panel, each without cancellation."""

    def __init__(self, c: Fraction, time: Fraction):
        self.q = (-2 * ball(time)).exp()
        self.v = ball(1 - c) * self.q - (-2 * ball(time)).expm1()
        self.rate = -ball(c) * self.q / self.v


def _growth(c: Fraction, square: Any, early: _End, late: _End) -> tuple[Any, Any]:
    """Lower and upper bound of `lambda` on a panel: the intersection of its two forms' natural extensions.

    The corners of the boxes: `q` is largest at the early end, `v` at one of the ends, and the factor `q/(4 v^2)` of the
    second form is positive, so that the product with the other one is extreme where the factor is largest or smallest.
    """
    narrow, wide = early.v.min(late.v), early.v.max(late.v)
    smallest, largest = late.q / (4 * wide * wide), early.q / (4 * narrow * narrow)
    excess = [square - 4 * ball(c) * end.v for end in (early, late)]
    least, most = excess[0].min(excess[1]), excess[0].max(excess[1])
    low = (smallest * square + early.rate.min(late.rate)).max((smallest * least).min(largest * least))
    high = (largest * square + early.rate.max(late.rate)).min((smallest * most).max(largest * most))
    return low, high


def panel_times(start: Fraction, end: Fraction, panels: int) -> tuple[Fraction, ...]:
    """`start = t_0 < ... < t_n = end`, evenly spaced in `log t`; the interior times are decimals."""
    from mpmath.libmp import dps_to_prec

    ratio = Fraction(end, start)
    # As many digits as tell neighbours apart, and a few for even spacing.
    digits = DIGITS + max(0, math.ceil(math.log10(panels) - math.log10(float(min(ratio - 1, Fraction(1))) or 1e-300)))
    mp = mpmath_context(dps_to_prec(digits + 10))
    low = mp.log(mp.mpf(start.numerator) / start.denominator)
    width = mp.log(mp.mpf(ratio.numerator) / ratio.denominator)
    inner = [mp.exp(low + width * k / panels) for k in range(1, panels)]
    decimals = [rounded_down(exact_number(time), digits) for time in inner]
    times = (ExactDecimal(start), *decimals, ExactDecimal(end))
    if any(a >= b for a, b in pairwise(times)):
        raise InputError("panels", panels, "fewer panels on so short an interval")
    return times


def working_bits(c: Fraction, square: Fraction, end: Fraction) -> int:
    """Bits at which `v`, `q` and `D^2` keep 96 significant ones in fixed point: their sizes and 96."""
    smallest = min(1 - c, Fraction(1))
    sizes = [(1 / smallest), square + 1, 1 - c]
    powers = sum(2 * max(0, n.numerator.bit_length() - n.denominator.bit_length() + 1) for n in sizes)
    return 96 + powers + math.ceil(3 * end)


def latest_time(c: Fraction, square: Fraction, bits: int) -> Fraction:
    """The latest time for which so many `working_bits` suffice; not positive where the variance takes them all."""
    return Fraction(bits - working_bits(c, square, Fraction(0)), 3)


def bits_within(most: int, c: Fraction, square: Fraction, start: Fraction, end: Fraction, field: str) -> int:
    """`working_bits`, if they are at most so many; else an `InputError` that names the latest time that is served."""
    bits, latest = working_bits(c, square, end), latest_time(c, square, most)
    if bits > most and start < latest:
        raise InputError(field, time_text(end), f"a time of at most {below(latest, 6)}, for which {most} bits suffice")
    if bits > most:
        raise InputError("mixture", f"{bits} bits needed", f"a mixture and times for which {most} bits suffice")
    return bits


def _lower(value: Any) -> Fraction:
    middle, radius = ball_ends(value)
    return middle - radius


def _upper(value: Any) -> Fraction:
    middle, radius = ball_ends(value)
    return middle + radius
