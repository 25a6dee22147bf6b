"""What an enclosure is to the user: two exact decimals, the lower rounded down, the upper rounded up."""

from __future__ import annotations

import re
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from certflow.errors import NotFinite
from certflow.numbers.exact import exact_text
from certflow.numbers.numerals import above, below

#: Digits of an end that `str` shows.
_SHOWN = 10


class ExactDecimal(Fraction):
    """A finite decimal: a `Fraction` that prints as the decimal that it is."""

    def __str__(self) -> str:
        return exact_text(self)

    def __repr__(self) -> str:
        return f"ExactDecimal('{exact_text(self)}')"


def rounded_down(value: Fraction, digits: int) -> ExactDecimal:
    """The largest decimal of `digits` significant digits that is at most `value`."""
    if value == 0:
        return ExactDecimal(0)
    unit = Fraction(10) ** (_leading_exponent(abs(value)) - digits + 1)
    return ExactDecimal((value // unit) * unit)


def rounded_up(value: Fraction, digits: int) -> ExactDecimal:
    """The smallest decimal of `digits` significant digits that is at least `value`."""
    return ExactDecimal(-rounded_down(-value, digits))


def _leading_exponent(value: Fraction) -> int:
    """`floor(log10(value))` of a positive rational."""
    exponent = len(str(value.numerator)) - len(str(value.denominator))
    if Fraction(10) ** exponent > value:
        exponent -= 1
    return exponent


class Ends:
    """Two proved ends, `lower` and `upper`, as text: `[lower, upper]`, rounded outwards to a few digits.

    `str` gives ten digits and how far the ends are apart; a format such as `.40` that many digits; the attributes all.

    >>> found = Enclosure(ExactDecimal("2.76083879"), ExactDecimal("2.76324607591357"))
    >>> print(found)
    [2.76083879, 2.763246076] (relative gap 0.00088)
    >>> found
    Enclosure([2.76083879, 2.763246076] (relative gap 0.00088))
    >>> f"{found:.4}", str(found.upper)
    ('[2.76, 2.764]', '2.76324607591357')
    """

    lower: Fraction
    upper: Fraction

    def __str__(self) -> str:
        told = ", ".join(filter(None, (self._gap(), *self._remarks())))
        return f"{self:.{_SHOWN}}" + (f" ({told})" if told else "")

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self})"

    def _gap(self) -> str:
        """`(upper - lower) / max(|lower|, |upper|)`, rounded up; no words for the same number twice."""
        largest = max(abs(self.lower), abs(self.upper))
        return f"relative gap {above((self.upper - self.lower) / largest, 2)}" if self.lower < self.upper else ""

    def _remarks(self) -> tuple[str, ...]:
        """What else a reader of the ends must know."""
        return () if getattr(self, "complete", True) else ("wider than asked for",)

    def __format__(self, specification: str) -> str:
        """`.N`: N significant digits, the lower end rounded down, the upper one up."""
        if not specification:
            return str(self)
        match = re.fullmatch(r"\.0*([1-9][0-9]{0,3})", specification, re.ASCII)
        if match is None:
            raise ValueError(
                f"an enclosure is written with a format like .6 (digits, rounded outwards), not {specification!r}"
            )
        digits = int(match[1])
        return f"[{below(self.lower, digits)}, {above(self.upper, digits)}]"


@dataclass(frozen=True, repr=False)
class Enclosure(Ends):
    """`lower <= value <= upper`, proved; both ends are exact (`str(...)` is the exact decimal).

    `f"{enclosure:.6}"` rounds them outwards to six significant digits.
    """

    lower: Fraction
    upper: Fraction

    def __post_init__(self) -> None:
        if not self.lower <= self.upper:
            raise ValueError(f"an enclosure must have lower <= upper, not {self.lower} > {self.upper}")

    @classmethod
    def of_fractions(cls, lower: Fraction, upper: Fraction, digits: int) -> Enclosure:
        """Ends rounded outwards to `digits` significant decimal digits."""
        return cls(rounded_down(lower, digits), rounded_up(upper, digits))

    @classmethod
    def of_ball(cls, ball: Any, digits: int | None = None) -> Enclosure:
        """The enclosure that an Arb ball is, with as many digits as its radius justifies (or `digits`).

        Raises
        ------
        NotFinite : a ball that is not finite.
        """
        middle, radius = ball_ends(ball)
        if digits is None:
            size = abs(middle) or radius
            digits = 3 + _leading_exponent(size) - _leading_exponent(radius) if radius else 17
            digits = min(max(digits, 17), 400)
        return cls.of_fractions(middle - radius, middle + radius, digits)

    @property
    def width(self) -> Fraction:
        """`upper - lower`."""
        return self.upper - self.lower

    def __contains__(self, value: Any) -> bool:
        return bool(self.lower <= value <= self.upper)


def ball_ends(ball: Any) -> tuple[Fraction, Fraction]:
    """Midpoint and radius of an Arb ball as exact rationals.

    Raises
    ------
    NotFinite : a ball that is not finite.
    """
    if not ball.is_finite():
        raise NotFinite(f"a ball that is not finite: {ball}")
    return _dyadic(ball.mid()), _dyadic(ball.rad())


def _dyadic(exact: Any) -> Fraction:
    mantissa, exponent = exact.man_exp()
    return Fraction(int(mantissa)) * Fraction(2) ** int(exponent)
