"""Numbers as texts: a few significant digits, rounded to nearest, or down or up where a text has to stay true.

A number that is proved from one side is printed rounded to that side: after "at least" and as a lower end by `below`,
after "at most" and as an upper end by `above`.
"""

from __future__ import annotations

from decimal import MAX_EMAX, MIN_EMIN, ROUND_CEILING, ROUND_FLOOR, ROUND_HALF_EVEN, Context, Decimal
from math import exp, isfinite
from typing import Any

from certflow.numbers.exact import exact_number

#: Exponents of so many digits before the point are not exponentiated: the power of ten would itself be unreadable.
_LONGEST_EXPONENT = 16
#: Digits beyond those shown with which an exponential is computed.
_GUARD = 10


def figure(value: float, digits: int = 5) -> str:
    """A number of a table, `digits` significant, rounded to nearest."""
    return f"{value + 0.0:.{digits}g}"  # which makes -0.0 plain


def below(value: Any, digits: int = 5) -> str:
    """The largest number of `digits` significant digits that is at most `value`.

    value : an exact number (a `Fraction`, the text of a decimal), or a float, which is the binary number that it is; an
    infinite one stays what it is

    >>> below("2.76083879", 6), above("2.7632460759", 6), below(-1.9999, 2), above(-0.00012345, 3)
    ('2.76083', '2.76325', '-2', '-0.000123')
    """
    return _rounded(value, digits, ROUND_FLOOR)


def above(value: Any, digits: int = 5) -> str:
    """The smallest number of `digits` significant digits that is at least `value`; as `below`."""
    return _rounded(value, digits, ROUND_CEILING)


def nearest(value: Any, digits: int = 5) -> str:
    """`figure` of an exact number: rounded once, not first to a float."""
    return _rounded(value, digits, ROUND_HALF_EVEN)


def exponential(exponent: float, digits: int = 4) -> str:
    """`exp(exponent)` as text, rounded to nearest, also beyond the largest float64."""
    if not isfinite(exponent) or abs(exponent) < 690:
        return figure(exp(exponent), digits)
    return _power(exponent, digits, ROUND_HALF_EVEN)


def exponential_above(exponent: Any, digits: int = 4) -> str:
    """The smallest number of `digits` significant digits that is surely at least `exp(exponent)`; as `above`.

    >>> exponential_above("2.7632460759"), exponential_above(1000), exponential_above(0)
    ('15.86', '1.971e+434', '1')
    """
    if isinstance(exponent, float) and not isfinite(exponent):
        return figure(exp(exponent), digits)
    return _power(exponent, digits, ROUND_CEILING)


def _rounded(value: Any, digits: int, rounding: str) -> str:
    if isinstance(value, float) and not isfinite(value):
        return figure(value, digits)
    return _text(_decimal(value, digits, rounding), digits)


def _power(exponent: Any, digits: int, rounding: str) -> str:
    """`exp`, rounded; with an exponent beyond reach the power is left standing: `e^1.2e+20`."""
    size = _decimal(exponent, 1, ROUND_FLOOR).adjusted() + 1
    if size > _LONGEST_EXPONENT:
        return f"e^{_rounded(exponent, digits, rounding)}"
    places = digits + _GUARD
    taken = _decimal(exponent, max(size, 0) + places, rounding)
    if not taken:
        return "1"
    context = _context(places, ROUND_HALF_EVEN)
    found = context.exp(taken)  # correctly rounded, so that the true value lies below its successor
    if rounding == ROUND_CEILING:
        found = context.next_plus(found)
    return _text(_context(digits, rounding).plus(found), digits)


def _decimal(value: Any, digits: int, rounding: str) -> Decimal:
    """A quotient of integers, which `decimal` rounds correctly in every direction."""
    p, q = exact_number(value).as_integer_ratio()
    return _context(digits, rounding).divide(Decimal(p), Decimal(q))


def _context(digits: int, rounding: str) -> Context:
    return Context(prec=digits, rounding=rounding, Emin=MIN_EMIN, Emax=MAX_EMAX, capitals=0, traps=[])


def _text(value: Decimal, digits: int) -> str:
    """As the format `g` writes a float: without zeros at the end, with an exponent where the number is far from 1."""
    if not value:
        return "0"
    sign, figures, exponent = value.as_tuple()
    shown = "".join(map(str, figures)).rstrip("0")
    leading = value.adjusted()
    if -5 < leading < digits:
        plain = Decimal((sign, tuple(map(int, shown)), int(exponent) + len(figures) - len(shown)))
        return f"{plain:f}"
    point = "." if len(shown) > 1 else ""
    return f"{'-' * sign}{shown[0]}{point}{shown[1:]}e{leading:+03d}"
