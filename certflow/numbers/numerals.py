"""Numbers as texts: a few significant digits, and exponentials beyond the largest float64."""

from __future__ import annotations

from math import exp, floor, isfinite, log


def figure(value: float, digits: int = 5) -> str:
    """A number of a table, `digits` significant."""
    return f"{value + 0.0:.{digits}g}"  # which makes -0.0 plain


def exponential(exponent: float, digits: int = 4) -> str:
    """`exp(exponent)` as text, also beyond the largest float64."""
    if not isfinite(exponent):
        return figure(exp(exponent), digits)
    if abs(exponent) < 690:
        return figure(exp(exponent), digits)
    power = floor(exponent / log(10))
    mantissa = f"{exp(exponent - power * log(10)):.{digits - 1}f}"
    return f"{mantissa}e{power:+d}"
